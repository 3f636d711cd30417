import COpenCL
import Essentials

/// OpenCL as a program would use it directly: one context, one queue, one kernel.
final class PlainOpenCL {
    private let context: UInt
    private let queue: UInt
    private let program: UInt
    private let kernel: UInt
    private var memory: [UInt] = []

    init(source: String, kernel name: String, words: Int) throws {
        var devices = [UInt](repeating: 0, count: 8)
        var platforms = devices
        _ = unsafe opencl_platforms(&platforms, 8)
        guard unsafe opencl_devices(platforms[0], &devices, 8) > 0 else { throw Failure("No OpenCL device.") }
        context = opencl_context(devices[0]).handle
        queue = opencl_queue(context, devices[0]).handle
        let text = Array(source.utf8CString)
        program = unsafe opencl_program_of_source(context, text, text.count - 1).handle
        guard unsafe opencl_build(program, devices[0], "") == 0 else {
            throw Failure("The kernel does not build.")
        }
        kernel = unsafe opencl_kernel(program, name).handle
        guard context != 0, queue != 0, kernel != 0 else { throw Failure("OpenCL made nothing.") }
    }

    deinit {
        for buffer in memory { _ = opencl_release_memory(buffer) }
        _ = opencl_release_kernel(kernel)
        _ = opencl_release_program(program)
        _ = opencl_release_queue(queue)
        _ = opencl_release_context(context)
    }

    /// The first arguments, each a buffer of so many floats of 0; made when first asked for.
    func setMemory(_ starts: [Int], count: Int) {
        while memory.count < starts.count {
            let buffer = opencl_buffer(context, 1, UInt64(count * 4)).handle
            let event = opencl_enqueue_fill(queue, buffer, 0, UInt64(count * 4), 0).handle
            _ = opencl_wait(event)
            _ = opencl_release_event(event)
            memory.append(buffer)
        }
        for index in starts.indices { _ = opencl_argument_handle(kernel, UInt32(index), memory[index]) }
    }

    func set(_ index: Int, word: UInt64) { _ = opencl_argument_small(kernel, UInt32(index), word, 4) }

    func submit(_ range: opencl_range) throws {
        let made = opencl_enqueue_kernel(queue, kernel, range)
        guard made.status == 0 else { throw Failure("OpenCL refused the kernel: \(made.status).") }
        _ = opencl_release_event(made.handle)
    }

    func finish() { _ = unsafe opencl_get()?.pointee.clFinish?(queue) }

    func run(_ range: opencl_range) throws {
        try submit(range)
        finish()
    }
}
