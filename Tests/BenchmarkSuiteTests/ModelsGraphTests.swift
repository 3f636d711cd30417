import BenchmarkSuite
import ComputeGraph
import Essentials
import Results
import TestSupport
import Testing

@Suite("Model graphs")
struct ModelsGraphTests {
    @Test func `ResNet-50 has the weights and the work of ResNet-50`() throws {
        let specification = ModelSpecification.resnet50(size: 32)
        let graph = try specification.graph(batch: 1)
        let folded = graph.foldingBatchNormalization().graph
        func weights(_ graph: Graph) -> Int {
            // Statistics are no weights.
            graph.parameters.filter {
                !graph.name(of: $0).hasSuffix("mean") && !graph.name(of: $0).hasSuffix("variance")
            }
            .reduce(0) { $0 + graph.type(of: $1).shape.count }
        }

        #expect(weights(graph) == 25_557_032, "as published for ResNet-50")
        #expect((25_500_000...25_700_000).contains(weights(folded)))
        #expect(!folded.nodes.contains { $0.operator is BatchNormalization })
        #expect(folded.nodes.count { $0.operator is Conv } == 53)
        #expect(specification.classes == 1000)
    }

    @Test func `graphs take batches of samples and give rows of scores`() throws {
        for specification in [.resnet50(size: 32), .resnet50(size: 64), .encoder()] + TinyModels.all {
            for batch in [1, 3] {
                let graph = try specification.graph(batch: batch)

                #expect(graph.inputs.map(graph.type(of:)) == [specification.inputType(batch: batch)])
                #expect(graph.outputs.map(graph.type(of:)) == [.float32(batch, specification.classes)])
            }
        }
        #expect(ModelSpecification.resnet50(size: 64).inputType(batch: 2) == .float32(2, 3, 64, 64))
        #expect(ModelSpecification.encoder().inputType(batch: 2) == .int64(2, 128))
    }

    @Test(arguments: propertySeeds.prefix(10))
    func `a folded model gives what the model with its normalisations gives`(seed: UInt64) throws {
        let specification = TinyModels.residual(seed: seed)
        let graph = try specification.graph(batch: 2)
        var random = SeededGenerator(seed: seed)
        var parameters = try specification.generatedWeights()
        for (name, tensor) in parameters where tensor.type.shape.rank == 1 || name.hasPrefix("head") {
            let values = (0..<tensor.type.shape.count).map { _ in Float(0.5 + random.uniform()) }
            parameters[name] = HostTensor(tensor.type, floats: values)
        }
        let folded = graph.foldingBatchNormalization()
        let type = specification.inputType(batch: 2)
        let input = HostTensor(type, floats: (0..<type.shape.count).map { _ in Float(random.normal()) })

        let plain = try ReferenceInterpreter.run(graph, inputs: [input], parameters: parameters)[0]
        let result = try ReferenceInterpreter.run(
            folded.graph, inputs: [input], parameters: try folded.parameters(from: parameters))[0]

        let size = plain.floats.map(abs).max() ?? 0
        #expect(size > 0)
        #expect(zip(result.floats, plain.floats).allSatisfy { abs($0 - $1) <= 1e-5 * size })
    }

    @Test func `a suite's names stand for models in the size of the tier`() throws {
        #expect(try ModelSpecification.named("resnet50", tier: .smoke) == .resnet50(size: 32))
        #expect(try ModelSpecification.named("resnet50", tier: .quick) == .resnet50(size: 32))
        #expect(try ModelSpecification.named("resnet50", tier: .full) == .resnet50(size: 64))
        #expect(try ModelSpecification.named("resnet50", tier: .conformance) == .resnet50(size: 64))
        #expect(try ModelSpecification.named("encoder", tier: .smoke) == .encoder())
        #expect {
            try ModelSpecification.named("alexnet", tier: .smoke)
        } throws: { error in
            let failure = error as? Failure
            return failure?.exitCode == .wrongUse && failure?.nextStep?.contains("resnet50") == true
        }
    }

    @Test func `every model of a suite has a committed accuracy for the samples of each tier`() throws {
        for specification in [ModelSpecification.resnet50(size: 32), .resnet50(size: 64), .encoder()] {
            for samples in [50, 500, 5000] {
                let accuracy = try specification.referenceAccuracy(samples: samples)
                #expect((0.7..<1).contains(accuracy), "\(specification.name), \(samples) samples")
            }
            #expect(throws: Failure.self) { try specification.referenceAccuracy(samples: 51) }
        }
        var other = ModelSpecification.encoder()
        other.seed += 1
        #expect(other.referenceAccuracy == nil)
    }
}
