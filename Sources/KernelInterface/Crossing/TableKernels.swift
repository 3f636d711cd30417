internal import AcceleratorAPI
internal import CHengAccelerator
internal import ComputeGraph
internal import Essentials

/// The kernels of a device that offers operators through its table: any maker's, and our own OpenCL and CUDA ones.
///
/// One kernel stands for all operators; the device is asked node by node. There is no reference implementation
/// behind it, so a node that the device refuses is refused.
package struct TableKernels: KernelProvider {
    private let group: OperatorGroup

    package init(_ group: OperatorGroup) { self.group = group }

    package func kernels(for operatorName: String) -> [any Kernel] {
        [ViewKernel(operatorName: operatorName), TableKernel(operatorName: operatorName, group: group)]
    }

    /// A maker's operators are ONNX's; our fused ones are not among them.
    package var takesFusedOperators: Bool { false }
}

/// Output 0 is input 0 under another shape: nothing has to run.
struct ViewKernel: Kernel {
    let operatorName: String
    var name: String { "view" }

    private static let views: Set<String> = ["Reshape", "Flatten", "Identity"]

    func refusal(for node: NodeSignature) -> Refusal? {
        let keepsType = node.inputs.first?.element == node.outputs.first?.element
        if ViewKernel.views.contains(operatorName), keepsType { return nil }
        return operatorName == "Cast" && keepsType ? nil : "It is not only another view of its input."
    }

    func arithmetic(for node: NodeSignature) -> Arithmetic? { .exact }

    func prepare(
        _ node: NodeSignature, constants: [Int: HostTensor], on device: Device
    ) throws -> any PreparedKernel { PreparedView() }
}

private struct PreparedView: PreparedKernel {
    var isView: Bool { true }
    var determinism: Arithmetic.Determinism { .devices }

    func enqueue(
        inputs: [DeviceBufferView], outputs: [DeviceBufferView], workspace: DeviceBufferView?,
        on stream: borrowing DeviceStream, correlation: UInt64
    ) throws(DeviceError) { try stream.copy(from: inputs[0], to: outputs[0], correlation: correlation) }
}

/// An operator of the device's own.
struct TableKernel: Kernel {
    let operatorName: String
    let group: OperatorGroup
    var name: String { group.device.table.name }

    func refusal(for node: NodeSignature) -> Refusal? {
        do throws(CrossingRefusal) {
            let call = try CrossedCall(node)
            do throws(DeviceError) { return try group.refusal(for: call) } catch {
                return Refusal(error.text)
            }
        } catch { return error.refusal }
    }

    /// The demand crosses with the call, and the device judges it.
    func arithmetic(for node: NodeSignature) -> Arithmetic? { nil }

    func prepare(
        _ node: NodeSignature, constants: [Int: HostTensor], on device: Device
    ) throws -> any PreparedKernel {
        let call: CrossedCall
        do throws(CrossingRefusal) { call = try CrossedCall(node, constants: constants) } catch {
            preconditionFailure("\(operatorName) was not refused: \(error.refusal)")
        }
        return try PreparedTableKernel(call, node, in: group)
    }
}

/// A prepared operator of a device.
@safe final class PreparedTableKernel: PreparedKernel, @unchecked Sendable {
    // Unchecked: the handle never changes, and the header lets any thread execute it.
    private let group: OperatorGroup
    private let handle: OpaquePointer
    /// In the order of the call's inputs.
    private let operands: [Operand]
    private let outputs: [Int?]
    let workspace: ByteCount
    let inPlacePairs: [InPlacePair]
    let determinism: Arithmetic.Determinism

    private enum Operand: Sendable {
        case input(Int)
        case constant(SharedBuffer)
        case omitted
    }

    init(_ call: CrossedCall, _ node: NodeSignature, in group: OperatorGroup) throws {
        var info = unsafe heng_operator_info()
        unsafe info.header = StructCrossing.header(HENG_KIND_OPERATOR_INFO, of: heng_operator_info.self)
        unsafe info.in_place_input = -1
        let handle = try unsafe group.prepare(call, &info)
        unsafe self.handle = unsafe handle
        self.group = group
        outputs = call.outputs
        workspace = ByteCount(bytes: Int(clamping: unsafe info.workspace_bytes))
        let kept = unsafe info.kept_inputs
        determinism = unsafe Arithmetic.Determinism(rawValue: info.determinism) ?? .none
        inPlacePairs = PreparedTableKernel.pairs(call, node, input: Int(unsafe info.in_place_input))
        do {
            operands = try call.inputs.enumerated().map { index, operand in
                switch operand {
                case .input(let input): return .input(input)
                case .omitted: return .omitted
                case .constant(let tensor):
                    let isKept = index < 64 && kept & (1 << UInt64(index)) != 0
                    return isKept ? .omitted : .constant(try group.upload(tensor))
                }
            }
        } catch {
            unsafe group.destroy(handle)
            throw error
        }
    }

