import ControlAPI
import Essentials
import MachineAgent
import Scheduling
import Testing

#if canImport(Glibc)
import Glibc
#endif

private let machine = Isolation.detect()

private func has(_ controller: Controller) -> Bool {
    if case .missing = machine.home(of: controller) { false } else { true }
}

private let hasGroups = has(.cpu) && has(.cpuset) && has(.memory)

@Suite(
    "Virtual devices as groups around attempts",
    .enabled(if: hasGroups, "control groups cannot be made here"),
    .timeLimit(.minutes(20)))
struct NamedDeviceTests {
    private let scratch: Scratch
    private let host: TestHost
    /// The same on no two machines of tests that run at once.
    private let name: String

    init() throws {
        scratch = try Scratch()
        host = try TestHost(scratch, isolation: machine)
        name = "test-" + String(scratch.path.suffix(6))
    }

    private func device(
        cores: CoreAmount = .cores(1), memory: ByteCount = .mebibytes(64), cpus: [Int]? = nil,
        revision: Int = 1, isolation: IsolationDemand = .any
    ) throws -> NamedDevice {
        let units = try cpus ?? Array(usableCPUs().units.prefix(1))
        return namedDevice(
            name, testDevice(cpus: units, memory: memory, perCore: cores), revision: revision,
            isolation: isolation)
    }

    private func script(_ text: String, job: Int = 1, in device: NamedDevice, grace: Duration = .zero) throws
        -> AttemptStart
    {
        try host.script(text, job: job, ranks: [device.device], grace: grace, output: "out-\(job)") {
            $0.namedDevices = [device]
        }
    }

    private var groups: [Controller: String] { deviceGroups(of: name, on: machine) }

    /// Ends everything in the device, and waits until nothing of it is left in the kernel.
    private func delete(_ jobs: [Int] = []) async throws {
        for job in jobs {
            host.host.perform(.stop(AttemptID(JobID(job), 1), signal: SIGKILL, grace: .zero))
            _ = try await host.end(AttemptID(JobID(job), 1))
        }
        host.host.perform(.deleteDevice(name))
        try await eventually { groups.isEmpty }
    }

    private func number(_ path: String) throws -> Int {
        try #require(Int(try readText(path).split(separator: "\n").first ?? ""), "\(path)")
    }

    private func limit(_ group: String) throws -> Int {
        exists("\(group)/memory.max")
            ? try number("\(group)/memory.max") : try number("\(group)/memory.limit_in_bytes")
    }

    // MARK: The sum

    @Test func `the memory of everything inside counts against the device, and the death says so`()
        async throws
    {
        let device = try device(memory: .mebibytes(96))
        let keep = "x=$(head -c 40000000 /dev/zero | tr '\\0' x); echo ready; sleep 1000"
        try await host.started(script(keep, in: device))
        try await eventually { scratch.text("out-1") == "ready\n" }

        let end = try await host.run(
            script("exec dd if=/dev/zero of=/dev/null bs=90M count=1", job: 2, in: device))

        guard case .outOfMemory(let death) = end.outcome else { throw Failure("\(end.outcome)") }
        #expect(death.cause == .virtualDevice)
        #expect(death.limit == .mebibytes(96))
        #expect(try #require(death.peak) <= .mebibytes(96))
        #expect("\(death)".contains("OOM_QUOTA") && "\(death)".contains("virtual device"))
        try await delete([1])
    }

    @Test func `two attempts share the time that the device has`() async throws {
        let device = try device(cores: .thousandths(500), memory: .zero)
        let spin = "while :; do :; done"
        let first = try await host.started(script(spin, in: device))
        let second = try await host.started(script(spin, job: 2, in: device))
        let before = try spent(first) + spent(second)
        let start = TimePoint.monotonicNow()

        try await Task.sleep(for: .milliseconds(800))

        let used = try Double((spent(first) + spent(second) - before)) / Double(sysconf(Int32(_SC_CLK_TCK)))
        // Periods of 50 ms make a step at each end; on a busy machine it may be less.
        #expect(used <= 0.5 * (TimePoint.monotonicNow() - start).inSeconds + 0.1)
        try await delete([1, 2])
    }

    /// Clock ticks of the first process.
    private func spent(_ run: AttemptRun) throws -> Int {
        let text = try readText("/proc/\(run.processes[0])/stat")
        let fields = text.split(separator: ")").last?.split(separator: " ") ?? []
        return try #require(Int(fields[11])) + #require(Int(fields[12]))
    }

