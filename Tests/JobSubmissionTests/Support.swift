import Essentials
import JobSubmission
import Testing

/// Noon of a day without summer time, in universal time.
let noon = LocalCalendar.universal.toTime(CalendarTime(2027, 1, 20, 12, 0, 0))
let moments = MomentText(now: noon, calendar: .universal)

/// A text that is refused, and a part of the sentence that says so.
struct BadText: Sendable, CustomTestStringConvertible {
    var text: String
    var says: String

    init(_ text: String, _ says: String) {
        self.text = text
        self.says = says
    }

    var testDescription: String { text }
}

/// The body must throw a failure that says this, names a next step, and counts as wrong use.
func expectMistake(
    _ says: String, at location: SourceLocation = #_sourceLocation, _ body: () throws -> Void
) {
    let failure = #expect(throws: Failure.self, sourceLocation: location) { try body() }
    #expect(
        failure?.description.contains(says) == true, "\(failure?.description ?? "")", sourceLocation: location
    )
    #expect(failure?.nextStep?.isEmpty == false, sourceLocation: location)
    #expect(failure?.exitCode == .wrongUse, sourceLocation: location)
    #expect(failure?.description.contains("\n") == false, sourceLocation: location)
}
