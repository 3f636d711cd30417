import Collectives
import ControlAPI
import Essentials
import MachineAgent
import Scheduling
import Testing

#if canImport(Glibc)
import Glibc
#endif

private let machine = Isolation.detect()

private func hasLegacy(_ controller: Controller) -> Bool {
    if case .legacy = machine.home(of: controller) { true } else { false }
}

@Suite("Commands to an agent", .timeLimit(.minutes(20)))
struct AttemptHostTests {
    private let scratch: Scratch
    private let host: TestHost
    private let id = AttemptID(JobID(1), 1)

    init() throws {
        scratch = try Scratch()
        host = try TestHost(scratch)
    }

    @Test func `a start that comes twice runs once, and its end is said again until it is forgotten`()
        async throws
    {
        let start = try host.script("echo ran")
        host.host.perform(.start(start))
        host.host.perform(.start(start))
        _ = try await host.end(id)
        host.host.perform(.start(start))
        host.host.perform(.stop(id, signal: SIGTERM, grace: .zero))
        try await eventually { host.reports.count { if case .ended = $0 { true } else { false } } == 3 }
        #expect(scratch.text("out") == "ran\n")
        #expect(host.host.statuses.count == 1)

        host.host.perform(.forget(id))

        try await eventually { host.host.statuses.isEmpty }
        #expect(!exists(host.folder(id)))
    }

    @Test func `a running attempt is not forgotten, and an unknown one is no error`() async throws {
        try await host.started(host.script("exec sleep 1000"))
        host.host.perform(.forget(id))
        host.host.perform(.stop(AttemptID(JobID(99), 1), signal: SIGTERM, grace: .zero))
        host.host.perform(.suspend(AttemptID(JobID(99), 1)))

        host.host.perform(.stop(id, signal: SIGTERM, grace: .zero))

        #expect(try await host.end(id).outcome == .signalled(SIGKILL))
    }

    @Test func `a signal goes to all processes, or to the first alone`() async throws {
        let script = """
            trap 'echo first' USR1
            sh -c 'trap "echo second" USR1; echo ready; while :; do sleep 0.01; done' &
            while :; do sleep 0.01; done
            """
        try await host.started(host.script(script))
        try await eventually { scratch.text("out") == "ready\n" }

        host.host.perform(.signal(id, number: SIGUSR1, toFirstOnly: true))
        try await eventually { scratch.text("out").contains("first") }
        #expect(!scratch.text("out").contains("second"))
        host.host.perform(.signal(id, number: SIGUSR1, toFirstOnly: false))
        try await eventually { scratch.text("out").contains("second") }

        host.host.perform(.stop(id, signal: SIGTERM, grace: .zero))
        _ = try await host.end(id)
    }

    // MARK: Suspension

    @Test(arguments: [false, true]) func `a suspended attempt stands still, goes on, and can be ended`(
        withGroups: Bool
    )
        async throws
    {
        let host = try TestHost(scratch, isolation: withGroups ? machine : noGroups)
        let run = try await host.started(
            host.script("(while :; do sleep 0.01; done) & while :; do echo x; sleep 0.01; done"))
        try await eventually { !scratch.text("out").isEmpty }

        host.host.perform(.suspend(id))
        try await eventually { host.reports.contains(.suspended(id)) }
        #expect(host.host.statuses.first?.state == .suspended)
        if case .missing = machine.home(of: .freezer) {
        } else if withGroups {
            let groups = try readText("/proc/\(run.processes[0])/cgroup")
            let frozen = groups.split(separator: "\n").first { $0.contains(":freezer:") } ?? ""
            #expect(!hasLegacy(.freezer) || frozen.contains("/heng-"))
        } else {
            #expect(try readText("/proc/\(run.processes[0])/stat").contains(") T "))
        }
        host.host.perform(.resume(id))
        try await eventually { host.reports.contains(.resumed(id)) }
        let before = scratch.text("out").count
        try await eventually { scratch.text("out").count > before }

        host.host.perform(.suspend(id))
        try await eventually { host.reports.count { $0 == .suspended(id) } == 2 }
        host.host.perform(.stop(id, signal: SIGTERM, grace: .zero))

        #expect(try await host.end(id).outcome == .signalled(SIGKILL))
        #expect(!isAlive(run.processes[0]))
    }

