internal import Essentials
internal import PluginBackend
internal import Results

#if canImport(Glibc)
internal import Glibc
#endif

// Where the answers of slow drivers lie, and how long they hold.

extension DeviceCatalog {
    /// The file in a folder of caches; one per machine, because a home folder may be shared.
    package static func file(in folder: String, machine: String) -> String {
        let name = machine.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" }
        return "\(folder)/devices-\(String(name)).json"
    }

    /// Everything we know of that can change a driver's answer, as lines.
    ///
    /// The boot; this program's version and its file; which processing units and nodes are there and allowed; the
    /// control group; the PCI devices and kernel modules; the files of plugins; and the variables that choose devices. What is not in here,
    /// such as a limit changed inside the same control group, is what `--probe` is for.
    package static func currentKey(version: String, environment: [String: String]) -> [String] {
        let files = [
            "/proc/sys/kernel/random/boot_id", "/sys/devices/system/cpu/online",
            "/sys/devices/system/node/online", "/proc/self/cgroup",
        ]
        let variables = environment.filter {
            $0.key.hasPrefix("HENG_") || $0.key.hasPrefix("POCL_") || $0.key.hasPrefix("HWLOC_")
                || $0.key.hasSuffix("VISIBLE_DEVICES")
        }
        var key = ["version \(version)", "program \(programStamp())"]
        key += files.map { "\($0) \(lines(of: $0).joined(separator: " "))" }
        key += lines(of: "/proc/self/status").filter { $0.contains("allowed_list:") }
        key += ["/sys/bus/pci/devices", "/sys/module"].map { "\($0) \(names(in: $0).joined(separator: " "))" }
        key += PluginSearch.current.stamps().map { "plugin \($0)" }
        key += variables.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        return key
    }

    /// Size and time of our own file: a new build is another program, also under the old version.
    private static func programStamp() -> String {
        var facts = stat()
        guard unsafe stat("/proc/self/exe", &facts) == 0 else { return "unknown" }
        return "\(facts.st_size) \(facts.st_mtim.tv_sec).\(facts.st_mtim.tv_nsec)"
    }

    /// None where the file cannot be read, which then holds for every call on this machine.
    private static func lines(of file: String) -> [String] {
        guard let bytes = try? DurableFile.read(file, limit: .mebibytes(1)) else { return [] }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    private static func names(in folder: String) -> [String] {
        guard let directory = unsafe opendir(folder) else { return [] }
        defer { unsafe closedir(directory) }
        var names: [String] = []
        while let entry = unsafe readdir(directory) {
            names.append(
                unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                    unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) {
                        unsafe String(cString: $0)
                    }
                })
        }
        return names.filter { !$0.hasPrefix(".") }.sorted()
    }
}
