internal import ArgumentParser
internal import ControlAPI
internal import Essentials
internal import JobSubmission
internal import Scheduling

struct QueueCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "queue", abstract: "Lists, sets, stops and removes queues.",
        discussion: """
            Examples: heng queue list
                      heng queue set night --tier 1 --order fair-share --preemption requeue
            """,
        subcommands: [List.self, Set.self, Stop.self, Start.self, Close.self, Open.self, Remove.self])

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "Lists the queues with their policies and limits.",
            discussion: "Example: heng queue list")

        @OptionGroup var display: ListingOptions

        func run() throws {
            let queues = try DaemonAccess.require(for: "heng queue").queues()
            try display.show(queues, names: queues.map(\.name)) { QueueTable.text(queues) }
        }
    }

    struct Set: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "set", abstract: "Makes a queue, or changes one; what is not said stays.",
            discussion: """
                Examples: heng queue set night --longest-time 12h --cores 16
                          heng queue set urgent --tier 2

                The word none lifts a limit.
                """)

        @Argument(help: "Its name.")
        var name: String

        @Option(help: "Queues of a higher tier are looked at first, and may push aside jobs of lower tiers.")
        var tier: String?

        @Option(
            help: ArgumentHelp("Which job goes first: \(names(OrderPolicyName.self)).", valueName: "policy"))
        var order: String?

        @Option(
            help: ArgumentHelp(
                "What may pass a job that waits: \(names(QueuePolicyName.self)).", valueName: "policy"))
        var backfill: String?

        @Option(
            help: ArgumentHelp("Where jobs lie: \(names(PlacementPolicyName.self)).", valueName: "policy"))
        var placement: String?

        @Option(help: "Priority that a job gains for each hour it waits.")
        var ageing: String?

        @Option(
            help: ArgumentHelp(
                "What a higher tier does to its jobs: \(names(Preemption.Mode.self)).", valueName: "mode"))
        var preemption: String?

        @Option(help: "Between the request to end and the end by force, when preempted; such as 30s.")
        var grace: String?

        @Option(help: "How long a job is left alone after each start.")
        var minimumRun: String?

        @Option(help: "The time limit of jobs that name none.")
        var defaultTime: String?

        @Option(help: "The longest time limit that a job may have.")
        var longestTime: String?

        @Option(help: "Cores that its jobs may hold together.")
        var cores: String?

        @Option(help: "Memory that its jobs may hold together.")
        var mem: String?

        @Option(help: "Jobs that may hold resources at once.")
        var running: String?

        @Option(help: "Cores that the jobs of one user may hold.")
        var userCores: String?

        @Option(help: "Jobs of one user that may hold resources at once.")
        var userRunning: String?

        @Option(help: "Jobs that a user may have waiting or running; more are refused.")
        var userJobs: String?

        @Option(help: "Jobs that may wait or run in it; more are refused.")
        var jobs: String?

        @OptionGroup var display: ListingOptions

        func run() throws {
            let name = try NameCheck.name(name, option: "The queue")
            // Everything is read before anything is asked.
            var dry = Queue(name: name)
            try change(&dry)
            let client = try DaemonAccess.require(for: "heng queue")
            var queue = try client.queues().first { $0.name == name } ?? Queue(name: name)
            try change(&queue)
            try client.set(queue)
            try display.show(queue, names: [name]) { QueueTable.text([queue]) }
        }

        private func change(_ queue: inout Queue) throws {
            if let tier { queue.tier = try Amounts.count(tier, in: -1000...1000, option: "--tier") }
            if let order { queue.order = try Amounts.choice(order, option: "--order") }
            if let backfill { queue.backfill = try Amounts.choice(backfill, option: "--backfill") }
            if let placement { queue.placement = try Amounts.choice(placement, option: "--placement") }
            if let ageing { queue.ageing = try Amounts.count(ageing, in: 0...1_000_000, option: "--ageing") }
            if let preemption {
                queue.preemption.mode = try Amounts.choice(preemption, option: "--preemption")
            }
            if let grace { queue.preemption.grace = try TimeText.length(grace, option: "--grace") }
            if let minimumRun {
                queue.preemption.minimumRun = try TimeText.length(minimumRun, option: "--minimum-run")
            }
            try changeLimits(&queue.limits)
        }

        private func changeLimits(_ limits: inout QueueLimits) throws {
            if let defaultTime {
                limits.defaultTimeLimit = try limit(defaultTime) {
                    try TimeText.limit($0, option: "--default-time")
                }
            }
            if let longestTime {
                limits.longestTimeLimit = try limit(longestTime) {
                    try TimeText.limit($0, option: "--longest-time")
                }
            }
            if let cores {
                limits.total.cores = try limit(cores) { try Amounts.cores($0, option: "--cores") }
            }
            if let mem { limits.total.memory = try limit(mem) { try Amounts.memory($0, option: "--mem") } }
            if let running { limits.total.runningJobs = try count(running, "--running") }
            if let userCores {
                limits.perUser.cores = try limit(userCores) { try Amounts.cores($0, option: "--user-cores") }
            }
            if let userRunning { limits.perUser.runningJobs = try count(userRunning, "--user-running") }
            if let userJobs { limits.jobsPerUser = try count(userJobs, "--user-jobs") }
            if let jobs { limits.jobs = try count(jobs, "--jobs") }
        }

        private func count(_ text: String, _ option: String) throws -> Int? {
            try limit(text) { try Amounts.count($0, in: 0...100_000_000, option: option) }
        }
    }

    struct Stop: QueueSwitch {
        static let configuration = CommandConfiguration(
            commandName: "stop", abstract: "Lets no job of a queue start; new ones are taken.",
            discussion: "Example: heng queue stop night")
        static let setting: Setting = (\.isStarted, false)
        @OptionGroup var choice: QueueChoice
    }

    struct Start: QueueSwitch {
        static let configuration = CommandConfiguration(
            commandName: "start", abstract: "Lets the jobs of a stopped queue start again.",
            discussion: "Example: heng queue start night")
        static let setting: Setting = (\.isStarted, true)
        @OptionGroup var choice: QueueChoice
    }

    struct Close: QueueSwitch {
        static let configuration = CommandConfiguration(
            commandName: "close", abstract: "Takes no new jobs into a queue; those there go on.",
            discussion: "Example: heng queue close night")
        static let setting: Setting = (\.isOpen, false)
        @OptionGroup var choice: QueueChoice
    }

    struct Open: QueueSwitch {
        static let configuration = CommandConfiguration(
            commandName: "open", abstract: "Takes new jobs into a closed queue again.",
            discussion: "Example: heng queue open night")
        static let setting: Setting = (\.isOpen, true)
        @OptionGroup var choice: QueueChoice
    }

    struct Remove: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "remove", abstract: "Removes a queue without jobs.",
            discussion: "Example: heng queue remove night")

        @Argument(help: "Its name.") var name: String
        @OptionGroup var display: ListingOptions

        func run() throws {
            let name = try NameCheck.name(name, option: "The queue")
            try DaemonAccess.require(for: "heng queue").removeQueue(name)
            try display.show([name], names: [name]) { "Removed queue \(name)" }
        }
    }
}

