internal import AcceleratorAPI
internal import Synchronization

/// What handles stand for: numbers that grow and are never used again.
///
/// So a handle that was never made, is of another kind or was destroyed is always recognised.
enum Handles {
    private static let first: UInt = 0x5110_0000_0000
    private static let step: UInt = 16
    private static let state = Mutex(State())

    private struct State {
        var next = Handles.first
        var objects: [UInt: any SimulatedObject] = [:]
    }

    static func add(_ object: any SimulatedObject) -> OpaquePointer? {
        let number = state.withLock { state -> UInt in
            state.next += step
            state.objects[state.next] = object
            return state.next
        }
        return unsafe OpaquePointer(bitPattern: number)
    }

    static func remove(_ handle: OpaquePointer?) {
        let number = UInt(bitPattern: handle)
        let removed = state.withLock { $0.objects.removeValue(forKey: number) }
        // Its end may take other locks, so it comes after this one is free.
        withExtendedLifetime(removed) {}
    }

    /// The object behind a handle of that kind.
    static func find<Object: SimulatedObject>(
        _ handle: OpaquePointer?, _ type: Object.Type, _ operation: String
    ) throws(DeviceError) -> Object {
        let number = UInt(bitPattern: handle)
        let (found, next) = state.withLock { ($0.objects[number], $0.next) }
        if let object = found as? Object { return object }
        let wrong =
            if number == 0 {
                "is null"
            } else if let found {
                "is one for \(Swift.type(of: found).kindName)"
            } else if number > first, number <= next, number % step == 0 {
                "was destroyed already"
            } else {
                "was never made"
            }
        throw DeviceError(
            .invalidHandle, operation: operation,
            text: "The handle that \(operation) got for \(Object.kindName) \(wrong).")
    }
}

/// What handles can stand for.
protocol SimulatedObject: AnyObject, Sendable {
    /// With its article: `a stream`.
    static var kindName: String { get }
}

/// An object that a context owns, alive in one epoch of it.
protocol OwnedObject: SimulatedObject {
    var context: SimulatedContext { get }
    var epoch: UInt64 { get }
}
