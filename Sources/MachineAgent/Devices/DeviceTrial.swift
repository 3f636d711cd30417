internal import ControlAPI
internal import Essentials
internal import Scheduling
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#endif

/// Tries out the limits of a virtual device: spins on its processing units, takes more memory than it has, and looks
/// where its memory lies.
///
/// Everything runs inside the device's own groups, where no job is meanwhile. On a busy machine a device may get less
/// time than it asked for; what is tried is that it never gets more.
struct DeviceTrial: Sendable {
    private let name: String
    private let revision: Int
    private let device: VirtualDevice
    private let kept: KeptDevice
    private let isolation: Isolation
    private let supervisor: SupervisorProgram

    init(kept: KeptDevice, isolation: Isolation, supervisor: SupervisorProgram) {
        name = kept.name
        revision = kept.device.revision
        device = kept.device.device
        self.kept = kept
        self.isolation = kept.groups.isolation(inside: isolation)
        self.supervisor = supervisor
    }

    /// What is tried, apart from what came of it.
    var subject: NamedDevice { kept.device }

    /// How long the processing units spin: many periods of a quota, and ticks of a kernel that counts by them.
    private static let spinTime = Duration.milliseconds(800)
    /// Trying the mechanism does not need the whole amount of a large device.
    private static let largestMemory = ByteCount.mebibytes(64)
    /// Accounting in periods and slices is not finer.
    private static let tolerance = 1.1

    /// Blocks for about a second, so it needs a thread of its own.
    func run() -> DeviceTest {
        var limits = [compute()]
        if device.memory > .zero { limits.append(memory()) }
        limits.append(locality())
        let accelerator = AcceleratorGrant(device)
        limits += accelerator?.limits ?? []
        return DeviceTest(
            revision: revision, limits: limits, acceleratorLevel: accelerator?.level.rawValue)
    }

    /// The test of a device that could not be tried.
    static func failure(of device: NamedDevice, because why: String) -> DeviceTest {
        DeviceTest(revision: device.revision, limits: [failure("compute", why)])
    }

    // MARK: The three tries

    private func compute() -> DeviceTest.Limit {
        let spin =
            "i=0; while [ $i -lt \(device.cpus.count) ]; do (while :; do :; done) & i=$((i+1)); done; wait"
        var slot = kept.groups.slot
        slot.memory = nil
        if kept.groups.holds(.share) { slot.cpuShare = nil }
        var step = step(spin, slot: slot)
        step.timeLimit = Self.spinTime
        return run(step, "compute", .share, asked: device.cpuTime, unit: "CPUs") { outcome in
            let got = outcome.usage.cpuTime.nanoseconds
            let lent = TrialMeasure.lentTime(in: outcome.usage.wallTime, kept.groups.slot)
            let measured = Double(got) / Double(lent.nanoseconds)
            // Without a quota it may use what lies idle beside it.
            let hasQuota = kept.groups.slot.cpuShare != nil
            let most = hasQuota ? device.cpuTime : Double(device.cpus.count)
            return (measured, measured <= most * Self.tolerance)
        }
    }

    /// The device's own limit where the kernel holds it, lowered for the trial when it is a large one.
    private func memory() -> DeviceTest.Limit {
        let limit = min(device.memory, Self.largestMemory)
        let isHeld = kept.groups.holds(.memory)
        var slot = kept.groups.slot
        slot.cpuShare = nil
        slot.memory = isHeld ? nil : limit
        if isHeld, limit < device.memory, !kept.groups.limitMemory(to: limit) {
            return Self.failure("memory", "its limit cannot be changed")
        }
        defer { if isHeld { _ = kept.groups.limitMemory(to: device.memory) } }
        kept.groups.forgetMemoryPeak()
        let more = limit.bytes + limit.bytes / 2
        let take = "exec dd if=/dev/zero of=/dev/null bs=\(more) count=1"
        return run(step(take, slot: slot), "memory", .memory, asked: Double(limit.bytes), unit: "bytes") {
            outcome in
            // Groups inside count what they ask for before the device refuses it, so they may be a little over.
            let peaks = [outcome.usage.memoryPeak, isHeld ? kept.groups.memoryPeak : nil]
            let peak = peaks.compactMap(\.self).min()
            let isWithin = !isHeld || peak.map { $0 <= limit } ?? false
            return (peak.map { Double($0.bytes) }, !outcome.verdict.isSuccess && isWithin)
        }
    }

