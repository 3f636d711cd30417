import Essentials
import JobSubmission
import Testing

@Suite("Times of submissions")
struct TimeTests {
    @Test(arguments: [
        ("90", 5400), ("5:30", 330), ("1:30:00", 5400), ("1-12", 129_600), ("1-12:30", 131_400),
        ("1-12:30:05", 131_405), ("0-0:0:1", 1), ("1h30m", 5400), ("45s", 45), ("2d", 172_800),
        ("1w", 604_800),
        ("1H", 3600), ("1d1s", 86_401), ("3650-0", 315_360_000),
    ]) func `lengths of time have sbatch's forms and units`(text: String, seconds: Int) throws {
        #expect(try TimeText.length(text, option: "--time") == .seconds(seconds))
        #expect(try TimeText.limit(text, option: "--time") == .seconds(seconds))
    }

    @Test(arguments: ["unlimited", "UNLIMITED", "infinite"]) func `no limit is one too`(text: String) throws {
        #expect(try TimeText.limit(text, option: "--time") == nil)
    }

    @Test(arguments: [
        "", "soon", "-5", "1:2:3:4", "1-", "-1", "1-2-3", "1-1:1:1:1", "30m1h", "1h1h", "h", "1h30", "1.5h",
        "+5",
        "99999999999999999999", "3651-0", "100000000", "１２", "1 h", "0x10", "5:", ":5",
    ]) func `everything else is refused`(text: String) {
        expectMistake("is not a length of time") { _ = try TimeText.limit(text, option: "--time") }
    }

    @Test(arguments: ["0", "0:00", "0s", "0-0"]) func `no time at all is refused`(text: String) {
        expectMistake("leaves no time") { _ = try TimeText.limit(text, option: "--time") }
    }

    @Test(arguments: [
        ("now", 0), ("now+90", 90), ("now+1hour", 3600), ("now+2hours", 7200), ("now+5minutes", 300),
        ("now+1day", 86_400), ("now+1week", 604_800), ("NOW+1H", 3600), ("13:00", 3600), ("11:00", 82_800),
        ("12:00:01", 1), ("12:00", 86_400), ("midnight", 43_200), ("noon", 86_400), ("tomorrow", 86_400),
        ("today", 0),
        ("2027-01-20T12:34:00", 2040), ("2027-01-20T12:34", 2040), ("2027-01-20 12:34", 2040),
        ("2027-01-21", 43_200), ("2027-01-20T12:34:00Z", 2040), ("2026-01-20T12:00:00", -31_536_000),
    ]) func `points in time have sbatch's forms`(text: String, offset: Int) throws {
        #expect(try moments.read(text, option: "--begin") == noon + .seconds(offset))
    }

    @Test(arguments: [
        "", "later", "now-1hour", "now+", "now+hour", "now+1fortnight", "25:00", "12:60", "12", "1:2:3:4",
        "2027-02-29", "2027-13-01", "2027-00-01", "2027-01-32", "27-01-01", "2027-01-20T", "2027-01-20T25:00",
        "now+99999999999", "16:00Z", "2027-1-1x",
    ]) func `all other points are refused`(text: String) {
        expectMistake("is not a time") { _ = try moments.read(text, option: "--begin") }
    }

    @Test func `a deadline lies ahead`() throws {
        #expect(try moments.readFuture("now+1", option: "--deadline") == noon + .seconds(1))
        expectMistake("is over already") { _ = try moments.readFuture("now", option: "--deadline") }
        expectMistake("is over already") { _ = try moments.readFuture("2026-01-01", option: "--deadline") }
    }

    @Test func `the day after the last of a month or year is found`() {
        #expect(CalendarTime(2027, 2, 28).nextDay == CalendarTime(2027, 3, 1))
        #expect(CalendarTime(2028, 2, 28).nextDay == CalendarTime(2028, 2, 29))
        #expect(CalendarTime(2027, 12, 31, 5).nextDay == CalendarTime(2028, 1, 1, 5))
    }

    @Test func `the machine's own zone goes there and back`() {
        let time = LocalCalendar.system.fromTime(noon)
        #expect(LocalCalendar.system.toTime(time) == noon)
    }
}
