import Essentials
import Foundation
import HardwareTopology
import MachineAgent
import Scheduling
import Testing

@Suite("The ledger in trouble", .timeLimit(.minutes(20)))
struct LedgerTroubleTests {
    let scratch: LedgerScratch

    init() throws { scratch = try LedgerScratch() }

    @Test func `a command that ends without a word loses its jobs, and the next one frees their cores`()
        throws
    {
        var first: EmbeddedScheduler? = try scratch.scheduler()
        _ = try first?.start(ledgerRequest(cores: 2))

        first = nil
        let second = try scratch.scheduler()

        #expect(try second.start(ledgerRequest(cores: 2)).job == JobID(2))
        #expect(try second.jobs().rows.map(\.state) == ["NODE_FAIL", "LAUNCHING"])
    }

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/flock"), "needs flock(1)"))
    func `a job lives as long as the process that owns it, and kill -9 frees its cores for one that waits`()
        throws
    {
        let stranger = try LockingProcess(file: scratch.path + "/stranger")
        try giveJobOne(to: stranger, cores: 2)
        let scheduler = try scratch.scheduler()
        let job = try scheduler.submit(ledgerRequest(cores: 1))

        #expect(try scheduler.jobs().rows.map(\.state) == ["LAUNCHING", "PENDING"])
        let lease = try scheduler.waitForPlacement(of: job, interrupt: LedgerInterrupt()) { _ in
            stranger.kill()
        }

        #expect(lease.job == job)
        #expect(try scheduler.jobs().rows.map(\.state) == ["NODE_FAIL", "LAUNCHING"])
    }

    /// Writes into the record that a running job belongs to another process.
    private func giveJobOne(to stranger: LockingProcess, cores: Int) throws {
        let state: String
        let owner: String
        do {
            let scheduler = try scratch.scheduler()
            _ = try scheduler.start(ledgerRequest(cores: cores))
            state = try scratch.readState()
            let owners = try FileManager.default.contentsOfDirectory(
                atPath: scratch.machineFolder + "/owners")
            owner = try #require(owners.first)
        }
        try FileManager.default.moveItem(
            atPath: stranger.file, toPath: scratch.machineFolder + "/owners/stranger")
        try scratch.writeState(state.replacingOccurrences(of: owner, with: "stranger"))
    }

    @Test(arguments: [
        "", "{}", "not json at all", "{\"format\":\"other\",\"version\":1}",
        "{\"format\":\"heng ledger\",\"version\":1}",
    ])
    func `a damaged record is kept aside, and the next command begins a new one`(content: String) throws {
        do {
            let scheduler = try scratch.scheduler()
            try scheduler.finish(scheduler.start(ledgerRequest()), .exited(code: 0))
        }
        try scratch.writeState(content)

        let error = #expect(throws: LedgerError.self) { try scratch.scheduler() }

        guard case .damaged(_, let kept, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(try String(contentsOfFile: kept, encoding: .utf8) == content)
        #expect(error?.exitCode == .setupMissing)
        // The number of the first job is not used again.
        #expect(try scratch.scheduler().submit(ledgerRequest()) == JobID(2))
    }

    @Test func `a record in which a job has what is not there is damaged`() throws {
        do {
            let scheduler = try scratch.scheduler()
            _ = try scheduler.submit(ledgerRequest())
            let state = try scratch.readState()
            try scratch.writeState(
                state.replacingOccurrences(of: "\"amount\":10000", with: "\"amount\":20000"))
            #expect(try scratch.readState() != state)
        }

        let error = #expect(throws: LedgerError.self) { try scratch.scheduler() }

        #expect(error?.summary.contains("job 1 has what is not there") == true)
    }

    @Test func `no new record begins while commands of the lost one run`() throws {
        let running = try scratch.scheduler()
        _ = try running.start(ledgerRequest(cores: 2))
        try FileManager.default.removeItem(atPath: scratch.stateFile)

        let error = #expect(throws: LedgerError.self) { try scratch.scheduler() }

        #expect(error == .ownersStillRunning(scratch.stateFile, count: 1))
        withExtendedLifetime(running) {}
    }

    @Test func `a record of a newer version is left alone`() throws {
        _ = try scratch.scheduler()
        let newer = "{\"format\":\"heng ledger\",\"version\":2,\"anything\":[]}"
        try scratch.writeState(newer)

        #expect(throws: LedgerError.newerVersion(scratch.stateFile, found: 2, known: 1)) {
            try scratch.scheduler()
        }

        #expect(try scratch.readState() == newer)
    }

    @Test(.enabled(if: FileManager.default.fileExists(atPath: "/dev/full"), "needs /dev/full"))
    func `when the disk is full nothing is changed, and the reason is told`() throws {
        let scheduler = try scratch.scheduler()
        let lease = try scheduler.start(ledgerRequest())
        let history = scratch.machineFolder + "/history.jsonl"
        try FileManager.default.createSymbolicLink(atPath: history, withDestinationPath: "/dev/full")
        let before = try scratch.readState()

        #expect(throws: LedgerError.cannotWrite(history, code: ENOSPC)) {
            try scheduler.finish(lease, .exited(code: 0))
        }

