import CPUBackend
import ComputeGraph
import Essentials
import KernelInterface
import TestSupport
import Testing

@Suite("CPU kernels")
struct KernelTests {
    @Test(arguments: KernelCases.makers.map(\.name))
    func `every kernel of an operator agrees with its reference`(name: String) throws {
        let make = try #require(KernelCases.makers.first { $0.name == name }?.make)
        let bench = try KernelBench()
        var ran: Set<String> = []

        for seed in propertySeeds.prefix(60) {
            var random = SeededGenerator(seed: seed, purpose: name)
            let example = make(&random)
            let reference = example.operator.reference(example.inputs)
            let exactness = example.operator.exactness(for: example.inputs.map(\.type))
            for frozen: Set<Int> in [[], [1]] where example.inputs.count > 1 || frozen.isEmpty {
                let node = try example.signature(frozen: frozen)
                for kernel in CPUKernelProvider().kernels(for: name) where kernel.refusal(for: node) == nil {
                    let results = try bench.run(kernel, node, example.inputs)
                    ran.insert(kernel.name)
                    for (result, expected) in zip(results, reference) {
                        let found = difference(result, from: expected, exactness)
                        #expect(found == nil, "\(kernel.name) on \(node.operator) of \(node.inputs), seed \(seed)")
                    }
                }
            }
        }

        let offered = Set(CPUKernelProvider().kernels(for: name).map(\.name))
        #expect(offered.subtracting(ran).subtracting(["openblas"]) == [], "kernels that took no example")
        #expect(ran.count > 1, "only the reference ran")
    }

    @Test func `every operator with a kernel of its own is tried on random cases`() {
        let tried = Set(KernelCases.makers.map(\.name))

        #expect(CPUKernelProvider.operatorNames.subtracting(tried) == [])
    }
}
