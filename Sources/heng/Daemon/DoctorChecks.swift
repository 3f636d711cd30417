internal import ControlAPI
internal import Essentials
internal import Foundation
internal import HardwareTopology
internal import MachineAgent
internal import TopologyDiscovery

/// One thing that jobs depend on, how it stands here, and what to do about it.
struct DoctorCheck: Encodable {
    enum Level: String, Encodable { case good, note, problem }

    var name: String
    var level: Level
    var finding: String
    var advice: String?

    init(_ name: String, _ level: Level, _ finding: String, _ advice: String? = nil) {
        self.name = name
        self.level = level
        self.finding = finding
        self.advice = advice
    }
}

/// Everything that `heng doctor` looks at.
enum DoctorChecks {
    static func all() -> [DoctorCheck] {
        let isolation = Isolation.detect()
        return stateFolder() + [daemon(), supervisor(), groups(isolation)] + limits(isolation)
            + [memoryPolicy(), topology(), clock(), podman()] + [slurm()].compactMap(\.self)
    }

    // MARK: The state folder and the daemon

    private static func stateFolder() -> [DoctorCheck] {
        let name = "state folder"
        guard let paths = try? DaemonAccess.paths() else {
            return [
                DoctorCheck(name, .problem, "neither HENG_STATE_DIR nor HOME is set", "Set HENG_STATE_DIR.")
            ]
        }
        let files = FileManager.default
        try? files.createDirectory(atPath: paths.folder, withIntermediateDirectories: true)
        let probe = "\(paths.folder)/.doctor-\(getpid())"
        guard files.createFile(atPath: probe, contents: Data("probe".utf8)) else {
            return [
                DoctorCheck(
                    name, .problem, "nothing can be written in \(paths.folder)",
                    "Choose another with HENG_STATE_DIR, or correct its permissions.")
            ]
        }
        try? files.removeItem(atPath: probe)
        let isLong = paths.socket.utf8.count > 107
        let folder =
            isLong
            ? DoctorCheck(
                name, .problem, "the socket's path \(paths.socket) is too long",
                "Choose a shorter HENG_STATE_DIR.")
            : DoctorCheck(name, .good, "\(paths.folder) can be written")
        return [folder, disk(paths.folder)]
    }

    private static func disk(_ folder: String) -> DoctorCheck {
        var facts = statvfs()
        guard unsafe statvfs(folder, &facts) == 0 else {
            return DoctorCheck("disk space", .note, "the file system of \(folder) does not tell")
        }
        let free = ByteCount(bytes: Int(facts.f_bavail) * Int(facts.f_frsize))
        return free < .gibibytes(1)
            ? DoctorCheck(
                "disk space", .problem, "only \(free) are free for \(folder)",
                "Make room: without it submissions are refused.")
            : DoctorCheck("disk space", .good, "\(free) are free")
    }

    private static func daemon() -> DoctorCheck {
        do {
            guard let client = try DaemonAccess.find() else {
                return DoctorCheck(
                    "hengd", .note, "it does not run; submit and bench work by themselves",
                    "Start it with `heng up`.")
            }
            let status = try client.status()
            guard status.version == hengVersion else {
                return DoctorCheck(
                    "hengd", .note, "it is version \(status.version), and this command \(hengVersion)",
                    "Start it anew with `heng down` and `heng up`.")
            }
            if let trouble = status.trouble {
                return DoctorCheck("hengd", .problem, trouble, "See `heng status`.")
            }
            return DoctorCheck("hengd", .good, "process \(status.pid) answers")
        } catch {
            return DoctorCheck("hengd", .problem, "\(error)", "See its log in the state folder.")
        }
    }

    private static func supervisor() -> DoctorCheck {
        do {
            return DoctorCheck("heng-step", .good, "found at \(try SupervisorProgram.locate().path)")
        } catch {
            return DoctorCheck(
                "heng-step", .problem, "\(error)", "Install it beside heng, or name it with HENG_STEP.")
        }
    }

