internal import ArgumentParser
internal import ControlAPI
internal import Essentials
internal import JobSubmission
internal import Scheduling

/// Which jobs an action is about; at least one way of choosing must be used.
struct JobChoice: ParsableArguments {
    @Argument(help: "Jobs: 12, 12_3, 12_[1-5,9], 12-20, last.")
    var jobs: [String] = []

    @Option(name: .shortAndLong, help: "All jobs of this user.")
    var user: String?

    @Option(name: .shortAndLong, help: "All jobs of this name.")
    var name: String?

    @Option(name: [.customShort("p"), .long], help: "All jobs of this queue.")
    var queue: String?

    @Option(help: "All jobs in these states, with commas between.")
    var state: [String] = []

    @OptionGroup var display: ListingOptions

    func validate() throws {
        if jobs.isEmpty, user == nil, name == nil, queue == nil, state.isEmpty {
            throw ValidationError("Name jobs, or choose them by --user, --name, --queue or --state.")
        }
    }

    /// Carries the action out on all jobs that match; jobs that refuse are told, and make the answer no.
    func act(_ verb: JobActionRequest.Verb, _ done: String) throws {
        let client = try DaemonAccess.require(for: "Changing jobs")
        let chosen = try selection(
            jobs, user: user, name: name, queue: queue, states: state, JobLookup(client: client))
        let replies = try client.act(JobActionRequest(verb, chosen))
        for reply in replies {
            if let refusal = reply.refusal {
                report("heng: \(refusal.hasPrefix("job ") ? refusal : "job \(reply.job): \(refusal)")")
            }
        }
        let changed = replies.filter { $0.refusal == nil }
        try display.show(replies, names: changed.map(\.job.description)) {
            changed.map { "\(done) job \($0.job), now \($0.state)" }.joined(separator: "\n")
        }
        if replies.isEmpty {
            throw Failure("No job matches.", nextStep: "See `heng jobs --all`.", exitCode: .negative)
        }
        if changed.count < replies.count {
            throw ArgumentParser.ExitCode(Essentials.ExitCode.negative.rawValue)
        }
    }
}

/// A command that does one thing to all jobs that are chosen.
protocol JobActionCommand: ParsableCommand {
    typealias Effect = (verb: JobActionRequest.Verb, done: String)
    static var effect: Effect { get }
    var choice: JobChoice { get }
}

extension JobActionCommand {
    func run() throws { try choice.act(Self.effect.verb, Self.effect.done) }
}

struct CancelCommand: JobActionCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel",
        abstract: "Ends jobs, whether they wait or run.",
        discussion: """
            Examples: heng cancel 12 14-16
                      heng cancel -u $USER --state pending
            """)
    static let effect: Effect = (.cancel, "Cancelled")
    @OptionGroup var choice: JobChoice
}

struct HoldCommand: JobActionCommand {
    static let configuration = CommandConfiguration(
        commandName: "hold",
        abstract: "Keeps waiting jobs from starting.",
        discussion: "Example: heng hold 12_[3-5]")
    static let effect: Effect = (.hold, "Held")
    @OptionGroup var choice: JobChoice
}

struct ReleaseCommand: JobActionCommand {
    static let configuration = CommandConfiguration(
        commandName: "release",
        abstract: "Lets held jobs start.",
        discussion: "Example: heng release 12")
    static let effect: Effect = (.release, "Released")
    @OptionGroup var choice: JobChoice
}

struct SuspendCommand: JobActionCommand {
    static let configuration = CommandConfiguration(
        commandName: "suspend",
        abstract: "Stops running jobs in their tracks; they keep memory and devices, not cores.",
        discussion: "Example: heng suspend 12")
    static let effect: Effect = (.suspend, "Suspended")
    @OptionGroup var choice: JobChoice
}

struct ResumeCommand: JobActionCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: "Lets suspended jobs go on.",
        discussion: "Example: heng resume 12")
    static let effect: Effect = (.resume, "Resumed")
    @OptionGroup var choice: JobChoice
}

struct RequeueCommand: JobActionCommand {
    static let configuration = CommandConfiguration(
        commandName: "requeue",
        abstract: "Ends running jobs and puts them back into their queues.",
        discussion: "Example: heng requeue 12")
    static let effect: Effect = (.requeue, "Requeued")
    @OptionGroup var choice: JobChoice
}

struct SignalCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "signal", abstract: "Sends a signal to running jobs.",
        discussion: "Example: heng signal -s USR1 --first-only 12")

    @Option(name: .shortAndLong, help: "The signal: USR1, SIGUSR1 or 10.")
    var signal: String

    @Flag(help: "To the first process of each rank alone, instead of to all.")
    var firstOnly = false

    @OptionGroup var choice: JobChoice

    func run() throws {
        let number = try SignalText.number(signal, option: "--signal")
        try choice.act(.signal(number, toFirstOnly: firstOnly), "Sent \(SignalText.name(number)) to")
    }
}

struct CheckpointCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "checkpoint",
        abstract: "Says that a job's work is saved, so that an end from now on loses only what comes after.",
        discussion: """
            Example: heng checkpoint $HENG_JOB_ID

            A job says it of itself; without a number it is the job that this command runs in. When the job is being
            preempted, it may end at once after it: its place is taken without waiting for the rest of the grace.
            """)

    @Argument(help: "The job; the one around this command when left out.")
    var job: String?

    @OptionGroup var display: ListingOptions

    func run() throws {
        var choice = JobChoice()
        guard let name = job ?? environmentValue("HENG_JOB_ID") else {
            throw Failure(
                "This command does not run inside a job, and no job is named.",
                nextStep: "Name it, as in `heng checkpoint 12`.", exitCode: .wrongUse)
        }
        choice.jobs = [name]
        choice.user = nil
        choice.name = nil
        choice.queue = nil
        choice.state = []
        choice.display = display
        try choice.act(.checkpointed, "Noted the checkpoint of")
    }
}

struct ChangeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "change", abstract: "Changes the priority, time limit, queue or start of jobs.",
        discussion: """
            Examples: heng change --time 2h 12
                      heng change --priority 10 --into night 14-16
            """)

    @Option(help: "Higher starts first.")
    var priority: String?

    @Option(name: [.customShort("t"), .long], help: "The new time limit, or unlimited.")
    var time: String?

    @Option(help: "The queue to wait in.")
    var into: String?

    @Option(name: [.customShort("b"), .long], help: "Start no earlier.")
    var begin: String?

    @OptionGroup var choice: JobChoice

    func validate() throws {
        if priority == nil, time == nil, into == nil, begin == nil {
            throw ValidationError("Say what to change: --priority, --time, --into or --begin.")
        }
    }

    func run() throws {
        var changes: [JobChange] = []
        if let priority {
            changes.append(
                .priority(try Amounts.count(priority, in: -1_000_000...1_000_000, option: "--priority")))
        }
        if let time { changes.append(.timeLimit(try TimeText.limit(time, option: "--time"))) }
        if let into { changes.append(.queue(try NameCheck.name(into, option: "--into"))) }
        if let begin {
            changes.append(.begin(try MomentText(now: .wallNow()).read(begin, option: "--begin")))
        }
        for change in changes { try choice.act(.change(change), "Changed") }
    }
}
