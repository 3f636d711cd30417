import Essentials
import Foundation
import TestSupport
import Testing

/// Heng installed by `make install` from this build into a folder of its own, once for all tests of a run.
struct Installation: Sendable {
    let prefix: String
    /// Where compiled programs and files of tests go.
    let work: String

    static let repository = URL(fileURLWithPath: fixturePath("../..")).standardized.path

    /// The folder of this build's programs, which is that of the running tests.
    static let programs: String = {
        let own = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return URL(fileURLWithPath: own ?? CommandLine.arguments[0]).deletingLastPathComponent().path
    }()

    static let shared = Result { try Installation() }

    private init() throws {
        let folder = "/tmp/heng-install-\(getpid())"
        prefix = folder + "/prefix"
        work = folder + "/work"
        try FileManager.default.createDirectory(atPath: work, withIntermediateDirectories: true)
        atexit { try? FileManager.default.removeItem(atPath: "/tmp/heng-install-\(getpid())") }
        let made = try Ran(
            "make", "-C", Self.repository, "install", "PREFIX=\(prefix)", "BUILD=\(Self.programs)")
        guard made.status == 0 else { throw Failure("make install failed: \(made.text)") }
    }

    /// Variables with which compilers and Python find the installation.
    var environment: [String: String] {
        [
            "PKG_CONFIG_PATH": prefix + "/lib/pkgconfig", "PYTHONPATH": prefix + "/share/heng",
            "PYTHONDONTWRITEBYTECODE": "1", "TEST_MODEL": fixturePath("models/classifier.onnx"),
            "TEST_HEADER": prefix + "/include/heng_accelerator.h",
        ]
    }

    /// What pkg-config says, as words.
    func flags(_ question: String) throws -> [String] {
        let answer = try Ran("pkg-config", question, "heng", with: environment)
        guard answer.status == 0 else { throw Failure("pkg-config failed: \(answer.text)") }
        return answer.output.split(whereSeparator: \.isWhitespace).map(String.init)
    }

    /// Compiles C files against the installation, all warnings being errors.
    func compile(
        _ sources: [String], to program: String, with compiler: String, standard: String = "c11"
    ) throws -> Ran {
        try Ran(
            [compiler, "-std=\(standard)", "-O1", "-Wall", "-Wextra", "-Werror"] + flags("--cflags") + sources
                + ["-o", program] + flags("--libs") + ["-Wl,-rpath,\(prefix)/lib", "-lpthread", "-lm"])
    }
}

/// A program that has run, with what it printed.
struct Ran {
    let status: Int32
    let output: String
    let errors: String

    var text: String { output + errors }

    init(_ command: String..., with variables: [String: String] = [:]) throws {
        try self.init(command, with: variables)
    }

    init(_ command: [String], with variables: [String: String] = [:]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        process.environment = ProcessInfo.processInfo.environment.merging(variables) { $1 }
        let name = "/tmp/heng-ran-\(UUID().uuidString)"
        defer { for end in ["out", "err"] { try? FileManager.default.removeItem(atPath: "\(name).\(end)") } }
        for end in ["out", "err"] { try Data().write(to: URL(fileURLWithPath: "\(name).\(end)")) }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle(forWritingAtPath: "\(name).out")
        process.standardError = FileHandle(forWritingAtPath: "\(name).err")
        try process.run()
        process.waitUntilExit()
        status =
            process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus
        output = (try? String(contentsOfFile: "\(name).out", encoding: .utf8)) ?? ""
        errors = (try? String(contentsOfFile: "\(name).err", encoding: .utf8)) ?? ""
    }
}

/// Whether a program can be started here.
func isInstalled(_ program: String) -> Bool { (try? Ran(program, "--version"))?.status == 0 }

extension Trait where Self == ConditionTrait {
    /// C programs and Python cannot load a library with a sanitizer in it.
    static var installed: ConditionTrait {
        .enabled(
            if: ProcessInfo.processInfo.environment["HENG_SANITIZE"] != "1",
            "A sanitized library is not one that other programs load.")
    }
}