    // MARK: Limits

    private static func groups(_ isolation: Isolation) -> DoctorCheck {
        let controllers = Controller.allCases.map { controller in
            switch isolation.home(of: controller) {
            case .unified: "\(controller.rawValue): version 2"
            case .legacy: "\(controller.rawValue): version 1"
            case .missing: "\(controller.rawValue): none"
            }
        }
        return DoctorCheck("control groups", .good, controllers.joined(separator: ", "))
    }

    /// What each limit is held by here; what no group holds is a note with the way to a hard limit.
    private static func limits(_ isolation: Isolation) -> [DoctorCheck] {
        let limits: [(name: String, controller: Controller, without: String)] = [
            ("limit of cores", .cpuset, "soft: affinity, which a program can change"),
            ("limit of core time", .cpu, "not enforced: shares of a core are only counted"),
            (
                "limit of memory", .memory,
                "soft: RLIMIT_DATA for each process, and a look five times a second"
            ),
        ]
        return limits.map { limit in
            guard case .missing(let why) = isolation.home(of: limit.controller) else {
                return DoctorCheck(limit.name, .good, "hard: \(limit.controller.rawValue) control group")
            }
            return DoctorCheck(
                limit.name, .note, "\(limit.without) (\(why))",
                "Run hengd as root, under `systemd-run --user --scope -p Delegate=yes`, or name a delegated folder with HENG_CGROUP."
            )
        }
    }

    private static func memoryPolicy() -> DoctorCheck {
        FileManager.default.isReadableFile(atPath: "/proc/self/numa_maps")
            ? DoctorCheck("memory policies", .good, "the kernel binds memory to NUMA nodes")
            : DoctorCheck("memory policies", .note, "this kernel has none, so memory may lie on any node")
    }

    // MARK: The machine

    private static func topology() -> DoctorCheck {
        do {
            let topology = try Topology.discover()
            let nodes = topology.numaNodes.count
            let allowed = try Topology.allowedCPUs()
            return DoctorCheck(
                "machine", .good,
                "\(topology.cores.count) cores, \(topology.memory) on \(nodes == 1 ? "1 NUMA node" : "\(nodes) NUMA nodes"); "
                    + "CPUs \(topology.cpus.intersection(allowed)) may be used")
        } catch {
            return DoctorCheck("machine", .problem, "\(error)", "See `heng topology`.")
        }
    }

    private static func clock() -> DoctorCheck {
        let year = LocalYear.now
        guard year >= 2026 else {
            return DoctorCheck("clock", .problem, "it shows the year \(year)", "Set the machine's clock.")
        }
        return DoctorCheck("clock", .good, "it shows \(TimePoint.wallNow().iso8601)")
    }

    private static func podman() -> DoctorCheck {
        let path = environmentValue("PATH") ?? ""
        let found = path.split(separator: ":").map { "\($0)/podman" }.first {
            FileManager.default.isExecutableFile(atPath: $0)
        }
        guard let found else {
            return DoctorCheck(
                "containers", .note, "Podman is not installed, so --image is refused",
                "Install podman to use --image.")
        }
        return DoctorCheck("containers", .good, "\(found) runs images")
    }

    private static func slurm() -> DoctorCheck? {
        // Our own jobs have Slurm's names in their environment too.
        guard let job = environmentValue("SLURM_JOB_ID"), environmentValue("HENG_JOB_ID") == nil else {
            return nil
        }
        return DoctorCheck(
            "Slurm", .note,
            "this is inside Slurm's job \(job); hengd lends what the allocation has and no more")
    }
}

private enum LocalYear {
    static var now: Int {
        var seconds = time(nil)
        var parts = unsafe tm()
        unsafe gmtime_r(&seconds, &parts)
        return unsafe Int(parts.tm_year) + 1900
    }
}
