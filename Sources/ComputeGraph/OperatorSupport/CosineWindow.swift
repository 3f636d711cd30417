#if canImport(Glibc)
internal import Glibc
#endif

/// A window that is a sum of cosines, `a0 - a1 cos(t) + a2 cos(2 t)`, where t goes once around.
///
/// It takes no inputs. A periodic window would go on with its first element; a symmetric one ends as it begins.
package protocol CosineWindow: ModelOperator, Operator {
    static var coefficients: [Double] { get }

    var size: Int { get }
    var isPeriodic: Bool { get }
    var element: ElementType { get }

    init(size: Int, isPeriodic: Bool, element: ElementType)
}

extension CosineWindow {
    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 0)
        try require(element.isFloating || element.isInteger, "a window is of numbers, not \(element)")
        return [TensorType(element, try Shape(checking: [size]))]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let type = TensorType(element, [size])
        let steps = isPeriodic ? size : size - 1
        // A symmetric window of one element is its middle.
        if size == 1, !isPeriodic { return [HostTensor(type, doubles: [value(at: Double.pi)])] }
        let values = (0..<size).map { value(at: 2 * Double.pi * Double($0) / Double(steps)) }
        return [HostTensor(type, doubles: values)]
    }

    private func value(at angle: Double) -> Double {
        let terms = Self.coefficients
        return terms[0] - terms[1] * cos(angle) + terms[2] * cos(2 * angle)
    }

    package func exactness(for inputs: [TensorType]) -> Exactness { .rounding }

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let window = Self(
            size: try call.integer(0, in: &graph),
            isPeriodic: try call.flag("periodic"),
            element: try call.optionalElementType("output_datatype") ?? .float32)
        return [.tensor(try graph.add(window, []))]
    }

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        WrittenCall(
            Self.schema,
            attributes: [
                "periodic": .int(isPeriodic ? 1 : 0), "output_datatype": .int(Int(element.rawValue)),
            ],
            inputs: [.integer(size)])
    }

    static func windowSchema(_ summary: String) -> OperatorSchema {
        OperatorSchema(
            name, since: 17, summary,
            inputs: [.required("size", .indices, "one number, at least 0")],
            outputs: [.required("output", .numbers, "[size]")],
            attributes: [
                .int(
                    "periodic", 1,
                    "whether the window would go on with its first element, or else is symmetric"),
                .int("output_datatype", 1, "the element type; to integers values are cut"),
            ])
    }
}
