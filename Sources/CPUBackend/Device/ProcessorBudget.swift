internal import CLinux
internal import Essentials

#if canImport(Glibc)
internal import Glibc
#endif

/// How many threads of this process can run at once, and where.
///
/// Affinity says where; a cgroup's quota of processor time may say that fewer run at once than there are CPUs;
/// HENG_THREADS lets the person who starts us say still less.
struct ProcessorBudget: Hashable, Sendable {
    var cpus: CPUSet
    /// CPUs' worth of time per time, from the tightest cgroup quota on the way up; nil without one.
    var quota: Double?
    /// HENG_THREADS.
    var requested: Int?

    /// At least 1: a quota of half a CPU still runs one thread, half of the time.
    var threads: Int {
        var count = max(1, cpus.count)
        if let quota { count = min(count, max(1, Int(quota.rounded(.up)))) }
        if let requested { count = min(count, max(1, requested)) }
        return count
    }

    /// The budget at the first look; threads are sized once per process.
    static let current = ProcessorBudget(
        cpus: affinity(), quota: CgroupQuota.read(root: "/sys/fs/cgroup", membership: "/proc/self/cgroup"),
        requested: environment("HENG_THREADS").flatMap { Int($0) })

    /// The CPUs the kernel lets the calling thread run on.
    static func affinity() -> CPUSet {
        let count = Int(clinux_get_affinity(0, nil, 0))
        guard count > 0 else { return CPUSet([0]) }
        let numbers = unsafe [Int32](unsafeUninitializedCapacity: count) { buffer, written in
            written = unsafe max(0, min(count, Int(clinux_get_affinity(0, buffer.baseAddress, count))))
        }
        return CPUSet(numbers.map { Int($0) })
    }

    static func environment(_ name: String) -> String? {
        unsafe getenv(name).map { unsafe String(cString: $0) }
    }
}

/// The processor time quota of the cgroups a process is in, version 2 or 1.
enum CgroupQuota {
    /// The tightest quota from the process's group up to the root, in CPUs; nil when none is set.
    ///
    /// `root` is where cgroups are mounted, `membership` a file in the form of /proc/self/cgroup; see cgroups(7).
    static func read(root: String, membership: String) -> Double? {
        guard let lines = textFile(membership) else { return nil }
        let quotas = lines.split(separator: "\n").flatMap { line -> [Double] in
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { return [] }
            let path = String(fields[2])
            if fields[1].isEmpty {
                return upwards(path).flatMap { group in
                    [root, "\(root)/unified"].compactMap { version2("\($0)\(group)/cpu.max") }
                }
            }
            guard fields[1].split(separator: ",").contains("cpu") else { return [] }
            return upwards(path).flatMap { group in
                ["\(root)/cpu", "\(root)/cpu,cpuacct"].compactMap { version1("\($0)\(group)") }
            }
        }
        return quotas.min()
    }

    /// `/a/b` gives `/a/b`, `/a` and the empty path.
    private static func upwards(_ path: String) -> [String] {
        var paths: [String] = [""]
        for part in path.split(separator: "/") { paths.append("\(paths[paths.count - 1])/\(part)") }
        return paths.reversed()
    }

    /// `cpu.max` holds "max 100000" or "50000 100000": microseconds of quota and period.
    private static func version2(_ file: String) -> Double? {
        guard let text = textFile(file) else { return nil }
        let fields = text.split { $0 == " " || $0 == "\n" }
        guard fields.count == 2, let quota = Double(fields[0]), let period = Double(fields[1]), period > 0
        else {
            return nil
        }
        return quota / period
    }

    private static func version1(_ group: String) -> Double? {
        func number(_ name: String) -> Double? {
            textFile("\(group)/\(name)").flatMap { Double($0.filter { !$0.isWhitespace }) }
        }
        guard let quota = number("cpu.cfs_quota_us"), quota > 0, let period = number("cpu.cfs_period_us"),
            period > 0
        else { return nil }
        return quota / period
    }
}

/// The content of a small text file of the kernel's; nil when it is not there or cannot be read.
func textFile(_ path: String) -> String? {
    let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var bytes: [UInt8] = []
    while true {
        let chunk = unsafe [UInt8](unsafeUninitializedCapacity: 4096) { buffer, written in
            written = max(0, unsafe Glibc.read(file, buffer.baseAddress, buffer.count))
        }
        guard !chunk.isEmpty else { break }
        bytes += chunk
    }
    return String(decoding: bytes, as: UTF8.self)
}
