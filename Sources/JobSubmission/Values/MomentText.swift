package import Essentials

/// Points in time as sbatch's `--begin` and `--deadline` take them.
package struct MomentText: Sendable {
    let now: TimePoint
    let calendar: LocalCalendar

    package init(now: TimePoint, calendar: LocalCalendar = .system) {
        self.now = now
        self.calendar = calendar
    }

    /// Reads `now`, `now+1hour`, `now+90` (seconds), `16:00`, `2027-01-20`, `2027-01-20T12:34:00`, `tomorrow`,
    /// `midnight` and `noon`; a time of day is the next one, and a `Z` at the end means universal time.
    package func read(_ text: String, option: String) throws(Failure) -> TimePoint {
        guard
            let moment = relative(text.lowercased()) ?? word(text.lowercased()) ?? timeOfDay(text)
                ?? date(text)
        else {
            throw mistake(
                "\(option) \(shown(text)) is not a time.",
                "Write it like \(option) now+1hour, 16:00 or 2027-01-20T12:34:00.")
        }
        return moment
    }

    /// The same, for a time that must lie ahead.
    package func readFuture(_ text: String, option: String) throws(Failure) -> TimePoint {
        let moment = try read(text, option: option)
        guard moment > now else {
            throw mistake(
                "\(option) \(shown(text)) is over already.",
                "Choose a time ahead, such as \(option) now+1hour.")
        }
        return moment
    }

    private func relative(_ text: String) -> TimePoint? {
        guard text.hasPrefix("now") else { return nil }
        let rest = text.dropFirst(3)
        if rest.isEmpty { return now }
        guard rest.first == "+" else { return nil }
        let digits = rest.dropFirst().prefix { $0.isASCII && $0.isNumber }
        let unit = rest.dropFirst(1 + digits.count)
        let seconds: [Substring: Int] = [
            "": 1, "s": 1, "second": 1, "seconds": 1, "m": 60, "min": 60, "minute": 60, "minutes": 60,
            "h": 3600,
            "hour": 3600, "hours": 3600, "d": 86_400, "day": 86_400, "days": 86_400, "week": 604_800,
            "weeks": 604_800,
        ]
        guard let each = seconds[unit], let count = wholeNumber(digits, in: 0...TimeText.longest),
            count <= TimeText.longest / each
        else { return nil }
        return now + .seconds(count * each)
    }

    private func word(_ text: String) -> TimePoint? {
        let today = calendar.fromTime(now)
        switch text {
        case "today": return now
        case "tomorrow": return calendar.toTime(today.nextDay)
        case "midnight": return next(hour: 0, minute: 0, second: 0)
        case "noon": return next(hour: 12, minute: 0, second: 0)
        default: return nil
        }
    }

    private func timeOfDay(_ text: String) -> TimePoint? {
        guard let (hour, minute, second) = clock(text) else { return nil }
        return next(hour: hour, minute: minute, second: second)
    }

    /// The next time that a clock shows this: today, or tomorrow when it is past.
    private func next(hour: Int, minute: Int, second: Int) -> TimePoint {
        var time = calendar.fromTime(now)
        (time.hour, time.minute, time.second) = (hour, minute, second)
        let moment = calendar.toTime(time)
        return moment > now ? moment : calendar.toTime(time.nextDay)
    }

    /// `16:00` and `16:00:30`.
    private func clock(_ text: some StringProtocol) -> (Int, Int, Int)? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2 || parts.count == 3, parts.allSatisfy({ $0.count <= 2 }),
            let hour = wholeNumber(parts[0], in: 0...23), let minute = wholeNumber(parts[1], in: 0...59)
        else { return nil }
        guard parts.count == 3 else { return (hour, minute, 0) }
        return wholeNumber(parts[2], in: 0...59).map { (hour, minute, $0) }
    }

    private func date(_ text: String) -> TimePoint? {
        var text = text
        var calendar = calendar
        if text.hasSuffix("Z") {
            text.removeLast()
            calendar = .universal
        }
        let halves = text.split(maxSplits: 1, omittingEmptySubsequences: false) { $0 == "T" || $0 == " " }
        let parts = halves[0].split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, let year = wholeNumber(parts[0], in: 1970...2200),
            let month = wholeNumber(parts[1], in: 1...12), let day = wholeNumber(parts[2], in: 1...31)
        else { return nil }
        var time = CalendarTime(year, month, day)
        if halves.count == 2 {
            guard let (hour, minute, second) = clock(halves[1]) else { return nil }
            (time.hour, time.minute, time.second) = (hour, minute, second)
        }
        return time.isReal ? calendar.toTime(time) : nil
    }
}
