import AcceleratorAPI
import CHengAccelerator
import ComputeGraph
import Essentials
import KernelInterface
import SimulatedBackend
import TestSupport
import Testing

@Suite("Operators of simulated devices")
struct OperatorTests {
    private func group(_ sim: Sim) throws -> heng_operator_table {
        let found = try unsafe #require(sim.device.table.group(HENG_KIND_OPERATOR_TABLE))
        return unsafe UnsafeRawPointer(found).assumingMemoryBound(to: heng_operator_table.self).pointee
    }

    private func call(_ node: any Operator, _ inputs: [TensorType]) throws -> CrossedCall {
        try CrossedCall(
            NodeSignature(
                operator: node, inputs: inputs, outputs: try node.outputTypes(of: inputs), name: "layer 1"))
    }

    /// Runs a node once with new buffers and returns its outputs.
    private func run(
        _ sim: Sim, _ node: any Operator, _ inputs: [HostTensor], correlation: UInt64 = 0
    ) throws -> [HostTensor] {
        let table = unsafe try group(sim)
        let context = unsafe try sim.context()
        let stream = unsafe try sim.stream(context)
        let call = try call(node, inputs.map(\.type))
        var prepared: OpaquePointer?
        try unsafe sim.call { unsafe table.operator_prepare(context, call.description, &prepared, nil, $0) }
        let outputs = try node.outputTypes(of: inputs.map(\.type))
        let buffers = try unsafe (inputs.map(\.type) + outputs).map { type in
            unsafe try sim.buffer(context, UInt64(max(1, type.byteCount)))
        }
        var results: [HostTensor] = []
        do {
            for (index, tensor) in inputs.enumerated() {
                try unsafe upload(sim, stream, tensor, buffers[index])
            }
            let ranges = unsafe zip(inputs.map(\.type) + outputs, buffers).map { type, buffer in
                unsafe Sim.range(buffer, UInt64(type.byteCount))
            }
            // Constants that a file holds as inputs are kept inside; their ranges are left out.
            let operands = unsafe call.inputs.map { operand in
                if case .input(let index) = operand { unsafe ranges[index] } else { unsafe heng_range() }
            }
            try unsafe sim.call {
                unsafe table.operator_execute(
                    prepared, stream, operands, UInt32(operands.count), Array(ranges[inputs.count...]),
                    UInt32(outputs.count), nil, correlation, $0)
            }
            for (index, type) in outputs.enumerated() {
                var tensor = HostTensor(zeros: type)
                let bytes = try unsafe sim.read(stream, buffers[inputs.count + index], type.byteCount)
                unsafe tensor.withMutableBytes { unsafe $0.copyBytes(from: bytes) }
                results.append(tensor)
            }
        } catch {
            try unsafe sim.call { unsafe table.operator_destroy(prepared, $0) }
            unsafe try sim.end(context, streams: [stream], buffers: buffers)
            throw error
        }
        try unsafe sim.call { unsafe table.operator_destroy(prepared, $0) }
        unsafe try sim.end(context, streams: [stream], buffers: buffers)
        return results
    }

    private func upload(
        _ sim: Sim, _ stream: Sim.Handle, _ tensor: HostTensor, _ buffer: Sim.Handle
    ) throws {
        let size = tensor.type.byteCount
        guard size > 0 else { return }
        try unsafe tensor.withBytes { bytes in
            let host = unsafe heng_range(
                buffer: nil, host: UnsafeMutableRawPointer(mutating: bytes.baseAddress), offset: 0,
                size: UInt64(size))
            try unsafe sim.copy(stream, to: Sim.range(buffer, UInt64(size)), from: host, UInt64(size))
            try unsafe sim.synchronize(stream)
        }
    }

    private func tensor(_ extents: [Int], _ random: inout SeededGenerator) -> HostTensor {
        let shape = Shape(extents)
        return HostTensor(
            TensorType(.float32, shape), floats: (0..<shape.count).map { _ in Float(random.normal()) })
    }

