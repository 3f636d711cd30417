import Foundation
import TestSupport
import Testing

/// The blocks of one language in a guide.
private func blocks(_ language: String, of guide: String = "c-and-python") throws -> [String] {
    let guide = try String(
        contentsOfFile: "\(Installation.repository)/Documentation/guides/\(guide).md", encoding: .utf8)
    return guide.components(separatedBy: "```\(language)\n").dropFirst().map {
        $0.components(separatedBy: "```")[0]
    }
}

@Suite("The guide to C and Python", .installed, .timeLimit(.minutes(15)))
struct GuideTests {
    /// In a folder that looks like the repository, with a home of its own.
    @Test func `every command runs as it is written`() throws {
        let folder = try Installation.shared.get().work + "/guide"
        try copyRepository(to: folder)
        // It is built, or this would not run.
        let lines = try blocks("sh").joined().split(separator: "\n").filter { $0 != "make build" }
        #expect(lines.count >= 8)
        let script = "set -eu\ncd \(folder)\n" + lines.joined(separator: "\n")
        let run = try Ran("sh", "-c", script, with: ["HOME": folder + "/home"])
        #expect(run.status == 0, "\(run.text)")
        #expect(run.output.contains("wrong: 0 of 1000") && run.output.contains("heng.Device 0"))
    }

    /// A vendor's first afternoon: the sample is built outside the repository against the installed header, and the
    /// installed kit judges it.
    @Test func `a vendor's device passes the kit outside the repository, by the guide's commands`() throws {
        let folder = try Installation.shared.get().work + "/vendor"
        try copyRepository(to: folder + "/heng")
        // The public cases are there, or other tests would have said so.
        let lines = try blocks("sh", of: "vendor-device").joined().split(separator: "\n").filter {
            !$0.hasPrefix("make onnx-cases")
        }
        #expect(lines.contains { $0.contains("conform all --device sample:0") })
        let script = "set -eu\ncd \(folder)\n" + lines.joined(separator: "\n")
        let environment = ProcessInfo.processInfo.environment
        let cache = environment["XDG_CACHE_HOME"] ?? (environment["HOME"] ?? "") + "/.cache"
        let run = try Ran(
            "sh", "-c", script, with: ["HOME": folder + "/heng/home", "XDG_CACHE_HOME": cache])
        #expect(run.status == 0, "\(run.text.suffix(4000))")
        #expect(run.output.contains("sample:0") && run.output.contains("conforms to the profile sample"))
    }

    /// A folder that looks like the repository, built.
    private func copyRepository(to folder: String) throws {
        let files = FileManager.default
        try files.createDirectory(atPath: folder + "/home", withIntermediateDirectories: true)
        try files.createDirectory(atPath: folder + "/.build", withIntermediateDirectories: true)
        for name in ["Makefile", "Sources", "Config", "python", "Tests"] {
            try files.createSymbolicLink(
                atPath: "\(folder)/\(name)", withDestinationPath: "\(Installation.repository)/\(name)")
        }
        try files.createSymbolicLink(
            atPath: folder + "/.build/release", withDestinationPath: Installation.programs)
        // Programs are built among the examples, so these are copies.
        try files.copyItem(
            atPath: "\(Installation.repository)/examples", toPath: folder + "/examples")
    }

    @Test(.enabled(if: hasNumPy, "NumPy is not installed for python3"))
    func `the Python in it runs`() throws {
        let program = try blocks("python").joined(separator: "\n")
        let run = try Ran(
            "sh", "-c", "cd \(Installation.repository) && exec python3 -c \"$1\"", "sh", program,
            with: Installation.shared.get().environment)

        #expect(run.status == 0 && run.output.contains("probabilities"), "\(run.text)")
    }
}
