internal import AcceleratorAPI
internal import CCUDA
internal import Essentials

#if canImport(Glibc)
internal import Glibc
#endif

/// CUDA C to code of one architecture through NVRTC, with what was compiled kept in files.
struct CUDACompiler {
    let libraries: CUDALibraries
    let architecture: Int

    /// Code that the driver loads: for the device itself, or in between where the compiler does not know the device.
    struct Image: Sendable {
        var bytes: [UInt8]
        var isIntermediate: Bool
    }

    /// Compiles, or takes what was compiled before; the compiler's messages are the error's text.
    func compile(_ source: String, options: [String], _ operation: StaticString) throws(DeviceError) -> Image
    {
        guard let compiler = unsafe libraries.compiler, let version = libraries.compilerVersion else {
            throw DeviceError(
                .compiler, operation: "\(operation)",
                text:
                    "The run-time compiler NVRTC is not installed, which CUDA C needs (libnvrtc.so.13 or .12)."
            )
        }
        let (target, isIntermediate) = unsafe target(compiler)
        let all = ["--gpu-architecture=\(target)", "--std=c++17"] + options
        let key = ([version] + all + [source]).joined(separator: "\u{0}")
        let file = CompiledFile(folder: libraries.settings.cache, key: key)
        if let known = file?.read() { return Image(bytes: known, isIntermediate: isIntermediate) }
        let bytes = try unsafe run(compiler, source, all, isIntermediate, operation)
        file?.write(bytes)
        return Image(bytes: bytes, isIntermediate: isIntermediate)
    }

    /// The newest architecture that the compiler knows and the device runs; the device's own where it can be had.
    private func target(_ compiler: UnsafePointer<hcu_compiler>) -> (String, isIntermediate: Bool) {
        var count: Int32 = 0
        var known: [Int32] = []
        if unsafe compiler.pointee.nvrtcGetNumSupportedArchs(&count) == 0, count > 0 {
            known = [Int32](repeating: 0, count: Int(count))
            if unsafe compiler.pointee.nvrtcGetSupportedArchs(&known) != 0 { known = [] }
        }
        if known.isEmpty || known.contains(Int32(architecture)) { return ("sm_\(architecture)", false) }
        let below = known.filter { $0 < architecture }.max() ?? Int32(architecture)
        return ("compute_\(below)", true)
    }

    private func run(
        _ compiler: UnsafePointer<hcu_compiler>, _ source: String, _ options: [String],
        _ isIntermediate: Bool,
        _ operation: StaticString
    ) throws(DeviceError) -> [UInt8] {
        var program: OpaquePointer?
        var result = unsafe compiler.pointee.nvrtcCreateProgram(&program, source, "kernel.cu", 0, nil, nil)
        guard result == 0 else { throw failure(result, "", operation) }
        defer { _ = unsafe compiler.pointee.nvrtcDestroyProgram(&program) }
        var texts: [UnsafePointer<CChar>?] = unsafe options.map { unsafe UnsafePointer(strdup($0)) }
        defer { for index in options.indices { unsafe free(UnsafeMutablePointer(mutating: texts[index])) } }
        result = unsafe compiler.pointee.nvrtcCompileProgram(program, Int32(options.count), &texts)
        guard result == 0 else { throw failure(result, unsafe log(compiler, program), operation) }
        var size = 0
        result =
            unsafe isIntermediate
            ? compiler.pointee.nvrtcGetPTXSize(program, &size)
            : compiler.pointee.nvrtcGetCUBINSize(program, &size)
        guard result == 0, size > 0 else { throw failure(result, "", operation) }
        var image = [CChar](repeating: 0, count: size)
        result =
            unsafe isIntermediate
            ? compiler.pointee.nvrtcGetPTX(program, &image) : compiler.pointee.nvrtcGetCUBIN(program, &image)
        guard result == 0 else { throw failure(result, "", operation) }
        return image.map { UInt8(bitPattern: $0) }
    }

    private func log(_ compiler: UnsafePointer<hcu_compiler>, _ program: OpaquePointer?) -> String {
        var size = 0
        guard unsafe compiler.pointee.nvrtcGetProgramLogSize(program, &size) == 0, size > 1 else { return "" }
        var text = [CChar](repeating: 0, count: size)
        guard unsafe compiler.pointee.nvrtcGetProgramLog(program, &text) == 0 else { return "" }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private func failure(_ result: Int32, _ log: String, _ operation: StaticString) -> DeviceError {
        let isSource = result == HCU_COMPILE_FAILED
        return DeviceError(
            isSource ? .operatorCompile : .compiler, operation: "\(operation)",
            text: log.isEmpty ? "The run-time compiler NVRTC failed with \(result)." : log,
            nativeCode: Int(result))
    }
}

/// A compiled kernel in a file, under a key: never trusted without its checksum.
struct CompiledFile {
    private let path: String
    private let folder: String
    private let check: UInt64

    /// Nil where nothing is to be kept.
    init?(folder: String?, key: String) {
        guard let folder else { return nil }
        self.folder = folder
        let bytes = Array(key.utf8)
        check = CompiledFile.hash(bytes, 0xcbf2_9ce4_8422_2325)
        let second = CompiledFile.hash(bytes, 0x9e37_79b9_7f4a_7c15)
        path = "\(folder)/\(String(check, radix: 16))-\(String(second, radix: 16)).bin"
    }

    private static func hash(_ bytes: some Sequence<UInt8>, _ start: UInt64) -> UInt64 {
        bytes.reduce(start) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
    }

    private static func bytes(_ number: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
    }

    /// The code; nil where there is none, or it is damaged.
    func read() -> [UInt8]? {
        guard let all = readFile(path), all.count > 16 else { return nil }
        let image = Array(all.dropFirst(16))
        let seal = CompiledFile.bytes(check) + CompiledFile.bytes(CompiledFile.hash(image, check))
        return all.starts(with: seal) ? image : nil
    }

    /// Keeps the code; what cannot be kept is compiled again the next time.
    func write(_ image: [UInt8]) {
        var made = ""
        for part in folder.split(separator: "/") {
            made += "/\(part)"
            _ = unsafe mkdir(made, 0o700)
        }
        let temporary = "\(path).\(getpid())"
        guard let file = unsafe fopen(temporary, "we") else { return }
        let all = CompiledFile.bytes(check) + CompiledFile.bytes(CompiledFile.hash(image, check)) + image
        let written = unsafe fwrite(all, 1, all.count, file)
        let isClosed = unsafe fclose(file) == 0
        if unsafe written != all.count || !isClosed || rename(temporary, path) != 0 {
            _ = unsafe unlink(temporary)
        }
    }
}
