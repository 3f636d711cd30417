/// The coordinates of the elements that are not zero, one column each, in row-major order.
package enum NonZero: ModelOperator {
    package static let schema = OperatorSchema(
        "NonZero", since: 9, "The coordinates of the elements that are not zero.",
        inputs: [.required("X", .tensors, "any shape; of strings those that are not empty are found")],
        outputs: [.required("Y", .int64, "one row for each axis, one column for each element found")])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let tensor = try graph.tensor(call.input(0))
        let shape = tensor.type.shape
        let found = tensor.nonZeroIndices
        let type = TensorType(.int64, try Shape(checking: [shape.rank, found.count]))
        try graph.requireRoom(toMake: type, name: schema.name)
        let rows = zip(shape.extents, shape.strides).flatMap { extent, stride in
            found.map { Int64($0 / stride % extent) }
        }
        return [.tensor(graph.constant(HostTensor(type, integers: rows)))]
    }
}

extension HostTensor {
    /// The flat indices of the elements that are not zero, not false and not empty.
    fileprivate var nonZeroIndices: [Int] {
        switch type.element {
        case .string: places(strings) { !$0.isEmpty }
        case .complex64: places(elements(SIMD2<Float>.self)) { $0 != .zero }
        case .complex128: places(elements(SIMD2<Double>.self)) { $0 != .zero }
        default: places(doubles) { $0 != 0 }
        }
    }

    private func places<Element>(_ elements: [Element], where isFound: (Element) -> Bool) -> [Int] {
        elements.indices.filter { isFound(elements[$0]) }
    }
}
