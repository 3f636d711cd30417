internal import AcceleratorAPI
internal import COpenCL
internal import Essentials

/// One argument of a kernel.
enum KernelArgument: Sendable {
    case memory(UInt)
    /// Up to 8 bytes.
    case word(UInt64, size: Int)
    case bytes([UInt8])
    case local(Int)
}

/// A kernel of OpenCL, whose arguments one thread at a time may set.
@safe final class KernelObject: @unchecked Sendable {
    // Unchecked: arguments are set under the monitor.
    let raw: UInt
    let name: String
    private let monitor = Monitor()

    init(raw: UInt, name: String) {
        self.raw = raw
        self.name = name
    }

    deinit { _ = opencl_release_kernel(raw) }

    /// Sets arguments and puts the kernel into a queue, as one step.
    func enqueue(
        _ queue: UInt, _ arguments: [(index: Int, value: KernelArgument)], _ range: opencl_range
    ) -> opencl_made {
        monitor.lock()
        defer { monitor.unlock() }
        for argument in arguments {
            let status = set(UInt32(argument.index), argument.value)
            if status != 0 { return opencl_made(handle: 0, status: status) }
        }
        return opencl_enqueue_kernel(queue, raw, range)
    }

    func set(_ index: UInt32, _ value: KernelArgument) -> Int32 {
        switch value {
        case .memory(let memory): opencl_argument_handle(raw, index, memory)
        case .word(let word, let size): opencl_argument_small(raw, index, word, UInt32(size))
        case .local(let bytes): opencl_argument_local(raw, index, UInt64(bytes))
        case .bytes(let bytes):
            unsafe bytes.withUnsafeBytes { place -> Int32 in
                guard let set = unsafe opencl_get()?.pointee.clSetKernelArg else { return -1 }
                return unsafe set(raw, index, place.count, place.baseAddress)
            }
        }
    }
}
