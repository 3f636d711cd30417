import Essentials
import MachineAgent
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// What this machine offers; asked once.
private let machine = Isolation.detect()

private func hasGroup(_ controller: Controller) -> Bool {
    if case .missing = machine.home(of: controller) { false } else { true }
}

private func isLegacy(_ controller: Controller) -> Bool {
    if case .legacy = machine.home(of: controller) { true } else { false }
}

@Suite("Limits, read back from the kernel", .timeLimit(.minutes(20)))
struct IsolationTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    // MARK: Without control groups

    @Test func `without groups a step is bound by affinity, and the report says that it is soft`()
        async throws
    {
        let cpu = CPUSet([try #require(try usableCPUs().first)])

        let step = try start(shell("cat /proc/self/status", in: folder, cpus: cpu))
        _ = await step.wait()

        #expect(field("Cpus_allowed_list", of: try folder.text(of: "out")) == "\(cpu)")
        #expect(step.groupFolders == [])
        #expect(
            step.enforcement.lines == [
                "cores \(cpu): soft, affinity, which the step can change: this test asks for none"
            ])
    }

    @Test func `processing units that are not there are refused, and not quietly left out`() throws {
        let usable = try usableCPUs()
        let asked = usable.union(CPUSet([3000]))

        #expect(throws: StepError.cpusNotUsable(requested: asked, usable: usable)) {
            try start(shell("true", in: folder, cpus: asked))
        }
        #expect(throws: StepError.self) { try start(shell("true", in: folder, cpus: CPUSet([3000]))) }
    }

    @Test(
        .enabled(if: exists("/proc/self/numa_maps"), "this kernel shows no NUMA policy"),
        arguments: [
            (NUMAPreference.Mode.strict, "bind:0"), (.preferred, "prefer:0"), (.interleave, "interleave:0"),
        ])
    func `the memory policy is the kernel's for the step`(mode: NUMAPreference.Mode, name: String)
        async throws
    {
        let numa = NUMAPreference(mode, nodes: CPUSet([0]))

        let step = try start(shell("exec cat /proc/self/numa_maps", in: folder, numa: numa))
        _ = await step.wait()

        let lines = try folder.text(of: "out").split(separator: "\n")
        #expect(lines.contains { $0.contains("heap") && $0.contains(" \(name) ") })
        #expect(step.enforcement[.numa]?.strength == .soft)
    }

    @Test func `a strict node that does not exist is refused`() throws {
        let numa = NUMAPreference(.strict, nodes: CPUSet([900]))

        #expect(throws: StepError.memoryPolicy(numa, code: EINVAL)) {
            try start(shell("true", in: folder, numa: numa))
        }
    }

    @Test func `without groups the memory limit is one on each process's data`() async throws {
        let step = try start(
            shell(
                "cat /proc/self/limits; dd if=/dev/zero of=/dev/null bs=100M count=1", in: folder,
                memory: .mebibytes(64)))
        let outcome = await step.wait()

        let limits = try folder.text(of: "out").split(separator: "\n")
        let data = try #require(limits.first { $0.hasPrefix("Max data size") })
        #expect(data.split(separator: " ").dropFirst(3).prefix(2) == ["67108864", "67108864"])
        #expect(outcome.verdict == .failed(code: 1))
        #expect(step.enforcement[.memory]?.strength == .soft)
    }

    @Test func `without groups the supervisor ends processes that together hold too much`() async throws {
        // Each tail keeps the last 40 MiB of its input, which has no end.
        let hold = "tail -c 40m"
        let script =
            "head -c 41m /dev/zero > file; for i in 1 2 3; do (cat file; sleep 1000) | \(hold) & done; wait"

        let step = try start(shell(script, in: folder, memory: .mebibytes(64)))
        let outcome = await step.wait()

        guard case .outOfMemoryQuota(.mebibytes(64), let peak?, _) = outcome.verdict else {
            Issue.record("\(outcome.verdict)")
            return
        }
        #expect(peak > .mebibytes(64))
    }

    @Test func `without groups a share is not enforced, and the report says so`() async throws {
        let step = try start(shell("true", in: folder, cpus: try usableCPUs(), cpuShare: 0.5))
        _ = await step.wait()

        #expect(step.enforcement[.share]?.strength == EnforcementReport.Strength.none)
        #expect(step.enforcement.lines.last?.contains("not enforced, this test asks for none") == true)
    }

    // MARK: With control groups

    @Test(.enabled(if: hasGroup(.cpuset), "no cpuset group can be made here"))
    func `with a cpuset the step cannot leave its processing units`() async throws {
        let all = try usableCPUs()
        let cpu = CPUSet([try #require(all.first)])
        let script =
            "cat /proc/self/status; taskset -cp \(all) $$ >&2; cat /proc/self/status; cat /proc/self/cgroup"

        let step = try start(shell(script, in: folder, cpus: cpu), isolation: machine)
        _ = await step.wait()

        let text = try folder.text(of: "out")
        let allowed = text.split(separator: "\n").filter { $0.hasPrefix("Cpus_allowed_list:") }
        #expect(allowed == ["Cpus_allowed_list:\t\(cpu)", "Cpus_allowed_list:\t\(cpu)"])
        let group = try #require(step.groupFolders.first?.split(separator: "/").last)
        #expect(text.contains("/\(group)\n"))
        #expect(step.enforcement[.cores]?.strength == .hard)
    }

    @Test(.enabled(if: isLegacy(.cpu), "the cpu controller is not a version 1 tree here"))
    func `half a core is a quota of half of each period`() async throws {
        let cpu = CPUSet([try #require(try usableCPUs().first)])
        let step = try start(
            shell("exec sleep 1000", in: folder, cpus: cpu, cpuShare: 0.5), isolation: machine)
        let group = try #require(step.groupFolders.first { $0.hasPrefix("/sys/fs/cgroup/cpu/") })

        let quota = try readText("\(group)/cpu.cfs_quota_us")
        let period = try readText("\(group)/cpu.cfs_period_us")
        let members = try readText("\(group)/cgroup.procs")
        step.terminate()
        let outcome = await step.wait()

        #expect((quota, period) == ("25000\n", "50000\n"))
        #expect(members.split(separator: "\n").contains("\(step.pid)"))
        #expect(outcome.usage.throttledPeriods != nil)
        #expect(
            step.enforcement[.share]
                == .init(
                    .share, "0.500 of 1", .hard,
                    "quota of 25000 µs in 50000 µs, cpu control group (version 1)"))
    }

    @Test(.enabled(if: hasGroup(.memory), "no memory group can be made here"))
    func `over its memory limit the step is killed, and the verdict names limit and peak`() async throws {
        let limit = ByteCount.mebibytes(64)

        let step = try start(
            shell("exec dd if=/dev/zero of=/dev/null bs=400M count=1", in: folder, memory: limit),
            isolation: machine)
        let outcome = await step.wait()

        #expect(outcome.evidence.ending == .signalled(SIGKILL))
        guard case .outOfMemoryQuota(limit, let peak?, let kills) = outcome.verdict else {
            Issue.record("\(outcome.verdict)")
            return
        }
        #expect(kills == 1)
        #expect(peak <= limit && peak > .mebibytes(60))
    }

    @Test(.enabled(if: hasGroup(.memory), "no memory group can be made here"))
    func `within its memory limit the step runs, and its peak is counted`() async throws {
        let step = try start(
            shell("head -c 100m /dev/zero | tail -c 20m >/dev/null", in: folder, memory: .mebibytes(256)),
            isolation: machine)
        let outcome = await step.wait()

        #expect(outcome.verdict == .completed)
        #expect(try #require(outcome.usage.memoryPeak) > .mebibytes(20))
        #expect(step.enforcement[.memory]?.strength == .hard)
    }

    @Test(.enabled(if: hasGroup(.cpu) && hasGroup(.memory), "no group can be made here"))
    func `groups are gone after the step, after a failed start and after many`() async throws {
        let cpu = CPUSet([try #require(try usableCPUs().first)])
        var specification = shell(
            "setsid -f sleep 1000", in: folder, cpus: cpu, numa: NUMAPreference(.strict, nodes: CPUSet([0])),
            memory: .mebibytes(64), cpuShare: 0.5)
        var folders: [String] = []

        for _ in 0..<10 {
            let step = try start(specification, isolation: machine)
            folders += step.groupFolders
            _ = await step.wait()
        }

        #expect(Set(folders).count == folders.count && folders.count >= 10)
        #expect(folders.filter(exists) == [])

        let before = try ownGroups()
        specification.command = ["/no/such/command"]
        #expect(throws: StepError.self) { try start(specification, isolation: machine) }
        #expect(try ownGroups().subtracting(before).filter { !isUsed($0) } == [])
    }

    @Test(.enabled(if: hasGroup(.memory), "no memory group can be made here"))
    func `groups that a job makes below its own go with it`() async throws {
        let waiting = "while [ ! -e \(folder.path)/go ]; do sleep 0.01; done"
        let step = try start(shell(waiting, in: folder, memory: .mebibytes(64)), isolation: machine)
        let group = try #require(step.groupFolders.first)
        for below in ["one", "one/two", "three"] { #expect(unsafe mkdir("\(group)/\(below)", 0o755) == 0) }
        #expect(unsafe creat("\(folder.path)/go", 0o644) >= 0)

        let outcome = await step.wait()

        #expect(outcome.remarks == [])
        #expect(!exists(group))
    }

    /// The groups that this process has made and not removed.
    private func ownGroups() throws -> Set<String> {
        var found: Set<String> = []
        for controller in Controller.allCases {
            guard case .legacy(let home) = machine.home(of: controller) else { continue }
            found.formUnion(
                names(in: home).filter { $0.hasPrefix("heng-\(getpid())-") }.map { "\(home)/\($0)" })
        }
        return found
    }

    /// Whether another test that runs at the same time has a process in a group.
    private func isUsed(_ group: String) -> Bool {
        guard let members = try? readText("\(group)/cgroup.procs") else { return true }  // gone meanwhile
        return !members.isEmpty
    }
}
