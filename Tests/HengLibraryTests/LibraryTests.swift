import Essentials
import Foundation
import TestSupport
import Testing

/// The parts of the program in Tests/LibraryPrograms.
private let parts = [
    "lifecycle", "handles", "filled", "selection", "callbacks", "interchange", "operators", "models",
    "graphs",
    "missing",
]

/// The program compiled once by each compiler.
private let programs = ["gcc", "clang"].reduce(into: [String: Result<String, any Error>]()) {
    built, compiler in
    built[compiler] = Result {
        let installation = try Installation.shared.get()
        let folder = "\(Installation.repository)/Tests/LibraryPrograms"
        let sources = try FileManager.default.contentsOfDirectory(atPath: folder).filter {
            $0.hasSuffix(".c")
        }
        let program = "\(installation.work)/library-\(compiler)"
        // usleep needs the GNU dialect.
        let compiled = try installation.compile(
            sources.sorted().map { "\(folder)/\($0)" }, to: program, with: compiler, standard: "gnu11")
        #expect(compiled.status == 0 && compiled.text.isEmpty, "\(compiled.text)")
        return program
    }
}

@Suite("libheng.so from C", .installed, .timeLimit(.minutes(20)))
struct LibraryTests {
    @Test(arguments: parts) func `every part holds what the header promises`(part: String) throws {
        for (compiler, program) in programs {
            try expectPassed(program.get(), part, "\(compiler)")
        }
    }

    @Test(arguments: ["handles", "filled", "operators", "models"])
    func `the same with the checking layer around every device`(part: String) throws {
        guard let program = programs["gcc"] else { return }
        try expectPassed(program.get(), part, "checked", ["HENG_CHECK": "1"])
    }

    /// A vendor's device has its own operators, and leaves out what need not be there.
    @Test(arguments: ["handles", "filled", "selection", "models"])
    func `the same on a vendor's device`(part: String) throws {
        guard let program = programs["gcc"] else { return }
        try expectPassed(program.get(), part, "vendor", VendorDevice.variables.get())
    }

    @Test func `a vendor's operators run through the library`() throws {
        let installation = try Installation.shared.get()
        let program = installation.work + "/vector_add-vendor"
        let source = installation.prefix + "/share/doc/heng/examples/c/vector_add.c"
        #expect(try installation.compile([source], to: program, with: "gcc").status == 0)
        let variables = try VendorDevice.variables.get()
        let run = try Ran([program, variables["TEST_DEVICE"] ?? ""], with: variables)

        #expect(run.output.contains("(sample)"), "\(run.text)")
        #expect(run.status == 0 && run.output.contains("wrong: 0 of 1000"), "\(run.text)")
    }

    private func expectPassed(
        _ program: String, _ part: String, _ name: String, _ variables: [String: String] = [:]
    ) throws {
        let installation = try Installation.shared.get()
        let folder = "\(installation.work)/\(part)-\(name)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let run = try Ran(
            [program, part, folder], with: installation.environment.merging(variables) { $1 })

        #expect(run.status == 0 && run.output == "\(part): passed\n" && run.errors.isEmpty, "\(run.text)")
    }
}

/// The sample device, built once against the installed header, and how the library finds it.
private enum VendorDevice {
    static let variables = Result {
        let installation = try Installation.shared.get()
        let folder = installation.work + "/sample-device"
        try FileManager.default.copyItem(
            atPath: "\(Installation.repository)/examples/sample-device", toPath: folder)
        let made = try Ran("make", "-C", folder, with: installation.environment)
        guard made.status == 0 else { throw Failure("The sample device cannot be built: \(made.text)") }
        let plugins = ["HENG_PLUGINS": folder + "/sample.json"]
        // Plugins come after the compiled-in backends, whose devices depend on the machine.
        let listed = try Ran(Installation.programs + "/heng", "devices", with: plugins)
        let rows = listed.output.split(separator: "\n").dropFirst()
        guard let index = rows.firstIndex(where: { $0.hasPrefix("sample:0") }) else {
            throw Failure("The sample device is not listed: \(listed.text)")
        }
        return plugins.merging(["TEST_DEVICE": "\(index - rows.startIndex)"]) { $1 }
    }
}
