import ControlAPI
import Essentials
import HardwareTopology
import MachineAgent
import Scheduling
import Testing

/// The pure parts of an attempt: names, variables, decisions.
@Suite("Values of attempts")
struct AttemptValueTests {
    // MARK: Output names

    private static let values = OutputPattern.Values(
        job: 12, arrayJob: 10, arrayIndex: 3, name: "my/job", user: "ann", machine: "node7.cluster", rank: 5)

    @Test(arguments: [
        ("heng-%j.out", "heng-12.out"), ("%A_%a.log", "10_3.log"), ("%5j-%4t", "00012-0005"),
        ("%x.%u@%N", "my_job.ann@node7"), ("100%%", "100%"), ("%q stays", "%q stays"), ("end%", "end%"),
        ("end%4", "end%4"), ("%99999999999999999999j", "12"), ("/abs/%j", "/abs/12"), ("", ""),
    ]) func `output names are sbatch's`(pattern: String, path: String) {
        #expect(OutputPattern(pattern).path(Self.values) == path)
    }

    @Test(arguments: ["../../etc", "..", "a\nb", "a/../b", ""]) func `a job's name cannot leave the folder`(
        name: String
    ) {
        var values = Self.values
        values.name = name

        let path = OutputPattern("%x").path(values)

        #expect(!path.contains("/") && !path.contains("\n") && path != "..")
    }

    @Test func `an array has its usual name`() {
        #expect(OutputPattern.usual(isArray: true).path(Self.values) == "heng-10_3.out")
        #expect(OutputPattern.usual(isArray: false).path(Self.values) == "heng-12.out")
        #expect(OutputPattern("%t").namesRank && !OutputPattern("%%t").namesRank)
    }

    // MARK: Variables

    @Test func `ranks over two machines know their place`() {
        let devices = [2, 3].map { testDevice(cpus: [$0]) }
        let start = AttemptStart(
            attempt: AttemptID(JobID(9), 2), ranks: devices, firstRank: 2, worldSize: 4,
            machinesOfRanks: ["a", "a", "b", "b"], label: JobLabel(user: "u", name: "n", command: ["x"]),
            launch: LaunchSpecification(
                command: ["x"], environment: ["RANK": "theirs", "KEEP": "this"], workingDirectory: "/w"))
        let environment = AttemptEnvironment(start: start, marker: "m", meetingPoint: ("a", 20_001))

        let variables = environment.variables(localRank: 1, slot: RankSlot(devices[1]))

        let expected = [
            "HENG_RANK": "3", "RANK": "3", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2", "WORLD_SIZE": "4",
            "NODE_RANK": "1", "SLURM_NODEID": "1", "SLURM_NNODES": "2", "SLURM_PROCID": "3",
            "SLURM_NTASKS": "4", "MASTER_ADDR": "a", "MASTER_PORT": "20001", "HENG_ATTEMPT_NUMBER": "2",
            "HENG_ATTEMPT": "m", "KEEP": "this", "HENG_LOCAL_CPUS": "3",
        ]
        for (name, value) in expected { #expect(variables[name] == value, "\(name)") }
    }

    @Test func `a rank sees the accelerator that it was given, and no other`() {
        func variables(_ device: VirtualDevice) -> [String: String] {
            let start = AttemptStart(
                attempt: AttemptID(JobID(9), 2), ranks: [device],
                label: JobLabel(user: "u", name: "n", command: ["x"]),
                launch: LaunchSpecification(
                    command: ["x"], environment: ["CUDA_VISIBLE_DEVICES": "0,1,2,3", "KEEP": "this"],
                    workingDirectory: "/w"))
            return AttemptEnvironment(start: start, marker: "m").variables(
                localRank: 0, slot: RankSlot(device))
        }
        let none = variables(testDevice(cpus: [2, 3], perCore: .thousandths(500)))
        for name in ["CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES"] {
            #expect(none[name] == "-1")
        }
        #expect(none["HENG_ACCELERATORS"] == "" && none["HENG_DEVICE"] == nil && none["KEEP"] == "this")
        // A half of two units is one of them, also for OpenCL on processors.
        #expect(none["HENG_THREADS"] == "1" && none["POCL_CPU_MAX_CU_COUNT"] == "1")

        var half = testDevice(cpus: [2])
        half.device = DeviceID(kind: "gpu", index: 1)
        half.share = DeviceShare(units: 5000)
        half.deviceMemory = .gibibytes(8)
        let one = variables(half)

        #expect(one["CUDA_VISIBLE_DEVICES"] == "1" && one["HIP_VISIBLE_DEVICES"] == "1")
        #expect(one["ROCR_VISIBLE_DEVICES"] == nil && one["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID")
        #expect(one["HENG_ACCELERATORS"] == "gpu:1" && one["HENG_DEVICE"] == "gpu:1")
        #expect(one["HENG_DEVICE_SHARE"] == "0.5" && one["HENG_DEVICE_MEMORY"] == "\(8 << 30)")
    }

    @Test func `a container gets the folder, the variables and the command, and stays in our groups`() {
        let container = ContainerCommand(
            image: "docker.io/library/debian", name: "heng-3.1-0", command: ["sh", "-c", "echo --rm"],
            workingDirectory: "/home/ann/work", variables: ["HENG_RANK", "PATH", "HENG_ATTEMPT"])

        #expect(
            container.arguments == [
                "podman", "run", "--rm", "--name", "heng-3.1-0", "--cgroups", "disabled", "--network", "host",
                "--ipc", "host", "--userns", "keep-id", "--workdir", "/home/ann/work", "--volume",
                "/home/ann/work:/home/ann/work", "--env", "HENG_ATTEMPT", "--env", "HENG_RANK", "--",
                "docker.io/library/debian", "sh", "-c", "echo --rm",
            ])
    }

