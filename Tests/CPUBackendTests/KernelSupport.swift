import AcceleratorAPI
import CPUBackend
import ComputeGraph
import Essentials
import KernelInterface

/// Runs single kernels on the first CPU device.
final class KernelBench {
    let device: Device
    private let context: DeviceContext
    private let stream: DeviceStream

    init() throws {
        let devices = try DeviceRegistry.shared.devices(of: CPUDevices.backend)
        guard let first = devices.first else { throw Failure("This machine has no CPU device.") }
        device = first
        context = try first.makeContext()
        stream = try context.makeStream()
    }

    /// Prepares the kernel for the node and runs it once on the tensors; outputs start as NaN bytes.
    func run(_ kernel: any Kernel, _ node: NodeSignature, _ inputs: [HostTensor]) throws -> [HostTensor] {
        let prepared = try kernel.prepare(node, constants: [:], on: device)
        let inputBuffers = try inputs.enumerated().map { index, tensor in
            try upload(tensor, packed: prepared.packings[index])
        }
        let outputBuffers = try node.outputs.map { try SharedBuffer(bytes: $0.byteCount, context, stream) }
        let workspace =
            prepared.workspace == .zero
            ? nil : try SharedBuffer(bytes: prepared.workspace.bytes, context, stream)
        try prepared.enqueue(
            inputs: inputBuffers.map(\.view), outputs: outputBuffers.map(\.view), workspace: workspace?.view,
            on: stream, correlation: 0)
        try stream.synchronize()
        return zip(node.outputs, outputBuffers).map { type, buffer in buffer.tensor(type) }
    }

    private func upload(_ tensor: HostTensor, packed packing: Packing?) throws -> SharedBuffer {
        let buffer = try SharedBuffer(
            bytes: packing?.size.bytes ?? tensor.type.byteCount, context, stream)
        unsafe tensor.withBytes { bytes in
            guard let packing else { return unsafe buffer.bytes.copyMemory(from: bytes) }
            unsafe packing.pack(
                bytes, UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[..<packing.size.bytes]))
        }
        return buffer
    }
}

/// A buffer that fits into arrays, filled with 0xFF so that a kernel that reads or leaves what it should not shows.
private final class SharedBuffer {
    private let buffer: DeviceBuffer

    init(bytes: Int, _ context: borrowing DeviceContext, _ stream: borrowing DeviceStream) throws {
        buffer = try context.makeBuffer(of: ByteCount(bytes: max(bytes, 64)))
        try stream.fill(buffer.view(), with: 0xFF)
        try stream.synchronize()
    }

    var view: DeviceBufferView { buffer.view() }

    var bytes: UnsafeMutableRawBufferPointer {
        unsafe UnsafeMutableRawBufferPointer(start: buffer.hostAddress, count: buffer.size.bytes)
    }

    func tensor(_ type: TensorType) -> HostTensor {
        var result = HostTensor(zeros: type)
        unsafe result.withMutableBytes { target in
            unsafe target.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<type.byteCount]))
        }
        return result
    }
}
