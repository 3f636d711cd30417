import Essentials
import Foundation
import HardwareTopology
import MachineAgent
import Scheduling
import Synchronization
import Testing

@Suite("The ledger of a machine", .timeLimit(.minutes(20)))
struct LedgerTests {
    let scratch: LedgerScratch

    init() throws { scratch = try LedgerScratch() }

    @Test func `a job gets its cores, and gives them back when it has finished`() throws {
        let scheduler = try scratch.scheduler()

        let lease = try scheduler.start(ledgerRequest(cores: 2))
        try scheduler.reportStarted(lease)
        #expect(try scheduler.jobs().rows.map(\.state) == ["RUNNING"])
        let phase = try scheduler.finish(lease, .exited(code: 3))

        #expect(lease.placement.cpus == CPUSet([0, 1]))
        #expect(phase == .ended(.failed(.exited(code: 3))))
        #expect(try scheduler.jobs().rows.map(\.remark) == ["exit code 3"])
        #expect(try scheduler.start(ledgerRequest(cores: 2)).job == JobID(2))
    }

    @Test func `a job of another command waits, hears why, and starts when the cores come back`() throws {
        let first = try scratch.scheduler()
        let second = try scratch.scheduler()
        let lease = try first.start(ledgerRequest(cores: 2))
        let job = try second.submit(ledgerRequest(cores: 1))
        let reasons = Mutex<[WaitReason]>([])

        let errors = onThreads(1) { _ in
            let got = try second.waitForPlacement(of: job, interrupt: LedgerInterrupt()) { reason in
                reasons.withLock { $0.append(reason) }
                // Only now is it certain that the job waited.
                do {
                    try first.finish(lease, .exited(code: 0))
                } catch {
                    Issue.record(error)
                }
            }
            try second.finish(got, .exited(code: 0))
        }

        #expect(errors == [])
        #expect(
            reasons.withLock { $0 } == [.coresBusy(needed: .cores(1), free: .zero, node: 0)])
        #expect(try first.jobs().rows.map(\.state) == ["COMPLETED", "COMPLETED"])
    }

    @Test(arguments: [2, 8]) func `commands that hammer one ledger never get the same core`(
        commands: Int
    ) throws {
        let scratch = scratch
        let cores = 3
        let holders = Mutex<[Int]>([Int](repeating: 0, count: cores))
        let worst = Mutex(0)

        let errors = onThreads(commands) { index in
            let scheduler = try scratch.scheduler(cores: cores)
            for round in 0..<6 {
                let lease = try scheduler.start(ledgerRequest(cores: 1 + (index + round) % 2))
                let most = holders.withLock { holders in
                    for cpu in lease.placement.cpus.units { holders[cpu] += 1 }
                    return holders.max() ?? 0
                }
                worst.withLock { $0 = max($0, most) }
                try scheduler.reportStarted(lease)
                holders.withLock { for cpu in lease.placement.cpus.units { $0[cpu] -= 1 } }
                try scheduler.finish(lease, .exited(code: 0))
            }
        }

        #expect(errors == [])
        #expect(worst.withLock { $0 } == 1)
        let rows = try scratch.ledger.jobs().rows
        #expect(rows.map(\.job.number) == Array(1...commands * 6))
        #expect(Set(rows.map(\.state)) == ["COMPLETED"])
    }

    @Test func `what can never run is refused and takes no number`() throws {
        let scheduler = try scratch.scheduler()

        #expect(throws: RequestError.tooManyCores(.cores(3), most: .cores(2), place: .anyNode)) {
            try scheduler.submit(ledgerRequest(cores: 3))
        }

        #expect(try scheduler.submit(ledgerRequest()) == JobID(1))
    }

    @Test func `a command gets only units that it may use`() throws {
        let scheduler = try scratch.scheduler(allowed: CPUSet([1]))

        #expect(try scheduler.start(ledgerRequest(cores: 1)).placement.cpus == CPUSet([1]))
        #expect(throws: RequestError.self) { try scheduler.submit(ledgerRequest(cores: 2)) }
    }

    @Test func `an interrupt takes a waiting job back`() throws {
        let scheduler = try scratch.scheduler()
        _ = try scheduler.start(ledgerRequest(cores: 2))
        let job = try scheduler.submit(ledgerRequest())
        let interrupt = try LedgerInterrupt()

        let error = #expect(throws: LedgerError.self) {
            try scheduler.waitForPlacement(of: job, interrupt: interrupt) { _ in interrupt.trigger() }
        }

        #expect(error == .interrupted(job))
        #expect(error?.exitCode == .interrupted)
        #expect(try scheduler.jobs().rows.map(\.state) == ["LAUNCHING", "CANCELLED"])
    }

    @Test func `cancelling from another command reaches the owner of a running job`() throws {
        let owner = try scratch.scheduler()
        let lease = try owner.start(ledgerRequest())

        #expect(try scratch.ledger.cancel(lease.job) == .completing(.cancelled))
        #expect(try owner.stopRequest(for: lease, interrupt: LedgerInterrupt()) == .cancelled)
        #expect(try owner.finish(lease, .signalled(15)) == .ended(.cancelled))
        #expect(throws: LedgerError.unknownJob(JobID(77))) { try scratch.ledger.cancel(JobID(77)) }
    }

    @Test func `a waiting job that someone cancels tells its owner`() throws {
        let scheduler = try scratch.scheduler()
        _ = try scheduler.start(ledgerRequest(cores: 2))
        let job = try scheduler.submit(ledgerRequest())

        try scratch.ledger.cancel(job)

        #expect(throws: LedgerError.endedWhileWaiting(job, .cancelled)) {
            try scheduler.waitForPlacement(of: job, interrupt: LedgerInterrupt())
        }
    }

    @Test func `at its time limit a job is to be stopped`() throws {
        let scheduler = try scratch.scheduler()
        let lease = try scheduler.start(ledgerRequest(limit: .milliseconds(30)))

        #expect(try scheduler.stopRequest(for: lease, interrupt: LedgerInterrupt()) == .timeLimit)
        #expect(try scheduler.finish(lease, .signalled(15)) == .ended(.timeout))
    }

    @Test func `the watch for a stop ends when the processes have ended`() throws {
        let scheduler = try scratch.scheduler()
        let lease = try scheduler.start(ledgerRequest())
        let interrupt = try LedgerInterrupt()

        interrupt.trigger()

        #expect(try scheduler.stopRequest(for: lease, interrupt: interrupt) == nil)
    }

    @Test func `more ended jobs are listed than the state itself holds`() throws {
        let scheduler = try scratch.scheduler()
        for _ in 0..<40 { try scheduler.finish(scheduler.start(ledgerRequest()), .exited(code: 0)) }

        #expect(try scheduler.jobs().rows.map(\.job.number) == Array(1...40))
        #expect(try scratch.ledger.jobs(ended: 0).rows.count == 32)
    }

    @Test func `grown memory counts as soon as nothing is lent`() throws {
        let small = try scratch.scheduler(memory: .gibibytes(8))
        let lease = try small.start(ledgerRequest())
        var wish = ledgerRequest()
        wish.resources.memory = .gibibytes(16)

        let during = try scratch.scheduler(memory: .gibibytes(16))
        #expect(throws: RequestError.self) { try during.submit(wish) }
        try small.finish(lease, .exited(code: 0))
        let after = try scratch.scheduler(memory: .gibibytes(16))

        #expect(try after.start(wish).placement.memory == .gibibytes(16))
    }

    @Test func `a machine that never had a job has an empty table, and asking makes no files`() throws {
        #expect(try scratch.ledger.jobs().rows == [])
        #expect(try scratch.ledger.explain(JobID(1)) == nil)
        #expect(!FileManager.default.fileExists(atPath: scratch.machineFolder))
    }
}
