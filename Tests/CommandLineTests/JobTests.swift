import Essentials
import Foundation
import Testing

@Suite("Jobs", .timeLimit(.minutes(20)))
struct JobTests {
    private let sandbox: Sandbox

    init() throws { sandbox = try Sandbox() }

    /// A line `Name:\tvalue` of a status file among the lines.
    private func field(_ name: String, in run: Finished) -> String? {
        run.lines.first { $0.hasPrefix(name + ":") }.map {
            $0.dropFirst(name.count + 1).trimmingCharacters(in: .whitespaces)
        }
    }

    @Test func `output, errors and exit code are the command's own`() throws {
        let run = try sandbox.heng("submit", "-q", "--", "sh", "-c", "echo out; echo err >&2; exit 0")

        #expect(run.status == 0)
        #expect(run.output == "out\n")
        #expect(run.errors == "err\n")
    }

    @Test(arguments: [1, 2, 7, 100, 255]) func `an exit code is passed on`(code: Int32) throws {
        let run = try sandbox.heng("submit", "-q", "--", "sh", "-c", "exit \(code)")

        #expect(run.status == code)
        #expect(run.errors.contains("failed with exit code \(code)"))
    }

    @Test(arguments: [Int32(9), 11, 15]) func `a signal is 128 and its number`(signal: Int32) throws {
        let run = try sandbox.heng("submit", "-q", "--", "sh", "-c", "kill -\(signal) $$")

        #expect(run.status == 128 + signal)
        #expect(run.errorLines.count == 1)
    }

    @Test func `progress goes to standard error, and quiet has none`() throws {
        let told = try sandbox.heng("submit", "--cores", "1", "--", "echo", "x")
        let quiet = try sandbox.heng("submit", "--cores", "1", "--quiet", "--", "echo", "x")

        #expect(told.output == "x\n")
        #expect(told.errors.contains("heng: rank 0 gets cpu:0"))
        #expect(told.errors.contains("heng: cores "))
        #expect(quiet.output == "x\n")
        #expect(quiet.errors == "")
    }

    @Test func `the kernel binds the job to what it was given`() throws {
        let script = "cat /proc/self/status; echo \"HENG $HENG_LOCAL_CPUS $HENG_NUMA_NODE\"; taskset -cp $$"
        let run = try sandbox.heng("submit", "--cores", "1", "--mem", "64MiB", "--", "sh", "-c", script)

        let given = try #require(run.lines.first { $0.hasPrefix("HENG ") }).split(separator: " ")
        #expect(run.status == 0)
        #expect(field("Cpus_allowed_list", in: run) == String(given[1]))
        #expect(run.lines.last?.hasSuffix("current affinity list: \(given[1])") == true)
        #expect(run.errors.contains("heng: cores \(given[1]): "))
        #expect(run.errors.contains("heng: memory 64 MiB: "))
        #expect(run.errors.contains("heng: numa \(given[2]) preferred: "))
    }

    @Test(
        .enabled(
            if: FileManager.default.isReadableFile(atPath: "/proc/self/numa_maps"),
            "this kernel has no NUMA memory policies"))
    func `the kernel keeps the memory policy of the job`() throws {
        let run = try sandbox.heng("submit", "--numa", "0", "--", "cat", "/proc/self/numa_maps")

        #expect(run.status == 0)
        if run.errors.contains("the kernel refuses the memory policy") { return }
        #expect(
            run.output.contains(" prefer:0 ") || run.output.contains(" prefer=static:0 "), "\(run.output)")
    }

    @Test func `a job over its memory is ended and told so`() throws {
        let run = try sandbox.heng(
            "submit", "-q", "--mem", "32MiB", "--", "sh", "-c",
            "head -c 300M /dev/zero | tail -c 200M | wc -c")

        // A shell knows only how its last command ended, so the count is what tells.
        #expect(run.output.trimmingCharacters(in: .whitespacesAndNewlines) != "\(200 << 20)")
    }

    @Test func `an output file takes all that is printed`() throws {
        let run = try sandbox.heng("submit", "-q", "-o", "all.txt", "--", "sh", "-c", "echo a; echo b >&2")

        #expect(run.output == "")
        #expect(try String(contentsOfFile: sandbox.work + "/all.txt", encoding: .utf8) == "a\nb\n")
    }

    /// Each job takes a lock of its cores' own; two jobs on one core at once would find it taken.
    @Test func `jobs at the same time never share a core`() throws {
        let script = """
            mkdir "core-$HENG_LOCAL_CPUS" || exit 9
            grep Cpus_allowed_list /proc/self/status
            sleep 0.02
            rmdir "core-$HENG_LOCAL_CPUS"
            """
        for round in 0..<4 {
            let jobs = try (0..<4).map { _ in
                try sandbox.start(["heng", "submit", "-q", "--cores", "1", "--", "sh", "-c", script])
            }
            for job in jobs {
                let run = try job.wait()
                #expect(run.status == 0, "round \(round): \(run.errors)")
                #expect(field("Cpus_allowed_list", in: run)?.isEmpty == false)
            }
        }
    }
}
