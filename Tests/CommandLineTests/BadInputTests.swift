import Essentials
import Foundation
import Testing

/// A wrong call, and what is to be heard of it.
struct BadCall: Sendable, CustomTestStringConvertible {
    var arguments: [String]
    var status: Int32
    /// A part of the one sentence.
    var says: String
    var variables: [String: String] = [:]

    init(_ arguments: [String], _ status: Int32, _ says: String, with variables: [String: String] = [:]) {
        self.arguments = arguments
        self.status = status
        self.says = says
        self.variables = variables
    }

    var testDescription: String { "heng " + arguments.joined(separator: " ") }
}

private let badCalls = [
    // Wrong use of the command line.
    BadCall(["nosuch"], 2, "no command 'nosuch'"),
    BadCall(["help", "nosuch"], 2, "no command 'nosuch'"),
    BadCall(["--nosuch"], 2, "Unknown option '--nosuch'"),
    BadCall(["devices", "--jsn"], 2, "Did you mean '--json'"),
    BadCall(["devices", "extra"], 2, "Unexpected argument 'extra'"),
    BadCall(["topology", "--from"], 2, "Missing value for '--from"),
    BadCall(["submit", "--cores"], 2, "Missing value for '--cores"),
    BadCall(["submit", "--numa", "x", "--", "true"], 2, "--numa x is not a whole number"),
    BadCall(["submit", "--per", "x", "--", "true"], 2, "numa, device, packed, machine"),
    BadCall(["submit", "--nosuch", "--", "true"], 2, "--nosuch"),
    BadCall(["submit", "--json", "--quiet", "--", "true"], 2, "exclude each other"),
    BadCall(["submit", "--time", "soon", "--", "true"], 2, "--time soon is not a length of time"),
    BadCall(["submit", "--device", "gpu:2", "--", "true"], 2, "use --ranks 2 --device gpu"),
    BadCall(["submit", "--name", "a\nb", "--", "true"], 2, "contains a line end"),
    BadCall(["submit", "--name", "..", "--", "true"], 2, "'..' is the name of a folder"),
    BadCall(["submit", "-D", "a\nb", "--", "true"], 2, "cannot be printed"),
    BadCall(["submit", "--export", "1=2", "--", "true"], 2, "no variable"),
    BadCall(["submit", "--wrap", "x", "--", "true"], 2, "exclude each other"),
    BadCall(["submit", "."], 2, "cannot be read"),
    BadCall(["submit", "huge.xml"], 2, "longer than 4 MiB"),
    BadCall(["submit", "garbage.xml"], 2, "is no script"),
    BadCall(["submit", "empty.xml"], 2, "is empty"),
    BadCall(["submit", "bad.sh"], 2, "bad.sh:2: --time soon is not a length of time"),
    BadCall(["run", "--array", "1-3", "--", "true"], 2, "runs one job"),
    // What only the daemon can do, while none runs.
    BadCall(["submit", "--array", "0-3", "--", "true"], 3, "--array needs hengd"),
    BadCall(["submit", "--dependency", "afterok:1", "--", "true"], 3, "--dependency needs hengd"),
    BadCall(["submit", "-o", "log-%j", "--", "true"], 3, "needs hengd"),
    BadCall(["submit", "--test-only", "--", "true"], 3, "--test-only needs hengd"),
    BadCall(["jobs", "-p", "night"], 3, "--queue needs hengd"),
    BadCall(["status"], 3, "Start it with `heng up`"),
    BadCall(["cancel", "12"], 3, "needs hengd"),
    BadCall(["cancel"], 2, "Name jobs"),
    BadCall(["jobs", "12_x"], 2, "names no job"),
    BadCall(["jobs", "--state", "walking"], 2, "is no state"),
    BadCall(["signal", "-s", "USR9", "12"], 2, "names no signal"),
    BadCall(["checkpoint"], 2, "no job is named"),
    BadCall(["change", "12"], 2, "Say what to change"),
    BadCall(["vdev", "create", "a/b", "--share", "0.5"], 2, "contains a slash"),
    BadCall(["vdev", "create", "a"], 2, "Say how large"),
    BadCall(["vdev", "create", "a", "--template", "tiny"], 2, "no template 'tiny'"),
    BadCall(["vdev", "create", "a", "--template", "gpu-half", "--device", "cpu"], 2, "is for gpu"),
    BadCall(["queue", "set", "..", "--tier", "1"], 2, "'..' is the name of a folder"),
    BadCall(["queue", "set", "a", "--order", "random"], 2, "fifo, priority"),
    BadCall(["account", "a", "--shares", "0"], 2, "not a whole number"),
    BadCall(["up", "--listen", "nowhere"], 2, "is no address"),
    BadCall(["up", "--class", "huge"], 2, "cloud, edge, terminal"),
    BadCall(["agent", "--of", "nowhere", "--token-file", "x"], 2, "is no address"),
    BadCall(["agent", "--of", "here:1", "--token-file", "missing"], 3, "cannot be read"),
    BadCall(["submit", "echo", "hi"], 2, "after --"),
    BadCall(["submit", "-o", "a", "--output-folder", "b", "--", "true"], 2, "exclude each other"),
    // Jobs that cannot be.
    BadCall(["submit"], 2, "no command to run"),
    BadCall(["submit", "--", ""], 2, "no command to run"),
    BadCall(["submit", "--", "nosuchprogram"], 2, "nosuchprogram was not found"),
    BadCall(["submit", "--", "./nosuchprogram"], 2, "./nosuchprogram was not found"),
    BadCall(["submit", "--ranks", "2", "--cores", "0.5", "--", "nosuchprogram"], 2, "was not found"),
    BadCall(["submit", "--device", "tpu", "--", "true"], 2, "no device of kind 'tpu'"),
    BadCall(["submit", "--share", "1.5", "--", "true"], 2, "share of 1.5"),
    BadCall(["submit", "--share", "0", "--", "true"], 2, "share of 0"),
    BadCall(["submit", "--share", "much", "--", "true"], 2, "--share much is not an amount"),
    BadCall(["submit", "--mem", "900TiB", "--", "true"], 2, "asks for 900 TiB"),
    BadCall(["submit", "--mem", "lots", "--", "true"], 2, "--mem lots is not an amount"),
    BadCall(["submit", "--cores", "4000", "--", "true"], 2, "asks for 4000 cores"),
    BadCall(["submit", "--cores", "0", "--", "true"], 2, "more than 0 cores"),
    BadCall(["submit", "--cores", "two", "--", "true"], 2, "--cores two is not an amount"),
    BadCall(["submit", "--numa", "99", "--", "true"], 2, "no NUMA node 99"),
    BadCall(["submit", "--ranks", "0", "--", "true"], 2, "0 ranks"),
    BadCall(["submit", "--ranks", "9999", "--", "true"], 2, "9999 ranks never fit"),
    BadCall(["submit", "-q", "--output-folder", "/dev/null/x", "--", "true"], 4, "/dev/null/x"),
    BadCall(["submit", "-q", "-o", "/no/such/folder/out", "--", "true"], 4, "/no/such/folder/out"),
    // Benchmarks that cannot be.
    BadCall(["bench", "run"], 2, "Missing"),
    BadCall(["bench", "run", "nosuch"], 2, "no suite nosuch"),
    BadCall(["bench", "run", "server", "--tier", "huge"], 2, "huge"),
    BadCall(["bench", "run", "server", "--budget", "soon"], 2, "--budget soon is not a time"),
    BadCall(["bench", "run", "server", "--budget", "3s"], 2, "A budget of 3.00 s is too short"),
    BadCall(["bench", "run", "server", "--filter", "nosuch"], 2, "No workload of suite server"),
    BadCall(
        ["bench", "run", "server", "--output", "/proc/none"], 3, "/proc/none for the run cannot be made"),
    BadCall(["bench", "report", "missing"], 3, "missing/result.json"),
    BadCall(["bench", "report", "."], 3, "result.json"),
    BadCall(["bench-worker", "serve"], 2, "Missing"),
    // Topologies that are none.
    BadCall(["topology", "--from", "missing.xml"], 2, "missing.xml cannot be read"),
    BadCall(["topology", "--from", "."], 2, ". cannot be read"),
    BadCall(["topology", "--from", "garbage.xml"], 2, "garbage.xml is not a machine description"),
    BadCall(["topology", "--from", "empty.xml"], 2, "empty.xml is not a machine description"),
    BadCall(["topology", "--from", "huge.xml"], 2, "huge.xml is larger than"),
    BadCall(["topology", "--from", "synthetic:"], 2, "is not a synthetic machine"),
    BadCall(["topology", "--from", "synthetic:nonsense:4"], 2, "is not a synthetic machine"),
    BadCall(["topology", "--svg", "/no/such/folder/a.svg"], 4, "/no/such/folder/a.svg"),
    // Surroundings that are not usable.
    BadCall(["topology"], 3, "HWLOC_XMLFILE", with: ["HWLOC_XMLFILE": "garbage.xml"]),
    BadCall(["jobs"], 3, "/dev/null/state", with: ["HENG_STATE_DIR": "/dev/null/state"]),
    BadCall(["submit", "--", "true"], 3, "/dev/null/state", with: ["HENG_STATE_DIR": "/dev/null/state"]),
    BadCall(
        ["submit", "-q", "--ranks", "2", "--cores", "0.5", "--", "true"], 4, "/dev/null/tmp/heng-job-",
        with: ["TMPDIR": "/dev/null/tmp"]),
]

