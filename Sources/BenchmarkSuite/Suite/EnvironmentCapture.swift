internal import Essentials
internal import HardwareTopology
internal import Results

#if canImport(Glibc)
internal import Glibc
#endif

/// What a reader must know of the machine to make sense of its numbers, as far as it can be read here.
enum EnvironmentCapture {
    static func record(of topology: Topology, allowed: CPUSet) -> EnvironmentRecord {
        var names = utsname()
        let hasNames = unsafe uname(&names) == 0
        let kernel = hasNames ? text(of: &names.release) : "unknown"
        return EnvironmentRecord(
            machine: topology.machineName,
            cpu: CPURecord(
                model: topology.packages.first?.model ?? "unknown", packages: topology.packages.count,
                cores: topology.cores.count, processingUnits: topology.cpus.count, features: features()),
            memoryBytes: topology.memory.bytes,
            numa: topology.numaNodes.enumerated().map {
                NUMARecord(
                    node: $0.offset, memoryBytes: $0.element.memory.bytes, cpus: $0.element.cpus.description)
            },
            accelerators: topology.devices.filter { $0.kind == .gpu || $0.kind == .coprocessor }.map(\.name),
            os: line(of: "/etc/os-release", key: "PRETTY_NAME=") ?? "unknown", kernel: kernel,
            limits: [
                "load_average": firstLine("/proc/loadavg") ?? "unknown",
                "allowed_processing_units": "\(allowed)",
            ], warnings: warnings(),
            unavailable: unavailable())
    }

    /// The instruction sets that our kernels choose by.
    private static func features() -> [String] {
        guard let flags = line(of: "/proc/cpuinfo", key: "flags\t\t: ") else { return [] }
        let interesting: Set<Substring> = [
            "avx", "avx2", "fma", "f16c", "avx512f", "avx512_vnni", "amx_tile",
        ]
        return flags.split(separator: " ").filter(interesting.contains).map(String.init)
    }

    private static func warnings() -> [String] {
        var warnings: [String] = []
        if let load = firstLine("/proc/loadavg")?.split(separator: " ").first.flatMap({ Double($0) }),
            load > 1
        {
            warnings.append(
                "Something else was running: the load average was \(load.formatted(digits: 2)) at the start.")
        }
        if let governor = firstLine("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
            governor != "performance"
        {
            warnings.append("The frequency governor is \(governor), not performance.")
        }
        return warnings
    }

    private static func unavailable() -> [UnavailableField] {
        let looks: [(String, String, String)] = [
            (
                "pmu", "/sys/bus/event_source/devices/cpu",
                "no hardware counters: the kernel offers no event source cpu"
            ),
            ("energy", "/sys/class/powercap/intel-rapl:0", "no energy counter under /sys/class/powercap"),
            (
                "frequency", "/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq",
                "no frequency under /sys/devices/system/cpu/cpu0/cpufreq"
            ),
        ]
        return looks.filter { unsafe access($0.1, F_OK) != 0 }.map {
            UnavailableField(field: $0.0, reason: $0.2)
        }
    }

    private static func firstLine(_ path: String) -> String? {
        // Absent files are an ordinary answer here; the record then says unknown or unavailable.
        guard let bytes = try? DurableFile.read(path) else { return nil }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").first.map(String.init)
    }

    private static func line(of path: String, key: String) -> String? {
        // As above.
        guard let bytes = try? DurableFile.read(path) else { return nil }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix(key) }
            .map { $0.dropFirst(key.count).trimmingQuotes }
    }

    private static func text<Field>(of field: inout Field) -> String {
        unsafe withUnsafeBytes(of: &field) { unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}

extension Substring {
    fileprivate var trimmingQuotes: String {
        var text = self
        if text.first == "\"" { text.removeFirst() }
        if text.last == "\"" { text.removeLast() }
        return String(text)
    }
}
