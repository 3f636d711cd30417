#if canImport(Glibc)
internal import Glibc
#endif

/// A point in time in nanoseconds since an epoch that its owner chooses.
///
/// Pure code is handed time points and never asks for the time; a simulation counts its own from zero.
package struct TimePoint: Hashable, Comparable, Sendable, Codable {
    package var nanoseconds: Int64

    package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    package static let zero = TimePoint(nanoseconds: 0)

    package static func < (left: TimePoint, right: TimePoint) -> Bool { left.nanoseconds < right.nanoseconds }
    package static func + (left: TimePoint, right: Duration) -> TimePoint {
        TimePoint(nanoseconds: left.nanoseconds + right.nanoseconds)
    }
    package static func - (left: TimePoint, right: TimePoint) -> Duration {
        .nanoseconds(left.nanoseconds - right.nanoseconds)
    }

    /// Seconds since the epoch as a floating number.
    package var seconds: Double { Double(nanoseconds) / 1e9 }
}

extension TimePoint {
    /// The kernel's monotonic clock: for measuring, the same in every process of one boot.
    package static func monotonicNow() -> TimePoint { read(CLOCK_MONOTONIC) }

    /// The wall clock since 1970: for records that people read.
    ///
    /// It may jump.
    package static func wallNow() -> TimePoint { read(CLOCK_REALTIME) }

    private static func read(_ clock: clockid_t) -> TimePoint {
        var time = timespec()
        unsafe clock_gettime(clock, &time)
        return TimePoint(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    /// This wall-clock point as `2026-02-03T04:05:06.789Z`.
    package var iso8601: String {
        var seconds = time_t(nanoseconds / 1_000_000_000)
        var parts = unsafe tm()
        unsafe gmtime_r(&seconds, &parts)
        func pad(_ value: Int32, _ width: Int) -> String {
            let text = String(value)
            return String(repeating: "0", count: max(0, width - text.count)) + text
        }
        let date =
            unsafe "\(pad(parts.tm_year + 1900, 4))-\(pad(parts.tm_mon + 1, 2))-\(pad(parts.tm_mday, 2))"
        let time = unsafe "\(pad(parts.tm_hour, 2)):\(pad(parts.tm_min, 2)):\(pad(parts.tm_sec, 2))"
        return "\(date)T\(time).\(pad(Int32(nanoseconds / 1_000_000 % 1000), 3))Z"
    }
}

extension Duration {
    /// The whole duration in nanoseconds.
    ///
    /// Durations over 292 years trap.
    package var nanoseconds: Int64 {
        components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000
    }

    /// The duration in seconds as a floating number.
    package var inSeconds: Double {
        Double(components.seconds) + Double(components.attoseconds) / 1e18
    }
}
