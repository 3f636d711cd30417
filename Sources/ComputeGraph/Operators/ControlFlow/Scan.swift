/// A graph built once for each place along an axis of its scanned inputs, with a state carried from place to place.
package enum Scan: ModelOperator {
    package static let schema = OperatorSchema(
        "Scan", since: 8, "A graph applied to each place along an axis, with a state carried on.",
        inputs: [
            .variadic(
                "initial_state_and_scan_inputs", .tensors,
                "the first states, then the scanned inputs; in version 8 first of all the lengths of the "
                    + "sequences, int64, which may be left out")
        ],
        outputs: [
            .variadic(
                "final_state_and_scan_outputs", .tensors,
                "the last states, then what is gathered along an axis")
        ],
        attributes: [
            .graph(
                "body",
                "takes the states and one part of each scanned input; gives the states and what is gathered"
            ).required,
            .int("num_scan_inputs", nil, "how many of the inputs are scanned").required,
            .ints("scan_input_axes", nil, "the axis along which each input is scanned; 0 if not given"),
            .ints("scan_input_directions", nil, "1 for each input that is scanned from its end"),
            .ints("scan_output_axes", nil, "the axis along which each output is gathered; 0 if not given"),
            .ints("scan_output_directions", nil, "1 for each output that is gathered from its end"),
            .ints("directions", nil, "version 8: 1 for each input that is scanned from its end"),
        ])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        if call.version < 9 { return try buildBatched(call, in: &graph) }
        let ids = try call.allInputs()
        let parts = try split(ids, call)
        let body = try body(of: call, states: parts.states.count, scanned: parts.scanned.count)
        let axes = try flags("scan_input_axes", parts.scanned.count, call)
        let inputs = try inputs(
            parts.scanned, axes: axes, directions: try flags("scan_input_directions", axes.count, call), call,
            graph)
        let length = try commonLength(inputs, call, graph)
        var run = Run(states: parts.states, gathered: [], length: length)
        try run.scan(inputs, with: body, call, in: &graph)

        let count = body.outputCount - parts.states.count
        let outputAxes = try flags("scan_output_axes", count, call)
        let outputDirections = try flags("scan_output_directions", count, call)
        var outputs = run.states.map(GraphValue.tensor)
        for place in 0..<count {
            guard let first = run.gathered[place].first else {
                let type = body.outputTypes[parts.states.count + place]
                outputs.append(.tensor(try call.nothing(of: type, axis: outputAxes[place], in: &graph)))
                continue
            }
            let rank = graph.type(of: first).shape.rank + 1
            let axis = try call.resolved(axis: outputAxes[place], rank: rank)
            let values =
                outputDirections[place] == 0 ? run.gathered[place] : Array(run.gathered[place].reversed())
            outputs.append(.tensor(try graph.stacked(values, axis: axis)))
        }
        return outputs
    }

    /// Version 8: the first axis of all inputs is a batch, and the second one is scanned.
    private static func buildBatched(
        _ call: OperatorCall, in graph: inout GraphBuilder
    ) throws -> [GraphValue] {
        var ids: [ValueID] = []
        for index in call.inputs.indices.dropFirst() { ids.append(try call.input(index)) }
        let parts = try split(ids, call)
        let body = try body(of: call, states: parts.states.count, scanned: parts.scanned.count)
        let directions = try flags("directions", parts.scanned.count, call)
        let first = graph.type(of: parts.scanned[0]).shape
        try call.require(
            first.rank >= 2 && first[0] > 0, "its inputs have a batch and a sequence axis, not \(first)")
        let (batch, length) = (first[0], first[1])
        for id in ids {
            let shape = graph.type(of: id).shape
            try call.require(
                shape.rank > 0 && shape[0] == batch, "the first axis of all inputs is \(batch), not \(shape)")
        }
        let lengths = try self.lengths(call, batch: batch, length: length, in: &graph)
        var states = [[ValueID]](repeating: [], count: parts.states.count)
        var gathered = [[ValueID]](repeating: [], count: body.outputCount - parts.states.count)
        for item in 0..<batch {
            try call.checkIteration(item, in: &graph)
            var run = Run(states: [], gathered: [], length: lengths[item])
            for state in parts.states { run.states.append(try graph.part(of: state, at: item, axis: 0)) }
            var scanned: [ValueID] = []
            for input in parts.scanned { scanned.append(try graph.part(of: input, at: item, axis: 0)) }
            let axes = scanned.map { _ in 0 }
            let inputs = try inputs(scanned, axes: axes, directions: directions, call, graph)
            for input in inputs {
                try call.require(input.length(in: graph) == length, "all scanned inputs are \(length) long")
            }
            try run.scan(inputs, with: body, call, in: &graph)
            for (place, state) in run.states.enumerated() { states[place].append(state) }
            for place in gathered.indices {
                let type = body.outputTypes[parts.states.count + place]
                gathered[place].append(
                    try padded(run.gathered[place], to: length, declared: type, call, in: &graph))
            }
        }
        var outputs: [GraphValue] = []
        for values in states + gathered { outputs.append(.tensor(try graph.stacked(values, axis: 0))) }
        return outputs
    }

    /// What a sequence gathered, and zeros up to the length of the longest.
    private static func padded(
        _ values: [ValueID], to length: Int, declared: ValueType?, _ call: OperatorCall,
        in graph: inout GraphBuilder
    ) throws -> ValueID {
        guard let first = values.first else {
            return try call.nothing(of: declared, extent: length, in: &graph)
        }
        guard values.count < length else { return try graph.stacked(values, axis: 0) }
        let zeros = try graph.zeros(graph.type(of: first))
        let padding = [ValueID](repeating: zeros, count: length - values.count)
        return try graph.stacked(values + padding, axis: 0)
    }

    private static func lengths(
        _ call: OperatorCall, batch: Int, length: Int, in graph: inout GraphBuilder
    ) throws -> [Int] {
        guard let given = try call.optional(0) else { return [Int](repeating: length, count: batch) }
        let lengths = try graph.integers(given)
        try call.require(
            lengths.count == batch && lengths.allSatisfy { $0 >= 0 && $0 <= length },
            "there is one length from 0 to \(length) for each of the \(batch) sequences")
        return lengths
    }

    private static func split(
        _ ids: [ValueID], _ call: OperatorCall
    ) throws(GraphError) -> (states: [ValueID], scanned: [ValueID]) {
        let count = try call.int("num_scan_inputs")
        try call.require(
            count > 0 && count <= ids.count, "num_scan_inputs is \(count), and there are \(ids.count) inputs")
        return (Array(ids.dropLast(count)), Array(ids.suffix(count)))
    }

    private static func body(
        of call: OperatorCall, states: Int, scanned: Int
    ) throws(GraphError) -> any Subgraph {
        try call.subgraph("body", inputs: states + scanned, outputs: states...Int.max)
    }

    /// A number for each of `count` inputs or outputs, 0 where the list is not given.
    private static func flags(
        _ name: String, _ count: Int, _ call: OperatorCall
    ) throws(GraphError) -> [Int] {
        guard let given = try call.optionalInts(name) else { return [Int](repeating: 0, count: count) }
        try call.require(given.count == count, "\(name) has \(given.count) entries, and \(count) are wanted")
        return given
    }

    private static func inputs(
        _ ids: [ValueID], axes: [Int], directions: [Int], _ call: OperatorCall, _ graph: GraphBuilder
    ) throws(GraphError) -> [Scanned] {
        var inputs: [Scanned] = []
        for (place, id) in ids.enumerated() {
            let axis = try call.resolved(axis: axes[place], rank: graph.type(of: id).shape.rank)
            inputs.append(Scanned(id: id, axis: axis, isReversed: directions[place] != 0))
        }
        return inputs
    }

    private static func commonLength(
        _ inputs: [Scanned], _ call: OperatorCall, _ graph: GraphBuilder
    ) throws(GraphError) -> Int {
        let lengths = inputs.map { $0.length(in: graph) }
        try call.require(Set(lengths).count == 1, "its scanned inputs have different lengths: \(lengths)")
        return lengths[0]
    }

    private struct Scanned {
        var id: ValueID
        var axis: Int
        var isReversed: Bool

        func length(in graph: GraphBuilder) -> Int { graph.type(of: id).shape[axis] }
    }

    /// One walk along the scanned inputs.
    private struct Run {
        var states: [ValueID]
        var gathered: [[ValueID]]
        var length: Int

        mutating func scan(
            _ inputs: [Scanned], with body: any Subgraph, _ call: OperatorCall, in graph: inout GraphBuilder
        ) throws {
            gathered = [[ValueID]](repeating: [], count: body.outputCount - states.count)
            for step in 0..<length {
                try call.checkIteration(step, in: &graph)
                let first = graph.graph.values.count
                var values = states.map(GraphValue.tensor)
                for input in inputs {
                    let place = input.isReversed ? length - 1 - step : step
                    values.append(.tensor(try graph.part(of: input.id, at: place, axis: input.axis)))
                }
                let outputs = try call.build(body, inputs: values, in: &graph)
                for (place, value) in outputs.enumerated() {
                    let id = try call.tensor(value, "what the body of a scan gives")
                    if place < states.count {
                        states[place] = id
                    } else {
                        gathered[place - states.count].append(id)
                    }
                }
                graph.forget(valuesSince: first, but: outputs)
            }
        }
    }
}