    @Test func `no time limit ends an attempt that stands still, and a stop wakes it`() async throws {
        try await host.started(host.script("trap 'exit 3' TERM; echo ready; while :; do sleep 0.01; done"))
        try await eventually { scratch.text("out") == "ready\n" }
        host.host.perform(.suspend(id))
        try await eventually { host.reports.contains(.suspended(id)) }

        host.host.perform(.limitTime(id, .seconds(1)))
        try await Task.sleep(for: .milliseconds(1200))
        #expect(host.ended(id) == nil)
        host.host.perform(.stop(id, signal: SIGTERM, grace: .seconds(100)))

        #expect(try await host.end(id).outcome == .exited(code: 3))
    }

    @Test func `a time limit can be changed while a job runs`() async throws {
        try await host.started(host.script("while :; do sleep 0.01; done", timeLimit: .seconds(1000)))

        host.host.perform(.limitTime(id, .seconds(1)))

        #expect(try await host.end(id).outcome == .overTime)
    }

    // MARK: Limits

    @Test(.enabled(if: hasLegacy(.memory) && hasLegacy(.cpu), "the controllers are not version 1 trees here"))
    func `a running attempt gets new limits and new processing units`() async throws {
        let host = try TestHost(scratch, isolation: machine)
        let cpus = try usableCPUs().units
        let small = testDevice(cpus: [cpus[0]], memory: .mebibytes(64), perCore: .thousandths(500))
        let run = try await host.started(host.script("sleep 1000", ranks: [small]))
        let pid = run.processes[0]
        let last = try #require(cpus.last)

        host.host.perform(.resize(id, [testDevice(cpus: [last], memory: .mebibytes(128))]))

        let group = try readText("/proc/\(pid)/cgroup").split(separator: "\n")
        func path(_ name: String) throws -> String {
            let line = try #require(group.first { $0.contains(":\(name):") })
            guard case .legacy(let home)? = Controller(rawValue: name).map(machine.home) else {
                throw Failure(name)
            }
            return "\(home)/\(try #require(line.split(separator: "/").last))"
        }
        let memory = try path("memory")
        try await eventually { try readText("\(memory)/memory.limit_in_bytes") == "\(128 << 20)\n" }
        #expect(try readText("\(path("cpu"))/cpu.cfs_quota_us") == "-1\n")
        try await eventually {
            field("Cpus_allowed_list", of: try readText("/proc/\(pid)/status")) == "\(last)"
        }
        host.host.perform(.stop(id, signal: SIGTERM, grace: .zero))
        _ = try await host.end(id)
    }

    @Test func `hard isolation is refused where only soft is to be had`() async throws {
        let end = try await host.run(host.script("echo ran") { $0.isolation = .hard })

        guard case .launchFailed(let why) = end.outcome else { throw Failure("\(end.outcome)") }
        #expect(why.contains("Hard isolation"))
        #expect(!exists(scratch.file("out")))
    }

