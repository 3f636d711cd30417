import AcceleratorAPI
import Backends
import ComputeGraph
import Conformance
import Essentials
import KernelInterface
import TestSupport
import Testing

/// A kernel for Relu that copies, and goes wrong as told.
private struct WrongKernel: Kernel, PreparedKernel, KernelProvider {
    enum Wrong: Sendable { case nothing, writesBehind, writesBefore, readsFarBehind, countsOnAlignment }

    let wrong: Wrong
    let name = "wrong"
    let operatorName = "Relu"

    func kernels(for operatorName: String) -> [any Kernel] { [self] }
    func arithmetic(for node: NodeSignature) -> Arithmetic? { .exact }

    func refusal(for node: NodeSignature) -> Refusal? { nil }

    func prepare(
        _ node: NodeSignature, constants: [Int: HostTensor], on device: Device
    ) throws -> any PreparedKernel { self }

    func enqueue(
        inputs: [DeviceBufferView], outputs: [DeviceBufferView], workspace: DeviceBufferView?,
        on stream: borrowing DeviceStream, correlation: UInt64
    ) throws(DeviceError) {
        guard let from = unsafe inputs[0].hostAddress, let to = unsafe outputs[0].hostAddress else { return }
        let size = inputs[0].size
        unsafe to.copyMemory(from: from, byteCount: size)
        switch wrong {
        case .nothing: break
        case .writesBehind: unsafe (to + size).storeBytes(of: 1, as: UInt8.self)
        case .writesBefore: unsafe (to - 1).storeBytes(of: 1, as: UInt8.self)
        // One vector register too many.
        case .readsFarBehind:
            unsafe to.storeBytes(of: (from + size + 31).loadUnaligned(as: UInt8.self), as: UInt8.self)
        case .countsOnAlignment: precondition(Int(bitPattern: from) % 64 == 0, "the input is not aligned")
        }
    }
}

private func relu(_ type: TensorType) throws -> Graph {
    var builder = GraphBuilder()
    let x = builder.input("x", type)
    let y = try builder.add(Relu(), [x])
    return builder.build(outputs: [y])
}

private func evaluator(_ kernels: (any KernelProvider)? = nil) throws -> GuardedEvaluator {
    let device = try #require(try Backends.devices().first)
    return try GuardedEvaluator(device: device, kernels: try kernels ?? Backends.kernels(for: device))
}

private func run(_ wrong: WrongKernel.Wrong) throws -> [HostTensor] {
    // Without an axis, so that it is not taken from gaps by the same kernel first.
    let evaluator = try evaluator(WrongKernel(wrong: wrong))
    return try evaluator.run(try relu(TensorType(.float32, [])), inputs: [.scalar(3)])
}

@Suite("Guarded kernels", .timeLimit(.minutes(20)))
struct GuardedEvaluatorTests {
    @Test func `a kernel that keeps to its operands is left alone`() throws {
        #expect(try run(.nothing)[0].floats == [3])
    }

    @Test func `a kernel that writes before its output is told on`() throws {
        let error = try #require(throws: Failure.self) { try run(.writesBefore) }

        #expect(error.summary == "The kernel wrong of Relu wrote beside its operand 1.")
    }

    @Test func `a kernel that writes behind its output ends the process`() async {
        await #expect(processExitsWith: .failure) { _ = try run(.writesBehind) }
    }

    @Test func `a kernel that reads far behind its input ends the process`() async {
        await #expect(processExitsWith: .failure) { _ = try run(.readsFarBehind) }
    }

    @Test func `a kernel that counts on alignment ends the process`() async {
        await #expect(processExitsWith: .failure) { _ = try run(.countsOnAlignment) }
    }

    @Test(arguments: propertySeeds.prefix(20))
    func `the device's own kernels compute the same between guards`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var builder = GraphBuilder()
        let (rows, inner, columns) = (1 + random.below(40), 1 + random.below(40), 1 + random.below(40))
        let x = builder.input("x", .float32(rows, inner))
        let weights = builder.constant("w", tensor(.float32(inner, columns), &random))
        let bias = builder.constant("b", tensor(.float32(columns), &random))
        let product = try builder.add(MatMul(), [x, weights])
        let sum = try builder.add(Add(), [product, bias])
        let active = try builder.add(Relu(), [sum])
        let flat = try builder.add(Reshape([columns, rows]), [active])
        let y = try builder.add(Softmax(axis: -1), [flat])
        let graph = builder.build(outputs: [y, sum])
        let input = tensor(.float32(rows, inner), &random)

        let found = try evaluator().run(graph, inputs: [input])

        let expected = try ReferenceInterpreter.run(graph, inputs: [input])
        for (found, expected) in zip(found, expected) {
            let difference = Exactness.accumulated(terms: inner).firstDifference(found, from: expected)
            #expect(difference == nil)
        }
    }

    private func tensor(_ type: TensorType, _ random: inout SeededGenerator) -> HostTensor {
        HostTensor(type, doubles: (0..<type.shape.count).map { _ in random.normal() })
    }
}
