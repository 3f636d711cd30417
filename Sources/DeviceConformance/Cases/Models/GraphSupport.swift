internal import CHengAccelerator

/// The numbers of a graph that computes what the sample model computes.
struct SampleGraph {
    let graph: Handle
    /// The values `x`, `z` and `w`.
    let values: [UInt32]
    /// The nodes `product`, `sum`, `positive` and `difference`, and what each makes.
    let nodes: [UInt32]
    let outputs: [UInt32]
}

extension OperatorUse {
    /// A node of a graph: what it reads is told by numbers.
    static func node(_ name: String, named node: String) -> OperatorUse {
        var use = OperatorUse(name, inputs: [], outputs: [])
        use.node = node
        use.version = 13
        return use
    }
}

extension TensorShape {
    /// An input of a graph.
    static func value(_ name: String, _ dims: Int64..., type: Int = HENG_TYPE_FLOAT32) -> TensorShape {
        var shape = TensorShape(type: type)
        shape.dims = dims
        shape.name = name
        return shape
    }
}

extension Trial {
    /// Builds the sample model from operators and values.
    func sampleGraph(_ calls: GraphCalls) throws -> SampleGraph {
        let graph = try graph(calls)
        func value(_ shape: TensorShape) throws -> UInt32 {
            let (answer, number) = calls.add(shape, to: graph)
            try answer.done("of \(shape.name ?? "no name")")
            return number
        }
        let x = try value(.value("x", 4, 16))
        let z = try value(.value("z", 4, 8))
        var weight = TensorShape.value("w", 16, 8)
        weight.constant = bytesOf(SampleModel.weights)
        let w = try value(weight)
        var (nodes, outputs): ([UInt32], [UInt32]) = ([], [])
        func node(_ name: String, _ title: String, _ inputs: [UInt32]) throws -> UInt32 {
            let added = calls.add(.node(name, named: title), reading: inputs, to: graph)
            try added.answer.done("of \(name)")
            nodes.append(added.node)
            outputs += added.outputs
            return added.outputs[0]
        }
        let product = try node("MatMul", "product", [x, w])
        let sum = try node("Add", "sum", [product, z])
        let up = try node("Relu", "positive", [sum])
        let down = try node("Sub", "difference", [product, z])
        try calls.setOutputs([up, down], of: graph).done()
        return SampleGraph(graph: graph, values: [x, z, w], nodes: nodes, outputs: outputs)
    }

    /// Compiles a graph to a model that is unloaded when the case ends.
    func compiled(_ graphs: GraphCalls, _ graph: Handle, in context: Handle, _ what: String = "") throws
        -> Handle
    {
        let models = try models()
        let model = try graphs.compile(graph, in: context).made(what)
        atEnd { models.unload(model) }
        return model
    }

    /// Runs a model with these operands on the host, and gives its only output.
    func output(of model: Handle, _ inputs: [[Float]], count: Int) throws -> [UInt8] {
        let given = inputs.map { memory(bytesOf($0)) }
        let result = memory(count * 4)
        try models().run(model, given.map { .host($0) }, [.host(result)]).done("of a compiled graph")
        try require(whole: result, what: "A compiled graph")
        return result.bytes
    }
}
