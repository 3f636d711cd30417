internal import Essentials
internal import Foundation
internal import Synchronization

/// Plugins in C, compiled when a test needs them, each once per run.
package enum PluginBuild {
    /// The C compilers of this machine, of those that we promise to work with.
    package static let compilers = ["gcc", "clang"].compactMap(find)

    /// Why tests that compile plugins cannot run here.
    package static let reason = "no C compiler (gcc or clang) is installed"

    /// The plugin of Tests/Fixtures/plugins that breaks one promise, by the promise's name there.
    package static func misbehaving(_ name: String, compiler: String? = nil) throws -> String {
        let source = fixturePath("plugins/misbehaving.c")
        guard name == "throws" else {
            return try library("\(name)", [source], ["-DMISBEHAVIOUR=\(name)"], compiler)
        }
        // The file in C++ is compiled by the same family, and only it needs the C++ library.
        let c = try compiler ?? first()
        let plusPlus = c.hasSuffix("clang") ? c + "++" : String(c.dropLast(2)) + "++"
        let object = folder + "/throwing.o"
        try run(plusPlus, ["-c", "-fPIC", "-o", object, fixturePath("plugins/throwing.cc")])
        return try library(
            name, [source, object], ["-DMISBEHAVIOUR=throws", "-fexceptions", "-lstdc++", "-lgcc_s"], c)
    }

    /// The plugin that was written for the first released header.
    package static func first(compiler: String? = nil) throws -> String {
        try library(
            "first", [fixturePath("first-header/first_plugin.c")], [], compiler,
            header: fixturePath("first-header"))
    }

    /// The sample device of examples/, with its manifest beside it; the manifest's path.
    package static func sampleDevice(compiler: String? = nil) throws -> String {
        let example = root + "/examples/sample-device"
        let files = try FileManager.default.contentsOfDirectory(atPath: example)
        let sources = files.filter { $0.hasPrefix("sample_") && $0.hasSuffix(".c") }.sorted()
        let built = try library(
            "libheng-sample", sources.map { "\(example)/\($0)" }, ["-O2", "-fvisibility=hidden"], compiler)
        let manifest = URL(fileURLWithPath: built).deletingLastPathComponent().path + "/sample.json"
        return try self.built.withLock { _ in
            if !FileManager.default.fileExists(atPath: manifest) {
                try FileManager.default.copyItem(atPath: "\(example)/sample.json", toPath: manifest)
            }
            return manifest
        }
    }

    /// A folder of this process's own, removed at its end.
    package static let folder: String = {
        let path = "/tmp/heng-plugins-\(getpid())"
        try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        atexit { try? FileManager.default.removeItem(atPath: "/tmp/heng-plugins-\(getpid())") }
        return path
    }()

    /// The repository.
    package static let root = URL(fileURLWithPath: fixturePath("")).deletingLastPathComponent()
        .deletingLastPathComponent().path

    private static let built = Mutex<[String: String]>([:])

    private static func library(
        _ name: String, _ sources: [String], _ options: [String], _ compiler: String?,
        header: String = root + "/Sources/CHengAccelerator/include"
    ) throws -> String {
        let compiler = try compiler ?? first()
        let key = "\(compiler) \(name)"
        return try built.withLock { built in
            if let path = built[key] { return path }
            let place = "\(folder)/\(URL(fileURLWithPath: compiler).lastPathComponent)"
            try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
            let path = "\(place)/\(name).so"
            let warnings = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-pthread"]
            let folders = [header, root + "/Sources/CHengAccelerator/support"].map { "-I\($0)" }
            try run(compiler, warnings + folders + ["-o", path] + sources + options + ["-lm"])
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
            built[key] = path
            return path
        }
    }

    private static func first() throws -> String {
        guard let compiler = compilers.first else { throw Failure(reason) }
        return compiler
    }

    private static func find(_ name: String) -> String? {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin").split(separator: ":")
        return folders.map { "\($0)/\(name)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    private static func run(_ program: String, _ arguments: [String]) throws {
        let end = try ChildProgram.run(program, arguments)
        guard end.signal == nil, end.status == 0 else {
            throw Failure("\(program) failed: \(end.output)\(end.errors)")
        }
    }
}
