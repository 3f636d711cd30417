import CPUBackend
import ComputeGraph
import Essentials
import KernelInterface
import TestSupport
import Testing

@Suite("CPU kernels")
struct KernelTests {
    /// Operators by the operand that meets the zeros of the padding.
    ///
    /// Products with these zeros are computed here and left out by the reference, so a NaN in that operand goes
    /// further here.
    private let paddedOperands: [String: Int] = ["Conv": 1, "FusedConv": 1, "ConvWeightGradient": 0]

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
                        let found = exactness.firstDifference(result, from: expected)
                        #expect(
                            found == nil, "\(kernel.name) on \(node.operator) of \(node.inputs), seed \(seed)"
                        )
                    }
                }
            }
        }

        let offered = Set(CPUKernelProvider().kernels(for: name).map(\.name))
        #expect(
            offered.subtracting(ran).subtracting(["openblas", "openblas-float64"]) == [],
            "kernels that took no example")
        #expect(ran.count > 1, "only the reference ran")
    }

    @Test(arguments: [false, true], [false, true])
    func `large products agree by every kernel`(transposesLeft: Bool, transposesRight: Bool) throws {
        let bench = try KernelBench()
        var random = SeededGenerator(seed: 2)
        let product = MatMul(transposesLeft: transposesLeft, transposesRight: transposesRight)
        let left: Shape = transposesLeft ? [651, 7] : [7, 651]
        let right: Shape = transposesRight ? [643, 651] : [651, 643]
        let example = KernelCase(product, [random.tensor(left), random.tensor(right)])
        let reference = product.reference(example.inputs)
        var ran: Set<String> = []

        for frozen: Set<Int> in [[], [1]] {
            let node = try example.signature(frozen: frozen)
            for kernel in CPUKernelProvider().kernels(for: "MatMul") where kernel.refusal(for: node) == nil {
                let result = try bench.run(kernel, node, example.inputs)[0]
                ran.insert(kernel.name)
                #expect(
                    product.exactness(for: node.inputs).firstDifference(result, from: reference[0]) == nil,
                    "\(kernel.name)")
            }
        }

        #expect(ran == ["packed-gemm", "openblas", "gemm", "reference"])
    }

    @Test(arguments: propertySeeds)
    func `products of float64 take OpenBLAS, and agree with the reference`(seed: UInt64) throws {
        let bench = try KernelBench()
        var random = SeededGenerator(seed: seed, purpose: "float64")
        func tensor(_ extents: [Int]) -> HostTensor {
            let type = TensorType(.float64, Shape(extents))
            return HostTensor(type, doubles: (0..<type.shape.count).map { _ in random.normal() })
        }
        let (rows, terms, columns) = (random.upTo(60), random.upTo(90), random.upTo(700))
        let product = MatMul(transposesLeft: random.below(2) == 0, transposesRight: random.below(2) == 0)
        let batches: [([Int], [Int])] = [([], []), ([2, 3], [3]), ([3], []), ([], [2])]
        let (left, right) = random.pick(batches)
        let example = KernelCase(
            product,
            [
                tensor(left + (product.transposesLeft ? [terms, rows] : [rows, terms])),
                tensor(right + (product.transposesRight ? [columns, terms] : [terms, columns])),
            ])
        let node = try example.signature()
        let kernel = try #require(CPUKernelProvider().choose(for: node).kernel)
        #expect(kernel.name == "openblas-float64")

        let result = try bench.run(kernel, node, example.inputs)[0]

        let reference = product.reference(example.inputs)[0]
        #expect(
            product.exactness(for: node.inputs).firstDifference(result, from: reference) == nil,
            "\(node.inputs)")
    }

    @Test func `a convolution joins images whose pixels share a tile, over several blocks of the depth`()
        throws
    {
        let bench = try KernelBench()
        var random = SeededGenerator(seed: 1)
        let conv = FusedConv(Conv(pads: [1, 1, 1, 1]), hasBias: true, hasResidual: true, activation: .relu)
        let example = KernelCase(
            conv,
            [
                random.tensor([5, 72, 3, 3]), random.tensor([13, 72, 3, 3]), random.tensor([13]),
                random.tensor([5, 13, 3, 3]),
            ])
        let reference = conv.reference(example.inputs)
        let node = try example.signature(frozen: [1])

        for kernel in CPUKernelProvider().kernels(for: "FusedConv") where kernel.refusal(for: node) == nil {
            let result = try bench.run(kernel, node, example.inputs)[0]
            #expect(
                conv.exactness(for: node.inputs).firstDifference(result, from: reference[0]) == nil,
                "\(kernel.name)")
        }
    }

    @Test(arguments: KernelCases.makers.map(\.name))
    func `a NaN in an input goes where the reference has it`(name: String) throws {
        let make = try #require(KernelCases.makers.first { $0.name == name }?.make)
        let bench = try KernelBench()

        for seed in propertySeeds.prefix(10) {
            var random = SeededGenerator(seed: seed, purpose: name)
            var example = make(&random)
            let place = random.below(example.inputs.count)
            guard example.inputs[place].type.element == .float32, paddedOperands[name] != place else {
                continue
            }
            let index = random.below(example.inputs[place].type.shape.count)
            example.inputs[place].withMutableElements(Float.self) { $0[index] = .nan }
            let reference = example.operator.reference(example.inputs)
            let exactness = example.operator.exactness(for: example.inputs.map(\.type))
            let node = try example.signature(frozen: example.inputs.count > 1 ? [1] : [])

            for kernel in CPUKernelProvider().kernels(for: name) where kernel.refusal(for: node) == nil {
                for (result, expected) in zip(try bench.run(kernel, node, example.inputs), reference) {
                    let found = exactness.firstDifference(result, from: expected)
                    #expect(
                        found == nil, "\(kernel.name) on \(node.operator) of \(node.inputs), seed \(seed)")
                }
            }
        }
    }

    @Test func `every operator with a kernel of its own is tried on random cases`() {
        let tried = Set(KernelCases.makers.map(\.name))

        #expect(CPUKernelProvider.operatorNames.subtracting(tried) == [])
    }

    @Test(arguments: [ElementType.int64, .float64, .float16, .uint8, .bool])
    func `kernels written for float32 leave other element types to the reference`(element: ElementType) throws
    {
        let vector = HostTensor(zeros: TensorType(element, [3]))
        let used: [(any Operator, Int)] = [
            (Add(), 2), (Sub(), 2), (Mul(), 2), (Div(), 2), (Neg(), 1), (Relu(), 1), (Gelu(), 1), (Tanh(), 1),
            (Exp(), 1), (Log(), 1), (Sigmoid(), 1), (Sqrt(), 1),
        ]
        for (op, count) in used {
            let example = KernelCase(op, [HostTensor](repeating: vector, count: count))
            guard let node = try? example.signature() else { continue }
            let takers = CPUKernelProvider().kernels(for: op.name).filter { $0.refusal(for: node) == nil }
            #expect(takers.map(\.name) == ["reference"], "\(op.name) of \(element)")
        }
    }

    @Test func `the kernel of Gelu refuses the form that it does not compute`() throws {
        let example = KernelCase(Gelu(.tanh), [HostTensor(.float32(1), floats: [1])])
        let node = try example.signature()

        let takers = CPUKernelProvider().kernels(for: "Gelu").filter { $0.refusal(for: node) == nil }

        #expect(takers.map(\.name) == ["reference"])
    }
}
