import Essentials
import Foundation
import Testing

/// Whether a file system of our own can be mounted where nobody else sees it.
private let canMount: Bool = {
    let sandbox = try? Sandbox()
    let run = try? sandbox?.run(["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt"])
    return run?.status == 0
}()

@Suite("A full disk", .timeLimit(.minutes(20)))
struct FullDiskTests {
    private let sandbox: Sandbox

    init() throws { sandbox = try Sandbox() }

    @Test(arguments: [["topology"], ["topology", "--json"], ["devices"], ["jobs"]])
    func `output that does not fit is an error`(arguments: [String]) throws {
        let run = try sandbox.run(["heng"] + arguments, output: "/dev/full")

        #expect(run.status == 4)
        #expect(run.errorLines.count == 1)
        #expect(run.errors.contains("The disk is full: cannot write the output. Free some space"))
    }

    @Test func `the output of ranks that does not fit is an error, and the ranks still end`() throws {
        let run = try sandbox.run(
            ["heng", "submit", "-q", "--ranks", "2", "--cores", "0.5", "--", "seq", "100000"],
            output: "/dev/full")

        #expect(run.status == 4)
        #expect(run.errorLines.count == 1)
        #expect(run.errors.contains("The ranks' output could not be written: No space left on device. Free"))
        #expect(try sandbox.temporaryFiles() == [])
    }

    @Test func `a drawing does not take the place of a device`() throws {
        try FileManager.default.createSymbolicLink(
            atPath: sandbox.work + "/full.svg", withDestinationPath: "/dev/full")

        let run = try sandbox.heng("topology", "--svg", "full.svg")

        #expect(run.status == 4)
        #expect(run.output == "")
        #expect(run.errors.contains("The disk is full: cannot write full.svg."))
        #expect(
            try FileManager.default.destinationOfSymbolicLink(atPath: sandbox.work + "/full.svg")
                == "/dev/full")
    }

    @Test(
        .enabled(if: canMount, "this user may not mount a small file system in a namespace of its own"),
        arguments: [
            ("HENG_STATE_DIR", "record of jobs|cannot be written|cannot be used|cannot be locked"),
            ("TMPDIR", "disk is full|cannot be made"),
        ])
    func `a job whose files do not fit is one line with the next step`(
        variable: String, says: String
    ) throws {
        // A file system of two pages: one for its root, one for the file that fills it.
        let script = """
            mount -t tmpfs -o size=4k,nr_inodes=64 none /mnt && dd if=/dev/zero of=/mnt/fill bs=4k count=1 status=none
            exec heng submit -q --ranks 2 --cores 0.5 -- echo hello
            """

        let run = try sandbox.run(["unshare", "-rm", "sh", "-c", script], with: [variable: "/mnt"])

        #expect(run.status == 4 || run.status == 3, "\(run)")
        #expect(run.output == "")
        #expect(run.errorLines.count == 1, "\(run.errors)")
        #expect(run.errors.contains(try Regex(says)), "\(run.errors)")
        #expect(!run.errors.contains("NSError") && !run.errors.contains("Domain"), "\(run.errors)")
    }

    /// Sizes at which the disk fills with the first record, with the raw samples, and with the last records.
    @Test(
        .enabled(if: canMount, "this user may not mount a small file system in a namespace of its own"),
        arguments: ["4k", "16k", "40k"])
    func `a benchmark whose files do not fit says so and keeps a record that is marked incomplete`(
        size: String
    ) throws {
        let script = """
            mount -t tmpfs -o size=\(size) none /mnt
            heng bench run server --quiet --tier smoke --filter encoder --output /mnt/run
            status=$?
            cat /mnt/run/result.json
            exit $status
            """

        let run = try sandbox.run(
            ["unshare", "-rm", "sh", "-c", script], with: ["XDG_CACHE_HOME": Sandbox.sharedCache])

        #expect(run.status == 4)
        #expect(run.errorLines.count == 1, "\(run.errors)")
        #expect(run.errors.contains("The disk is full: cannot write /mnt/run/"), "\(run.errors)")
        #expect(run.output.contains("\"complete\" : false"))
        #expect(try sandbox.processes() == [])
    }
}
