import Essentials
import MachineAgent
import Scheduling
import TestSupport
import Testing

@Suite("Verdict of a step")
struct StepVerdictTests {
    private static let limit = ByteCount.mebibytes(64)
    private static let node = CPUSet([1])

    private static let table: [(String, StepEvidence, StepVerdict)] = [
        ("plain success", StepEvidence(ending: .exited(code: 0)), .completed),
        ("plain failure", StepEvidence(ending: .exited(code: 3)), .failed(code: 3)),
        ("a crash", StepEvidence(ending: .signalled(11)), .signalled(11)),
        ("somebody's kill -9", StepEvidence(ending: .signalled(9)), .killedExternally),
        (
            "kill -9 with counters that did not move",
            StepEvidence(ending: .signalled(9), outOfMemoryKills: 0, limitHits: 7, memoryLimit: limit),
            .killedExternally
        ),
        ("our own request", StepEvidence(ending: .signalled(15), stopRequested: true), .stopped),
        (
            "our own request, obeyed well", StepEvidence(ending: .exited(code: 0), stopRequested: true),
            .stopped
        ),
        (
            "our own request, by force, after a kill for memory",
            StepEvidence(ending: .signalled(9), stopRequested: true, outOfMemoryKills: 1), .stopped
        ),
        (
            "over its limit",
            StepEvidence(
                ending: .signalled(9), outOfMemoryKills: 1, limitHits: 12, memoryPeak: limit,
                memoryLimit: limit),
            .outOfMemoryQuota(limit: limit, peak: limit, kills: 1)
        ),
        (
            "a child over the limit, seen by the shell as an exit code",
            StepEvidence(ending: .exited(code: 137), outOfMemoryKills: 2, limitHits: 1, memoryLimit: limit),
            .outOfMemoryQuota(limit: limit, peak: nil, kills: 2)
        ),
        (
            "a child over the limit, forgiven by its parent",
            StepEvidence(ending: .exited(code: 0), outOfMemoryKills: 1, limitHits: 1, memoryLimit: limit),
            .completed
        ),
        (
            "a full node",
            StepEvidence(
                ending: .signalled(9), outOfMemoryKills: 2, limitHits: 0, memoryLimit: limit,
                strictNodes: node),
            .outOfMemoryOnNodes(node, kills: 2)
        ),
        (
            "a full machine",
            StepEvidence(ending: .signalled(9), outOfMemoryKills: 1, limitHits: 0, memoryLimit: limit),
            .outOfMemoryOnMachine(kills: 1)
        ),
        (
            "over its time, obeyed well", StepEvidence(ending: .exited(code: 0), overTime: true), .overTime
        ),
        ("over its time, by force", StepEvidence(ending: .signalled(9), overTime: true), .overTime),
        (
            "our own request before the time was up",
            StepEvidence(ending: .signalled(15), stopRequested: true, overTime: true), .stopped
        ),
        (
            "a virtual device over its limit, the step within its own",
            StepEvidence(
                ending: .signalled(9), outOfMemoryKills: 2, limitHits: 0, memoryPeak: limit,
                memoryLimit: .gibibytes(1), parentHits: 3),
            .outOfMemoryInVirtualDevice(peak: limit, kills: 2)
        ),
        (
            "both limits hit: the step's own comes first",
            StepEvidence(
                ending: .signalled(9), outOfMemoryKills: 1, limitHits: 4, memoryLimit: limit, parentHits: 3),
            .outOfMemoryQuota(limit: limit, peak: nil, kills: 1)
        ),
        (
            "a virtual device that hit its limit without a kill of ours",
            StepEvidence(ending: .exited(code: 1), outOfMemoryKills: 0, parentHits: 3), .failed(code: 1)
        ),
        (
            "an accelerator's message", StepEvidence(ending: .exited(code: 1), deviceMemory: true),
            .outOfMemoryOnAccelerator
        ),
        (
            "an accelerator's message that was handled",
            StepEvidence(ending: .exited(code: 0), deviceMemory: true), .completed
        ),
        (
            "an accelerator's message, but the kernel killed",
            StepEvidence(ending: .signalled(9), outOfMemoryKills: 1, limitHits: 0, deviceMemory: true),
            .outOfMemoryOnMachine(kills: 1)
        ),
        ("a killed supervisor", StepEvidence(ending: .unknown, stopRequested: true), .supervisorLost),
        (
            "a process that SIGKILL does not end", StepEvidence(ending: .hanging, stopRequested: true),
            .hanging
        ),
    ]

    @Test(arguments: table.indices) func `each set of facts has its verdict`(row: Int) {
        let (name, evidence, expected) = Self.table[row]

        #expect(StepVerdict(evidence) == expected, "\(name)")
    }

    @Test(arguments: propertySeeds) func `success means exit code 0 that nobody asked for, and nothing else`(
        seed: UInt64
    ) {
        var random = SeededGenerator(seed: seed, purpose: "verdict")
        let endings: [StepEnding] = [
            .exited(code: 0), .exited(code: 1), .signalled(9), .signalled(15), .unknown,
        ]
        let evidence = StepEvidence(
            ending: random.pick(endings), stopRequested: random.below(2) == 0,
            outOfMemoryKills: random.pick([nil, 0, 3]), limitHits: random.pick([nil, 0, 3]),
            memoryLimit: random.pick([nil, Self.limit]), strictNodes: random.pick([nil, Self.node]))

        let verdict = StepVerdict(evidence)

        #expect(verdict.isSuccess == (evidence.ending == .exited(code: 0) && !evidence.stopRequested))
    }

    @Test func `the scheduler is told cause, limit and peak, and how a stopped step ended`() {
        let death = StepEvidence(
            ending: .signalled(9), outOfMemoryKills: 1, limitHits: 0, memoryPeak: .mebibytes(5),
            memoryLimit: Self.limit, strictNodes: Self.node)
        #expect(
            JobOutcome(death)
                == .outOfMemory(MemoryDeath(.node(1), limit: Self.limit, peak: .mebibytes(5))))
        #expect(
            JobOutcome(StepEvidence(ending: .exited(code: 85), stopRequested: true)) == .exited(code: 85))
        #expect(JobOutcome(StepEvidence(ending: .signalled(9), stopRequested: true)) == .signalled(9))
        #expect(JobOutcome(StepEvidence(ending: .signalled(9))) == .killedFromOutside)
        #expect(JobOutcome(StepEvidence(ending: .exited(code: 0), overTime: true)) == .overTime)
    }

    @Test func `a verdict over the limit names the limit and the peak`() {
        let verdict = StepVerdict.outOfMemoryQuota(limit: .gibibytes(2), peak: .mebibytes(1023), kills: 1)

        #expect("\(verdict)" == "out of memory: over its limit of 2 GiB (peak 1023 MiB, 1 killed)")
    }
}
