internal import ControlAPI
internal import Essentials
internal import Scheduling

#if canImport(Glibc)
internal import Glibc
#endif

/// Tries out the limits of a virtual device: spins on its processing units, takes more memory than it has, and looks
/// where its memory lies.
///
/// On a busy machine a device may get less time than it asked for; what is tried is that it never gets more.
struct DeviceTrial: Sendable {
    let name: String
    let revision: Int
    let device: VirtualDevice
    let isolation: Isolation
    let supervisor: SupervisorProgram

    /// How long the processing units spin.
    private static let spinTime = Duration.milliseconds(400)
    /// Trying the mechanism does not need the whole amount of a large device.
    private static let largestMemory = ByteCount.mebibytes(64)
    /// Accounting in periods and slices is not finer.
    private static let tolerance = 1.1

    /// Works on a thread of its own, and reports at the end.
    func begin(report: @escaping @Sendable (AgentReport) -> Void) {
        do {
            try startThread { report(.tested(name: name, test())) }
        } catch {
            report(
                .tested(name: name, DeviceTest(revision: revision, limits: [failure("compute", "\(error)")])))
        }
    }

    private func test() -> DeviceTest {
        var limits = [compute()]
        if device.memory > .zero { limits.append(memory()) }
        limits.append(locality())
        return DeviceTest(revision: revision, limits: limits)
    }

    // MARK: The three tries

    private func compute() -> DeviceTest.Limit {
        let spin =
            "i=0; while [ $i -lt \(device.cpus.count) ]; do (while :; do :; done) & i=$((i+1)); done; wait"
        var step = step(spin, slot: RankSlot(device))
        step.memory = nil
        step.timeLimit = Self.spinTime
        return run(step, "compute", .share, asked: device.cpuTime, unit: "CPUs") { outcome in
            let got = outcome.usage.cpuTime.nanoseconds
            let measured = Double(got) / Double(max(1, Self.spinTime.nanoseconds))
            return (measured, measured <= device.cpuTime * Self.tolerance)
        }
    }

    private func memory() -> DeviceTest.Limit {
        let limit = min(device.memory, Self.largestMemory)
        var slot = RankSlot(device)
        slot.memory = limit
        slot.cpuShare = nil
        let more = limit.bytes + limit.bytes / 2
        let take = "exec dd if=/dev/zero of=/dev/null bs=\(more) count=1"
        return run(step(take, slot: slot), "memory", .memory, asked: Double(limit.bytes), unit: "bytes") {
            outcome in
            (outcome.usage.memoryPeak.map { Double($0.bytes) }, !outcome.verdict.isSuccess)
        }
    }

    private func locality() -> DeviceTest.Limit {
        var slot = RankSlot(device)
        slot.cpuShare = nil
        slot.memory = nil
        let file = "/tmp/heng-trial-\(getpid())-\(name.count)-\(revision)-\(UInt64.random(in: 0 ... .max))"
        defer { unsafe unlink(file) }
        var step = step("exec cat /proc/self/numa_maps", slot: slot)
        step.output = .file(file)
        return run(step, "locality", .numa, asked: 1, unit: "of its pages") { outcome in
            guard outcome.verdict.isSuccess, let text = SmallFile.read(file) else { return (nil, true) }
            let local = Self.localPart(text, nodes: Set(device.osNodes))
            return (local, local.map { $0 >= 0.95 } ?? true)
        }
    }

    /// The part of the anonymous pages that lies on some nodes; nil when there are none.
    static func localPart(_ maps: String, nodes: Set<Int>) -> Double? {
        var local = 0
        var all = 0
        for line in maps.split(separator: "\n") where line.contains(" anon=") {
            for word in line.split(separator: " ") where word.hasPrefix("N") {
                let parts = word.dropFirst().split(separator: "=").map { Int($0) }
                guard parts.count == 2, let node = parts[0], let pages = parts[1] else { continue }
                all += pages
                if nodes.contains(node) { local += pages }
            }
        }
        return all == 0 ? nil : Double(local) / Double(all)
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
            let entry = running.enforcement[kind] ?? running.enforcement[.cores]
            let strength = entry.map { EnforcementStrength($0.strength) } ?? .soft
            return DeviceTest.Limit(
                name: limit, strength: strength, asked: asked, measured: measured, unit: unit, isHeld: isHeld,
                means: entry?.means ?? "affinity")
        } catch {
            return failure(limit, (error as? any ReportableError)?.summary ?? "\(error)")
        }
    }

    private func failure(_ limit: String, _ why: String) -> DeviceTest.Limit {
        DeviceTest.Limit(
            name: limit, strength: .soft, asked: 0, measured: nil, unit: "", isHeld: false,
            means: "it could not be tried: \(why)")
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
    fileprivate func waitOnThisThread() throws -> StepOutcome {
        let ended = try LedgerInterrupt()
        whenEnded { _ in ended.trigger() }
        _ = ended.wait(or: ended)
        guard let outcome else { throw Failure("The step has no outcome.") }
        return outcome
    }
}
