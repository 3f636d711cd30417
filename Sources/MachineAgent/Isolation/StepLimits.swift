internal import Essentials

#if canImport(Glibc)
internal import Glibc
#endif

/// The limits of one step, made real as far as the machine goes: its groups, and what stands in where there are none.
struct StepLimits {
    struct Group: Hashable, Codable {
        /// `unified`, or the controller of a version 1 tree.
        let kind: String
        let path: String
    }

    private(set) var groups: [Group] = []
    private(set) var report = EnforcementReport()
    /// The memory that the supervisor watches, and `RLIMIT_DATA` for each process, when no group limits it.
    private(set) var watchedMemoryLimit: ByteCount?

    /// The group around the step's own that may run out of memory too.
    private(set) var parent: Group?
    /// The version 1 group that the supervisor makes when the step is to be frozen.
    private(set) var freezer: String?

    private let specification: StepSpecification
    private let isolation: Isolation
    /// The name of groups that are made once and then found again; nil takes a new one.
    private let name: String?

    /// Makes the groups and writes the limits; what the kernel refuses is in the report.
    init(_ specification: StepSpecification, isolation: Isolation, name: String? = nil) {
        self.specification = specification
        self.isolation = isolation
        self.name = name
        applyCores()
        applyShare()
        applyMemory()
        applyNodes()
        applyWeight()
        applyProcesses()
        if name != nil || isolation.isInsideDevice { makeAllGroups() }
        if case .legacy(let folder) = isolation.home(of: .freezer) {
            freezer = "\(folder)/\(GroupName.next())"
        }
    }

    /// Whether a group holds the step to its number of processes.
    var hasProcessGroup: Bool { report[.processes]?.strength == .hard }

    /// Removes the groups of a step that has not started.
    func discard() {
        for group in groups { _ = SmallFile.removeFolder(group.path) }
    }

    // MARK: Cores and nodes

    private mutating func applyCores() {
        guard let cpus = specification.cpus else { return }
        let refusal = writeCPUSet()
        report.entries.append(
            .init(
                .cores, "\(cpus)", refusal == nil ? .hard : .soft,
                refusal.map { "affinity, which the step can change: \($0)" }
                    ?? "\(means(.cpuset)) and affinity"))
    }

    private mutating func applyNodes() {
        guard let numa = specification.numa else { return }
        let policy = "memory policy \(numa.mode.rawValue)"
        let entry: EnforcementReport.Entry
        if numa.mode != .strict {
            entry = .init(.numa, "\(numa.nodes) \(numa.mode.rawValue)", .soft, policy)
        } else {
            let refusal = writeCPUSet()
            entry = .init(
                .numa, "\(numa.nodes) strict", refusal == nil ? .hard : .soft,
                refusal.map { "\(policy), which the step can change: \($0)" }
                    ?? "\(means(.cpuset)) and \(policy)")
        }
        report.entries.append(entry)
    }

    /// The step's cpuset, for cores and strict nodes together.
    ///
    /// Returns why there is none. Version 1 wants both files filled before a process may enter.
    private mutating func writeCPUSet() -> String? {
        let strict = specification.numa.flatMap { $0.mode == .strict ? $0.nodes : nil }
        switch isolation.home(of: .cpuset) {
        case .missing(let reason): return reason
        case .unified(let folder):
            return write(
                [
                    ("cpuset.cpus", specification.cpus?.description),
                    ("cpuset.mems", strict?.description),
                ], in: "unified", under: folder)
        case .legacy(let folder):
            func inherited(_ name: String) -> String? { SmallFile.value("\(folder)/\(name)") }
            return write(
                [
                    ("cpuset.cpus", specification.cpus?.description ?? inherited("cpuset.effective_cpus")),
                    ("cpuset.mems", strict?.description ?? inherited("cpuset.effective_mems")),
                ], in: "cpuset", under: folder)
        }
    }

    // MARK: Share of time

    private mutating func applyShare() {
        guard let share = specification.cpuShare else { return }
        let count = specification.cpus?.count ?? Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        let quota = Quota(share: share, units: count)
        let refusal = writeQuota(quota.time, period: quota.period)
        report.entries.append(
            .init(
                .share, "\(share.formatted(significant: 3)) of \(count)", refusal == nil ? .hard : .none,
                refusal ?? "quota of \(quota.time) µs in \(quota.period) µs, \(means(.cpu))"))
    }

    private mutating func writeQuota(_ quota: Int, period: Int) -> String? {
        switch isolation.home(of: .cpu) {
        case .missing(let reason): reason
        case .unified(let folder):
            write([("cpu.max", "\(quota) \(period)")], in: "unified", under: folder)
        case .legacy(let folder):
            write(
                [("cpu.cfs_period_us", "\(period)"), ("cpu.cfs_quota_us", "\(quota)")], in: "cpu",
                under: folder)
        }
    }

    /// Against others on the same units; a weight is no limit, so a machine without groups goes without.
    private mutating func applyWeight() {
        guard let weight = specification.cpuWeight else { return }
        let refusal =
            switch isolation.home(of: .cpu) {
            case .missing(let reason): reason
            case .unified(let folder):
                write([("cpu.weight", "\(weight)")], in: "unified", under: folder)
            case .legacy(let folder):
                // Version 1 calls 1024 the usual weight, and takes nothing below 2.
                write([("cpu.shares", "\(max(2, weight * 1024 / 100))")], in: "cpu", under: folder)
            }
        // Beside a quota, which has an entry of its own, it only settles who is left less by others.
        guard specification.cpuShare == nil else { return }
        report.entries.append(
            .init(.weight, "\(weight)", refusal == nil ? .hard : .none, refusal ?? means(.cpu)))
    }

