/// A graph built once for each iteration of a loop: a given number of times, or while a condition holds.
///
/// The condition is run for after each iteration, unless the graph passes it on unchanged.
package enum Loop: ModelOperator {
    package static let schema = OperatorSchema(
        "Loop", "A graph applied again and again to what it gave before, and what it gives gathered.",
        inputs: [
            .optional("M", .int64, "the largest number of iterations; without it there is none"),
            .optional("cond", .bool, "whether to begin; without it the condition is ignored"),
            .variadic("v_initial", .anything, "the first values of what is carried from one iteration on"),
        ],
        outputs: [
            .variadic(
                "v_final_and_scan_outputs", .anything,
                "the last values of what is carried, then the gathered ones along a new first axis")
        ],
        attributes: [
            .graph(
                "body",
                "takes the iteration's number, the condition and the carried values; gives the condition, the "
                    + "carried values and one value for each that is gathered"
            ).required
        ])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        var carried: [GraphValue] = []
        for index in call.inputs.indices.dropFirst(2) { carried.append(try call.value(index)) }
        let count = carried.count
        let body = try call.subgraph("body", inputs: count + 2, outputs: count + 1...Int.max)
        let limit = try call.optional(0) == nil ? nil : call.integer(0, in: &graph)
        let condition = try call.optional(1)
        var holds = try condition.map { try call.condition($0, in: &graph) } ?? true
        var gathered = [[ValueID]](repeating: [], count: body.outputCount - count - 1)
        let truth = graph.constant(HostTensor(TensorType(.bool, []), doubles: [1]))

        var iteration = 0
        while holds, iteration < limit ?? .max {
            try call.checkIteration(iteration, in: &graph)
            let first = graph.graph.values.count
            let number = graph.constant(HostTensor(.int64(), integers: [Int64(iteration)]))
            let outputs = try call.build(
                body, inputs: [.tensor(number), .tensor(truth)] + carried, in: &graph)
            carried = Array(outputs.dropFirst().prefix(count))
            for (place, value) in outputs[(count + 1)...].enumerated() {
                gathered[place].append(try call.tensor(value, "what a loop gathers"))
            }
            iteration += 1
            if condition != nil, iteration < limit ?? .max {
                holds = try call.condition(try call.tensor(outputs[0], "a condition"), in: &graph)
            }
            graph.forget(valuesSince: first, but: outputs)
        }
        for (place, values) in gathered.enumerated() {
            let stack =
                values.isEmpty
                ? try call.nothing(of: body.outputTypes[count + 1 + place], in: &graph)
                : try graph.stacked(values, axis: 0)
            carried.append(.tensor(stack))
        }
        return carried
    }
}
