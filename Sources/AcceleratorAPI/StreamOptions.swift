package import Essentials

/// Choices about a stream; a device that cannot follow one says so when the stream is made or ignores a preference.
package struct StreamOptions: Hashable, Sendable {
    /// Where it may run, on devices that run on CPUs; nil for all of the device's.
    package var cpus: CPUSet?
    /// Above 0: before other streams of the device; below 0: after them.
    package var priority: Int
    /// How long one piece of work may run before the stream fails with `timeout`; nil for ever.
    package var workLimit: Duration?
    /// Whether work behind a failed piece still runs; each failure is then reported once.
    package var continues: Bool

    package init(
        cpus: CPUSet? = nil, priority: Int = 0, workLimit: Duration? = nil, continues: Bool = false
    ) {
        self.cpus = cpus
        self.priority = priority
        self.workLimit = workLimit
        self.continues = continues
    }
}
