import ComputeGraph
import Essentials
import Execution
import KernelInterface
import TestSupport
import Testing

@Suite("Executable")
struct ExecutableTests {
    let bed: TestBed

    init() throws { bed = try TestBed() }

    @Test(arguments: [1, 3], [true, false])
    func `a residual network and an encoder give what the interpreter gives`(batch: Int, isFrozen: Bool)
        throws
    {
        var random = SeededGenerator(seed: UInt64(batch))
        for graph in [try GraphSamples.residualNetwork(batch: batch), try GraphSamples.encoder(batch: batch)]
        {
            let sample = GraphSample(graph, &random)
            let options = Executable.Options(parametersAreFrozen: isFrozen)
            let executable = try bed.executable(sample.graph, options: options)
            let parameters = try ParameterSet(for: sample.graph, on: bed.device, loading: sample.parameters)

            let results = try Session(executable, parameters: parameters).run(inputs: sample.inputs)

            let expected = try ReferenceInterpreter.run(
                sample.graph, inputs: sample.inputs, parameters: sample.parameters)
            for (result, reference) in zip(results, expected) { #expect(agree(result, reference)) }
        }
    }

    @Test(arguments: propertySeeds)
    func `random graphs give what the interpreter gives`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let sample = GraphSample(try randomGraph(&random), &random)
        let executable = try bed.executable(sample.graph)
        let parameters = try ParameterSet(for: sample.graph, on: bed.device, loading: sample.parameters)
        let session = try Session(executable, parameters: parameters)

        _ = try session.run(inputs: sample.inputs)
        let results = try session.run(inputs: sample.inputs)

        let expected = try ReferenceInterpreter.run(
            sample.graph, inputs: sample.inputs, parameters: sample.parameters)
        for (result, reference) in zip(results, expected) { #expect(agree(result, reference)) }
        #expect(executable.arenaSize <= executable.unplannedSize)
    }

    @Test func `a demand for sums in float64 takes a kernel that has them`() throws {
        // In float32 the middle term is lost.
        let inputs = [
            HostTensor(.float32(1, 3), doubles: [1e8, 1, -1e8]),
            HostTensor(.float32(3, 1), doubles: [1, 1, 1]),
        ]
        let graph = try GraphSamples.product(rows: 1, terms: 3, columns: 1)
        let exact = Arithmetic(accumulation: .float64)

        let executable = try bed.executable(graph, options: Executable.Options(demand: exact))

        #expect(try Session(executable).run(inputs: inputs)[0].doubles == [1])
        #expect(executable.choices[0].kernel == KernelChoice.reference)
        #expect(executable.choices[0].refusals.contains { $0.refusal.kind == .accumulation })
        #expect(try Session(bed.executable(graph)).run(inputs: inputs)[0].doubles == [0])
    }

    @Test func `a demand that no kernel meets names the level`() throws {
        let graph = try GraphSamples.product(rows: 2, terms: 3, columns: 4)
        func executable(_ level: Arithmetic.Determinism) throws -> Executable {
            try bed.executable(
                graph, options: Executable.Options(demand: Arithmetic(determinism: level)))
        }
        #expect(try executable(.threads).determinism == .threads)
        let error = #expect(throws: ExecutionError.self) { try executable(.batch) }
        guard case .noKernel(_, _, let refusals) = error else {
            Issue.record("another error: \(String(describing: error))")
            return
        }
        #expect(refusals.allSatisfy { $0.refusal.kind == .determinism || $0.kernel != "gemm" })
        #expect(refusals.last?.refusal.kind == .determinism)
        #expect(error?.nextStep == "Ask less of the results, or choose another device.")
    }

    /// Values of a few shapes, joined at random, with views, shared readers and several outputs.
    private func randomGraph(_ random: inout SeededGenerator) throws -> Graph {
        var builder = GraphBuilder()
        let size = 4 + random.below(9)
        var values = [builder.input("x", .float32(size, size)), builder.parameter("w", .float32(size, size))]
        values.append(builder.constant("c", random.tensor(.float32(size, size))))
        for _ in 0..<20 {
            let (left, right) = (random.pick(values), random.pick(values))
            let made: ValueID
            switch random.below(8) {
            case 0: made = try builder.add(Add(), [left, right])
            case 1: made = try builder.add(Tanh(), [try builder.add(MatMul(), [left, right])])
            case 2: made = try builder.add(Relu(), [left])
            case 3: made = try builder.add(Transpose([1, 0]), [left])
            case 4: made = try builder.add(Softmax(), [left])
            case 5:
                let line = try builder.add(Reshape([-1]), [left])
                made = try builder.add(Reshape([size, size]), [try builder.add(Tanh(), [line])])
            case 6:
                made = try builder.add(Reshape([size, size]), [try builder.add(Reshape([-1, 1]), [left])])
            default: made = try builder.add(Tanh(), [try builder.add(Mul(), [left, right])])
            }
            values.append(made)
        }
        return builder.build(outputs: [values[values.count - 1], random.pick(values), random.pick(values)])
    }

    @Test func `the choice of kernels is told with the reasons`() throws {
        let executable = try bed.executable(try GraphSamples.residualNetwork(batch: 1))

        let classifier = try #require(executable.choices.first { $0.operatorName == "Gemm" })
        #expect(classifier.kernel == "packed-gemm")
        let first = try #require(executable.choices.first)
        #expect(first.kernel == "implicit-gemm")
        #expect(first.refusals.map(\.kernel) == ["depthwise"])
        #expect(first.refusals[0].refusal.reason.contains("each channel alone"))
    }

    @Test func `executables for several batch sizes share parameters and packed forms`() throws {
        var random = SeededGenerator(seed: 5)
        let sample = GraphSample(try GraphSamples.residualNetwork(batch: 1), &random)
        let parameters = try ParameterSet(for: sample.graph, on: bed.device, loading: sample.parameters)
        let one = try Session(try bed.executable(sample.graph), parameters: parameters)
        let packed = parameters.packedByteCount

        let four = try Session(
            try bed.executable(try GraphSamples.residualNetwork(batch: 4)), parameters: parameters)

        #expect(parameters.packedByteCount == packed)
        let image = sample.inputs[0].floats
        let many = HostTensor(.float32(4, 3, 18, 18), floats: image + image + image + image)
        let single = try one.run(inputs: sample.inputs)[0].floats
        let rows = try four.run(inputs: [many])[0].floats
        for (index, value) in rows.enumerated() { #expect(abs(value - single[index % 10]) < 1e-5) }
    }

    @Test func `parameters loaded later are the ones that the next run uses`() throws {
        var random = SeededGenerator(seed: 6)
        let sample = GraphSample(try GraphSamples.encoder(batch: 1), &random)
        let parameters = try ParameterSet(for: sample.graph, on: bed.device, loading: sample.parameters)
        let session = try Session(try bed.executable(sample.graph), parameters: parameters)
        _ = try session.run(inputs: sample.inputs)
        let others = sample.parameters.mapValues { random.tensor($0.type, scale: 0.2) }

        try parameters.load(others)

        let expected = try ReferenceInterpreter.run(sample.graph, inputs: sample.inputs, parameters: others)
        #expect(agree(try session.run(inputs: sample.inputs)[0], expected[0]))
    }

    @Test func `a tensor of the wrong type is refused with both types`() throws {
        let session = try Session(try bed.executable(try GraphSamples.residualNetwork(batch: 1)))

        #expect {
            try session.run(inputs: [HostTensor(zeros: .float32(1, 3, 5, 5))])
        } throws: { error in
            "\(error)".contains("[1x3x18x18]") && "\(error)".contains("[1x3x5x5]")
        }
    }
}
