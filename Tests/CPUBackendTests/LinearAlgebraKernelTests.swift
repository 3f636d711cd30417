import CPUBackend
import ComputeGraph
import Essentials
import KernelInterface
import TestSupport
import Testing

@Suite("CPU kernels of linear algebra")
struct LinearAlgebraKernelTests {
    private func lapack(_ node: NodeSignature) throws -> any Kernel {
        let kernels = CPUKernelProvider().kernels(for: node.operator.name)
        return try #require(kernels.first { $0.name == "lapack" && $0.refusal(for: node) == nil })
    }

    private let close = Exactness.within(relative: 1e-10, absolute: 1e-10)

    @Test(arguments: KernelCases.makers(of: .float64).map(\.name))
    func `in float64 a kernel agrees with its reference closely`(name: String) throws {
        let make = try #require(KernelCases.makers(of: .float64).first { $0.name == name }?.make)
        let bench = try KernelBench()

        for seed in propertySeeds.prefix(40) {
            var random = SeededGenerator(seed: seed, purpose: name)
            let example = make(&random)
            let node = try example.signature()
            let found = try bench.run(lapack(node), node, example.inputs)
            for (result, expected) in zip(found, example.operator.reference(example.inputs)) {
                let difference = close.firstDifference(result, from: expected)
                #expect(difference == nil, "\(node.operator) of \(node.inputs), seed \(seed)")
            }
        }
    }

    @Test func `singular matrices give the same as the reference, and their neighbours in the batch do not`()
        throws
    {
        let bench = try KernelBench()
        let a = HostTensor(
            TensorType(.float32, [3, 2, 2]), doubles: [1, 2, 2, 4, 2, 1, 1, 2, .nan, 0, 0, .infinity])
        let b = HostTensor(TensorType(.float32, [2, 1]), doubles: [1, 2])
        let cases = [
            KernelCase(Inverse(), [a]), KernelCase(Solve(), [a, b]), KernelCase(LogDeterminant(), [a]),
            KernelCase(Cholesky(), [a]), KernelCase(Pinverse(), [a]), KernelCase(MatrixRank(), [a]),
            KernelCase(Eigh(), [a]), KernelCase(LeastSquares(), [a, b]),
        ]

        for example in cases {
            let node = try example.signature()
            let exactness = node.operator.exactness(for: node.inputs)
            let found = try bench.run(lapack(node), node, example.inputs)
            for (result, expected) in zip(found, example.operator.reference(example.inputs)) {
                #expect(exactness.firstDifference(result, from: expected) == nil, "\(node.operator.name)")
            }
        }
    }

    @Test func `a hundred rows and columns agree`() throws {
        let bench = try KernelBench()
        var random = SeededGenerator(seed: 5)
        var values = (0..<10_000).map { _ in 0.05 * random.normal() }
        for place in 0..<100 { values[place * 101] += Double(place) + 1 }
        let a = HostTensor(TensorType(.float64, [100, 100]), doubles: values)

        for used: any Operator in [Inverse(), QR(), SVD(), Eigh(), Eig(), LogDeterminant(), Pinverse()] {
            let node = try KernelCase(used, [a]).signature()
            let found = try bench.run(lapack(node), node, [a])
            for (result, expected) in zip(found, used.reference([a])) {
                let difference = close.firstDifference(result, from: expected)
                #expect(difference == nil, "\(used.name)")
            }
        }
    }

    @Test func `what it cannot take is refused`() throws {
        for type in [TensorType(.float16, [2, 2]), TensorType(.float32, [0, 0]), .float32(1, 20_000)] {
            let node = NodeSignature(
                operator: QR(), inputs: [type], outputs: try QR().outputTypes(of: [type]), frozenInputs: [])
            #expect(
                CPUKernelProvider().kernels(for: "QR").map { $0.refusal(for: node) == nil } == [false, true])
        }
    }
}
