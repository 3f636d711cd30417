internal import Essentials
internal import Foundation
internal import TestSupport

#if canImport(Glibc)
internal import Glibc
#endif

/// A real agent that lends this machine, under another name, to a daemon of a test.
final class TestAgent {
    let name: String
    private let machineClass: String
    private let folder: String
    private let port: UInt16
    private let tokenFile: String
    private(set) var program: BackgroundProgram?

    init(_ name: String, _ machineClass: String, port: UInt16, tokenFile: String) throws {
        self.name = name
        self.machineClass = machineClass
        self.port = port
        self.tokenFile = tokenFile
        folder = "/tmp/heng-agent-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try start()
    }

    deinit {
        program?.end(SIGKILL)
        for process in processes { Glibc.kill(process, SIGKILL) }
        try? FileManager.default.removeItem(atPath: folder)
    }

    func start() throws {
        program = try BackgroundProgram(
            TestDaemon.programs + "/hengd",
            [
                "--agent-only", "--foreground", "--server", "127.0.0.1:\(port)", "--token-file", tokenFile,
                "--class", machineClass, "--name", name, "--state", folder, "--heartbeat", "0.1",
            ], environment: ProcessInfo.processInfo.environment, output: folder + "/output")
    }

    /// Ends the agent as a crash would; what it started goes on.
    func kill() { program?.end(SIGKILL) }

    func signal(_ number: Int32) { if let program { Glibc.kill(program.process, number) } }

    /// Whether the attempt was started here.
    func has(_ attempt: String) -> Bool {
        FileManager.default.fileExists(atPath: folder + "/attempts/" + attempt)
    }

    /// The processes of all attempts that were started here.
    var processes: [Int32] {
        var status = stat()
        guard unsafe stat(folder + "/attempts", &status) == 0 else { return [] }
        return ProcessList.withEnvironment("HENG_ATTEMPT=\(status.st_dev)-\(status.st_ino)-")
    }

    /// What others see of it in the list of processes.
    var words: String {
        let bytes = program.flatMap { FileManager.default.contents(atPath: "/proc/\($0.process)/cmdline") }
        return String(decoding: bytes ?? Data(), as: UTF8.self)
    }

    var output: String {
        String(decoding: FileManager.default.contents(atPath: folder + "/output") ?? Data(), as: UTF8.self)
    }

    /// A port that nobody listens on at the moment.
    static func freePort() throws -> UInt16 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let failed = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { plain in
                unsafe bind(descriptor, plain, length) != 0 || getsockname(descriptor, plain, &length) != 0
            }
        }
        guard !failed else { throw Failure("No port is free (errno \(errno)).") }
        return UInt16(bigEndian: address.sin_port)
    }
}
