internal import CHengAccelerator
internal import Essentials
internal import Synchronization

/// What the checking layer knows about one handle.
@safe struct CheckedObject: @unchecked Sendable {
    // Unchecked: the maker's handle is only passed on.
    enum Kind: Sendable {
        case device(Device)
        case context
        case stream
        case event(isRecorded: Bool)
        case buffer(size: UInt64)
        /// With the least bytes of each operand, inputs first; 0 for one that is left out.
        case `operator`(needs: [UInt64], workspace: UInt64)
        case module
        case kernel
        case model
        /// With the numbers of what the recorded work uses.
        case recording(uses: [UInt])
        case communicator

        var name: String {
            switch self {
            case .device: "device"
            case .context: "context"
            case .stream: "stream"
            case .event: "event"
            case .buffer: "buffer"
            case .operator: "operator"
            case .module: "module"
            case .kernel: "kernel"
            case .model: "model"
            case .recording: "recording"
            case .communicator: "communicator"
            }
        }
    }

    /// Whether a stream keeps its work instead of running it, with what that work uses.
    enum Recording: Sendable {
        case off
        case on(uses: [UInt])
        /// Its maker failed to end a recording.
        case unknown
    }

    /// When a stream has come to a step, another one has come to one of its own.
    struct Dependency: Sendable {
        var step: UInt64
        var stream: UInt
        var otherStep: UInt64
    }

    var kind: Kind
    /// The maker's handle.
    let inner: OpaquePointer
    /// The layer's number of what it was made in: a part's or context's device, a kernel's module, anything else's
    /// context; 0 for a device that was there before.
    let owner: UInt
    /// The layer's own number of it.
    fileprivate(set) var number: UInt = 0
    /// For streams: how many steps went in, up to which one the caller knows them to be done, and what else is done then.
    var submitted: UInt64 = 0
    var waited: UInt64 = 0
    var dependencies: [Dependency] = []
    /// For streams: whether work behind a failed piece still runs.
    var continues = false
    /// For streams.
    var recording = Recording.off
    var openRanges = 0
    /// For events: the stream and the step of the latest record.
    var recordStream: UInt = 0
    var recordCount: UInt64 = 0
    /// For buffers: the latest step that uses it, by stream.
    var uses: [UInt: UInt64] = [:]

    init(_ kind: Kind, inner: OpaquePointer, owner: UInt) {
        self.kind = kind
        unsafe self.inner = unsafe inner
        self.owner = owner
    }
}

/// All living handles of the layer.
final class CheckedObjects: Sendable {
    static let shared = CheckedObjects()

    let state = Mutex(State())

    struct State {
        /// Far from zero, so that a small number passed for a handle is not one of ours by chance.
        var next = CheckedObjects.first
        var living: [UInt: CheckedObject] = [:]

        /// The device that an object belongs to, itself for a device; nil where that is gone.
        func device(of object: CheckedObject) -> CheckedObject? {
            var object = object
            while true {
                if case .device = object.kind { return object }
                guard let owner = living[object.owner] else { return nil }
                object = owner
            }
        }
    }

    func add(_ object: CheckedObject) -> OpaquePointer? {
        let number = state.withLock { state in
            state.next += 16
            var object = object
            object.number = state.next
            state.living[state.next] = object
            return state.next
        }
        return unsafe OpaquePointer(bitPattern: number)
    }

    func remove(_ number: UInt) { state.withLock { _ = $0.living.removeValue(forKey: number) } }

    /// Removes what an owner owns.
    func removeChildren(of owner: UInt) {
        state.withLock { state in state.living = state.living.filter { $0.value.owner != owner } }
    }

    /// The child of an owner that stands for that handle of the maker's.
    func child(of owner: UInt, inner: OpaquePointer) -> OpaquePointer? {
        let number = state.withLock { state in
            state.living.values.first { unsafe $0.owner == owner && $0.inner == inner }?.number
        }
        return unsafe number.flatMap { unsafe OpaquePointer(bitPattern: $0) }
    }

    @discardableResult
    func update<Value: Sendable>(_ number: UInt, _ change: (inout CheckedObject) -> Value) -> Value? {
        state.withLock { state in
            guard var object = state.living.removeValue(forKey: number) else { return nil }
            defer { state.living[number] = object }
            return change(&object)
        }
    }

    /// The living object behind a handle, or why there is none.
    func find(_ handle: OpaquePointer?, _ operation: StaticString, as kind: String) throws(DeviceError)
        -> CheckedObject
    {
        let number = UInt(bitPattern: handle)
        let (object, next) = state.withLock { ($0.living[number], $0.next) }
        guard let object, object.kind.name == kind else {
            let problem = CheckedObjects.problem(number, object, next)
            throw DeviceError(
                kind == "device" ? .invalidDevice : .invalidHandle, operation: "\(operation)",
                text: "\(operation) got a handle for a \(kind) that \(problem).")
        }
        return object
    }

    private static let first: UInt = 0x4845_0000_0000

    private static func problem(_ number: UInt, _ object: CheckedObject?, _ last: UInt) -> String {
        if let object { return "is one for a \(object.kind.name)" }
        if number == 0 { return "is null" }
        let wasOurs = number > first && number <= last && number % 16 == 0
        return wasOurs ? "was destroyed already" : "was never made"
    }

    /// What an owner still owns, counted by kind and written for a person; nil for nothing.
    func leaks(of owner: UInt) -> String? {
        let kinds = state.withLock { $0.living.values.filter { $0.owner == owner }.map(\.kind) }
        let counts = Dictionary(grouping: kinds, by: \.name).sorted { $0.key < $1.key }
        guard let list = countedList(counts.map { ($0.value.count, $0.key, "\($0.key)s") }) else {
            return nil
        }
        let bytes = kinds.reduce(UInt64(0)) { if case .buffer(let size) = $1 { $0 + size } else { $0 } }
        return bytes == 0 ? list : "\(list) (\(ByteCount(bytes: Int(clamping: bytes))))"
    }

    /// Whether work that uses the buffer may still run, as far as the caller has waited.
    func isInUse(_ buffer: CheckedObject) -> Bool {
        state.withLock { state in
            buffer.uses.contains { stream, count in (state.living[stream]?.waited ?? .max) < count }
        }
    }

    /// Whether all of them live.
    func areLiving(_ numbers: [UInt]) -> Bool {
        state.withLock { state in numbers.allSatisfy { state.living[$0] != nil } }
    }

    /// The number of the device that an object belongs to; 0 where that is gone.
    func device(of object: CheckedObject) -> UInt { state.withLock { $0.device(of: object)?.number ?? 0 } }

    /// What copies of an object's device must start at multiples of.
    func copyAlignment(of object: CheckedObject) -> UInt64 {
        guard case .device(let base) = state.withLock({ $0.device(of: object)?.kind }) else { return 1 }
        return UInt64(base.description.copyAlignment)
    }

    /// The table behind an object.
    func table(of object: CheckedObject) throws(DeviceError) -> DeviceTable {
        guard case .device(let base) = state.withLock({ $0.device(of: object)?.kind }) else {
            throw DeviceError(
                .invalidHandle, operation: "check", text: "The device of a \(object.kind.name) is gone.")
        }
        return base.table
    }
}
