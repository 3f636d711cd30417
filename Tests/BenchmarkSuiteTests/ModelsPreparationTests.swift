import BenchmarkSuite
import ComputeGraph
import Essentials
import TestSupport
import Testing

/// Of the first 50 evaluation samples; another hash needs another version of the recipe.
private let knownDataHashes = [
    "resnet50-32": "22669b26934b65074069c748b184d1bc24157f2844383640ff464ff1a241ce6d",
    "encoder": "ad9346120fc26a03773a601afc4d27e318b822a14cbb946f14e14aaaff90abd2",
]

@Suite("Prepared models")
struct ModelsPreparationTests {
    @Test(arguments: TinyModels.all)
    func `samples are balanced, of the model's type, and the same however many are asked for`(
        specification: ModelSpecification
    ) throws {
        let (many, _) = try prepared(specification, samples: 40)
        let (few, _) = try prepared(specification, samples: 7)

        #expect(many.sampleCount == 40 && few.sampleCount == 7)
        let labels = (0..<40).map(many.label(of:))
        for label in 0..<specification.dataClasses {
            #expect(labels.count { $0 == label } == 40 / specification.dataClasses)
        }
        for index in 0..<7 {
            #expect(few.label(of: index) == labels[index])
            #expect(few.input(of: index).type == specification.inputType(batch: 1))
            #expect(bytes(few.input(of: index)) == bytes(many.input(of: index)))
        }
        #expect(few.dataHash != many.dataHash)
        #expect(few.modelHash == many.modelHash)
    }

    @Test func `one seed gives one model, another seed another`() throws {
        for make in [TinyModels.residual, TinyModels.encoder] {
            var hashes: Set<String> = []
            for seed in propertySeeds.prefix(8) {
                let (first, _) = try prepared(make(seed), samples: 10)
                let (second, _) = try prepared(make(seed), samples: 10)

                #expect(first.modelHash == second.modelHash)
                #expect(first.dataHash == second.dataHash)
                hashes.formUnion([first.modelHash, first.dataHash])
            }
            #expect(hashes.count == 16)
            #expect(hashes.allSatisfy { $0.count == 64 })
        }
    }

    @Test func `fitted models are right far more often than chance`() throws {
        let device = try firstDevice()
        for specification in TinyModels.all {
            let (model, _) = try prepared(specification, samples: 200)

            let accuracy = try model.accuracy(on: device, samples: 200)

            #expect(accuracy > 3 / Double(specification.dataClasses), "\(specification.name): \(accuracy)")
        }
    }

    @Test(arguments: [ModelSpecification.resnet50(size: 32), .encoder()])
    func `real models are as accurate as committed, and agree with the interpreter`(
        specification: ModelSpecification
    ) throws {
        let device = try firstDevice()
        let (model, messages) = try prepared(specification, samples: 50)
        #expect(model.dataHash == knownDataHashes[specification.name], "data are the same on every machine")

        let accuracy = try model.accuracy(on: device, samples: 50)

        // Another machine may round one sample to the other side.
        #expect(abs(accuracy - (try specification.referenceAccuracy(samples: 50))) < 0.03)
        #expect(try agreement(of: model, device: device, samples: 1).passes)
        #expect(messages.contains { $0.contains("fitting") })
    }

    @Test(arguments: propertySeeds.prefix(10))
    func `generated weights have the deviation of He's rule`(seed: UInt64) throws {
        var specification = ModelSpecification.resnet50(size: 32)
        specification.seed = seed
        guard case .residual(var network) = specification.architecture else { return }
        network.depths = [1]
        specification.architecture = .residual(network)

        let weights = try specification.generatedWeights()

        for name in ["stem.weight", "stage1.block1.middle.weight", "stage1.block1.side.weight"] {
            let tensor = try #require(weights[name])
            let fan = Double(tensor.type.shape.extents.dropFirst().reduce(1, *))
            let scaled = tensor.doubles.map { $0 * (fan / 2).squareRoot() }
            let mean = scaled.reduce(0, +) / Double(scaled.count)
            let variance = scaled.reduce(0) { $0 + $1 * $1 } / Double(scaled.count)
            // Six standard errors of 9408 numbers or more.
            #expect(abs(mean) < 0.065 && abs(variance - 1) < 0.09, "\(name): \(mean), \(variance)")
        }
        #expect(weights["stage1.block1.widen.norm.scale"]?.floats.allSatisfy { $0 == 0.1 } == true)
        #expect(weights["stage1.block1.side.norm.scale"]?.floats.allSatisfy { $0 == 1 } == true)
    }

    @Test func `work and traffic come from the graph`() throws {
        let (model, _) = try prepared(TinyModels.encoder())
        let graph = try model.graph(batch: 3)

        let perLayer = 24 * 32 * 32 * 4 + 2 * 24 * 24 * 32 + 2 * 24 * 32 * 64
        // Products by hand; beyond them there is one operation or so for each element of each value.
        let rest = model.flopPerSample - Double(2 * (2 * perLayer + 32 * 5))
        #expect(try rest > 0 && rest < 10 * elements(model))
        #expect(model.compulsoryBytes(batch: 3) == Double(graph.compulsoryBytes))
    }

    @Test(arguments: propertySeeds.prefix(10)) func `convolutions count two for each weight and place`(
        seed: UInt64
    ) throws {
        var random = SeededGenerator(seed: seed)
        var specification = TinyModels.residual()
        guard case .residual(var network) = specification.architecture else { return }
        network.size = 16 + 8 * random.below(3)
        network.depths = (0..<2).map { _ in 1 + random.below(2) }
        specification.architecture = .residual(network)
        specification.fittingSamples = 10

        let (model, _) = try prepared(specification, samples: 1)

        let graph = try model.graph(batch: 1)
        let products = graph.nodes.reduce(0) { sum, node in
            guard ["Conv", "Gemm", "MatMul"].contains(node.operator.name) else { return sum }
            let terms = graph.type(of: node.inputs[1]).shape
            let perResult = node.operator.name == "Conv" ? terms.count / terms[0] : terms[0]
            return sum + 2 * graph.type(of: node.outputs[0]).shape.count * perResult
        }
        let rest = model.flopPerSample - Double(products)
        #expect(try rest > 0 && rest < 10 * elements(model))
    }

    /// The elements of all values of one sample.
    private func elements(_ model: PreparedModel) throws -> Double {
        let graph = try model.graph(batch: 1)
        return Double(graph.nodes.flatMap(\.outputs).reduce(0) { $0 + graph.type(of: $1).shape.count })
    }

    private func bytes(_ tensor: HostTensor) -> [UInt8] { unsafe tensor.withBytes { unsafe Array($0) } }
}
