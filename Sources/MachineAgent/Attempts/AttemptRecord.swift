internal import ControlAPI
internal import Essentials
internal import Scheduling

/// What is kept about an attempt in its folder, from before anything of it starts.
struct AttemptRecord: Hashable, Codable, Sendable {
    /// Without the environment and the script, which only the start needs.
    var start: AttemptStart
    /// The run of the machine's kernel, after which nothing of it can be left.
    var boot: String
    /// The files that the ranks write to: output and errors of each.
    var files: [String]
    /// What holds it to its limits, or why nothing does.
    var enforcement: [String]
    /// Files of shared memory that go when it ends.
    var regions: [String]
    /// For each rank in a virtual device with a name, whether that holds its memory; nil is none.
    var memoryHeldByDevice: [Bool]?

    init(
        start: AttemptStart, boot: String, files: [String], enforcement: [String], regions: [String]
    ) {
        self.start = start
        self.start.launch.environment = [:]
        self.start.launch.script = nil
        self.boot = boot
        self.files = files
        self.enforcement = enforcement
        self.regions = regions
    }

    /// The limits of one of its ranks.
    func limits(ofRank rank: Int) -> StepLimitsInForce {
        guard rank < start.ranks.count else { return StepLimitsInForce(memory: nil, strictNodes: nil) }
        let slot = start.slot(ofRank: rank)
        let isHeld = memoryHeldByDevice.map { rank < $0.count && $0[rank] } ?? false
        return StepLimitsInForce(
            memory: isHeld ? nil : slot.memory,
            strictNodes: slot.numa?.mode == .strict ? slot.numa?.nodes : nil,
            deviceMemory: isHeld ? slot.memory : nil)
    }
}

extension AttemptStart {
    /// The place of a rank: in a virtual device with a name, as that was made.
    func slot(ofRank rank: Int) -> RankSlot {
        let named = namedDevices.flatMap { rank < $0.count ? $0[rank].request : nil }
        return RankSlot(
            ranks[rank], memoryMode: named?.memoryMode ?? memoryMode, quality: named?.quality ?? quality)
    }
}

/// What a supervisor left in the folder before it started anything.
struct SupervisorManifest: Hashable, Sendable {
    var supervisor: Int32
    /// With the number, the identity of a process.
    var startTime: UInt64
    var boot: String
    var groups: [StepLimits.Group]

    /// Nil for the manifest that says nothing will start any more.
    init?(parsing text: String) {
        var values: [Substring: Substring] = [:]
        groups = []
        for line in text.split(separator: "\n") {
            guard let equals = line.firstIndex(of: "=") else { continue }
            let value = line[line.index(after: equals)...]
            let key = line[..<equals]
            values[key] = value
            guard key == "group", let colon = value.firstIndex(of: ":") else { continue }
            groups.append(
                StepLimits.Group(
                    kind: String(value[..<colon]), path: String(value[value.index(after: colon)...])))
        }
        guard let pid = values["pid"].flatMap({ Int32($0) }),
            let start = values["start"].flatMap({ UInt64($0) }),
            let boot = values["boot"], pid > 1
        else { return nil }
        supervisor = pid
        startTime = start
        self.boot = String(boot)
    }
}
