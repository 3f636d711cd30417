/// An operator that folds the elements along some axes into one: `ReduceMax`, `ReduceL2`.
package protocol FoldingOperator: Operator {
    /// Counted from the front, or from the back where negative; none means all.
    var axes: [Int] { get }
    /// Whether the folded axes stay, with the extent 1.
    var keepDims: Bool { get }

    /// The element types that it takes.
    static var types: TypeSet { get }

    /// What the elements of one group become; there may be none.
    func fold(_ values: [Double]) -> Double

    /// The same for integers and bools, exactly, or nil for every group if it is no matter of whole numbers.
    ///
    /// A result outside the type wraps around.
    func fold(_ values: [Int128], as element: ElementType) -> Int128?
}

extension FoldingOperator {
    package static var types: TypeSet { [.numbers, .smallFloats, .smallIntegers] }

    package func fold(_ values: [Int128], as element: ElementType) -> Int128? { nil }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 1)
        let element = try requireCommon(Self.types, inputs)
        let folded = try resolvedAxes(axes, rank: inputs[0].shape.rank)
        let shape = inputs[0].shape.reduced(along: folded)
        return [TensorType(element, try Shape(checking: (keepDims ? shape : shape.without(folded)).extents))]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let type = knownOutputTypes(inputs)[0]
        guard type.shape.count > 0 else { return [HostTensor(zeros: type)] }
        let groups = FoldedGroups(inputs[0].type.shape, folding: foldedAxes(of: inputs[0].type.shape))
        guard type.element.isFloating else { return [foldedWholes(inputs[0], groups, as: type)] }
        return [HostTensor(type, doubles: groups.map(inputs[0].doubles, zero: 0, fold))]
    }

    private func foldedWholes(_ x: HostTensor, _ groups: FoldedGroups, as type: TensorType) -> HostTensor {
        guard fold([1], as: type.element) != nil else {
            return HostTensor(type, doubles: groups.map(x.doubles, zero: 0, fold))
        }
        let values = groups.map(x.wholes, zero: 0) { fold($0, as: type.element) ?? 0 }
        return HostTensor(type, wrapping: values)
    }

    package func exactness(for inputs: [TensorType]) -> Exactness {
        guard inputs[0].element.isFloating else { return .exact }
        let shape = inputs[0].shape
        return .accumulated(terms: foldedAxes(of: shape).reduce(1) { $0 * shape[$1] })
    }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        inputs[0].shape.count
    }

    /// A value of the shape of the output, under the shape that broadcasts with the input.
    func unfolded(
        _ value: ValueID, of node: Node, in builder: inout GraphBuilder
    ) throws(GraphError) -> ValueID {
        let shape = builder.type(of: node.inputs[0]).shape
        let reduced = shape.reduced(along: foldedAxes(of: shape))
        if builder.type(of: value).shape == reduced { return value }
        return try builder.add(Reshape(reduced.extents, allowsZero: true), [value])
    }

    /// The axes counted from the front, in rising order, of a shape that the shape rule has passed.
    package func foldedAxes(of shape: Shape) -> [Int] {
        axes.isEmpty
            ? Array(0..<shape.rank) : axes.map { $0 < 0 ? $0 + shape.rank : $0 }.sorted()
    }
}

/// The elements that are folded into one each: those at `starts[i] + steps[j]` for all j.
struct FoldedGroups {
    private let starts: OffsetGrid
    private let steps: [Int]

    /// The shape has elements along the axes that stay.
    init(_ shape: Shape, folding axes: [Int]) {
        let strides = shape.strides
        let kept = shape.extents.indices.filter { !axes.contains($0) }
        starts = OffsetGrid(kept.map { OffsetGrid.steps(shape[$0], stride: strides[$0]) })
        let isEmpty = axes.contains { shape[$0] == 0 }
        steps =
            isEmpty
            ? [] : OffsetGrid(axes.map { OffsetGrid.steps(shape[$0], stride: strides[$0]) }).offsets
    }

    /// What each group becomes.
    func map<Element, Result>(_ x: [Element], zero: Element, _ fold: ([Element]) -> Result) -> [Result] {
        var group = [Element](repeating: zero, count: steps.count)
        return starts.offsets.map { start in
            for (place, step) in steps.enumerated() { group[place] = x[start + step] }
            return fold(group)
        }
    }
}

/// A reduction as models call it: the axes are an attribute and later an input.
package protocol FoldingModelOperator: FoldingOperator, ModelOperator {
    init(axes: [Int], keepDims: Bool)
    /// The version in which the axes became an input.
    static var axesInputSince: Int { get }
}

extension FoldingModelOperator {
    package static var axesInputSince: Int { 18 }

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        if Self.axesInputSince == .max {
            return WrittenCall(
                Self.schema, ["axes": .ints(axes), "keepdims": .flag(keepDims)], operands: inputs)
        }
        return WrittenCall(
            Self.schema, since: Self.axesInputSince, ["keepdims": .flag(keepDims)], operands: inputs,
            axes.isEmpty ? [] : [.integers(axes)])
    }

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        try call.folded(axesInputSince: axesInputSince, in: &graph) {
            Self(axes: $0, keepDims: $1)
        }
    }
}

extension OperatorCall {
    /// Builds a reduction that the closure makes of its axes and of whether they stay.
    func folded(
        axesInputSince change: Int, in graph: inout GraphBuilder,
        _ make: ([Int], Bool) throws -> some FoldingOperator
    ) throws -> [GraphValue] {
        let data = try input(0)
        let axes = try integers("axes", inputSince: change, at: 1, in: &graph) ?? []
        if axes.isEmpty, version >= change, try flag("noop_with_empty_axes") {
            // Nothing is folded: each element is a group of its own, along an axis that is added for it.
            let alone = try graph.reshaped(data, to: graph.type(of: data).shape.extents + [1])
            return [.tensor(try graph.add(make([-1], false), [alone]))]
        }
        return [.tensor(try graph.add(make(axes, flag("keepdims")), [data]))]
    }
}

extension OperatorSchema {
    /// The schema of a reduction as ONNX has them.
    static func reduction(
        _ name: String, _ summary: String, types: TypeSet = .numbers, axesInputSince change: Int = 18
    ) -> OperatorSchema {
        OperatorSchema(
            name, summary,
            inputs: [
                .required("data", types, "any shape"),
                .optional("axes", .int64, "from version \(change): the axes to fold; none means all"),
            ],
            outputs: [.required("reduced", types, "the shape of data with the extent 1 along the axes")],
            attributes: [
                .int("keepdims", 1, "whether the folded axes stay"),
                .int("noop_with_empty_axes", 0, "whether no axes means that nothing is folded"),
                .ints("axes", nil, "before version \(change): the axes to fold; none means all"),
            ])
    }

    /// The schema of a reduction that only our own operator set has; its axes are an attribute.
    static func ownReduction(
        _ name: String, _ summary: String, types: TypeSet, attributes: [AttributeParameter] = []
    ) -> OperatorSchema {
        OperatorSchema(
            name, domain: .heng, summary,
            inputs: [.required("data", types, "any shape")],
            outputs: [.required("reduced", types, "the shape of data with the extent 1 along the axes")],
            attributes: [
                .ints("axes", nil, "the axes to fold; none means all"),
                .int("keepdims", 1, "whether the folded axes stay"),
            ] + attributes)
    }
}
