import Foundation
import TestSupport
import Testing

/// The headers for those who write a device in C, as they are installed.
@Suite("The headers for devices in C", .installed, .timeLimit(.minutes(20)))
struct DeviceSupportTests {
    private static let sources = ["main", "support", "operators", "queues"].map {
        fixturePath("../DeviceSupport/\($0).c")
    }
    private static let warnings = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]

    /// Compiles the program of Tests/DeviceSupport against the installed headers, without a library of ours, and runs it.
    private func expectPassed(_ compiler: String, _ language: [String], _ options: [String] = []) throws {
        let installation = try Installation.shared.get()
        let program = "\(installation.work)/device-support-\(UUID().uuidString)"
        let compiled = try Ran(
            [compiler] + language + options + Self.warnings + ["-O1", "-g", "-pthread"]
                + installation.flags("--cflags") + Self.sources + ["-o", program])
        #expect(compiled.status == 0 && compiled.text.isEmpty, "\(compiled.text)")
        let run = try Ran(program)

        #expect(run.status == 0 && run.output == "passed\n" && run.errors.isEmpty, "\(run.text)")
    }

    @Test(arguments: ["gcc", "clang"].filter(isInstalled)) func `they do in C what they promise`(
        compiler: String
    ) throws {
        try expectPassed(compiler, ["-std=c11"])
    }

    @Test(arguments: ["g++", "clang++"].filter(isInstalled)) func `they do in C++ what they promise`(
        compiler: String
    ) throws {
        try expectPassed(compiler, ["-x", "c++", "-std=c++17"])
    }

    /// The sanitizers of gcc, because those of Swift's clang need libraries that belong to Swift.
    @Test(
        .enabled(if: isInstalled("gcc"), "gcc is not installed"), arguments: ["address,undefined", "thread"])
    func `they do it under sanitizers`(sanitizers: String) throws {
        try expectPassed(
            "gcc", ["-std=c11"], ["-fsanitize=\(sanitizers)", "-fno-sanitize-recover=all"])
    }

    /// A device needs only what it includes: each header is whole by itself, and may be included twice.
    @Test(arguments: ["device_support", "device_operators", "device_queue"])
    func `each stands alone`(name: String) throws {
        let installation = try Installation.shared.get()
        let source = "\(installation.work)/\(name).c"
        let line = "#include \"heng_\(name).h\"\n"
        try "#define _POSIX_C_SOURCE 200809L\n\(line)\(line)int main(void) { return 0; }\n".write(
            toFile: source, atomically: true, encoding: .utf8)
        let compiled = try Ran(
            ["gcc", "-std=c11", "-Wshadow", "-Wconversion", "-fsyntax-only"] + Self.warnings
                + installation.flags("--cflags") + [source])

        #expect(compiled.status == 0 && compiled.text.isEmpty, "\(compiled.text)")
    }

    /// The contract is one header: it knows nothing of these.
    @Test func `the interface's header names none of them`() throws {
        let prefix = try Installation.shared.get().prefix
        let header = try String(contentsOfFile: prefix + "/include/heng_accelerator.h", encoding: .utf8)

        #expect(!header.contains("heng_support_") && !header.contains("heng_queue_"))
        #expect(!header.contains("heng_device_support"))
    }
}