    // MARK: The end of an attempt

    private func ended(_ ending: StepEnding, at: Int64, stopped: Bool = false) -> RankFact {
        .ended(
            StepOutcome(
                evidence: StepEvidence(ending: ending, stopRequested: stopped),
                usage: StepUsage(started: .zero, ended: TimePoint(nanoseconds: at), userTime: .seconds(1))))
    }

    @Test func `the first rank that failed by itself is the cause`() {
        let end = AttemptEnd(
            [
                ended(.exited(code: 0), at: 1), ended(.signalled(15), at: 9, stopped: true),
                ended(.exited(code: 5), at: 8), ended(.signalled(11), at: 7),
            ], firstRank: 10)

        #expect(end.outcome == .signalled(11))
        #expect(end.firstFailure == 13)
        #expect(end.usage.userTime == .seconds(4) && end.usage.elapsed == .nanoseconds(9))
    }

    @Test func `what was stopped, lost, never started and could not start has its word`() {
        let stopped = [
            ended(.exited(code: 0), at: 1, stopped: true), ended(.exited(code: 85), at: 2, stopped: true),
        ]
        #expect(AttemptEnd(stopped, firstRank: 0).outcome == .exited(code: 85))
        #expect(AttemptEnd([ended(.exited(code: 0), at: 1)], firstRank: 0).outcome == .exited(code: 0))
        #expect(AttemptEnd([ended(.exited(code: 2), at: 1), .lost], firstRank: 0).outcome == .supervisorLost)
        #expect(
            AttemptEnd([ended(.exited(code: 0), at: 1), .neverStarted], firstRank: 0).outcome
                == .supervisorLost)
        #expect(AttemptEnd([.lost, .failed("no")], firstRank: 0).outcome == .launchFailed("no"))
        #expect(AttemptEnd([.neverStarted, .neverStarted], firstRank: 0).outcome == .supervisorLost)
    }

    // MARK: Slurm

    private static let machine = Machine(
        topology: Topology(
            machineName: "m", source: .synthetic(description: "test"), packages: [],
            numaNodes: (0..<2).map {
                .init(osIndex: $0, memory: .gibibytes(8), cpus: CPUSet([2 * $0, 2 * $0 + 1]), package: nil)
            },
            cores: (0..<4).map { .init(cpus: CPUSet([$0]), numaNode: $0 / 2, package: nil) },
            devices: (0..<3).map {
                .init(kind: .gpu, name: "gpu\($0)", model: "x", pciAddress: nil, numaNode: nil)
            }))

    @Test func `an allocation gives its cores, memory and devices`() throws {
        let allocation = try #require(
            SlurmAllocation(
                environment: [
                    "SLURM_JOB_ID": "7", "SLURM_MEM_PER_NODE": "4096", "CUDA_VISIBLE_DEVICES": "0,2",
                ], affinity: CPUSet([1, 2]), groupLimit: .gibibytes(6)))

        let machine = allocation.restrict(Self.machine)

        #expect(machine.lendable == CPUSet([1, 2]))
        #expect(machine.topology.numaNodes.map(\.memory) == [.gibibytes(2), .gibibytes(2)])
        #expect(machine.topology.devices.map(\.name) == ["gpu0", "gpu2"])
    }

    @Test func `an allocation without numbers leaves what the masks say`() throws {
        let allocation = try #require(
            SlurmAllocation(
                environment: [
                    "SLURM_JOB_ID": "7", "SLURM_MEM_PER_NODE": "0", "SLURM_MEM_PER_CPU": "-3",
                    "CUDA_VISIBLE_DEVICES": "MIG-abc",
                ], affinity: CPUSet([0]), memoryNodes: CPUSet([1])))

        let machine = allocation.restrict(Self.machine)

        #expect(machine.topology.numaNodes.map(\.memory) == [.zero, .gibibytes(8)])
        #expect(machine.topology.devices.count == 3)
        #expect(SlurmAllocation(environment: [:], affinity: CPUSet([0])) == nil)
        #expect(
            SlurmAllocation(environment: ["SLURM_JOB_ID": "7", "HENG_JOB_ID": "7"], affinity: CPUSet([0]))
                == nil)
        let hidden = SlurmAllocation(
            environment: ["SLURM_JOB_ID": "7", "CUDA_VISIBLE_DEVICES": "", "SLURM_MEM_PER_CPU": "10"],
            affinity: CPUSet([0, 1]))
        #expect(hidden?.devices == [] && hidden?.memory == .mebibytes(20))
    }

    @Test func `a machine without control groups says so for each limit`() {
        let none = Isolation.soft(because: "none")

        #expect(none.enforcement["compute"] == EnforcementStrength.none)
        #expect(none.enforcement["memory"] == .soft)
        #expect(Set(none.enforcement.keys).isSuperset(of: ["compute", "memory", "cores", "numa", "freeze"]))
    }
}
