internal import Essentials

/// The block that tells heng-step what to run; its twin is `Sources/heng-step/configuration.c`.
struct SupervisorBlock {
    private var body: [UInt8] = []

    mutating func add(_ key: String, _ value: some CustomStringConvertible) {
        body += Array("\(key)=\(value)".utf8)
        body.append(0)
    }

    /// The mark, the length and the entries, as they go over the socket.
    var bytes: [UInt8] {
        Array("HGS1".utf8) + littleEndian(UInt32(body.count)) + body
    }

    /// The request to end the step, with a grace in milliseconds; 0 is at once.
    static func termination(grace: Duration) -> [UInt8] {
        command("T", UInt32(milliseconds(grace, atMost: .milliseconds(Int64(Int32.max)))))
    }

    /// Another time limit from the start; less than a second is a second, because zero is none.
    static func timeLimit(_ limit: Duration?) -> [UInt8] {
        command("L", limit.map { UInt32(clamping: max(1, (milliseconds($0) + 999) / 1000)) } ?? 0)
    }

    /// A command of five bytes; `Sources/heng-step/commands.c` lists the letters.
    static func command(_ letter: Unicode.Scalar, _ number: UInt32) -> [UInt8] {
        [UInt8(ascii: letter)] + littleEndian(number)
    }
}

private func littleEndian(_ number: UInt32) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
}

/// A line from heng-step: a word, then `key=value` fields.
struct SupervisorLine: Hashable {
    let word: String
    private let fields: [String: String]

    init?(parsing line: String) {
        let parts = line.split(separator: " ")
        guard let first = parts.first else { return nil }
        var fields: [String: String] = [:]
        for part in parts.dropFirst() {
            guard let equals = part.firstIndex(of: "=") else { return nil }
            fields[String(part[..<equals])] = String(part[part.index(after: equals)...])
        }
        word = String(first)
        self.fields = fields
    }

    func text(_ key: String) -> String? { fields[key] }
    func number(_ key: String) -> Int64? { fields[key].flatMap { Int64($0) } }
    func code(_ key: String) -> Int32? { fields[key].flatMap { Int32($0) } }
    /// The supervisor writes -1 for what the kernel does not count.
    func counter(_ key: String) -> Int? { number(key).flatMap { $0 < 0 ? nil : Int($0) } }
    func duration(_ key: String) -> Duration? { counter(key).map { .nanoseconds(Int64($0)) } }
}

/// Cuts what arrives on a socket into lines.
struct LineBuffer {
    private var pending: [UInt8] = []

    mutating func append(_ bytes: some Sequence<UInt8>) { pending += bytes }

    /// The next whole line without its end, or nil while there is none.
    mutating func next() -> String? {
        guard let end = pending.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        let line = String(decoding: pending[..<end], as: UTF8.self)
        pending.removeSubrange(...end)
        return line
    }
}

/// The limits that say what a kill for memory meant.
struct StepLimitsInForce: Hashable, Sendable {
    var memory: ByteCount?
    var strictNodes: CPUSet?
    /// The limit of the virtual device around it.
    var deviceMemory: ByteCount?

    init(memory: ByteCount?, strictNodes: CPUSet?, deviceMemory: ByteCount? = nil) {
        self.memory = memory
        self.strictNodes = strictNodes
        self.deviceMemory = deviceMemory
    }

    init(_ specification: StepSpecification) {
        let numa = specification.numa
        self.init(memory: specification.memory, strictNodes: numa?.mode == .strict ? numa?.nodes : nil)
    }
}

extension StepOutcome {
    /// Reads the supervisor's last line; nil when it is not one.
    init?(_ line: SupervisorLine, specification: StepSpecification) {
        self.init(line, limits: StepLimitsInForce(specification))
    }

    init?(_ line: SupervisorLine, limits: StepLimitsInForce) {
        guard line.word == "ended", let code = line.code("code"), let signal = line.code("signal"),
            let started = line.number("started"), let ended = line.number("ended")
        else { return nil }
        let ending: StepEnding =
            signal > 0 ? .signalled(signal) : code >= 0 ? .exited(code: code) : .hanging
        let peak = line.counter("memory_peak").map { ByteCount(bytes: $0) }
        self.init(
            evidence: StepEvidence(
                ending: ending, stopRequested: line.number("stop_requested") == 1,
                outOfMemoryKills: line.counter("oom_kills"), limitHits: line.counter("limit_hits"),
                memoryPeak: peak, memoryLimit: limits.memory, strictNodes: limits.strictNodes,
                overTime: line.number("over_time") == 1, deviceMemory: line.number("device_memory") == 1,
                parentHits: line.counter("parent_hits"), parentLimit: limits.deviceMemory),
            usage: StepUsage(
                started: TimePoint(nanoseconds: started), ended: TimePoint(nanoseconds: ended),
                userTime: line.duration("user") ?? .zero, systemTime: line.duration("system") ?? .zero,
                peakResidentSet: ByteCount(bytes: line.counter("peak_rss") ?? 0), memoryPeak: peak,
                throttledPeriods: line.counter("throttled_periods"),
                throttledTime: line.duration("throttled")),
            remarks: Self.remarks(line))
    }

    private static func remarks(_ line: SupervisorLine) -> [String] {
        var remarks: [String] = []
        if let survivors = line.counter("survivors"), survivors > 0 {
            remarks.append("\(survivors) processes outlived the main one and were ended.")
        }
        if line.number("hung") == 1 {
            remarks.append("Processes did not end after SIGKILL; they hang in the kernel.")
        }
        if let left = line.counter("groups_left"), left > 0 {
            remarks.append("\(left) control groups could not be removed.")
        }
        return remarks
    }
}
