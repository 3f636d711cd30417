/// Elements that equal one value, which may be NaN, replaced by their feature's stand-in.
package struct Imputer: Operator {
    package static let name = "Imputer"
    package var replaced: Value
    package var imputed: [Value]

    /// A number as the element type counts it.
    package enum Value: Hashable, Sendable {
        case whole(Int64)
        case fraction(Double)

        fileprivate var whole: Int { if case .whole(let value) = self { Int(value) } else { 0 } }
        fileprivate var fraction: Double { if case .fraction(let value) = self { value } else { 0 } }
    }

    /// `imputed` holds one value for each feature, or one for all.
    package init(replaced: Value, imputed: [Value]) {
        self.replaced = replaced
        self.imputed = imputed
    }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 1)
        try requireNumbers(inputs[0])
        let features = inputs[0].shape.extents.last ?? 1
        try require(
            !imputed.isEmpty && (imputed.count == features || imputed.count == 1),
            "there are \(features) features and \(imputed.count) values to put in")
        let isWhole = inputs[0].element.isInteger
        for value in imputed + [replaced] {
            if case .whole(let number) = value {
                try require(isWhole, "\(inputs[0]) is given integers to put in")
                try require(
                    inputs[0].element != .int32 || Int32(exactly: number) != nil, "\(number) is no int32")
            } else {
                try require(!isWhole, "\(inputs[0]) is given floats to put in")
            }
        }
        return inputs
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let type = inputs[0].type
        if type.element.isInteger {
            let values = inputs[0].wholes.enumerated().map { index, x in
                Value.whole(Int64(truncatingIfNeeded: x)) == replaced ? imputedWhole(index) : x
            }
            return [HostTensor(type, wrapping: values)]
        }
        let values = inputs[0].doubles.enumerated().map { index, x in
            isReplaced(x) ? imputedFraction(index) : x
        }
        return [HostTensor(type, doubles: values)]
    }

    private func isReplaced(_ x: Double) -> Bool {
        guard case .fraction(let value) = replaced else { return false }
        return x == value || (x.isNaN && value.isNaN)
    }

    private func imputedWhole(_ index: Int) -> Int128 {
        if case .whole(let value) = imputed[index % imputed.count] { Int128(value) } else { 0 }
    }

    private func imputedFraction(_ index: Int) -> Double {
        if case .fraction(let value) = imputed[index % imputed.count] { value } else { 0 }
    }

    package func exactness(for inputs: [TensorType]) -> Exactness { .exact }
    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int { 0 }
}

extension Imputer: ModelOperator {
    package static let schema = OperatorSchema(
        "Imputer", domain: .machineLearning, "Elements that equal one value replaced by another.",
        inputs: [.required("X", .features, "the last axis holds features")],
        outputs: [.required("Y", .features, "the shape and type of X")],
        attributes: [
            .floats("imputed_value_floats", nil, "for floats: one value for each feature, or one for all"),
            .float("replaced_value_float", 0, "for floats: what is replaced; NaN stands for every NaN"),
            .ints("imputed_value_int64s", nil, "for integers: one value for each feature, or one for all"),
            .int("replaced_value_int64", 0, "for integers: what is replaced"),
        ])

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        switch replaced {
        case .whole(let value):
            return WrittenCall(
                Self.schema,
                [
                    "imputed_value_int64s": .ints(imputed.map(\.whole)),
                    "replaced_value_int64": .int(Int(value)),
                ],
                operands: inputs)
        case .fraction(let value):
            return WrittenCall(
                Self.schema,
                [
                    "imputed_value_floats": .floats(imputed.map(\.fraction)),
                    "replaced_value_float": .float(value),
                ], operands: inputs)
        }
    }

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let input = try call.input(0)
        if graph.type(of: input).element.isInteger {
            let imputed = try call.ints("imputed_value_int64s").map { Value.whole(Int64($0)) }
            let replaced = Value.whole(Int64(try call.int("replaced_value_int64")))
            return [.tensor(try graph.add(Imputer(replaced: replaced, imputed: imputed), [input]))]
        }
        let imputed = try call.floats("imputed_value_floats").map { Value.fraction($0) }
        let replaced = Value.fraction(try call.float("replaced_value_float"))
        return [.tensor(try graph.add(Imputer(replaced: replaced, imputed: imputed), [input]))]
    }
}
