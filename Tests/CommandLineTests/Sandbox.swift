import Essentials
import Foundation

#if canImport(Glibc)
import Glibc
#endif

/// A home, a state folder, a folder for temporary files and a working folder of one test's own, gone at its end.
///
/// Every program started here has the sandbox's path in its environment, which is how strays are found.
final class Sandbox: Sendable {
    let path: String

    init() throws {
        path = "/tmp/heng-cli-\(UUID().uuidString)"
        for folder in ["home", "state", "tmp", "work"] {
            try FileManager.default.createDirectory(
                atPath: "\(path)/\(folder)", withIntermediateDirectories: true)
        }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    var work: String { path + "/work" }

    /// The folder of this build's programs, which is that of the running tests.
    static let programs: String = {
        let own = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return URL(fileURLWithPath: own ?? CommandLine.arguments[0]).deletingLastPathComponent().path
    }()

    /// A folder of caches that all tests of a run share and that goes with it.
    static let sharedCache: String = {
        let path = "/tmp/heng-cli-cache-\(getpid())"
        atexit { try? FileManager.default.removeItem(atPath: "/tmp/heng-cli-cache-\(getpid())") }
        return path
    }()

    var environment: [String: String] {
        [
            "HOME": path + "/home", "HENG_STATE_DIR": path + "/state", "TMPDIR": path + "/tmp",
            "PATH": "\(Self.programs):/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "LC_ALL": "C.UTF-8",
        ]
    }

    /// Starts any program in the working folder; its outputs go to files unless a path is given.
    func start(
        _ command: [String], with variables: [String: String] = [:], output: String? = nil
    ) throws -> Child {
        let name = "\(path)/\(UUID().uuidString)"
        return try Child(
            command, environment: environment.merging(variables) { $1 }, folder: work,
            output: output ?? name + ".out", errors: name + ".err")
    }

    /// Runs a program to its end.
    func run(
        _ command: [String], with variables: [String: String] = [:], output: String? = nil
    ) throws -> Finished {
        try start(command, with: variables, output: output).wait()
    }

    /// Runs `heng` with these arguments to its end.
    func heng(_ arguments: String..., with variables: [String: String] = [:]) throws -> Finished {
        try run(["heng"] + arguments, with: variables)
    }

    /// The living processes that were started in this sandbox, by whoever.
    func processes() throws -> [Int32] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { Int32($0) }.filter {
            process in
            // A process that ended meanwhile has no files any more; a zombie has an empty one.
            guard let bytes = FileManager.default.contents(atPath: "/proc/\(process)/environ") else {
                return false
            }
            return bytes.range(of: Data(path.utf8)) != nil
        }
    }

    /// What is left among the temporary files.
    func temporaryFiles() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path + "/tmp")
    }
}

/// What a program left behind.
struct Finished: Sendable {
    /// As a shell has it: a signal is 128 and its number.
    var status: Int32
    var output: String
    var errors: String

    var lines: [String] { output.split(separator: "\n").map(String.init) }
    var errorLines: [String] { errors.split(separator: "\n").map(String.init) }
}

/// Waits until something holds that other processes bring about; throws when it takes far longer than it ever should.
func until(_ what: String, _ condition: () throws -> Bool) throws {
    let end = TimePoint.monotonicNow() + .seconds(120)
    while try !condition() {
        guard TimePoint.monotonicNow() < end else { throw Failure("Waited in vain until \(what).") }
        usleep(5000)
    }
}
