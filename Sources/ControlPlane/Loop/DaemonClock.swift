internal import Essentials
internal import Foundation

#if canImport(Glibc)
internal import Glibc
#endif

/// The daemon's time: steady while the machine runs or sleeps, close to the wall clock, and never going back.
///
/// It counts with the kernel's clock since boot, so that setting the wall clock changes no time limit. A new daemon of
/// the same boot takes over the old one's, and after a boot it starts at the wall clock, or where the log ends if that
/// is later.
struct DaemonClock: Codable, Hashable, Sendable {
    /// Names one run of the kernel.
    let boot: String
    /// What to add to the kernel's clock.
    let offset: Int64

    init(notBefore earliest: TimePoint) {
        boot = BootName.current
        offset = max(earliest, .wallNow()).nanoseconds - DaemonClock.sinceBoot()
    }

    var isOfThisBoot: Bool { boot == BootName.current }

    func now() -> TimePoint { TimePoint(nanoseconds: DaemonClock.sinceBoot() + offset) }

    /// Counts while the machine sleeps, too.
    private static func sinceBoot() -> Int64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_BOOTTIME, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}

/// The name of this run of the machine's kernel.
package enum BootName {
    package static let current: String = {
        // Without the file every boot looks the same, and only the steadiness over a restart is lost.
        let bytes = FileManager.default.contents(atPath: "/proc/sys/kernel/random/boot_id") ?? Data()
        return String(decoding: bytes.prefix { $0 > 32 }, as: UTF8.self)
    }()
}