@Suite("Wrong calls", .timeLimit(.minutes(20)))
struct BadInputTests {
    private let sandbox: Sandbox

    init() throws {
        sandbox = try Sandbox()
        try "no XML at all".write(toFile: sandbox.work + "/garbage.xml", atomically: true, encoding: .utf8)
        _ = FileManager.default.createFile(atPath: sandbox.work + "/empty.xml", contents: nil)
        _ = FileManager.default.createFile(atPath: sandbox.work + "/huge.xml", contents: nil)
        try "#!/bin/sh\n#SBATCH --time=soon\n".write(
            toFile: sandbox.work + "/bad.sh", atomically: true, encoding: .utf8)
        // 10 GB that take no room on the disk.
        let huge = try #require(FileHandle(forWritingAtPath: sandbox.work + "/huge.xml"))
        try huge.truncate(atOffset: 10_000_000_000)
        try huge.close()
    }

    @Test(arguments: badCalls)
    func `a wrong call is one line with the next step, and nothing else`(call: BadCall) throws {
        let run = try sandbox.run(["heng"] + call.arguments, with: call.variables)

        #expect(run.status == call.status)
        #expect(run.output == "")
        #expect(run.errorLines.count == 1, "\(run.errors)")
        #expect(run.errors.hasPrefix("heng: "))
        #expect(run.errors.contains(call.says), "\(run.errors)")
        // What failed is one sentence, the next step another.
        #expect(run.errors.contains(/[.?)] [A-Z`]/), "\(run.errors)")
        #expect(try sandbox.temporaryFiles() == [])
    }

    @Test func `a file that is no program is said so`() throws {
        try "hello".write(toFile: sandbox.work + "/plain", atomically: true, encoding: .utf8)

        let run = try sandbox.heng("submit", "-q", "--", "./plain")

        #expect(run.status == 2)
        #expect(run.errorLines.count == 1)
        #expect(run.errors.contains("./plain cannot be executed"))
    }
}
