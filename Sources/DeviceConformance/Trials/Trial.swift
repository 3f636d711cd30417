package import AcceleratorAPI
internal import CHengAccelerator
internal import Essentials
internal import FoundationEssentials
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#endif

/// What a case works with: the rig, what it has made so far, and how to say what is wrong.
///
/// What a case makes is destroyed when it ends, however it ends.
package final class Trial {
    let rig: Rig
    let facts: DeviceFacts
    let settings: TrialSettings
    /// What the case measured.
    private(set) var measurements: [MeasuredRate] = []
    private var endings: [() -> Answer] = []
    private var gates: [Gate] = []
    private var kept: [AnyObject] = []
    private var madeFolder: String?

    init(_ rig: Rig, facts: DeviceFacts, settings: TrialSettings) {
        self.rig = rig
        self.facts = facts
        self.settings = settings
    }

    /// Opens all gates and destroys what was made, the last first.
    func finish() {
        for gate in gates { gate.open() }
        for ending in endings.reversed() {
            let answer = ending()
            if answer.code == DeviceError.Code.notReleased.rawValue {
                rig.note("\(answer.function) says that something is left when all is destroyed.")
            }
        }
        endings = []
        gates = []
        if let madeFolder { try? FileManager.default.removeItem(atPath: madeFolder) }
        madeFolder = nil
    }

    /// A folder for the case's files, which goes with them when it ends.
    func folder() throws -> String {
        if let madeFolder { return madeFolder }
        var name = Array("/tmp/heng-conform-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&name) != nil else {
            throw CaseEnd.notRun("No folder for files can be made under /tmp.")
        }
        let path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        madeFolder = path
        return path
    }

    func measure(_ name: String, _ value: Double, _ unit: String, low: Double? = nil, high: Double? = nil) {
        measurements.append(MeasuredRate(name: name, value: value, unit: unit, low: low, high: high))
    }
}

/// What a case may be told from outside.
package struct TrialSettings: Sendable {
    /// How long the soak runs.
    package var soak: Duration
    /// Runs another process that uses the device and says whether all went well there; nil where it cannot be done.
    package var peer: (@Sendable () -> Bool)?
    /// A full run checks more sizes than a quick one.
    package var isQuick: Bool

    package init(
        soak: Duration = .seconds(2), isQuick: Bool = false, peer: (@Sendable () -> Bool)? = nil
    ) {
        self.soak = soak
        self.isQuick = isQuick
        self.peer = peer
    }
}

/// A number that a case measured.
package struct MeasuredRate: Codable, Hashable, Sendable {
    package var name: String
    package var value: Double
    package var unit: String
    /// The middle half of the samples.
    package var low: Double?
    package var high: Double?

    package init(name: String, value: Double, unit: String, low: Double? = nil, high: Double? = nil) {
        self.name = name
        self.value = value
        self.unit = unit
        self.low = low
        self.high = high
    }
}

/// What the device says of itself, read once.
package struct DeviceFacts: Sendable {
    package var kind: String
    package var name: String
    package var vendor: String
    package var memory: UInt64
    package var computeUnits: UInt32
    package var bufferAlignment: UInt32
    package var copyAlignment: UInt32
    package var cpus: String?
    package var isHostAddressable: Bool
    package var isSimulated: Bool
    package var capabilities: DeviceCapabilities
    package var uuid: [UInt8]
    package var streamLimit: UInt32
    package var eventLimit: UInt32
    package var contextLimit: UInt32
    package var determinism: UInt32

    init(_ raw: heng_device_description) {
        func text(_ place: UnsafePointer<CChar>?) -> String? {
            unsafe place.map { unsafe String(cString: $0) }
        }
        kind = unsafe text(raw.kind) ?? ""
        name = unsafe text(raw.name) ?? ""
        vendor = unsafe text(raw.vendor) ?? ""
        memory = unsafe raw.memory_bytes
        computeUnits = unsafe raw.compute_units
        bufferAlignment = unsafe raw.buffer_alignment
        copyAlignment = unsafe raw.copy_alignment
        cpus = unsafe text(raw.cpus)
        isHostAddressable = unsafe raw.host_addressable != 0
        isSimulated = unsafe raw.simulated != 0
        capabilities = unsafe DeviceCapabilities(rawValue: raw.capabilities)
        uuid = unsafe withUnsafeBytes(of: raw.uuid) { unsafe Array($0) }
        streamLimit = unsafe raw.stream_limit
        eventLimit = unsafe raw.event_limit
        contextLimit = unsafe raw.context_limit
        determinism = unsafe raw.determinism
    }
}

// MARK: - Saying what is wrong

extension Trial {
    func fail(_ sentence: String) throws -> Never { throw CaseEnd.failed(sentence) }

    func require(_ holds: Bool, _ otherwise: @autoclosure () -> String) throws {
        if !holds { throw CaseEnd.failed(otherwise()) }
    }

    /// Names the first byte that differs.
    func require(_ found: [UInt8], is expected: [UInt8], _ what: String) throws {
        guard found != expected else { return }
        guard let index = zip(found, expected).enumerated().first(where: { $1.0 != $1.1 })?.offset else {
            throw CaseEnd.failed("\(what): there are \(found.count) bytes, and not \(expected.count).")
        }
        let wrong = zip(found, expected).count { $0 != $1 }
        throw CaseEnd.failed(
            "\(what): byte \(index) is \(found[index]), and should be \(expected[index]); "
                + "\(wrong) of \(expected.count) differ.")
    }