    private func locality() -> DeviceTest.Limit {
        var slot = kept.groups.slot
        slot.cpuShare = nil
        slot.memory = nil
        let file = "/tmp/heng-trial-\(getpid())-\(name.count)-\(revision)-\(UInt64.random(in: 0 ... .max))"
        defer { unsafe unlink(file) }
        var step = step("exec cat /proc/self/numa_maps", slot: slot)
        step.output = .file(file)
        return run(step, "locality", .numa, asked: 1, unit: "of its pages") { outcome in
            guard outcome.verdict.isSuccess, let text = SmallFile.read(file) else { return (nil, true) }
            let local = TrialMeasure.localPart(of: text, nodes: Set(device.osNodes))
            return (local, local.map { $0 >= 0.95 } ?? true)
        }
    }

    // MARK: Running

    private func step(_ script: String, slot: RankSlot) -> StepSpecification {
        StepSpecification(
            name: "trial of \(name)", command: ["/bin/sh", "-c", script],
            environment: ["PATH": "/usr/bin:/bin"],
            workingDirectory: "/", cpus: slot.cpus, numa: slot.numa, memory: slot.memory,
            cpuShare: slot.cpuShare, output: .discarded, errorOutput: .discarded,
            timeLimit: .seconds(20), grace: .zero)
    }

    private func run(
        _ step: StepSpecification, _ limit: String, _ kind: EnforcementReport.Limit, asked: Double,
        unit: String,
        judge: (StepOutcome) -> (measured: Double?, isHeld: Bool)
    ) -> DeviceTest.Limit {
        do {
            let running = try RunningStep.start(step, isolation: isolation, supervisor: supervisor)
            let (measured, isHeld) = judge(try running.waitOnThisThread())
            let report = running.enforcement.inside(kept.groups.report, named: name)
            let entry = report[kind] ?? report[.cores]
            let strength = entry.map { EnforcementStrength($0.strength) } ?? .soft
            return DeviceTest.Limit(
                name: limit, strength: strength, asked: asked, measured: measured, unit: unit, isHeld: isHeld,
                means: entry?.means ?? "affinity")
        } catch {
            return Self.failure(limit, (error as? any ReportableError)?.summary ?? "\(error)")
        }
    }

    private static func failure(_ limit: String, _ why: String) -> DeviceTest.Limit {
        DeviceTest.Limit(
            name: limit, strength: .soft, asked: 0, measured: nil, unit: "", isHeld: false,
            means: "it could not be tried: \(why)")
    }
}

/// The trials of a machine: one after another, and none twice.
final class DeviceTrials: Sendable {
    private let state = Mutex(State())
    /// Two at once would take the processing units from each other.
    private let turn = Mutex(())

    private struct State {
        /// What is tried now.
        var pending: Set<NamedDevice> = []
        /// What came of it, for a daemon that asks again.
        var results: [NamedDevice: DeviceTest] = [:]
    }

    /// Works on a thread of its own, and reports at the end.
    ///
    /// Once that is done a job may be in the device, so the answer to a second question is the first one's.
    func begin(_ trial: DeviceTrial, report: @escaping @Sendable (AgentReport) -> Void) {
        var subject = trial.subject
        (subject.holder, subject.test) = (nil, nil)
        let key = subject
        let known = state.withLock { state -> DeviceTest? in
            if let known = state.results[key] { return known }
            return state.pending.insert(key).inserted ? nil : DeviceTest(revision: -1, limits: [])
        }
        if let known {
            // The one that is under way reports by itself.
            if known.revision >= 0 { report(.tested(name: key.name, known)) }
            return
        }
        do {
            try startThread { [self] in report(.tested(name: key.name, run(trial, key))) }
        } catch {
            state.withLock { _ = $0.pending.remove(key) }
            report(.tested(name: key.name, DeviceTrial.failure(of: key, because: "\(error)")))
        }
    }

    private func run(_ trial: DeviceTrial, _ key: NamedDevice) -> DeviceTest {
        let test = turn.withLock { _ in trial.run() }
        state.withLock { state in
            state.pending.remove(key)
            // Older sizes of the device are not asked for any more.
            state.results = state.results.filter { $0.key.name != key.name }
            state.results[key] = test
        }
        return test
    }
}

extension EnforcementStrength {
    init(_ strength: EnforcementReport.Strength) {
        self =
            switch strength {
            case .hard: .hard
            case .soft: .soft
            case .none: .none
            }
    }
}

extension RunningStep {
    /// Waits for the end on a thread of the caller's own, never on one of the concurrency pool.
    func waitOnThisThread() throws -> StepOutcome {
        let ended = try LedgerInterrupt()
        whenEnded { _ in ended.trigger() }
        _ = ended.wait(or: ended)
        guard let outcome else { throw Failure("The step has no outcome.") }
        return outcome
    }
}
