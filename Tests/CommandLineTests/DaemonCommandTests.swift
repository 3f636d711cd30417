import Essentials
import Foundation
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// Commands beside a daemon whose jobs end at once, because nothing here is about running them.
@Suite("Commands and the daemon", .timeLimit(.minutes(20)))
struct DaemonCommandTests {
    private let sandbox: Sandbox

    init() throws { sandbox = try Sandbox() }

    private func withDaemon(_ body: () throws -> Void) throws {
        let up = try sandbox.heng("up", "--executor", "null")
        try #require(up.status == 0, "\(up.errors)")
        defer { _ = try? sandbox.heng("down") }
        try body()
    }

    private func object(_ run: Finished) throws -> [String: Any] {
        try #require(
            try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any], "\(run.errors)")
    }

    private func daemon() throws -> Int32 {
        Int32(try #require(try object(sandbox.heng("status", "--json"))["pid"] as? Int))
    }

    @Test func `up starts one daemon, down ends it, and numbers go on`() throws {
        try withDaemon { () throws in
            let process = try daemon()
            #expect(kill(process, 0) == 0)
            #expect(try sandbox.heng("up").output.contains("runs already: process \(process)"))
            #expect(try sandbox.heng("submit", "--parsable", "--", "true").output == "1\n")
            #expect(try sandbox.heng("down").status == 0)
            #expect(FileManager.default.contents(atPath: "/proc/\(process)/cmdline")?.isEmpty != false)
            #expect(!FileManager.default.fileExists(atPath: sandbox.path + "/state/hengd.sock"))
        }
        #expect(try sandbox.heng("status").status == 3)
        #expect(try sandbox.heng("down").output.contains("does not run"))
        try withDaemon { () throws in
            #expect(try sandbox.heng("submit", "--parsable", "--", "true").output == "2\n")
        }
        #expect(try sandbox.processes() == [])
    }

    @Test func `a daemon that was killed leaves nothing in the way`() throws {
        try withDaemon { () throws in
            let process = try daemon()
            kill(process, SIGKILL)
            try until("the daemon is gone") { try sandbox.heng("status").status == 3 }
            // Without a daemon the job runs here.
            #expect(try sandbox.heng("submit", "-q", "--", "echo", "here").output == "here\n")
        }
        try withDaemon { () throws in #expect(try daemon() > 0) }
    }

    @Test func `submit returns at once, and wait, show and explain know the job`() throws {
        try withDaemon { () throws in
            let submitted = try sandbox.heng(
                "submit", "-J", "first", "--comment", "what for", "--", "true")
            #expect(submitted.output == "Submitted job 1\n", "\(submitted.errors)")
            #expect(try sandbox.heng("wait", "last").output == "Job 1 is COMPLETED.\n")
            #expect(try sandbox.heng("submit", "-W", "--parsable", "--", "true").output == "2\n")
            let show = try sandbox.heng("show", "1")
            #expect(show.output.contains("State:       COMPLETED"))
            #expect(show.output.contains("Comment:     what for"))
            #expect(try sandbox.heng("show", "1", "--json").output.contains("\"comment\" : \"what for\""))
            #expect(try sandbox.heng("explain", "1").output.hasPrefix("Job 1 is COMPLETED."))
            #expect(try sandbox.heng("jobs", "--all", "--parsable").output == "1\n2\n")
            #expect(try sandbox.heng("jobs", "--all", "--parsable", "-n", "first").output == "1\n")
            let missing = try sandbox.heng("show", "99")
            #expect(missing.status == 1)
            #expect(missing.errors == "heng: There is no job 99, or no longer. See `heng jobs --all`.\n")
            #expect(try sandbox.heng("cancel", "99").status == 1)
        }
    }

    @Test func `an array is one number for all of its tasks`() throws {
        try withDaemon { () throws in
            let submitted = try sandbox.heng("submit", "--array", "1-5:2", "--", "true")
            #expect(submitted.output == "Submitted job 1, an array of 3 tasks\n", "\(submitted.errors)")
            #expect(try sandbox.heng("wait", "last").lines.count == 3)
            #expect(try sandbox.heng("jobs", "--parsable", "1").output == "1\n2\n3\n")
            #expect(try sandbox.heng("jobs", "--parsable", "1_[3-5]").output == "2\n3\n")
            #expect(try sandbox.heng("jobs", "1_3").output.contains("\n1_3  "))
            #expect(try sandbox.heng("explain", "last").status == 2)
            let held = try sandbox.heng("submit", "--hold", "--parsable", "--array", "0-9", "--", "true")
            #expect(held.output == "4\n")
            #expect(try sandbox.heng("cancel", "--parsable", "4_[0-1]").output == "4\n5\n")
            #expect(try sandbox.heng("release", "--quiet", "4_[2-9]").status == 0)
            #expect(try sandbox.heng("wait", "--quiet", "4").status == 143)
            let after = try sandbox.heng(
                "submit", "-W", "-q", "--dependency", "afterok:4_2:4_9", "--", "true")
            #expect(after.status == 0, "\(after.errors)")
        }
    }

    @Test func `a key submits once, and a test submits nothing`() throws {
        try withDaemon { () throws in
            #expect(try sandbox.heng("submit", "--key", "k", "--parsable", "--", "true").output == "1\n")
            #expect(try sandbox.heng("submit", "--key", "k", "--parsable", "--", "true").output == "1\n")
            #expect(try sandbox.heng("submit", "--test-only", "--", "true").output.contains("start"))
            #expect(try sandbox.heng("submit", "--test-only", "--cores", "4000", "--", "true").status == 2)
            #expect(try sandbox.heng("submit", "--parsable", "--", "true").output == "2\n")
            #expect(try sandbox.heng("submit", "--", "").status == 2)
        }
    }

    @Test func `a backup is a file, and settings are taken`() throws {
        try withDaemon { () throws in
            let backup = try sandbox.heng("backup", "--parsable")
            #expect(FileManager.default.fileExists(atPath: backup.lines.first ?? ""))
            #expect(
                try sandbox.heng("queue", "set", "night", "--tier", "1", "--longest-time", "2h").status == 0)
            #expect(try sandbox.heng("account", "lab", "--shares", "3", "--cores", "16").status == 0)
            #expect(try sandbox.heng("account", "lab", "--cores", "none", "--parsable").output == "lab\n")
            #expect(try sandbox.heng("submit", "-A", "lab", "--hold", "-q", "--", "true").status == 0)
            let accounts = try sandbox.heng("account")
            // What was not said the second time has stayed.
            #expect(accounts.lines.last?.split(separator: " ").prefix(3) == ["lab", "3", "1"])
            #expect(try sandbox.heng("account", "nobody").status == 1)
            #expect(try sandbox.heng("account", "--shares", "3").status == 2)
            #expect(try sandbox.heng("drain", "--why", "new memory").status == 0)
            #expect(try sandbox.heng("undrain").status == 0)
            #expect(try sandbox.heng("vdev", "templates", "--parsable").lines.contains("cpu-half"))
        }
    }

    @Test func `output folders are for jobs without a daemon, and run passes a code on`() throws {
        try withDaemon { () throws in
            let folder = try sandbox.heng("submit", "--output-folder", "x", "--", "true")
            #expect(folder.status == 2)
            #expect(folder.errors.contains("and hengd runs here"))
            #expect(try sandbox.heng("run", "-q", "-o", "out", "--", "true").status == 0)
        }
    }

    @Test func `health is shown and set, and a job that waits for a part is told so`() throws {
        try withDaemon { () throws in
            #expect(try sandbox.heng("health").output == "Everything is healthy.\n")
            let set = try sandbox.heng("health", "set", "pre-isolated", "--device", "cpu:0", "--why", "hot")
            #expect(set.output.hasSuffix("is pre-isolated: hot\n"), "\(set.errors)")
            #expect(try sandbox.heng("health", "list").output.contains("cpu:0  pre-isolated  hot"))
            #expect(try sandbox.heng("status").output.contains("cpu:0 pre-isolated: hot"))
            let faults =
                try JSONSerialization.jsonObject(
                    with: Data(sandbox.heng("health", "--json").output.utf8)) as? [[String: Any]]
            #expect(faults?.first?["level"] as? String == "pre-isolated")
            #expect(try sandbox.heng("health", "set", "gone").status == 2)
            #expect(try sandbox.heng("health", "set", "isolated", "--device", "cpu").status == 2)
            #expect(try sandbox.heng("health", "set", "isolated", "--device", "gpu:9").status == 1)
            #expect(try sandbox.heng("health", "set", "isolated", "nowhere").status == 1)
            // The executor that starts nothing resets at once.
            #expect(try sandbox.heng("health", "set", "reset-now", "--device", "cpu:0").status == 0)
            try until("it is healthy") {
                try sandbox.heng("health").output == "Everything is healthy.\n"
            }
        }
    }

    @Test func `inside a virtual device only what was granted is to be seen`() throws {
        try #require(try sandbox.heng("up").status == 0)
        defer { _ = try? sandbox.heng("down") }
        let made = try sandbox.heng("vdev", "create", "inside", "--cores", "0.5", "--mem", "192MiB")
        try #require(made.status == 0, "\(made.errors)")
        defer { _ = try? sandbox.heng("vdev", "delete", "inside") }

        let run = try sandbox.heng(
            "run", "-q", "--vdev", "inside", "--", "sh", "-c",
            "heng devices --json; echo; echo $CUDA_VISIBLE_DEVICES $HIP_VISIBLE_DEVICES $HENG_LOCAL_CPUS",
            with: ["CUDA_VISIBLE_DEVICES": "0"])

        #expect(run.status == 0, "\(run.errors)")
        let words = (run.lines.last ?? "").split(separator: " ").map(String.init)
        try #require(words.count == 3, "\(run.output)")
        #expect(words[0] == "-1" && words[1] == "-1")
        let text = run.lines.dropLast().joined(separator: "\n")
        let devices = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String: Any]] ?? []
        let descriptions = devices.compactMap { $0["description"] as? [String: Any] }
        #expect(!descriptions.isEmpty && descriptions.count == devices.count, "\(text)")
        for description in descriptions {
            if let cpus = description["cpus"] as? String { #expect(cpus == words[2]) }
            // One core, which may be two processing units.
            #expect(
                (description["computeUnits"] as? Int).map {
                    $0 == (words[2] == "\(words[2].prefix(1))" ? 1 : 2)
                } == true, "\(description)")
            #expect((description["memory"] as? Int).map { $0 <= 192 << 20 } == true, "\(description)")
        }
        let list = try sandbox.heng("vdev", "list")
        #expect(list.output.contains("LEVEL") && list.output.contains("compute "))
    }

    @Test func `run passes output, errors and the code through, and Ctrl-C ends the job`() throws {
        try #require(try sandbox.heng("up").status == 0)
        defer { _ = try? sandbox.heng("down") }
        let run = try sandbox.heng("run", "-q", "--", "sh", "-c", "echo out; echo err >&2; exit 3")
        #expect(run.output == "out\n", "\(run.errors)")
        #expect(run.errorLines.contains("err"))
        #expect(run.status == 3)
        let ranks = try sandbox.heng(
            "run", "-q", "--ranks", "2", "--cores", "0.5", "--", "sh", "-c", "echo rank $HENG_RANK")
        #expect(Set(ranks.lines) == ["[0] rank 0", "[1] rank 1"], "\(ranks.errors)")
        let child = try sandbox.start(["heng", "run", "-q", "--", "sleep", "1000"])
        try until("the job runs") {
            try sandbox.heng("jobs", "--state", "running", "--parsable").output == "3\n"
        }
        child.signal(2)
        #expect(try child.wait().status == 130)
        #expect(try sandbox.heng("jobs", "--state", "cancelled", "--parsable").output == "3\n")
        #expect(try sandbox.heng("submit", "--parsable", "--wrap", "echo kept").output == "4\n")
        #expect(try sandbox.heng("logs", "-f", "last").output == "kept\n")
        #expect(try sandbox.temporaryFiles().filter { $0.hasPrefix("heng-job-") } == [])
    }
}
