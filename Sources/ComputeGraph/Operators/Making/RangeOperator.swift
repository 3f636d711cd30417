/// Numbers from a start up to a limit, which is left out, at equal distances; ONNX calls it `Range`.
package enum RangeOperator: ModelOperator {
    package static let schema = OperatorSchema(
        "Range", since: 11, "Numbers from a start up to a limit at equal distances.",
        inputs: [
            .required("start", .numbers, "the first number"),
            .required("limit", .numbers, "what no number reaches"),
            .required("delta", .numbers, "the distance; below 0 the numbers fall"),
        ],
        outputs: [.required("output", .numbers, "one axis")],
        attributes: [
            .int("stash_type", 1, "from version 27: the type that float16 is computed in; here it is float64")
        ])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        var numbers: [HostTensor] = []
        for input in try call.allInputs() { numbers.append(try graph.tensor(input)) }
        let element = numbers[0].type.element
        for number in numbers {
            try call.require(
                number.type.shape.count == 1 && number.type.element == element,
                "start, limit and delta are one number each, of one type; here is \(number.type)")
        }
        func room(for count: Int) throws -> TensorType {
            let type = TensorType(element, try Shape(checking: [count]))
            try graph.requireRoom(toMake: type, name: schema.name)
            return type
        }
        if element.isFloating {
            let (start, delta) = (numbers[0].doubles[0], numbers[2].doubles[0])
            let count = ((numbers[1].doubles[0] - start) / delta).rounded(.up)
            let whole = count < 1 ? 0 : Int(exactly: count)
            guard delta != 0, let whole else { throw call.error("it has no end, or holds what is no number") }
            let values = try HostTensor(
                room(for: whole), doubles: (0..<whole).map { start + Double($0) * delta })
            return [.tensor(graph.constant(values))]
        }
        let (start, delta) = (numbers[0].wholes[0], numbers[2].wholes[0])
        try call.require(delta != 0, "the distance is not 0")
        let distance = numbers[1].wholes[0] - start
        let count = distance.signum() != delta.signum() ? 0 : (distance - delta.signum()) / delta + 1
        let type = try room(for: Int(clamping: count))
        let values = (0..<type.shape.count).map { start + Int128($0) * delta }
        return [.tensor(graph.constant(HostTensor(type, wrapping: values)))]
    }
}