    @Test(
        .enabled(if: hasLegacy(.cpu), "the cpu controller is not a version 1 tree here"),
        arguments: [
            (QualityOfService.guaranteed, "25000\n", "512\n"), (.burstable, "-1\n", "512\n"),
            (.bestEffort, "-1\n", "10\n"),
        ])
    func `a quality of service is a quota or a weight`(
        quality: QualityOfService, quota: String, weight: String
    ) async throws {
        let host = try TestHost(scratch, isolation: machine)
        let half = testDevice(cpus: [try #require(try usableCPUs().first)], perCore: .thousandths(500))
        let run = try await host.started(host.script("sleep 1000", ranks: [half]) { $0.quality = quality })

        let line = try readText("/proc/\(run.processes[0])/cgroup").split(separator: "\n").first {
            $0.contains(":cpu:")
        }
        guard case .legacy(let home) = machine.home(of: .cpu) else { throw Failure("no cpu tree") }
        let group = "\(home)/\(try #require(line?.split(separator: "/").last))"

        #expect(try readText("\(group)/cpu.cfs_quota_us") == quota)
        #expect(try readText("\(group)/cpu.shares") == weight)
        host.host.perform(.stop(id, signal: SIGTERM, grace: .zero))
        _ = try await host.end(id)
    }

    @Test func `the limits of a virtual device are tried out and measured`() async throws {
        let host = try TestHost(scratch, isolation: machine)
        // A run that broke off may have left groups of its own device.
        let name = "half-\(scratch.path.suffix(6))"
        let device = testDevice(
            cpus: [try #require(try usableCPUs().first)], memory: .mebibytes(32), perCore: .thousandths(500))

        host.host.perform(.test(namedDevice(name, device, revision: 3)))
        try await eventually { host.reports.contains { if case .tested = $0 { true } else { false } } }

        guard case .tested(name, let test)? = host.reports.last else { throw Failure("\(host.reports)") }
        #expect(test.revision == 3)
        #expect(test.limits.map(\.name) == ["compute", "memory", "locality"])
        #expect(test.isPassed, "\(test.limits)")
        host.host.perform(.deleteDevice(name))
        try await eventually { deviceGroups(of: name, on: machine).isEmpty }
    }

    // MARK: Surroundings

    @Test func `a script has its interpreter, its arguments, and the names that scripts rely on`()
        async throws
    {
        let start = try host.script("") { start in
            start.launch.script =
                "#!/bin/sh -u\necho \"$1 $HENG_JOB_ID $SLURM_JOB_ID $HENG_ARRAY_TASK_ID\"\nenv > all\n"
            start.launch.command = ["job.sh", "one two"]
            start.launch.output = "%x-%A_%4a.log"
            start.arrayJob = JobID(1)
            start.arrayIndex = 7
            start.restarts = 2
        }

        let end = try await host.run(start)

        #expect(end.outcome == .exited(code: 0))
        #expect(scratch.text("test-1_0007.log") == "one two 1 1 7\n")
        let environment = Set(scratch.lines("all"))
        #expect(environment.contains("HENG_RESTART_COUNT=2"))
        #expect(environment.contains("SLURM_ARRAY_TASK_ID=7"))
        #expect(environment.contains("SLURM_SUBMIT_DIR=\(scratch.path)"))
        // Output and errors of each rank have a place in the list, in one file here.
        #expect(host.run(id)?.files == [scratch.file("test-1_0007.log"), scratch.file("test-1_0007.log")])
    }

    @Test func `ranks share one file, know each other, and end together`() async throws {
        let cpus = try usableCPUs().units
        let script = """
            echo "rank $HENG_RANK of $WORLD_SIZE $LOCAL_RANK $SLURM_PROCID $MASTER_ADDR"
            while ! grep -q '"status" : "complete"' "$HENG_RANK_TABLE"; do sleep 0.01; done
            [ $HENG_RANK = 1 ] && exit 4
            sleep 1000
            """
        let ranks = (0..<3).map { _ in testDevice(cpus: [cpus[0]]) }

        let end = try await host.run(
            host.script(script, ranks: ranks) { $0.machinesOfRanks = ["here", "here", "here"] })

        #expect(end.outcome == .exited(code: 4))
        #expect(end.firstFailure == 1)
        #expect(Set(scratch.lines("out")) == Set((0..<3).map { "rank \($0) of 3 \($0) \($0) 127.0.0.1" }))
        let table = try RankTable.read(from: "\(host.folder(id))/ranks.json")
        #expect(table.status == .complete)
        #expect(table.communicator.map(exists) == false)
    }

    @Test func `when one rank cannot start, none stays`() async throws {
        let cpus = try usableCPUs().units
        let ranks = [testDevice(cpus: [cpus[0]]), testDevice(cpus: [3000])]

        let end = try await host.run(host.script("exec sleep 1000", ranks: ranks))

        guard case .launchFailed(let why) = end.outcome else { throw Failure("\(end.outcome)") }
        #expect(why.contains("3000"))
    }

    @Test(.enabled(if: !exists("/usr/bin/podman"), "podman is installed here"))
    func `an image without podman is refused with what to do`() async throws {
        let end = try await host.run(host.script("true") { $0.launch.image = "debian" })

        #expect(
            end.outcome
                == .launchFailed(
                    "The image debian cannot be run, because podman is not installed on this machine."))
    }

    @Test func `a limit of processes holds where the kernel counts them`() async throws {
        let host = try TestHost(scratch, isolation: machine, options: AttemptOptions(processLimit: 20))
        guard case .legacy = machine.home(of: .pids) else { return }

        let end = try await host.run(
            host.script("for i in $(seq 50); do sleep 1000 & done; exit 0", grace: .zero))

        #expect(end.outcome != .exited(code: 0))
    }
}