    deinit { unsafe group.destroy(handle) }

    private static func pairs(_ call: CrossedCall, _ node: NodeSignature, input: Int) -> [InPlacePair] {
        guard call.inputs.indices.contains(input), case .input(let index) = call.inputs[input],
            call.outputs.first == 0, node.inputs[index].byteCount == node.outputs[0].byteCount
        else { return [] }
        return [InPlacePair(input: index, output: 0)]
    }

    func enqueue(
        inputs: [DeviceBufferView], outputs: [DeviceBufferView], workspace: DeviceBufferView?,
        on stream: borrowing DeviceStream, correlation: UInt64
    ) throws(DeviceError) {
        let count = operands.count + self.outputs.count + 1
        var failure: DeviceError?
        unsafe withUnsafeTemporaryAllocation(of: heng_range.self, capacity: count) { ranges in
            for (place, operand) in operands.enumerated() {
                unsafe ranges.initializeElement(at: place, to: range(of: operand, inputs))
            }
            for (place, output) in self.outputs.enumerated() {
                unsafe ranges.initializeElement(
                    at: operands.count + place, to: output.map { unsafe outputs[$0].range } ?? heng_range())
            }
            unsafe ranges.initializeElement(at: count - 1, to: workspace?.range ?? heng_range())
            guard let base = ranges.baseAddress else { return }
            do throws(DeviceError) {
                try unsafe execute(
                    base, count, hasWorkspace: workspace != nil, on: stream, correlation)
            } catch { failure = error }
        }
        if let failure { throw failure }
    }

    private func range(of operand: Operand, _ inputs: [DeviceBufferView]) -> heng_range {
        switch operand {
        case .input(let index): unsafe inputs[index].range
        case .constant(let buffer): unsafe buffer.view.range
        case .omitted: unsafe heng_range()
        }
    }

    private func execute(
        _ ranges: UnsafeMutablePointer<heng_range>, _ count: Int, hasWorkspace: Bool,
        on stream: borrowing DeviceStream, _ correlation: UInt64
    ) throws(DeviceError) {
        try unsafe group.device.table.call(group.functions.operator_execute, "operator_execute") {
            unsafe $0(
                handle, stream.handle, ranges, UInt32(operands.count), ranges + operands.count,
                UInt32(outputs.count), hasWorkspace ? ranges + (count - 1) : nil, correlation, $1)
        }
    }
}

/// A buffer that a prepared operator keeps.
private final class SharedBuffer: Sendable {
    let buffer: DeviceBuffer

    init(_ buffer: consuming DeviceBuffer) { self.buffer = buffer }

    var view: DeviceBufferView { buffer.view() }
}

extension OperatorGroup {
    fileprivate func prepare(
        _ call: CrossedCall, _ info: inout heng_operator_info
    ) throws(DeviceError) -> OpaquePointer {
        var handle: OpaquePointer?
        try unsafe device.table.call(functions.operator_prepare, "operator_prepare") {
            unsafe $0(context.handle, call.description, &handle, &info, $1)
        }
        guard let handle = unsafe handle else {
            throw DeviceError(
                .general, operation: "operator_prepare",
                text:
                    "The backend \(device.table.name) reported success in operator_prepare but made nothing.")
        }
        return unsafe handle
    }

    fileprivate func destroy(_ handle: OpaquePointer) {
        // There is nobody to tell about a failure.
        _ = unsafe functions.operator_destroy?(handle, nil)
    }

    /// A buffer of the device with the bytes of a tensor.
    fileprivate func upload(_ tensor: HostTensor) throws -> SharedBuffer {
        let buffer = SharedBuffer(try context.makeBuffer(of: ByteCount(bytes: max(1, tensor.type.byteCount))))
        let stream = try context.makeStream()
        try unsafe tensor.withBytes { bytes in
            guard unsafe !bytes.isEmpty else { return }
            try unsafe stream.copy(from: bytes, to: buffer.view)
            try stream.synchronize()
        }
        return buffer
    }
}
