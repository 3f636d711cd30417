import Essentials
import Foundation
import HardwareTopology
import MachineAgent
import Testing

#if canImport(Glibc)
import Glibc
#endif

@Suite("A ledger beside a daemon")
struct DaemonNeighbourTests {
    private let scratch: LedgerScratch

    init() throws { scratch = try LedgerScratch() }

    @Test func `nobody places jobs by the ledger while a daemon has the folder`() throws {
        let lock = unsafe open(scratch.path + "/hengd.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        #expect(flock(lock, LOCK_EX) == 0)
        #expect(throws: LedgerError.daemonRuns(scratch.path)) { try scratch.scheduler() }

        close(lock)

        let scheduler = try scratch.scheduler()
        #expect(try scratch.ledger.livingCommands() == 1)
        withExtendedLifetime(scheduler) {}
    }

    @Test func `nobody places jobs by the ledger while jobs of a daemon run`() throws {
        let folder = scratch.path + "/attempts/7.1"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let boot = try String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)
            .trimmingCharacters(in: .whitespacesAndNewlines)
        // This process stands for a supervisor: its start time is the 22nd word of its status.
        let words =
            try String(contentsOfFile: "/proc/self/stat", encoding: .utf8)
            .split(separator: ")").last?.split(separator: " ") ?? []
        let start = try #require(words.dropFirst(19).first)
        func write(start: some StringProtocol) throws {
            try Data("pid=\(getpid())\nstart=\(start)\nboot=\(boot)\n".utf8)
                .write(to: URL(fileURLWithPath: folder + "/rank-0.manifest"))
        }
        try write(start: start)
        #expect(throws: LedgerError.daemonLeftJobs(scratch.path, count: 1)) { try scratch.scheduler() }

        // Another process has the number by now.
        try write(start: "1\(start)")
        _ = try scratch.scheduler()
        try write(start: start)
        try Data("ended\n".utf8).write(to: URL(fileURLWithPath: folder + "/rank-0.end"))
        _ = try scratch.scheduler()
    }

    @Test func `without a ledger nobody is at work`() throws {
        #expect(try scratch.ledger.livingCommands() == 0)
        #expect(!FileManager.default.fileExists(atPath: scratch.machineFolder))
    }
}