    @Test(arguments: propertySeeds.prefix(20))
    func `results are those of the reference implementations, bit for bit`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let (rows, inner, columns) = (1 + random.below(4), 1 + random.below(5), 1 + random.below(6))
        let matrix = tensor([rows, inner], &random)
        let cases: [(any Operator, [HostTensor])] = [
            (Add(), [matrix, tensor([inner], &random)]),
            (MatMul(), [matrix, tensor([inner, columns], &random)]), (Softmax(axis: 0), [matrix]),
            (Transpose([1, 0]), [matrix]), (Concat(axis: 1), [matrix, matrix]),
            (ReduceSum(axes: [0], keepDims: false), [matrix]), (Cast(to: .float64), [matrix]),
        ]
        let sim = try Sim()
        for (node, inputs) in cases {
            let results = try run(sim, node, inputs)
            let expected = node.reference(inputs)
            #expect(results.map(\.type) == expected.map(\.type), "\(node.name)")
            for (one, other) in zip(results, expected) {
                let isSame = unsafe one.withBytes { left in
                    unsafe other.withBytes { right in unsafe left.elementsEqual(right) }
                }
                #expect(isSame, "\(node.name)")
            }
        }
    }

    @Test func `an operator takes its latency, its bytes and its operations`() throws {
        let sim = try Sim { $0.operationsPerSecond = 1_000_000_000 }
        let context = unsafe try sim.context()
        let stream = unsafe try sim.stream(context)
        let (start, end) = unsafe (try sim.event(context), try sim.event(context))
        let table = unsafe try group(sim)
        let call = try call(MatMul(), [.float32(2, 3), .float32(3, 4)])
        var prepared: OpaquePointer?
        try unsafe sim.call { unsafe table.operator_prepare(context, call.description, &prepared, nil, $0) }
        let buffer = unsafe try sim.buffer(context, 1000)
        let inputs = unsafe [Sim.range(buffer, 24), Sim.range(buffer, 48, offset: 256)]
        let outputs = unsafe [Sim.range(buffer, 32, offset: 512)]
        unsafe try sim.record(start, stream)
        try unsafe sim.call {
            unsafe table.operator_execute(prepared, stream, inputs, 2, outputs, 1, nil, 0, $0)
        }
        unsafe try sim.record(end, stream)
        unsafe try sim.synchronize(stream)
        // 1000 ns, 24 + 48 + 32 bytes at 1 ns, and 2 * 2 * 3 * 4 operations at 1 ns.
        #expect(try unsafe sim.nanoseconds(from: start, to: end) == 1000 + 104 + 48)

        let few = try failure { () throws(DeviceError) in
            try unsafe sim.call {
                unsafe table.operator_execute(prepared, stream, inputs, 1, outputs, 1, nil, 0, $0)
            }
        }
        #expect(few.code == .operatorInput && few.operatorName == "MatMul" && few.node == "layer 1")
        let small = unsafe [Sim.range(buffer, 31)]
        let short = try failure { () throws(DeviceError) in
            try unsafe sim.call {
                unsafe table.operator_execute(prepared, stream, inputs, 2, small, 1, nil, 0, $0)
            }
        }
        #expect(short.code == .outOfRange)
        try unsafe sim.call { unsafe table.operator_destroy(prepared, $0) }
        unsafe try sim.end(context, streams: [stream], events: [start, end], buffers: [buffer])
    }

    @Test func `faults find an operator by its name, and errors name it`() throws {
        let sim = try Sim {
            $0.faults = [
                Fault(operatorName: "Add", .call(2), .lateError(.execution, .stream)),
                Fault(
                    function: "operator_execute", operatorName: "Mul", .always,
                    .wrongResult(.add(element: 1, amount: 2.5))),
            ]
        }
        var random = SeededGenerator(seed: 3)
        let matrix = tensor([2, 2], &random)
        // The first call of the script's Add is its preparation, the second its run.
        let error = try #require(throws: DeviceError.self) {
            _ = try run(sim, Add(), [matrix, matrix], correlation: 31)
        }
        #expect(error.operatorName == "Add" && error.correlation == 31 && error.node == "layer 1")
        let wrong = try run(sim, Mul(), [matrix, matrix])[0].floats
        let right = Mul().reference([matrix, matrix])[0].floats
        #expect(wrong[0] == right[0] && wrong[2...] == right[2...])
        #expect(wrong[1] == right[1] + 2.5)
    }

    @Test func `the operator table and types of the settings refuse with a reason`() throws {
        let sim = try Sim {
            $0.operators = .except(["Softmax"])
            $0.types = [.float32]
        }
        let table = unsafe try group(sim)
        func reason(_ node: any Operator, _ inputs: [TensorType]) throws -> (Int32, String) {
            var refusal = unsafe heng_refusal()
            unsafe refusal.header = Sim.header(HENG_KIND_REFUSAL, heng_refusal.self)
            let call = try self.call(node, inputs)
            let error = try failure { () throws(DeviceError) in
                try unsafe sim.call {
                    unsafe table.operator_supports(sim.device.handle, call.description, &refusal, $0)
                }
            }
            #expect(error.code == .unsupported)
            let text = unsafe withUnsafeBytes(of: refusal.text) {
                unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            #expect(text == error.text)
            return unsafe (refusal.reason, text)
        }
        let softmax = try reason(Softmax(axis: 0), [.float32(2)])
        #expect(softmax.0 == Int32(HENG_REFUSAL_OPERATOR) && softmax.1.contains("Softmax"))
        #expect(try reason(Add(), [.int64(2), .int64(2)]).0 == Int32(HENG_REFUSAL_TYPE))
        #expect(try reason(Cast(to: .int64), [.float32(2)]).0 == Int32(HENG_REFUSAL_TYPE))
        let sum = try self.call(Add(), [.float32(2), .float32(2)])
        try unsafe sim.call {
            unsafe table.operator_supports(sim.device.handle, sum.description, nil, $0)
        }

        let group = try #require(try OperatorGroup(of: sim.device))
        let names = try group.list().map(\.name)
        #expect(names.contains("Add") && !names.contains("Softmax") && !names.contains("If"))
        #expect(try group.list().first { $0.name == "Add" }?.types == [1])
    }

    @Test func `shapes are inferred into the caller's room`() throws {
        let sim = try Sim()
        let table = unsafe try group(sim)
        let call = try call(MatMul(), [.float32(5, 2, 3), .float32(3, 4)])
        var dims = [Int64](repeating: -7, count: 2)
        try unsafe dims.withUnsafeMutableBufferPointer { room throws(DeviceError) in
            var inferred = unsafe heng_inferred_tensor()
            unsafe inferred.header = Sim.header(HENG_KIND_INFERRED_TENSOR, heng_inferred_tensor.self)
            unsafe inferred.dims = room.baseAddress
            unsafe inferred.capacity = 2
            try unsafe withUnsafeMutablePointer(to: &inferred) { place throws(DeviceError) in
                let places: [UnsafeMutablePointer<heng_inferred_tensor>?] = unsafe [place]
                try unsafe sim.call {
                    unsafe table.operator_infer(sim.device.handle, call.description, places, 1, $0)
                }
            }
            #expect(unsafe inferred.rank == 3 && inferred.type == Int32(HENG_TYPE_FLOAT32))
        }
        #expect(dims == [5, 2])
    }
}
