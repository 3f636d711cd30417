internal import CHwloc
internal import Essentials
internal import Glibc

/// A topology inside hwloc, from which we take one thing: its description as XML.
///
/// One owner; may move between threads but not be used by two at once.
@safe struct HwlocMachine: ~Copyable {
    private let raw: hwloc_topology_t

    /// Hwloc prints about inconsistent machines unless told not to, and reads the setting once, at first use.
    private static let isQuiet: Bool = unsafe setenv("HWLOC_HIDE_ERRORS", "2", 0) == 0

    private init() throws(HwlocProblem) {
        _ = Self.isQuiet
        var raw: hwloc_topology_t?
        guard unsafe hwloc_topology_init(&raw) == 0, let raw = unsafe raw else { throw HwlocProblem() }
        unsafe self.raw = raw
    }

    deinit { unsafe hwloc_topology_destroy(raw) }

    /// The machine this program runs on, with all its units, also those it may not use.
    static func live() throws(HwlocProblem) -> HwlocMachine {
        let machine = try HwlocMachine()
        // These load drivers into this process, which may hang or crash; devices are described by PCI instead.
        // A component that is not installed is refused, and that is as good.
        for component in ["opencl", "cuda", "nvml", "rsmi", "levelzero", "gl"] {
            let flag = UInt(HWLOC_TOPOLOGY_COMPONENTS_FLAG_BLACKLIST.rawValue)
            _ = unsafe hwloc_topology_set_components(machine.raw, flag, component)
        }
        try machine.load()
        return machine
    }

    /// A machine made up from hwloc's synthetic text, which must have passed `SyntheticDescription`.
    static func synthetic(_ text: String) throws(HwlocProblem) -> HwlocMachine {
        let machine = try HwlocMachine()
        guard unsafe hwloc_topology_set_synthetic(machine.raw, text) == 0 else { throw HwlocProblem() }
        try machine.load()
        return machine
    }

    /// False when an environment variable made hwloc describe another machine.
    var isThisMachine: Bool { unsafe hwloc_topology_is_thissystem(raw) != 0 }

    private func load() throws(HwlocProblem) {
        let flags = UInt(HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED.rawValue)
        guard unsafe hwloc_topology_set_flags(raw, flags) == 0,
            unsafe hwloc_topology_set_io_types_filter(raw, HWLOC_TYPE_FILTER_KEEP_IMPORTANT) == 0,
            unsafe hwloc_topology_set_cache_types_filter(raw, HWLOC_TYPE_FILTER_KEEP_ALL) == 0,
            unsafe hwloc_topology_set_icache_types_filter(raw, HWLOC_TYPE_FILTER_KEEP_ALL) == 0,
            unsafe hwloc_topology_load(raw) == 0
        else { throw HwlocProblem() }
    }

    /// The description in hwloc's XML format.
    func xml() throws(HwlocProblem) -> String {
        var text: UnsafeMutablePointer<CChar>?
        var length: Int32 = 0
        guard unsafe hwloc_topology_export_xmlbuffer(raw, &text, &length, 0) == 0, let text = unsafe text
        else { throw HwlocProblem() }
        defer { unsafe hwloc_free_xmlbuffer(raw, text) }
        return unsafe String(cString: text)
    }
}

/// A call of hwloc that failed, with errno as it left it.
struct HwlocProblem: Error {
    var code = errno
    var reason: String { unsafe String(cString: strerror(code)) }
}