    @Test func `a job is held by its device, and the report says which`() async throws {
        let run = try await host.started(script("sleep 1000", in: device(cores: .thousandths(500))))

        for limit in ["cores", "cpu share", "memory"] {
            let line = run.enforcement.first { $0.hasPrefix("\(limit) ") }
            #expect(line?.contains("hard") == true, "\(run.enforcement)")
            #expect(line?.contains("of the virtual device \(name)") == true, "\(run.enforcement)")
        }
        let memberships = try readText("/proc/\(run.processes[0])/cgroup")
        #expect(memberships.contains("-\(name)/heng-"), "\(memberships)")
        try await delete([1])
    }

    @Test
    func `a group around everything that is full is the machine's fault, not the job's or the device's`()
        async throws
    {
        guard case .legacy(let home) = machine.home(of: .memory) else { return }
        let around = "\(home)/heng-around-\(name)"
        try #require(unsafe mkdir(around, 0o755) == 0)
        defer { unsafe rmdir(around) }
        try writeText("\(48 << 20)", to: "\(around)/memory.limit_in_bytes")
        var isolation = machine
        isolation.homes[.memory] = .legacy(folder: around)
        let host = try TestHost(scratch, isolation: isolation)
        let large = testDevice(cpus: try usableCPUs().units, memory: .mebibytes(256))

        let end = try await host.run(
            host.script("exec dd if=/dev/zero of=/dev/null bs=200M count=1", job: 7, ranks: [large]))
        guard case .outOfMemory(let death) = end.outcome else { throw Failure("\(end.outcome)") }
        #expect(death.cause == .host)

        // Memory that must come from one node, and does not: the same counters say so.
        let strict = try await host.run(
            host.script("exec dd if=/dev/zero of=/dev/null bs=200M count=1", job: 8, ranks: [large]) {
                $0.memoryMode = .strict
            })
        guard case .outOfMemory(let other) = strict.outcome else { throw Failure("\(strict.outcome)") }
        #expect(other.cause == .node(0))
    }

    // MARK: Life

    @Test func `a device outlives its jobs and its agent, and goes when it is deleted`() async throws {
        let device = try device()
        _ = try await host.run(script("true", in: device))
        let made = groups
        #expect(made[.memory] != nil && made[.cpu] != nil)
        #expect(try limit(#require(made[.memory])) == 64 << 20)
        try await host.started(script("sleep 1000", job: 2, in: device))
        host.host.close()

        let next = try TestHost(scratch, isolation: machine)

        #expect(next.host.statuses.map(\.attempt.job) == [JobID(1), JobID(2)])
        // The one that it does not know is gone, the other is the same as before.
        next.host.perform(.keepDevices([name]))
        try await next.started(
            next.script("sleep 1000", job: 3, ranks: [device.device]) { $0.namedDevices = [device] })
        #expect(groups == made)
        for job in [2, 3] {
            next.host.perform(.stop(AttemptID(JobID(job), 1), signal: SIGKILL, grace: .zero))
            _ = try await next.end(AttemptID(JobID(job), 1))
        }
        next.host.perform(.keepDevices([]))
        try await eventually { groups.isEmpty }
        #expect(names(in: scratch.file("attempts/devices")).isEmpty)
    }

    @Test func `a device that is deleted while something ends in it goes with that`() async throws {
        let device = try device()
        try await host.started(script("sleep 1000", in: device))

        host.host.perform(.deleteDevice(name))
        #expect(!groups.isEmpty)
        host.host.perform(.stop(AttemptID(JobID(1), 1), signal: SIGKILL, grace: .zero))

        try await eventually { groups.isEmpty }
    }

    @Test func `making and deleting many times leaves nothing`() async throws {
        for revision in 1...30 {
            host.host.perform(.start(try script("true", job: revision, in: device())))
            _ = try await host.end(AttemptID(JobID(revision), 1))
            host.host.perform(.deleteDevice(name))
        }
        try await eventually { groups.isEmpty }
    }

    // MARK: Size

