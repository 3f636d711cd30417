internal import AcceleratorAPI
internal import CHengAccelerator

extension DeviceCases {
    /// How graphs are built, searched and changed.
    static let graphBuilding: [DeviceCase] = [
        .graph("build", "a graph of operators and values, compiled, computes what they say", 58, 59) {
            trial in
            let calls = try trial.graphs()
            let sample = try trial.sampleGraph(calls)
            let numbers = sample.values + sample.outputs
            try trial.require(Set(numbers).count == numbers.count, "Two values have one number: \(numbers).")
            try trial.require(
                Set(sample.nodes).count == 4, "Two nodes have one number: \(sample.nodes).")
            let context = try trial.context()
            let model = try trial.compiled(calls, sample.graph, in: context)
            for round in 0..<2 {
                try trial.runSample(trial.models(), model, in: context, round: round, "compiled")
            }
        },
        .graph("find", "nodes are counted, found by name, and tell what they are", 55, 58) { trial in
            let calls = try trial.graphs()
            let empty = try trial.graph(calls)
            try trial.require(calls.count(empty).count == 0, "An empty graph has nodes.")
            let sample = try trial.sampleGraph(calls)
            let (answer, count) = calls.count(sample.graph)
            try answer.done()
            try trial.require(count == 4, "A graph of 4 nodes says that it has \(count).")
            for (index, node) in SampleModel.model.nodes.enumerated() {
                let (answer, number) = calls.find(node.name, in: sample.graph)
                try answer.done("of \(node.name)")
                try trial.require(
                    number == sample.nodes[index],
                    "The node \(node.name) is found as \(number), and is \(sample.nodes[index]).")
                let (told, facts) = calls.node(number, of: sample.graph)
                try told.done("of \(node.name)")
                try trial.require(
                    facts?.name == node.name && facts?.operatorName == node.operatorName
                        && facts?.inputs.count == node.inputs.count && facts?.outputs.count == 1,
                    "The node \(node.name) is told as \(facts.map { "\($0)" } ?? "nothing").")
            }
            let (_, product) = calls.node(sample.nodes[0], of: sample.graph)
            try trial.require(
                product?.inputs.first??.name == "x" && product?.inputs.last??.dims == [16, 8]
                    && product?.outputs.first??.dims == [4, 8]
                    && product?.outputs.first??.type == Int32(HENG_TYPE_FLOAT32),
                "The product of [4, 16] and [16, 8] is told as \(product.map { "\($0)" } ?? "nothing").")
            try calls.find("nobody", in: sample.graph).answer.gives(
                .outOfRange, when: "of a name that is none")
            try calls.node(4, of: sample.graph).answer.gives(.outOfRange, when: "behind the last node")
        },
        .graph("change", "a node gets another operator, and the rest stays", 58, 59) { trial in
            let calls = try trial.graphs()
            let sample = try trial.sampleGraph(calls)
            let context = try trial.context()
            let before = try trial.compiled(calls, sample.graph, in: context)
            try calls.change(sample.nodes[2], of: sample.graph, to: .node("Neg", named: "positive")).done()
            let (answer, facts) = calls.node(sample.nodes[2], of: sample.graph)
            try answer.done()
            try trial.require(
                facts?.operatorName == "Neg", "A changed node is still \(facts?.operatorName ?? "none").")
            let after = try trial.compiled(calls, sample.graph, in: context, "after a change")
            let (x, z) = SampleModel.values(1)
            let (up, down) = SampleModel.results(x, z)
            // What was Relu of the sum is now its negative.
            let sum = zip(down, z).map { $0 + 2 * $1 }
            let given = [trial.memory(bytesOf(x)), trial.memory(bytesOf(z))].map { Place.host($0) }
            for (model, expected) in [(after, sum.map { -$0 }), (before, up)] {
                let results = [trial.memory(up.count * 4), trial.memory(down.count * 4)]
                try trial.models().run(model, given, results.map { .host($0) }).done()
                try trial.require(results[0].bytes, is: bytesOf(expected), "A node that was changed")
                try trial.require(results[1].bytes, is: bytesOf(down), "A node that was not changed")
            }
        },
        .graph("remove", "a node that nobody reads goes, and the others keep their numbers", 58) { trial in
            let calls = try trial.graphs()
            let sample = try trial.sampleGraph(calls)
            try calls.remove(sample.nodes[1], from: sample.graph).gives(
                .graph, when: "of a node whose output another one reads")
            try calls.remove(sample.nodes[3], from: sample.graph).gives(
                .graph, when: "of a node whose output is one of the graph's")
            try calls.setOutputs([sample.outputs[3]], of: sample.graph).done()
            try calls.remove(sample.nodes[2], from: sample.graph).done("that nobody reads any more")
            try calls.remove(sample.nodes[1], from: sample.graph).done("that nobody reads any more")
            try trial.require(
                calls.count(sample.graph).count == 2, "After 2 of 4 nodes went, other than 2 are counted.")
            let (answer, number) = calls.find("difference", in: sample.graph)
            try answer.done("of a later node")
            try trial.require(
                number == sample.nodes[3], "A later node has the number \(number) after earlier ones went.")
            try calls.find("sum", in: sample.graph).answer.gives(.outOfRange, when: "of a removed node")
            try calls.node(sample.nodes[1], of: sample.graph).answer.gives(
                .outOfRange, when: "of a removed node")
            try calls.remove(sample.nodes[1], from: sample.graph).gives(
                .outOfRange, .graph, when: "of a removed node")
            let context = try trial.context()
            let model = try trial.compiled(calls, sample.graph, in: context, "without two of its nodes")
            let (x, z) = SampleModel.values(2)
            try trial.require(
                trial.output(of: model, [x, z], count: z.count), is: bytesOf(SampleModel.results(x, z).down),
                "A graph without two of its nodes")
        },
        .graph("copy", "a copy of a graph is a graph of its own", 58) { trial in
            let calls = try trial.graphs()
            let sample = try trial.sampleGraph(calls)
            let copy = try trial.graph(calls, copying: sample.graph)
            try trial.require(calls.count(copy).count == 4, "A copy of 4 nodes has another number of them.")
            try calls.change(sample.nodes[2], of: sample.graph, to: .node("Neg", named: "positive")).done()
            let (_, kept) = calls.node(sample.nodes[2], of: copy)
            try trial.require(
                kept?.operatorName == "Relu", "A change of a graph changes its copy as well.")
            let context = try trial.context()
            let model = try trial.compiled(calls, copy, in: context, "of a copy")
            try trial.runSample(trial.models(), model, in: context, "compiled from a copy")
        },
        .graph("outputs", "the outputs are those that were said last, in that order", 58, 59) { trial in
            let calls = try trial.graphs()
            let sample = try trial.sampleGraph(calls)
            try calls.setOutputs([sample.outputs[3], sample.outputs[2]], of: sample.graph).done()
            let context = try trial.context()
            let model = try trial.compiled(calls, sample.graph, in: context, "with its outputs exchanged")
            let (x, z) = SampleModel.values(1)
            let (up, down) = SampleModel.results(x, z)
            let results = [trial.memory(up.count * 4), trial.memory(down.count * 4)]
            try trial.models().run(
                model, [.host(trial.memory(bytesOf(x))), .host(trial.memory(bytesOf(z)))],
                results.map { .host($0) }
            ).done()
            try trial.require(results[0].bytes, is: bytesOf(down), "The first of exchanged outputs")
            try trial.require(results[1].bytes, is: bytesOf(up), "The second of exchanged outputs")
        },
        .graph("files", "a graph is read from a model and written as one", 50, 58) { trial in
            let calls = try trial.graphs()
            let graph = try calls.read(ModelWish(bytes: SampleModel.model.bytes)).made("of the sample model")
            trial.atEnd { calls.destroy(graph) }
            let (answer, number) = calls.find("sum", in: graph)
            try answer.done("in a graph that was read")
            try trial.require(
                calls.node(number, of: graph).facts?.operatorName == "Add",
                "The node sum that was read is no Add.")
            let path = "\(try trial.folder())/written.onnx"
            try calls.write(graph, to: path).done()
            let context = try trial.context()
            let models = try trial.models()
            let model = try trial.loaded(models, ModelWish(path: path), in: context)
            try trial.runSample(models, model, in: context, "written and loaded")
            try calls.read(ModelWish(bytes: pattern(300))).answer.refusesModel(when: "of noise")
            try calls.read(ModelWish(path: "\(try trial.folder())/none.onnx")).gives(
                .file, .fileRead, when: "of a file that is not there")
            try calls.write(graph, to: "/no/such/folder/written.onnx").gives(
                .file, .fileWrite, .permission, when: "to a folder that is not there")
        },
    ]
}
