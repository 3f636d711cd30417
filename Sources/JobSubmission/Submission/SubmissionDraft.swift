package import Essentials
package import Scheduling

/// Everything that options can say about a submission, whichever way they were given.
///
/// Nil is not said. Directives of a script are read first, then the command line, whose words replace theirs.
package struct SubmissionDraft: Sendable {
    // What people know it by
    package var name: String?
    package var account: String?
    package var queue: String?
    package var workload: String?
    package var comment: String?
    package var clientKey: String?

    // When
    package var array: ArrayRequest?
    package var dependencies: [DependencyText] = []
    /// Inside is nil when it was said that there is no limit.
    package var timeLimit: Duration??
    package var begin: TimePoint?
    package var deadline: TimePoint?
    package var isHeld = false
    package var mayRequeue: Bool?
    package var retries: Int?
    package var backoff: Duration?
    package var requeueCode: Int32?
    package var warning: WarningSignal?
    package var priority: Int?
    package var nice: Int?

    // Resources
    package var deviceKind: String?
    package var share: DeviceShare?
    package var deviceMemory: ByteCount?
    package var cores: CoreAmount?
    package var memory: ByteCount?
    package var memoryPerCore: ByteCount?
    package var memoryMode: MemoryMode?
    package var numa: Int?
    package var maySpan = false
    package var ranks: Int?
    package var spread: RankSpread?
    package var isExclusive = false
    package var isolation: IsolationDemand?
    package var quality: QualityOfService?
    package var virtualDevice: VirtualDeviceWord?
    package var machines: [String]?
    package var machineClass: MachineClass?

    // What runs
    package var output: String?
    package var errorOutput: String?
    package var input: String?
    package var appendsOutput: Bool?
    package var workingDirectory: String?
    package var export: ExportText?
    package var image: String?
    package var grace: Duration?

    // How the command behaves
    package var waits = false

    /// The options that were given and that only a daemon can honour, by their names.
    package internal(set) var daemonOnly: [String] = []
    /// Options of Slurm that are read and not obeyed, each with the reason, in the order they came.
    package internal(set) var ignored: [String] = []

    package init() {}
}

extension SubmissionDraft {
    /// Whether only an agent can run it, and not the command that submits it on this machine.
    package func needsAgent(on machine: String) -> Bool {
        let isElsewhere =
            machines.map { $0 != [machine] } ?? false || machineClass != nil || spread == .acrossMachines
        let isGuarded = isolation == .hard || virtualDevice != nil || image != nil
        let isRetried = (retries ?? 0) > 0 || mayRequeue == true || requeueCode != nil
        let hasFiles =
            errorOutput != nil || input != nil || appendsOutput != nil
            || output.map(NameCheck.hasPattern) ?? false
        return isElsewhere || isGuarded || isRetried || hasFiles || warning != nil
            || (deviceKind ?? ResourceRequest.cpu) != ResourceRequest.cpu
    }
}

/// `--vdev`: which virtual device a job uses.
package enum VirtualDeviceWord: Hashable, Sendable {
    case named(String)
    /// Any free one that was made from the template.
    case template(String)
    /// One of the template's size, made for this job and gone with it.
    case new(String)

    package init(_ text: String, option: String = "--vdev") throws(Failure) {
        let sides = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let name = try NameCheck.name(String(sides.last ?? ""), option: option)
        guard sides.count == 2 else {
            self = .named(name)
            return
        }
        switch sides[0] {
        case "template": self = .template(name)
        case "new": self = .new(name)
        default:
            throw mistake(
                "\(option) \(shown(text)) has the prefix '\(shown(sides[0]))', which is none.",
                "Write a device's name, template:NAME for any free one of a template, or new:NAME for one made for the job."
            )
        }
    }
}
