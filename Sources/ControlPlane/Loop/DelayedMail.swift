internal import ControlAPI
internal import Essentials

/// Reports of starts, which wait a moment for something else to be written with.
///
/// Nobody waits for them, and a start that is lost is reported again. So the start and the end of a short job take one
/// write to the disk, and the end does not wait until the start is written.
struct DelayedMail {
    private var mails: [Mail] = []
    /// When they wait no longer.
    private(set) var until: TimePoint?

    static let delay: Duration = .milliseconds(10)

    /// Keeps all that has arrived, and returns the questions among it; nil when something has to be done now.
    mutating func takesAll(of arrived: [Mail], at now: TimePoint) -> [(Owner) -> Void]? {
        if let until, until <= now { return nil }
        var looks: [(Owner) -> Void] = []
        var starts: [Mail] = []
        for mail in arrived {
            switch mail {
            case .look(let question): looks.append(question)
            case .report(_, .started): starts.append(mail)
            default: return nil
            }
        }
        guard !mails.isEmpty || !starts.isEmpty else { return nil }
        mails += starts
        until = until ?? now + Self.delay
        return looks
    }

    mutating func release() -> [Mail] {
        defer { self = DelayedMail() }
        return mails
    }
}
