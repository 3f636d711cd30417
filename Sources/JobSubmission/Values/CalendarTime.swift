package import Essentials

#if canImport(Glibc)
internal import Glibc
#endif

/// A date and a time of day as a wall clock shows them.
package struct CalendarTime: Hashable, Comparable, Sendable {
    package var year: Int
    package var month: Int
    package var day: Int
    package var hour: Int
    package var minute: Int
    package var second: Int

    package init(_ year: Int, _ month: Int, _ day: Int, _ hour: Int = 0, _ minute: Int = 0, _ second: Int = 0)
    {
        self.year = year
        self.month = month
        self.day = day
        self.hour = hour
        self.minute = minute
        self.second = second
    }

    package static func < (left: CalendarTime, right: CalendarTime) -> Bool {
        (left.year, left.month, left.day, left.secondOfDay) < (
            right.year, right.month, right.day, right.secondOfDay
        )
    }

    var secondOfDay: Int { hour * 3600 + minute * 60 + second }

    /// Whether such a day and time exist.
    var isReal: Bool {
        guard (1970...2200).contains(year), (1...12).contains(month), (0...23).contains(hour),
            (0...59).contains(minute), (0...60).contains(second)
        else { return false }
        return (1...CalendarTime.days(in: month, of: year)).contains(day)
    }

    private static func days(in month: Int, of year: Int) -> Int {
        let isLeap = year % 4 == 0 && year % 100 != 0 || year % 400 == 0
        return [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
    }

    /// The day after, at the same time of day.
    package var nextDay: CalendarTime {
        var next = self
        next.day += 1
        guard next.day > CalendarTime.days(in: month, of: year) else { return next }
        next.day = 1
        next.month += 1
        guard next.month > 12 else { return next }
        next.month = 1
        next.year += 1
        return next
    }
}

/// From points in time to what a wall clock shows, and back.
package struct LocalCalendar: Sendable {
    package var toTime: @Sendable (CalendarTime) -> TimePoint
    package var fromTime: @Sendable (TimePoint) -> CalendarTime

    /// The zone of the process, by `TZ` or the machine's setting.
    package static let system = LocalCalendar(
        toTime: { time in
            var parts = unsafe time.parts
            // The library decides whether summer time holds on that day.
            unsafe parts.tm_isdst = -1
            return unsafe TimePoint(nanoseconds: Int64(mktime(&parts)) * 1_000_000_000)
        },
        fromTime: { point in
            var seconds = time_t(point.nanoseconds / 1_000_000_000)
            var parts = unsafe tm()
            unsafe localtime_r(&seconds, &parts)
            return unsafe CalendarTime(parts)
        })

    /// Universal time, also for texts that end in `Z`.
    package static let universal = LocalCalendar(
        toTime: { time in
            var parts = unsafe time.parts
            return unsafe TimePoint(nanoseconds: Int64(timegm(&parts)) * 1_000_000_000)
        },
        fromTime: { point in
            var seconds = time_t(point.nanoseconds / 1_000_000_000)
            var parts = unsafe tm()
            unsafe gmtime_r(&seconds, &parts)
            return unsafe CalendarTime(parts)
        })
}

extension CalendarTime {
    /// As the C library has it, in no particular zone.
    fileprivate var parts: tm {
        var parts = unsafe tm()
        unsafe parts.tm_year = Int32(year - 1900)
        unsafe parts.tm_mon = Int32(month - 1)
        unsafe parts.tm_mday = Int32(day)
        unsafe parts.tm_hour = Int32(hour)
        unsafe parts.tm_min = Int32(minute)
        unsafe parts.tm_sec = Int32(second)
        return unsafe parts
    }

    fileprivate init(_ parts: tm) {
        unsafe self.init(
            Int(parts.tm_year) + 1900, Int(parts.tm_mon) + 1, Int(parts.tm_mday), Int(parts.tm_hour),
            Int(parts.tm_min), Int(parts.tm_sec))
    }
}
