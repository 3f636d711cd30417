import ComputeGraph
import Essentials
import TestSupport
import Testing

@Suite("Whole models")
struct ModelTests {
    @Test(arguments: ModelSample.all, Array(propertySeeds.prefix(5)))
    func `a model's gradient agrees with finite differences`(of model: ModelSample, seed: UInt64) throws {
        var random = SeededGenerator(seed: seed, purpose: "\(model)")
        let graph = try model.lossGraph()
        let inputs = random.inputs(of: graph)
        let parameters = random.parameters(of: graph)

        let subject = try DifferentiatedGraph(graph, inputs: inputs, parameters: parameters)

        try subject.expectGradientsToAgree(directions: 5, random: &random)
    }

    @Test(arguments: ModelSample.all, Array(propertySeeds.prefix(10)))
    func `folding and fusion keep what a model computes`(of model: ModelSample, seed: UInt64) throws {
        var random = SeededGenerator(seed: seed, purpose: "\(model)")
        let graph = try model.graph()
        let inputs = random.inputs(of: graph)
        let parameters = random.parameters(of: graph)
        let expected = try ReferenceInterpreter.run(graph, inputs: inputs, parameters: parameters)[0]

        let folded = graph.foldingBatchNormalization()
        let foldedParameters = try folded.parameters(from: parameters)
        let fused = folded.graph.fused()

        for changed in [folded.graph, fused] {
            let found = try ReferenceInterpreter.run(changed, inputs: inputs, parameters: foldedParameters)[0]
            #expect(Exactness.rounding.firstDifference(found, from: expected) == nil)
        }
        let plain = try ReferenceInterpreter.run(graph.fused(), inputs: inputs, parameters: parameters)[0]
        #expect(Exactness.rounding.firstDifference(plain, from: expected) == nil)
    }

    @Test func `no batch normalisation and no lone activation is left of a residual network`() throws {
        let graph = try ModelSample.residualNetwork.graph()

        let fused = graph.foldingBatchNormalization().graph.fused()

        let names = fused.nodes.map(\.operator.name)
        #expect(
            names == [
                "FusedConv", "FusedConv", "Conv", "FusedConv", "MaxPool", "GlobalAveragePool", "Flatten",
                "Gemm",
            ])
        #expect(Set(fused.parameters.map(fused.name(of:))).count == 10)
    }

    @Test func `an encoder's biases, residuals and activation are fused into its products`() throws {
        let fused = try ModelSample.encoder.graph().fused()

        let products = fused.nodes.compactMap { $0.operator as? FusedMatMul }
        #expect(products.count == 6)
        #expect(products.allSatisfy { $0.hasBias })
        #expect(products.count { $0.hasResidual } == 2)
        #expect(products.count { $0.activation == .gelu } == 1)
        #expect(!fused.nodes.contains { $0.operator is Add || $0.operator is Gelu })
    }

    @Test func `what another node reads is neither folded nor fused away`() throws {
        var builder = GraphBuilder()
        let x = builder.input("x", .float32(1, 1, 2, 2))
        let y = try builder.convolution(x, filters: 1, kernel: 1, name: "conv")
        let normalized = try builder.batchNormalization(y, name: "norm")
        let activated = try builder.add(Relu(), [y])
        let graph = builder.build(outputs: [normalized, activated])

        let changed = graph.foldingBatchNormalization().graph.fused()

        #expect(changed.nodes.map(\.operator.name) == graph.nodes.map(\.operator.name))
        #expect(changed.parameters == graph.parameters)
    }
}

@Suite("Graphs")
struct GraphTests {
    @Test func `a value used twice has the sum of both gradients`() throws {
        var builder = GraphBuilder()
        let x = builder.parameter("x", .float32())
        let unused = builder.parameter("unused", .float32(2))
        let loss = try builder.add(Mul(), [x, try builder.add(Add(), [x, x])])
        let graph = try builder.build(outputs: [loss]).gradients(of: loss, by: [x, unused])

        let results = try ReferenceInterpreter.run(
            graph, inputs: [], parameters: ["x": .scalar(3), "unused": HostTensor(zeros: .float32(2))])

        #expect(results.map(\.floats) == [[18], [12], [0, 0]])
    }

    @Test func `only the gradient of one number can be taken`() throws {
        var builder = GraphBuilder()
        let x = builder.parameter("x", .float32(2))
        let graph = builder.build(outputs: [x])

        #expect(throws: GraphError.notOneNumber(name: "x", type: .float32(2))) {
            try graph.gradients(of: x, by: [x])
        }
    }

    @Test func `the interpreter names what is missing or of another type`() throws {
        var builder = GraphBuilder()
        let x = builder.input("x", .float32(2))
        let w = builder.parameter("w", .float32(2))
        let sum = try builder.add(Add(), [x, w])
        let graph = builder.build(outputs: [sum])
        let good = HostTensor(zeros: .float32(2))

        #expect(throws: GraphError.missingParameter(name: "w")) {
            try ReferenceInterpreter.run(graph, inputs: [good])
        }
        #expect(throws: GraphError.wrongInputCount(wanted: 1, given: 0)) {
            try ReferenceInterpreter.run(graph, inputs: [], parameters: ["w": good])
        }
        #expect(throws: GraphError.wrongType(name: "x", wanted: .float32(2), given: .int64(2))) {
            try ReferenceInterpreter.run(
                graph, inputs: [HostTensor(zeros: .int64(2))], parameters: ["w": good])
        }
    }
}
