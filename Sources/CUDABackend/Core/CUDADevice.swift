internal import AcceleratorAPI
internal import CCUDA
internal import CHengAccelerator
internal import Essentials
internal import Synchronization

/// One NVIDIA GPU.
///
/// All contexts of ours on it share the driver's primary context, so an error that breaks one breaks all. Each life
/// of the primary context has a number, its generation; what was made in an earlier one is dead.
@safe final class CUDADevice: @unchecked Sendable {
    // Unchecked: the C strings are written once; the rest is atomic or locked.
    let libraries: CUDALibraries
    let ordinal: Int32
    let facts: CUDAFacts
    private let generationNumber = Atomic<Int>(1)
    private let isBrokenFlag = Atomic<Bool>(false)
    private let state = Mutex(State())
    let living = LivingObjects()

    private struct State {
        /// What broke the primary context of this generation.
        var cause: DeviceError?
        /// What ended each generation before: nil for a reset.
        var endings: [Int: DeviceError?] = [:]
        var streams: [ObjectIdentifier: CUDAStream] = [:]
    }

    init(_ libraries: CUDALibraries, ordinal: Int32) throws(DeviceError) {
        self.libraries = libraries
        self.ordinal = ordinal
        facts = try CUDAFacts(libraries, ordinal)
    }

    var name: String { facts.name }
    var generation: Int { generationNumber.load(ordering: .acquiring) }
    var isBroken: Bool { isBrokenFlag.load(ordering: .acquiring) }
    var cause: DeviceError? { isBroken ? state.withLock { $0.cause } : nil }

    // MARK: Streams

    func add(_ stream: CUDAStream) { state.withLock { $0.streams[ObjectIdentifier(stream)] = stream } }
    func remove(_ stream: CUDAStream) { state.withLock { $0.streams[ObjectIdentifier(stream)] = nil } }
    var streams: [CUDAStream] { state.withLock { Array($0.streams.values) } }

    // MARK: Errors

    /// Throws the error of a result that is not success; one that breaks the context is remembered.
    @inline(__always)
    func check(
        _ result: Int32, _ operation: StaticString, correlation: UInt64 = 0, on stream: CUDAStream? = nil
    ) throws(DeviceError) {
        if result != 0 { throw failure(result, operation, correlation: correlation, on: stream) }
    }

    /// The error of a result; `stream` is where it was seen.
    @inline(never)
    func failure(
        _ result: Int32, _ operation: StaticString, correlation: UInt64 = 0, on stream: CUDAStream? = nil
    ) -> DeviceError {
        var error = libraries.error(result, "\(operation)", name, correlation: correlation)
        guard DriverErrorClass(result).isSticky else { return error }
        // The error came from work submitted before, so the number is that work's, not this call's.
        let suspect =
            CUDADevice.suspect(among: stream.map { [$0] } ?? []) ?? CUDADevice.suspect(among: streams)
        error.correlation = suspect?.correlation ?? correlation
        if let suspect { error.operation = suspect.operation }
        return state.withLock { state in
            if let known = state.cause { return known }
            state.cause = error
            isBrokenFlag.store(true, ordering: .releasing)
            return error
        }
    }

    private static func suspect(among streams: [CUDAStream]) -> CUDAJournal.Entry? {
        for stream in streams { if let entry = stream.journal.firstUnfinished { return entry } }
        return nil
    }

    /// What calls get while the context is broken.
    func brokenError(_ operation: StaticString) -> DeviceError? {
        guard let cause else { return nil }
        if cause.scope == .device {
            var lost = cause
            lost.operation = "\(operation)"
            return lost
        }
        return DeviceError(
            .needsRebuild, scope: .context, operation: "\(operation)",
            text: "The context on \(name) is broken. What broke it: \(cause.text)",
            nativeCode: cause.nativeCode, correlation: cause.correlation)
    }

    /// What objects of an earlier generation get.
    func deadError(_ operation: StaticString, generation: Int, isContext: Bool) -> DeviceError {
        let ending = state.withLock { $0.endings[generation] } ?? nil
        if let ending, isContext {
            return DeviceError(
                .needsRebuild, scope: .context, operation: "\(operation)",
                text: "The context on \(name) is broken. What broke it: \(ending.text)",
                nativeCode: ending.nativeCode, correlation: ending.correlation)
        }
        return DeviceError(
            .context, operation: "\(operation)",
            text: ending == nil
                ? "The device \(name) was reset, and what was made before on it can only be destroyed."
                : "The context on \(name) was rebuilt, and what was made before in it can only be destroyed.")
    }

    /// What ended a generation; nil where it was a reset, or has not ended.
    func ending(of generation: Int) -> DeviceError? {
        if generation == self.generation { return cause }
        return state.withLock { $0.endings[generation] } ?? nil
    }

    // MARK: The primary context

    /// The primary context, made by the driver at the first use.
    func retainPrimary(_ operation: StaticString) throws(DeviceError) -> OpaquePointer {
        var context: OpaquePointer?
        try check(unsafe libraries.driver.pointee.cuDevicePrimaryCtxRetain(&context, ordinal), operation)
        guard let context = unsafe context else {
            throw DeviceError(
                .general, operation: "\(operation)", text: "The driver made no context on \(name).")
        }
        return unsafe context
    }

    func releasePrimary() { _ = unsafe libraries.driver.pointee.cuDevicePrimaryCtxRelease(ordinal) }

    /// Ends the primary context and all in it; the next retain makes a fresh one.
    ///
    /// `wasAsked` tells a reset that somebody asked for from one that repairs.
    func resetPrimary(_ operation: StaticString, wasAsked: Bool) throws(DeviceError) {
        let result = unsafe libraries.driver.pointee.cuDevicePrimaryCtxReset(ordinal)
        guard result == 0 else {
            let error = DeviceError(
                .deviceLost, scope: .device, operation: "\(operation)",
                text: "\(name) could not be reset: \(libraries.words(for: result)).",
                nativeCode: Int(result))
            state.withLock {
                $0.cause = error
                isBrokenFlag.store(true, ordering: .releasing)
            }
            throw error
        }
        state.withLock { state in
            state.endings[generationNumber.load(ordering: .relaxed)] = wasAsked ? .some(nil) : state.cause
            state.cause = nil
            isBrokenFlag.store(false, ordering: .releasing)
            generationNumber.wrappingAdd(1, ordering: .acquiringAndReleasing)
        }
    }
}
