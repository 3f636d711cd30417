internal import AcceleratorAPI
internal import COpenCL
internal import Essentials
internal import OpenCLKernelSources
internal import Synchronization

/// The programs of one device: built once in the process, and kept in files for the next one.
@safe final class ProgramStore: @unchecked Sendable {
    // Unchecked: what changes is locked.
    private let device: UInt
    private let facts: DeviceFacts
    private let programs = Mutex<[String: UInt]>([:])
    private let counts = Mutex(Counts())

    /// Where programs came from.
    struct Counts: Sendable {
        var built = 0
        var loaded = 0
    }

    init(device: UInt, facts: DeviceFacts) {
        self.device = device
        self.facts = facts
    }

    var origins: Counts { counts.withLock { $0 } }

    func close() {
        programs.withLock { programs in
            for program in programs.values { _ = opencl_release_program(program) }
            programs.removeAll()
        }
    }

    /// A kernel of ours, ready for arguments.
    func kernel(_ name: KernelName, in context: UInt) throws(DeviceError) -> KernelObject {
        let options = name.options(hasDouble: facts.hasDouble)
        let key = "\(name.file.rawValue) \(options)"
        let outcome = programs.withLock { programs -> Result<UInt, DeviceError> in
            if let program = programs[key] { return .success(program) }
            do throws(DeviceError) {
                let program = try open(name.file, options, in: context)
                programs[key] = program
                return .success(program)
            } catch { return .failure(error) }
        }
        let program = try outcome.get()
        let made = unsafe name.kernel.withCString { unsafe opencl_kernel(program, $0) }
        return KernelObject(
            raw: try made.get("operator_prepare", "No kernel \(name.kernel)"), name: name.kernel)
    }

    private func open(
        _ file: OpenCLKernelSources.File, _ options: String, in context: UInt
    ) throws(DeviceError) -> UInt {
        let source = OpenCLKernelSources.common + OpenCLKernelSources.text(of: file)
        let key = [facts.programKey, options, ProgramFile.name(of: source)].joined(separator: "\n")
        let kept = ProgramFile(key: key)
        if let binary = kept?.read(),
            let program = try? Program.ofBinary(binary, device: device, context: context)
        {
            counts.withLock { $0.loaded += 1 }
            return program
        }
        let program = try Program.ofSource(source, options, device: device, context: context)
        counts.withLock { $0.built += 1 }
        if let kept, let binary = Program.binary(of: program) { kept.write(binary) }
        return program
    }
}

/// Which kernel in which form: its file, its own name, and what the file is compiled with.
struct KernelName: Hashable, Sendable {
    var file: OpenCLKernelSources.File
    var kernel: String
    var type: Int32 = 0
    var defines: [String] = []

    func options(hasDouble: Bool) -> String {
        var words = ["-DHENG_KERNEL_\(kernel)"]
        if type != 0 { words.append("-DHENG_TYPE=\(type)") }
        if hasDouble { words.append("-DHENG_FP64") }
        words += defines.map { "-D\($0)" }
        return words.joined(separator: " ")
    }
}

/// Programs of OpenCL, from text and from what a driver made of it.
enum Program {
    static func ofSource(
        _ text: [UInt8], _ options: String, device: UInt, context: UInt
    ) throws(DeviceError) -> UInt {
        let made = unsafe text.withUnsafeBytes { bytes in
            unsafe opencl_program_of_source(
                context, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count)
        }
        let program = try made.get("module_load", "No program")
        let status = unsafe options.withCString { unsafe opencl_build(program, device, $0) }
        guard status != 0 else { return program }
        let log = buildLog(program, device)
        _ = opencl_release_program(program)
        var error = OpenCLStatus.error(status, "module_load", "The program does not compile")
        if !log.isEmpty { error.text += "\n\(log)" }
        throw error
    }

    static func ofBinary(_ bytes: [UInt8], device: UInt, context: UInt) throws(DeviceError) -> UInt {
        let made = unsafe bytes.withUnsafeBytes { place in
            unsafe opencl_program_of_binary(
                context, device, place.baseAddress?.assumingMemoryBound(to: UInt8.self), place.count)
        }
        let program = try made.get("module_load", "The binary is not one of this device and driver")
        let status = unsafe opencl_build(program, device, "")
        guard status != 0 else { return program }
        _ = opencl_release_program(program)
        throw OpenCLStatus.error(status, "module_load", "The binary does not load")
    }

    /// What the driver made of the program; nil where it does not tell.
    static func binary(of program: UInt) -> [UInt8]? {
        guard let ask = unsafe opencl_get()?.pointee.clGetProgramInfo else { return nil }
        var size = 0
        guard unsafe ask(program, UInt32(OPENCL_PROGRAM_BINARY_SIZES), 8, &size, nil) == 0, size > 0,
            size < 1 << 28
        else { return nil }
        var bytes = [UInt8](repeating: 0, count: size)
        let status = unsafe bytes.withUnsafeMutableBytes { place in
            var address = place.baseAddress
            return unsafe ask(program, UInt32(OPENCL_PROGRAM_BINARIES), 8, &address, nil)
        }
        return status == 0 ? bytes : nil
    }

    private static func buildLog(_ program: UInt, _ device: UInt) -> String {
        guard let ask = unsafe opencl_get()?.pointee.clGetProgramBuildInfo else { return "" }
        var size = 0
        let parameter = UInt32(OPENCL_PROGRAM_BUILD_LOG)
        guard unsafe ask(program, device, parameter, 0, nil, &size) == 0, size > 1, size < 1 << 24 else {
            return ""
        }
        var bytes = [UInt8](repeating: 0, count: size)
        let status = unsafe bytes.withUnsafeMutableBytes {
            unsafe ask(program, device, parameter, size, $0.baseAddress, nil)
        }
        return status == 0 ? String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self) : ""
    }
}