    func require(whole memory: HostMemory..., what: String) throws {
        guard memory.allSatisfy(\.isWholeAround) else {
            throw CaseEnd.failed("\(what): bytes beside the memory of the host were written.")
        }
    }
}

// MARK: - Making things

extension Trial {
    func context() throws -> Handle {
        let context = try rig.contextCreate().made()
        endings.append { [rig] in rig.contextDestroy(context) }
        return context
    }

    func stream(in context: Handle, _ wishes: Rig.StreamWishes? = nil) throws -> Handle {
        let stream = try rig.streamCreate(context, wishes).made()
        destroyAtEnd(stream: stream)
        return stream
    }

    func destroyAtEnd(stream: Handle) { endings.append { [rig] in rig.streamDestroy(stream) } }

    func event(in context: Handle) throws -> Handle {
        let event = try rig.eventCreate(context).made()
        endings.append { [rig] in rig.eventDestroy(event) }
        return event
    }

    func buffer(in context: Handle, _ size: Int) throws -> Handle {
        let buffer = try rig.allocate(context, UInt64(size)).made("of \(size) bytes")
        endings.append { [rig] in rig.free(buffer) }
        return buffer
    }

    func atEnd(_ ending: @escaping () -> Answer) { endings.append(ending) }

    /// A gate that is opened when the case ends.
    func gate() -> Gate {
        let gate = Gate()
        gates.append(gate)
        kept.append(gate)
        return gate
    }

    func log() -> HostLog {
        let log = HostLog()
        kept.append(log)
        return log
    }

    func hostCall(_ body: @escaping @Sendable () -> Void) -> HostCall {
        let call = HostCall(body)
        kept.append(call)
        return call
    }

    /// Keeps memory of the host alive as long as the streams that may still use it.
    func memory(_ size: Int, offset: Int = 0) -> HostMemory {
        let memory = HostMemory(size, offset: offset)
        kept.append(memory)
        return memory
    }

    func memory(_ bytes: [UInt8], offset: Int = 0) -> HostMemory {
        let memory = HostMemory(bytes, offset: offset)
        kept.append(memory)
        return memory
    }
}

// MARK: - Bytes

/// Bytes that differ from place to place, and from seed to seed.
func pattern(_ count: Int, seed: Int = 1) -> [UInt8] {
    var state = UInt32(truncatingIfNeeded: seed &* 2_654_435_761 &+ 12345) | 1
    return (0..<count).map { _ in
        state ^= state << 13
        state ^= state >> 17
        state ^= state << 5
        return UInt8(truncatingIfNeeded: state >> 11)
    }
}

extension Trial {
    /// Brings bytes into a buffer, and waits.
    func write(_ bytes: [UInt8], to buffer: Handle, at offset: Int = 0, of size: Int, _ stream: Handle) throws
    {
        let source = memory(bytes)
        try rig.copy(
            stream, to: .buffer(buffer, offset, size: size - offset), from: .host(source), bytes.count
        ).done("into a buffer")
        try rig.synchronize(stream).done()
    }

    /// Brings bytes out of a buffer, and waits.
    func read(_ count: Int, from buffer: Handle, at offset: Int = 0, of size: Int, _ stream: Handle) throws
        -> [UInt8]
    {
        let target = memory(count)
        try rig.copy(
            stream, to: .host(target), from: .buffer(buffer, offset, size: size - offset), count
        ).done("out of a buffer")
        try rig.synchronize(stream).done()
        try require(whole: target, what: "A copy out of a buffer")
        return target.bytes
    }

    /// Waits until something is so, at most five seconds.
    func until(_ what: String, _ condition: () -> Bool) throws {
        let deadline = TimePoint.monotonicNow() + .seconds(5)
        while !condition() {
            guard TimePoint.monotonicNow() < deadline else {
                throw CaseEnd.failed("After five seconds still not: \(what).")
            }
            usleep(200)
        }
    }

    /// Runs a body on so many threads at once, and throws the first problem.
    func concurrently(_ count: Int, _ body: @escaping @Sendable (Int) throws -> Void) throws {
        let shared = Shared()
        for index in 0..<count {
            try startThread {
                do { try body(index) } catch { shared.add(error) }
                shared.leave()
            }
        }
        let deadline = TimePoint.monotonicNow() + .seconds(60)
        while shared.left < count {
            guard TimePoint.monotonicNow() < deadline else {
                throw CaseEnd.failed("Threads are still not done after a minute.")
            }
            usleep(200)
        }
        if let first = shared.first { throw first }
    }
}

/// What threads of a case tell it.
private final class Shared: Sendable {
    private let state = Mutex<(left: Int, problems: [any Error])>((0, []))

    func add(_ problem: any Error) { state.withLock { $0.problems.append(problem) } }
    func leave() { state.withLock { $0.left += 1 } }
    var left: Int { state.withLock { $0.left } }
    var first: (any Error)? { state.withLock { $0.problems.first } }
}