    private mutating func applyProcesses() {
        guard let limit = specification.processLimit else { return }
        let refusal =
            switch isolation.home(of: .pids) {
            case .missing(let reason): reason
            case .unified(let folder): write([("pids.max", "\(limit)")], in: "unified", under: folder)
            case .legacy(let folder): write([("pids.max", "\(limit)")], in: "pids", under: folder)
            }
        report.entries.append(
            .init(
                .processes, "\(limit)", refusal == nil ? .hard : .soft,
                refusal.map { "RLIMIT_NPROC, which counts all processes of the user: \($0)" } ?? means(.pids))
        )
    }

    // MARK: Memory

    private mutating func applyMemory() {
        guard let memory = specification.memory else { return }
        let refusal = writeMemoryLimit(memory)
        if refusal != nil { watchedMemoryLimit = memory }
        report.entries.append(
            .init(
                .memory, "\(memory)", refusal == nil ? .hard : .soft,
                refusal.map {
                    "RLIMIT_DATA for each process, and the supervisor looks at all of them five times a second: \($0)"
                } ?? means(.memory)))
    }

    private var groupAround: Group? {
        switch isolation.home(of: .memory) {
        case .unified(let folder): Group(kind: "unified", path: folder)
        case .legacy(let folder): Group(kind: "memory", path: folder)
        case .missing: nil
        }
    }

    private mutating func writeMemoryLimit(_ memory: ByteCount) -> String? {
        switch isolation.home(of: .memory) {
        case .missing(let reason): return reason
        case .unified(let folder):
            let refusal = write([("memory.max", "\(memory.bytes)")], in: "unified", under: folder)
            guard refusal == nil else { return refusal }
            // Swap would turn the limit into slowness; and one process killed alone leaves a broken job.
            writeOptional([("memory.swap.max", "0"), ("memory.oom.group", "1")], in: "unified")
            return nil
        case .legacy(let folder):
            let refusal = write(
                [("memory.limit_in_bytes", "\(memory.bytes)")], in: "memory", under: folder)
            guard refusal == nil else { return refusal }
            // Not memory.memsw.limit_in_bytes: it is charged first, and then nothing counts the limit's hits.
            writeOptional([("memory.swappiness", "0")], in: "memory")
            return nil
        }
    }

    // MARK: Groups

    /// Whether or not something is limited there: what runs in a virtual device must be below each of its groups.
    private mutating func makeAllGroups() {
        for controller in [Controller.cpu, .cpuset, .memory] {
            switch isolation.home(of: controller) {
            case .missing: continue
            case .unified(let folder): _ = write([], in: "unified", under: folder)
            case .legacy(let folder):
                // A cpuset without processing units lets nobody in.
                _ = controller == .cpuset ? writeCPUSet() : write([], in: controller.rawValue, under: folder)
            }
        }
        if isolation.isInsideDevice { parent = groupAround }
    }

    private func means(_ controller: Controller) -> String {
        switch isolation.home(of: controller) {
        case .unified: "\(controller.rawValue) control group (version 2)"
        case .legacy: "\(controller.rawValue) control group (version 1)"
        case .missing(let reason): reason
        }
    }

    /// Writes values into the step's group of a kind, which is made at its first use.
    ///
    /// Returns why it cannot. A version 1 group whose limits could not be written is removed again, because it
    /// would limit nothing and a cpuset without processing units lets no process in.
    private mutating func write(
        _ values: [(file: String, value: String?)], in kind: String, under folder: String
    ) -> String? {
        let (path, isNew, failure) = group(kind, under: folder)
        guard failure == 0 else { return "no group can be made in \(folder) (\(describe(failure)))" }
        for (file, value) in values {
            guard let value else { continue }
            let failure = SmallFile.write(value, to: "\(path)/\(file)")
            guard failure != 0 else { continue }
            if isNew { remove(path) }
            return "\(file) refuses \(value) (\(describe(failure)))"
        }
        return nil
    }

    private func writeOptional(_ values: [(file: String, value: String)], in kind: String) {
        guard let group = groups.first(where: { $0.kind == kind }) else { return }
        // Kernels without swap accounting lack these files, and the limit holds without them.
        for (file, value) in values { _ = SmallFile.write(value, to: "\(group.path)/\(file)") }
    }

    private mutating func group(_ kind: String, under folder: String) -> (
        path: String, isNew: Bool, failure: Int32
    ) {
        if let made = groups.first(where: { $0.kind == kind }) { return (made.path, false, 0) }
        let path = folder + "/" + (name ?? GroupName.next())
        let failure = SmallFile.makeFolder(path)
        guard failure == 0 || (failure == EEXIST && name != nil) else { return (path, false, failure) }
        groups.append(Group(kind: kind, path: path))
        return (path, failure == 0, 0)
    }

    private mutating func remove(_ path: String) {
        _ = SmallFile.removeFolder(path)
        groups.removeAll { $0.path == path }
    }
}

/// A part of the time of some processing units, as the kernel wants it.
struct Quota: Hashable {
    /// The length of a period in microseconds.
    ///
    /// Short periods keep the pauses short that a step makes when its quota is used up; below 20 ms the kernel's
    /// accounting in slices of 5 ms begins to show.
    private(set) var period = 50_000
    /// Of all units together, in each period, in microseconds.
    let time: Int
    /// The smallest quota that the kernel takes, in microseconds.
    private static let smallest = 1000

    init(share: Double, units: Int) {
        // A tiny share needs a longer period, or its quota would be below what the kernel takes.
        while share * Double(units * period) < Double(Self.smallest), period < 1_000_000 { period *= 2 }
        period = min(period, 1_000_000)
        time = max(Self.smallest, Int((share * Double(units * period)).rounded()))
    }
}
