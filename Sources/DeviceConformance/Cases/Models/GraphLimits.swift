internal import AcceleratorAPI
internal import CHengAccelerator

extension DeviceCases {
    /// Compiling graphs, and what cannot be one.
    static let graphLimits: [DeviceCase] = [
        .graph("needs-compile", "a graph says whether it changed since it was compiled", 59) { trial in
            let calls = try trial.graphs()
            let sample = try trial.sampleGraph(calls)
            let context = try trial.context()
            func expect(_ needed: Bool, _ model: Handle, _ graph: Handle, _ what: String) throws {
                let (answer, found) = calls.needsCompile(graph, model)
                try answer.done(what)
                try trial.require(
                    found == needed,
                    "\(what), a graph says that it \(found ? "must" : "need not") be compiled.")
            }
            var model = try trial.compiled(calls, sample.graph, in: context)
            try expect(false, model, sample.graph, "just compiled")
            // Looking changes nothing.
            _ = (calls.count(sample.graph), calls.find("sum", in: sample.graph))
            _ = calls.node(sample.nodes[0], of: sample.graph)
            try expect(false, model, sample.graph, "looked at")
            // Each kind of change does.
            let changes: [(String, () -> Answer)] = [
                (
                    "given another operator",
                    {
                        calls.change(sample.nodes[2], of: sample.graph, to: .node("Neg", named: "positive"))
                    }
                ),
                ("given other outputs", { calls.setOutputs([sample.outputs[2]], of: sample.graph) }),
                ("freed of a node", { calls.remove(sample.nodes[3], from: sample.graph) }),
                (
                    "given a node",
                    {
                        calls.add(
                            .node("Relu", named: "again"), reading: [sample.outputs[2]], to: sample.graph
                        ).answer
                    }
                ),
            ]
            for (what, change) in changes {
                try change().done()
                try expect(true, model, sample.graph, what)
                model = try trial.compiled(calls, sample.graph, in: context, "once \(what)")
                try expect(false, model, sample.graph, "compiled again")
            }
            // A change that is refused is none.
            let wrong = calls.change(99, of: sample.graph, to: .node("Neg", named: "none"))
            try wrong.gives(.outOfRange, .graph, when: "of a node that is none")
            try expect(false, model, sample.graph, "after a refused change")
            let other = try trial.sampleGraph(calls)
            try expect(true, model, other.graph, "asked about another graph's model")
            try calls.needsCompile(.null, model).answer.refusesNull()
            try calls.needsCompile(sample.graph, .null).answer.refusesNull()
        },
        .graph("compile-wrong", "a graph without outputs, or for no context, is not compiled", 59, 65) {
            trial in
            let calls = try trial.graphs()
            let context = try trial.context()
            let empty = try trial.graph(calls)
            try calls.compile(empty, in: context).gives(.graph, .model, when: "of an empty graph")
            let sample = try trial.sampleGraph(calls)
            try calls.compile(sample.graph, in: .null).answer.refusesNull()
            try calls.compile(.null, in: context).answer.refusesNull()
            try calls.setOutputs([], of: sample.graph).done("to none")
            try calls.compile(sample.graph, in: context).gives(
                .graph, .model, when: "of a graph without outputs")
        },
        .graph("shapes", "a graph with open extents is compiled for those that are given", 39, 59) { trial in
            let calls = try trial.graphs()
            let graph = try trial.graph(calls)
            let (first, x) = calls.add(.value("x", -1, 3), to: graph)
            try first.done("with an open extent")
            var unranked = TensorShape.value("u")
            unranked.rank = HENG_RANK_UNKNOWN
            try calls.add(unranked, to: trial.graph(calls)).answer.done("of unknown rank")
            let node = calls.add(.node("Neg", named: "turn"), reading: [x], to: graph)
            try node.answer.done("of a value with an open extent")
            try calls.setOutputs(node.outputs, of: graph).done()
            let context = try trial.context()
            try calls.compile(graph, in: context).gives(
                .modelDynamic, when: "without the extents that are open")
            for rows in [Int64(1), 5] {
                var wish = ModelWish()
                wish.shapes = [TensorShape(rows, 3)]
                let model = try calls.compile(graph, in: context, wish).made("for \(rows) rows")
                let values = (0..<Int(rows) * 3).map { Float($0) + 1 }
                try trial.require(
                    trial.output(of: model, [values], count: values.count), is: bytesOf(values.map { -$0 }),
                    "With \(rows) rows")
                try trial.models().unload(model).done()
            }
        },
        .graph("values", "a value's name, rank, type and constant have their limits", 37, 39, 41, 58) {
            trial in
            let calls = try trial.graphs()
            let graph = try trial.graph(calls)
            let most = String(repeating: "n", count: Int(HENG_NAME_LIMIT))
            try calls.add(.value(most, 2), to: graph).answer.done("with a name of 128 letters")
            try calls.add(.value(most + "n", 2), to: graph).answer.gives(
                .invalidArgument, when: "with a name of 129 letters")
            var deep = TensorShape.value("deep")
            deep.dims = [Int64](repeating: 1, count: Int(HENG_RANK_LIMIT))
            try calls.add(deep, to: graph).answer.done("with 128 axes")
            deep.dims.append(1)
            deep.name = "deeper"
            try calls.add(deep, to: graph).answer.gives(.invalidArgument, .outOfRange, when: "with 129 axes")
            try calls.add(.value("typeless", 2, type: 99), to: graph).answer.gives(
                .dataType, when: "of a type that is none")
            try calls.add(.value("undefined", 2, type: HENG_TYPE_UNDEFINED), to: graph).answer.gives(
                .dataType, when: "of the undefined type")
            try calls.add(.value(most, 2), to: graph).answer.gives(.graph, when: "with a name that is taken")
            var short = TensorShape.value("short", 4)
            short.constant = [UInt8](repeating: 0, count: 15)
            try calls.add(short, to: graph).answer.gives(
                .invalidArgument, .outOfRange, when: "of 16 bytes with 15")
            try unsafe trial.rig.call(calls.functions.graph_add_value, "graph_add_value") {
                unsafe $0(graph.raw, nil, nil, $1)
            }.gives(.invalidArgument, .dataType, .version, when: "with a null")
            try calls.add(.value("x", 2), to: .null).answer.refusesNull()
        },
        .graph("nodes", "a node that cannot be is refused, and leaves nothing in the graph", 49, 58) {
            trial in
            let calls = try trial.graphs()
            let sample = try trial.sampleGraph(calls)
            let (x, z) = (sample.values[0], sample.values[1])
            try calls.add(.node("NoSuchOperator", named: "a"), reading: [x], to: sample.graph).answer.gives(
                .operatorName, when: "with an operator that is none")
            try calls.add(.node("Neg", named: "b"), reading: [9999], to: sample.graph).answer.gives(
                .graph, .outOfRange, when: "of a value that is none")
            // Shapes that do not go together, and too few inputs.
            try calls.add(.node("MatMul", named: "c"), reading: [x, z], to: sample.graph).answer.gives(
                .operatorInput, .graph, when: "of shapes that do not fit")
            try calls.add(.node("Add", named: "d"), reading: [x], to: sample.graph).answer.gives(
                .operatorInput, .graph, when: "of one of two inputs")
            try calls.add(.node("Neg", named: "sum"), reading: [x], to: sample.graph).answer.gives(
                .graph, when: "with a name that is taken")
            var attribute = OperatorUse.node("Softmax", named: "e")
            attribute.integers = [("axis", 7)]
            try calls.add(attribute, reading: [x], to: sample.graph).answer.gives(
                .operatorAttribute, .operatorInput, when: "with an axis that is none")
            try calls.change(sample.nodes[1], of: sample.graph, to: .node("MatMul", named: "sum")).gives(
                .operatorInput, .graph, when: "to an operator whose inputs do not fit")
            try calls.change(99, of: sample.graph, to: .node("Neg", named: "f")).gives(
                .outOfRange, .graph, when: "of a node that is none")
            try calls.add(.node("Neg", named: "g"), reading: [x], to: .null).answer.refusesNull()
            try trial.require(
                calls.count(sample.graph).count == 4, "Refused nodes are counted in the graph.")
            let context = try trial.context()
            let model = try trial.compiled(calls, sample.graph, in: context, "after refused nodes")
            try trial.runSample(trial.models(), model, in: context, "after refused nodes")
        },
        .graph("foreign", "a value of another graph, and one that is made later, are none here", 58) {
            trial in
            let calls = try trial.graphs()
            let sample = try trial.sampleGraph(calls)
            let small = try trial.graph(calls)
            let (answer, x) = calls.add(.value("x", 2), to: small)
            try answer.done()
            // A number that only the larger graph has.
            let foreign = sample.outputs[3]
            try calls.add(.node("Neg", named: "a"), reading: [foreign], to: small).answer.gives(
                .graph, .outOfRange, .wrongOwner, when: "of another graph's value")
            try calls.setOutputs([foreign], of: small).gives(
                .graph, .outOfRange, .wrongOwner, when: "to another graph's value")
            // A node cannot read what it makes itself, so no cycle can be built.
            try calls.add(.node("Neg", named: "b"), reading: [x + 1], to: small).answer.gives(
                .graph, .outOfRange, when: "of its own output")
            try calls.setOutputs([HENG_VALUE_NONE], of: small).gives(
                .graph, .outOfRange, .invalidArgument, when: "to no value")
        },
        .graph("cycle", "a model whose nodes read each other in a circle is no graph", 57, 58) { trial in
            let calls = try trial.graphs()
            var circle = SampleModel.model
            circle.nodes[0].inputs = ["s", "w"]
            try calls.read(ModelWish(bytes: circle.bytes)).gives(
                .graph, .model, .modelDeserialize, when: "of nodes in a circle")
            var twice = SampleModel.model
            twice.nodes[3].outputs = ["up"]
            try calls.read(ModelWish(bytes: twice.bytes)).gives(
                .graph, .model, .modelDeserialize, when: "of two nodes that make one value")
            let models = try trial.models()
            let context = try trial.context()
            try models.load(ModelWish(bytes: circle.bytes), in: context).gives(
                .graph, .model, .modelDeserialize, when: "of nodes in a circle")
        },
        .graph("destroy", "graphs go without their models, which run on", 53, 58) { trial in
            let calls = try trial.graphs()
            let origin = try trial.sampleGraph(calls)
            let graph = try calls.create(origin.graph).made("as a copy")
            let context = try trial.context()
            let model = try trial.compiled(calls, graph, in: context)
            try calls.destroy(graph).done()
            try trial.runSample(trial.models(), model, in: context, "after its graph went")
            try calls.destroy(.null).refusesNull()
            if trial.rig.knowsDestroyedHandles {
                try calls.count(graph).answer.gives(.invalidHandle, when: "of a destroyed graph")
                try calls.destroy(graph).gives(.invalidHandle, when: "of a destroyed graph")
                try calls.needsCompile(graph, model).answer.gives(
                    .invalidHandle, when: "of a destroyed graph")
            }
        },
    ]
}