    @Test(.enabled(if: (try? usableCPUs().count >= 2) == true, "there is one processing unit"))
    func `a device grows and shrinks around what runs in it`() async throws {
        let cpus = try usableCPUs().units
        let run = try await host.started(
            script("sleep 1000", in: device(cores: .thousandths(500), cpus: [cpus[0]])))
        let memory = try #require(groups[.memory])
        #expect(try limit(memory) == 64 << 20)

        let large = testDevice(cpus: Array(cpus.prefix(2)), memory: .mebibytes(128))
        host.host.perform(.resize(AttemptID(JobID(1), 1), [large]))

        try await eventually { try limit(memory) == 128 << 20 }
        let status = "/proc/\(run.processes[0])/status"
        try await eventually {
            field("Cpus_allowed_list", of: try readText(status)) == "\(CPUSet(Array(cpus.prefix(2))))"
        }
        try await eventually { try quota() == nil }

        let small = testDevice(cpus: [cpus[1]], memory: .mebibytes(32), perCore: .thousandths(250))
        host.host.perform(.resize(AttemptID(JobID(1), 1), [small]))

        try await eventually { try limit(memory) == 32 << 20 }
        try await eventually { field("Cpus_allowed_list", of: try readText(status)) == "\(cpus[1])" }
        try await eventually { try quota() == 0.25 }
        try await delete([1])
    }

    /// The part of one processing unit's time; nil without a limit.
    private func quota() throws -> Double? {
        let group = try #require(groups[.cpu])
        if exists("\(group)/cpu.max") {
            let words = try readText("\(group)/cpu.max").split(whereSeparator: \.isWhitespace)
            return Double(words[0]).map { $0 / (Double(words[1]) ?? 1) }
        }
        let time = try Double(readText("\(group)/cpu.cfs_quota_us").dropLast()) ?? -1
        return time < 0 ? nil : time / Double(try number("\(group)/cpu.cfs_period_us"))
    }

    @Test(
        .enabled(
            if: { if case .legacy = machine.home(of: .memory) { true } else { false } }(),
            "version 2 ends what does not fit any more"))
    func `a device that cannot shrink so far at once gets no more, and the job's end says so`() async throws {
        let keep = "x=$(head -c 40000000 /dev/zero | tr '\\0' x); echo ready; sleep 1000"
        try await host.started(script(keep, in: device(memory: .mebibytes(256))))
        try await eventually { scratch.text("out-1") == "ready\n" }

        let small = testDevice(cpus: try Array(usableCPUs().units.prefix(1)), memory: .mebibytes(16))
        host.host.perform(.resize(AttemptID(JobID(1), 1), [small]))
        host.host.perform(.stop(AttemptID(JobID(1), 1), signal: SIGTERM, grace: .zero))

        let end = try await host.end(AttemptID(JobID(1), 1))
        #expect(end.remarks.contains { $0.contains("should have 16 MiB and holds") }, "\(end.remarks)")
        try await delete()
    }

    // MARK: Trials and refusals

    @Test func `a trial is of the device's own groups, and is not repeated`() async throws {
        let device = try device(cores: .thousandths(500), memory: .mebibytes(256))
        host.host.perform(.test(device))
        try await eventually { tests.count == 1 }
        let test = try #require(tests.first)

        #expect(test.isPassed, "\(test.limits)")
        #expect(test.strength == .hard)
        #expect(test.limits.allSatisfy { $0.measured != nil }, "\(test.limits)")
        #expect(test.limits[1].means.contains("of the virtual device \(name)"), "\(test.limits)")
        // It was lowered for the trial, and is what it should be again.
        #expect(try limit(#require(groups[.memory])) == 256 << 20)
        host.host.perform(.test(device))
        try await eventually { tests.count == 2 }
        #expect(tests[1] == test)
        try await delete()
    }

    private var tests: [DeviceTest] {
        host.reports.compactMap { if case .tested(name, let test) = $0 { test } else { nil } }
    }

    @Test func `a device that wants hard limits runs nothing where they are soft`() async throws {
        let soft = try TestHost(scratch, isolation: noGroups)
        let device = try device(isolation: .hard)

        let end = try await soft.run(
            soft.script("echo ran", ranks: [device.device]) { $0.namedDevices = [device] })

        guard case .launchFailed(let why) = end.outcome else { throw Failure("\(end.outcome)") }
        #expect(why.contains("Hard isolation"))
        #expect(!exists(scratch.file("out")))
    }

    @Test func `a name that leaves its folder, and devices that are not one for each rank, start nothing`()
        async throws
    {
        var strange = try device()
        strange.request.name = "../../x"
        let first = try await host.run(script("true", in: strange))
        guard case .launchFailed = first.outcome else { throw Failure("\(first.outcome)") }

        let known = try device()
        let second = try await host.run(
            host.script("true", job: 2, ranks: [known.device, known.device]) { $0.namedDevices = [known] })
        guard case .launchFailed = second.outcome else { throw Failure("\(second.outcome)") }
        try await delete()
    }
}
