import Essentials
import Foundation
import Testing

/// Scripts and options without a daemon: the job runs in the command.
@Suite("Scripts", .timeLimit(.minutes(20)))
struct ScriptCommandTests {
    private let sandbox: Sandbox

    init() throws { sandbox = try Sandbox() }

    private func write(_ text: String, to name: String) throws {
        try text.write(toFile: "\(sandbox.work)/\(name)", atomically: true, encoding: .utf8)
    }

    @Test func `a script gets its arguments, its options hold, and ignored ones are named`() throws {
        try write(
            "#!/bin/sh\n#SBATCH -J mine --mail-type=END\n#SBATCH --time=10\necho \"$1 $2\"\nexit 7\n",
            to: "job.sh")

        let run = try sandbox.heng("submit", "-q", "job.sh", "a b", "--flag")

        #expect(run.output == "a b --flag\n")
        #expect(run.status == 7)
        #expect(run.errorLines.first?.hasPrefix("heng: job.sh:2: --mail-type is ignored: ") == true)
        #expect(try sandbox.heng("jobs").output.contains(" mine "))
        #expect(try sandbox.temporaryFiles() == [])
    }

    @Test func `a script may come on standard input, or as a text`() throws {
        try write("#!/bin/sh -e\necho from input\n", to: "job.sh")

        let read = try sandbox.run(["sh", "-c", "heng submit -q < job.sh"])
        let wrapped = try sandbox.heng("run", "-q", "--wrap", "echo wrapped; exit 3")

        #expect(read.output == "from input\n", "\(read.errors)")
        #expect(wrapped.output == "wrapped\n")
        #expect(wrapped.status == 3)
        #expect(try sandbox.temporaryFiles() == [])
    }

    @Test func `run is submit that waits, with options of its folder and environment`() throws {
        try FileManager.default.createDirectory(
            atPath: sandbox.work + "/sub", withIntermediateDirectories: true)

        let run = try sandbox.heng(
            "run", "-q", "-D", "sub", "--export", "SEED=7", "--", "sh", "-c", "pwd; echo $SEED $EXTRA",
            with: ["EXTRA": "no"])

        #expect(run.output == sandbox.work + "/sub\n7\n", "\(run.errors)")
    }

    @Test func `a time limit ends a job without a daemon too`() throws {
        let run = try sandbox.heng("run", "-q", "--time", "1s", "--", "sleep", "1000")

        #expect(run.status != 0)
    }

    @Test func `jobs are listed by number, name and state, as a table, as JSON, or by number alone`() throws {
        _ = try sandbox.heng("submit", "-q", "-J", "one", "--", "true")
        _ = try sandbox.heng("submit", "-q", "-J", "two", "--", "false")

        #expect(try sandbox.heng("jobs", "--parsable").output == "1\n2\n")
        #expect(try sandbox.heng("jobs", "--parsable", "--state", "failed").output == "2\n")
        #expect(try sandbox.heng("jobs", "--parsable", "-n", "one").output == "1\n")
        #expect(try sandbox.heng("jobs", "--parsable", "last").output == "2\n")
        #expect(try sandbox.heng("jobs", "--quiet").output == "")
        let json = try sandbox.heng("jobs", "--json", "2")
        let value =
            try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: [[String: Any]]]
        #expect(value?["rows"]?.first?["exitCode"] as? Int == 1)
    }

    @Test func `doctor finds nothing to change here, and a folder that cannot be written`() throws {
        let good = try sandbox.heng("doctor")
        let bad = try sandbox.heng("doctor", "--parsable", with: ["HENG_STATE_DIR": "/dev/null/state"])

        #expect(good.status == 0, "\(good.output)")
        for name in ["state folder", "hengd", "heng-step", "limit of memory", "machine", "clock"] {
            #expect(good.output.contains(name))
        }
        #expect(bad.status == 1)
        #expect(bad.output == "state folder\n")
    }

    @Test func `describe has every requirement and this machine`() throws {
        let run = try sandbox.heng("describe", "--json")
        let value = try #require(
            try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any])
        let physical = value["physical"] as? [String: [[String: Any]]]

        #expect((value["requirements"] as? [[String: String]])?.compactMap { $0["id"] }.count == 5)
        #expect(physical?["servers"]?.count == 1)
        #expect((physical?["servers"]?.first?["memory"] as? Int ?? 0) > 0)
    }

    @Test(arguments: ["bash", "zsh", "fish"]) func `shells can complete`(shell: String) throws {
        let run = try sandbox.heng("--generate-completion-script", shell)

        #expect(run.status == 0)
        #expect(run.output.contains("submit"))
    }
}
