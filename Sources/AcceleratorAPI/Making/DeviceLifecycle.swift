package import CHengAccelerator
internal import Essentials
internal import Synchronization

/// The life of a backend in the process: what it found when it was initialized, until it is finalized.
///
/// The two may follow each other again and again; what comes in another order is refused in the header's own classes.
package final class DeviceLifecycle<Entry: Sendable>: Sendable {
    /// Who it is in texts: `CPU backend`.
    private let backend: String
    private let state = Mutex(State.fresh)

    private enum State: Sendable {
        case fresh
        /// Somebody looks for devices; what came before is restored if that fails.
        case starting(wasFinalized: Bool)
        case initialized([Entry])
        case finalized
    }

    package init(_ backend: String) { self.backend = backend }

    /// Checks the caller's arguments, and keeps what `find` finds until `finalize`.
    package func initialize(
        _ arguments: UnsafePointer<heng_initialize_arguments>?,
        find: (heng_initialize_arguments) throws(DeviceError) -> [Entry]
    ) throws(DeviceError) {
        let arguments = try unsafe read(arguments)
        guard let wasFinalized = begin() else {
            throw DeviceError(
                .repeatedInitialize, operation: "initialize", text: "The \(backend) is initialized already.")
        }
        do throws(DeviceError) {
            let entries = try unsafe find(arguments)
            state.withLock { $0 = .initialized(entries) }
        } catch {
            state.withLock { $0 = wasFinalized ? .finalized : .fresh }
            throw error
        }
    }

    private func read(
        _ arguments: UnsafePointer<heng_initialize_arguments>?
    ) throws(DeviceError) -> heng_initialize_arguments {
        guard unsafe arguments != nil else { throw invalid("initialize", "The arguments are null.") }
        let full = try unsafe StructCrossing.demand(arguments, heng_initialize_arguments(), "initialize")
        guard unsafe full.abi_major == HENG_ACCELERATOR_MAJOR else {
            throw DeviceError(
                .version, operation: "initialize",
                text: "The caller wants interface version \(unsafe full.abi_major); this is version "
                    + "\(HENG_ACCELERATOR_MAJOR).")
        }
        if let kind = unsafe StructCrossing.unknownMandatory(after: full.header) {
            throw DeviceError(
                .unsupported, operation: "initialize",
                text: "The \(backend) does not know the mandatory extension \(kind).")
        }
        return unsafe full
    }

    /// Makes the caller the one that starts; nil where somebody does or did already.
    private func begin() -> Bool? {
        state.withLock { state in
            switch state {
            case .fresh:
                state = .starting(wasFinalized: false)
                return false
            case .finalized:
                state = .starting(wasFinalized: true)
                return true
            case .starting, .initialized: return nil
            }
        }
    }

    /// Ends it and gives what there was, unless so many contexts as `living` counts are left.
    @discardableResult
    package func finalize(living: ([Entry]) -> Int) throws(DeviceError) -> [Entry] {
        let outcome = state.withLock { state -> Result<[Entry], DeviceError> in
            switch state {
            case .fresh, .starting: return .failure(notInitialized("finalize"))
            case .finalized:
                return .failure(
                    DeviceError(
                        .repeatedFinalize, operation: "finalize",
                        text: "The \(backend) is finalized already."))
            case .initialized(let entries):
                let left = living(entries)
                guard left == 0 else {
                    return .failure(
                        DeviceError(
                            .notReleased, operation: "finalize",
                            text: "\(left) contexts of the \(backend) still live."))
                }
                state = .finalized
                return .success(entries)
            }
        }
        return try outcome.get()
    }

    /// What it has, while it is initialized.
    package func entries(_ operation: String) throws(DeviceError) -> [Entry] {
        let entries = state.withLock { state -> [Entry]? in
            if case .initialized(let entries) = state { entries } else { nil }
        }
        guard let entries else { throw notInitialized(operation) }
        return entries
    }

    private func notInitialized(_ operation: String) -> DeviceError {
        DeviceError(.notInitialized, operation: operation, text: "The \(backend) is not initialized.")
    }
}

// The functions of a table that only ask what there is.
extension DeviceLifecycle {
    /// `device_count`.
    package func count(_ place: UnsafeMutablePointer<UInt32>?, _ error: ErrorPlace?) -> Int32 {
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let count = try entries("device_count").count
            try unsafe AcceleratorAPI.place(place, "device_count").pointee = UInt32(count)
        }
    }

    /// `device_get`, with what stands for an entry at the border.
    package func get(
        _ index: UInt32, _ place: UnsafeMutablePointer<OpaquePointer?>?, _ error: ErrorPlace?,
        handle: (Entry) -> OpaquePointer?
    ) -> Int32 {
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let entries = try entries("device_get")
            let target = try unsafe AcceleratorAPI.place(place, "device_get")
            guard index < entries.count else {
                throw DeviceError(
                    .invalidDeviceIndex, operation: "device_get",
                    text: "There is no device \(index): the \(backend) has \(entries.count).")
            }
            unsafe target.pointee = unsafe handle(entries[Int(index)])
        }
    }
}

extension DeviceLifecycle where Entry: AnyObject {
    /// `device_get` where handles are references; not retained for the caller, since the backend owns its devices.
    package func get(
        _ index: UInt32, _ place: UnsafeMutablePointer<OpaquePointer?>?, _ error: ErrorPlace?
    ) -> Int32 {
        unsafe get(index, place, error) { unsafe OpaquePointer(Unmanaged.passUnretained($0).toOpaque()) }
    }
}