/// A queue that must be there, and how to show it.
struct QueueChoice: ParsableArguments {
    @Argument(help: "Its name.") var name: String
    @OptionGroup var display: ListingOptions
}

/// One of the switches of a queue, which differ in one value.
protocol QueueSwitch: ParsableCommand {
    typealias Setting = (path: any WritableKeyPath<Queue, Bool> & Sendable, value: Bool)
    static var setting: Setting { get }
    var choice: QueueChoice { get }
}

extension QueueSwitch {
    func run() throws {
        let client = try DaemonAccess.require(for: "heng queue")
        let queues = try client.queues()
        guard var queue = queues.first(where: { $0.name == choice.name }) else {
            throw Failure(
                "There is no queue '\(choice.name)'.",
                nextStep: "There are: \(queues.map(\.name).joined(separator: ", ")).", exitCode: .wrongUse)
        }
        let (path, value) = Self.setting
        queue[keyPath: path] = value
        try client.set(queue)
        try choice.display.show(queue, names: [queue.name]) { QueueTable.text([queue]) }
    }
}

/// A limit, or nil for the word none.
func limit<Value>(_ text: String, _ read: (String) throws -> Value?) throws -> Value? {
    text.lowercased() == "none" ? nil : try read(text)
}

/// The values of an enumeration, for a help text.
private func names<Value: RawRepresentable & CaseIterable>(_ type: Value.Type) -> String
where Value.RawValue == String {
    type.allCases.map(\.rawValue).joined(separator: ", ")
}

/// Queues as a table.
enum QueueTable {
    static func text(_ queues: [Queue]) -> String {
        textTable(
            header: ["QUEUE", "TIER", "ORDER", "BACKFILL", "PLACEMENT", "PREEMPTION", "STATE", "LIMITS"],
            queues.map { queue in
                let state =
                    queue.isOpen
                    ? queue.isStarted ? "open" : "stopped" : queue.isStarted ? "closed" : "closed, stopped"
                return [
                    queue.name, "\(queue.tier)", queue.order.rawValue, queue.backfill.rawValue,
                    queue.placement.rawValue, queue.preemption.mode.rawValue, state, limits(queue.limits),
                ]
            })
    }

    private static func limits(_ limits: QueueLimits) -> String {
        let hours = { (time: Duration) in "\((time.inSeconds / 3600).formatted(significant: 3)) h" }
        let parts: [String?] = [
            limits.defaultTimeLimit.map { "time \(hours($0)) unless told" },
            limits.longestTimeLimit.map { "time up to \(hours($0))" },
            quota(limits.total, "together"), quota(limits.perUser, "each user"),
            limits.jobsPerUser.map { "\($0) jobs each user" }, limits.jobs.map { "\($0) jobs" },
        ]
        let known = parts.compactMap(\.self)
        return known.isEmpty ? "-" : known.joined(separator: "; ")
    }

    static func quota(_ quota: Quota, _ whose: String) -> String? {
        let parts: [String?] = [
            quota.runningJobs.map { "\($0) running" }, quota.cores.map(\.phrase),
            quota.memory.map(\.description),
            quota.devices.map { "\(DeviceShare(units: $0)) devices" },
        ]
        let known = parts.compactMap(\.self)
        return known.isEmpty ? nil : known.joined(separator: ", ") + " \(whose)"
    }
}
