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

        var name: String {
            switch self {
            case .device: "device"
            case .context: "context"
            case .stream: "stream"
            case .event: "event"
            case .buffer: "buffer"
            case .operator: "operator"
            }
        }
    }

    var kind: Kind
    /// The maker's handle.
    let inner: OpaquePointer
    /// The layer's number of what it was made in: a context's device, anything else's context.
    let owner: UInt
    /// For streams: how many copies and fills went in, and up to which one the caller has waited.
    var submitted: UInt64 = 0
    var waited: UInt64 = 0
    /// For events: the stream and its count at the latest record.
    var recordStream: UInt = 0
    var recordCount: UInt64 = 0
    /// For buffers: the count of the latest copy or fill that uses it, by stream.
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

    private let state = Mutex(State())

    private struct State {
        /// Far from zero, so that a small number passed for a handle is not one of ours by chance.
        var next = CheckedObjects.first
        var living: [UInt: CheckedObject] = [:]
    }

    func add(_ object: CheckedObject) -> OpaquePointer? {
        let number = state.withLock { state in
            state.next += 16
            state.living[state.next] = object
            return state.next
        }
        return unsafe OpaquePointer(bitPattern: number)
    }

    func remove(_ number: UInt) { state.withLock { _ = $0.living.removeValue(forKey: number) } }

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
                .invalidHandle, operation: "\(operation)",
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
        guard !kinds.isEmpty else { return nil }
        let counts = Dictionary(grouping: kinds, by: \.name).sorted { $0.key < $1.key }
        let bytes = kinds.reduce(UInt64(0)) { if case .buffer(let size) = $1 { $0 + size } else { $0 } }
        let list = counts.map { "\($0.value.count) \($0.key)\($0.value.count == 1 ? "" : "s")" }.joined(
            separator: ", ")
        return bytes == 0 ? list : "\(list) (\(ByteCount(bytes: Int(clamping: bytes))))"
    }

    /// Whether copies or fills that use the buffer may still run, as far as the caller has waited.
    func isInUse(_ buffer: CheckedObject) -> Bool {
        state.withLock { state in
            buffer.uses.contains { stream, count in (state.living[stream]?.waited ?? .max) < count }
        }
    }

    /// The device a context's child belongs to.
    func device(of object: CheckedObject) -> UInt {
        state.withLock { state in
            if case .context = object.kind { return object.owner }
            return state.living[object.owner]?.owner ?? 0
        }
    }

    /// What copies of an object's device must start at multiples of.
    func copyAlignment(of object: CheckedObject) -> UInt64 {
        let number = device(of: object)
        guard case .device(let base) = state.withLock({ $0.living[number]?.kind }) else { return 1 }
        return UInt64(base.description.copyAlignment)
    }

    /// The table behind an object.
    func table(of object: CheckedObject) throws(DeviceError) -> DeviceTable {
        if case .device(let base) = object.kind { return base.table }
        let number = device(of: object)
        let device = state.withLock { $0.living[number] }
        guard let device, case .device(let base) = device.kind else {
            throw DeviceError(
                .invalidHandle, operation: "check", text: "The device of a \(object.kind.name) is gone.")
        }
        return base.table
    }
}