        #expect(try scratch.readState() == before)
        try FileManager.default.removeItem(atPath: history)
        #expect(try scheduler.finish(lease, .exited(code: 0)) == .ended(.completed))
    }

    @Test(.enabled(if: TinyDisk.canMount, "mounting a small disk needs root in a machine that allows it"))
    func `on a disk without room jobs are refused, and those in the record stay`() throws {
        let disk = try TinyDisk(at: scratch.path)
        let scheduler = try scratch.scheduler()
        let job = try scheduler.submit(ledgerRequest())
        try disk.fill()

        let error = #expect(throws: LedgerError.self) { try scheduler.submit(ledgerRequest()) }

        #expect(error == .cannotWrite(scratch.stateFile, code: ENOSPC))
        #expect(error?.nextStep == "Free some space on that disk, then try again.")
        #expect(try scheduler.jobs().rows.map(\.job) == [job])
        try disk.empty()
        #expect(try scheduler.submit(ledgerRequest()) == JobID(2))
    }

    @Test func `a folder that cannot be used says what to do`() throws {
        let file = scratch.path + "/file"
        try "x".write(toFile: file, atomically: true, encoding: .utf8)

        let error = #expect(throws: LedgerError.self) {
            try LedgerFolder.path(environment: ["HENG_STATE_DIR": file + "/below"])
        }

        #expect(error == .folderNotUsable(file + "/below", code: ENOTDIR))
        #expect(error?.nextStep?.contains("HENG_STATE_DIR") == true)
    }

    @Test func `after a restart of the machine jobs are lost and time goes on`() throws {
        var first: EmbeddedScheduler? = try scratch.scheduler()
        _ = try first?.start(ledgerRequest())
        let state = try scratch.readState()
        first = nil
        let boot = try String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)
            .trimmingCharacters(in: .whitespacesAndNewlines)
        try scratch.writeState(state.replacingOccurrences(of: boot, with: "an-earlier-one"))

        let second = try scratch.scheduler()
        _ = try second.submit(ledgerRequest())

        let rows = try second.jobs().rows
        #expect(rows.map(\.state) == ["NODE_FAIL", "LAUNCHING"])
        #expect(rows[0].submitted <= rows[1].submitted)
        #expect(try scratch.readState().contains(boot))
    }
}

@Suite("The folder of the ledger")
struct LedgerFolderTests {
    @Test func `the chosen folder comes before the system's, and that before the user's`() throws {
        let scratch = try LedgerScratch()
        let chosen = scratch.path + "/chosen/deep"
        let system = scratch.path + "/lib/heng"
        let home = ["HOME": scratch.path + "/home"]
        // A folder below a file can be made by nobody, root included.
        let impossible = "/dev/null/heng"

        #expect(
            try LedgerFolder.path(environment: ["HENG_STATE_DIR": chosen], system: system) == chosen)
        #expect(try LedgerFolder.path(environment: home, system: system) == system)
        #expect(
            try LedgerFolder.path(environment: home, system: impossible)
                == scratch.path + "/home/.local/state/heng")
        #expect(
            try LedgerFolder.path(
                environment: home.merging(["XDG_STATE_HOME": scratch.path + "/xdg"]) { $1 },
                system: impossible)
                == scratch.path + "/xdg/heng")
        #expect(throws: LedgerError.noFolder) {
            try LedgerFolder.path(environment: [:], system: impossible)
        }
    }
}

/// A process that holds a lock on a file until it is killed.
final class LockingProcess: @unchecked Sendable {
    // Unchecked because Foundation's class is; it is used from one thread at a time here.
    private let process = Foundation.Process()
    let file: String

    init(file: String) throws {
        self.file = file
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/flock")
        process.arguments = ["-F", file, "sh", "-c", "echo locked; exec sleep 600"]
        process.standardOutput = output
        try process.run()
        _ = output.fileHandleForReading.availableData
    }

    deinit { kill() }

    func kill() {
        guard process.isRunning else { return }
        Foundation.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }
}

/// A disk of a quarter mebibyte, mounted on a folder.
struct TinyDisk: ~Copyable {
    private let folder: String

    static let canMount: Bool = {
        guard let scratch = try? LedgerScratch() else { return false }
        // The folder has to outlive the disk that is mounted on it.
        return withExtendedLifetime(scratch) { (try? TinyDisk(at: scratch.path)) != nil }
    }()

    init(at folder: String) throws {
        let code = try TinyDisk.run("mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", folder)
        guard code == 0 else { throw Failure("mount answered \(code).") }
        self.folder = folder
    }

    deinit {
        // A folder that stays mounted is only untidy.
        _ = try? TinyDisk.run("umount", folder)
    }

    /// Ends with an error, as it should, when no byte more fits.
    func fill() throws {
        guard try TinyDisk.run("dd", "if=/dev/zero", "of=\(folder)/filler", "bs=4096") != 0 else {
            throw Failure("The small disk has no end.")
        }
    }

    func empty() throws { try FileManager.default.removeItem(atPath: folder + "/filler") }

    private static func run(_ command: String...) throws -> Int32 {
        let process = Foundation.Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus
    }
}
