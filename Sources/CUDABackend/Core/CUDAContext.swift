internal import AcceleratorAPI
internal import CCUDA
internal import CHengAccelerator
internal import Essentials
internal import Synchronization

/// A context of ours: the owner of streams, events, buffers and their memory pool, over the driver's primary context.
@safe final class CUDAContext: @unchecked Sendable {
    // Unchecked: everything that changes is atomic or locked.
    let device: CUDADevice
    private let native = Atomic<UInt>(0)
    private let generationNumber = Atomic<Int>(0)
    private let epochNumber = Atomic<UInt64>(0)
    private let parts: Mutex<Parts>
    let living: LivingObjects
    /// Memory of the host that this context gave out.
    private let hostBlocks = Mutex<Set<UInt>>([])
    private let isProfilingFlag = Atomic<Bool>(false)
    private let profile = Mutex<CUDAProfiler?>(nil)
    private let operators = Mutex<OperatorLibrary?>(nil)

    private struct Parts: Sendable {
        var memory: CUDAMemory?
        var marks: CUDAMarks?
    }

    init(on device: CUDADevice) throws(DeviceError) {
        self.device = device
        living = LivingObjects(in: device.living)
        parts = Mutex(Parts())
        if let error = device.brokenError("context_create") { throw error }
        try begin("context_create", like: nil)
        device.living.count(\.contexts, 1)
    }

    /// Takes the primary context and makes what belongs to one epoch.
    private func begin(_ operation: StaticString, like old: CUDAMemory.Settings?) throws(DeviceError) {
        let generation = device.generation
        let context = unsafe try device.retainPrimary(operation)
        do throws(DeviceError) {
            try device.check(unsafe device.libraries.driver.pointee.cuCtxSetCurrent(context), operation)
            let memory = try CUDAMemory(device, like: old)
            let marks = CUDAMarks(device)
            parts.withLock { $0 = Parts(memory: memory, marks: marks) }
        } catch {
            device.releasePrimary()
            throw error
        }
        native.store(UInt(bitPattern: context), ordering: .relaxed)
        generationNumber.store(generation, ordering: .releasing)
    }

    var generation: Int { generationNumber.load(ordering: .acquiring) }
    var epoch: UInt64 { epochNumber.load(ordering: .acquiring) }
    var memory: CUDAMemory? { parts.withLock { $0.memory } }
    var marks: CUDAMarks? { parts.withLock { $0.marks } }
    var isAlive: Bool { generation == device.generation && !device.isBroken }

    /// Makes the context the thread's, or throws why it does not work.
    @inline(__always)
    func enter(_ operation: StaticString) throws(DeviceError) {
        let generation = generation
        guard generation == device.generation, !device.isBroken else { throw unusable(operation, generation) }
        let context = unsafe OpaquePointer(bitPattern: native.load(ordering: .relaxed))
        try device.check(unsafe device.libraries.driver.pointee.cuCtxSetCurrent(context), operation)
    }

    @inline(never)
    private func unusable(_ operation: StaticString, _ generation: Int) -> DeviceError {
        if generation == device.generation, let error = device.brokenError(operation) { return error }
        return device.deadError(operation, generation: generation, isContext: true)
    }

    /// The memory, with the context made the thread's.
    func enterMemory(_ operation: StaticString) throws(DeviceError) -> CUDAMemory {
        try enter(operation)
        guard let memory else { throw unusable(operation, generation) }
        return memory
    }

    /// What operators share; made when first needed.
    var library: OperatorLibrary {
        operators.withLock { operators in
            if let operators { return operators }
            let made = OperatorLibrary(self)
            operators = made
            return made
        }
    }

    private func endLibrary(isAlive: Bool) {
        let library = operators.withLock { operators in
            defer { operators = nil }
            return operators
        }
        library?.close(isAlive: isAlive)
    }

    /// Ends the context, or throws what it still owns.
    func close() throws(DeviceError) {
        try living.requireNone(in: "A context of \(device.name)", "context_destroy")
        stopProfile()
        let wasAlive = isAlive && (try? enter("context_destroy")) != nil
        endLibrary(isAlive: wasAlive)
        if wasAlive {
            memory?.close()
            marks?.close()
        }
        device.releasePrimary()
        device.living.count(\.contexts, -1)
    }
}

// MARK: - Repair

extension CUDAContext {
    /// What broke the context; nil while it works.
    var cause: DeviceError? { device.ending(of: generation) }

    /// Whether it was made before a reset that somebody asked for, which ends it for good.
    private var wasReset: Bool { generation != device.generation && device.ending(of: generation) == nil }

    /// Makes a broken context work again, in a new epoch.
    func rebuild() throws(DeviceError) {
        if wasReset {
            throw device.deadError("context_rebuild", generation: generation, isContext: true)
        }
        if generation == device.generation {
            guard device.isBroken else {
                throw DeviceError(
                    .misuse, operation: "context_rebuild",
                    text: "The context on \(device.name) is not broken.")
            }
            try device.resetPrimary("context_rebuild", wasAsked: false)
        }
        stopProfile()
        endLibrary(isAlive: false)
        let old = memory?.settings
        // The reset did not count this context's use of the primary one down.
        device.releasePrimary()
        parts.withLock { $0 = Parts() }
        let lost = hostBlocks.withLock { blocks in
            defer { blocks = [] }
            return blocks.count
        }
        living.count(\.hostBlocks, -lost)
        try begin("context_rebuild", like: old)
        epochNumber.wrappingAdd(1, ordering: .acquiringAndReleasing)
    }
}

// MARK: - Memory of the host

extension CUDAContext {
    func allocateHost(_ size: UInt64) throws(DeviceError) -> UnsafeMutableRawPointer {
        try enter("host_allocate")
        var place: UnsafeMutableRawPointer?
        let flags = UInt32(HCU_HOST_PORTABLE | HCU_HOST_MAPPED)
        let result = unsafe device.libraries.driver.pointee.cuMemHostAlloc(&place, Int(clamping: size), flags)
        if result == HCU_OUT_OF_MEMORY {
            throw DeviceError(
                .outOfHostMemory, operation: "host_allocate",
                text: "The driver has no \(size) bytes of pinned host memory.", nativeCode: Int(result),
                requested: ByteCount(bytes: Int(clamping: size)), isRetriable: true)
        }
        try device.check(result, "host_allocate")
        guard let place = unsafe place else {
            throw DeviceError(.general, operation: "host_allocate", text: "The driver made no host memory.")
        }
        _ = hostBlocks.withLock { $0.insert(UInt(bitPattern: place)) }
        living.count(\.hostBlocks, 1)
        return unsafe place
    }

    func freeHost(_ address: UnsafeMutableRawPointer?) throws(DeviceError) {
        let known = hostBlocks.withLock { $0.remove(UInt(bitPattern: address)) != nil }
        guard known else {
            throw DeviceError(
                .invalidHandle, operation: "host_free",
                text: "The address given to host_free is not one that this context's host_allocate gave.")
        }
        living.count(\.hostBlocks, -1)
        guard isAlive else { return }
        try enter("host_free")
        try device.check(unsafe device.libraries.driver.pointee.cuMemFreeHost(address), "host_free")
    }
}

// MARK: - Profile

extension CUDAContext {
    /// The records being kept; nil when nobody asked for them.
    @inline(__always)
    var profiler: CUDAProfiler? {
        isProfilingFlag.load(ordering: .relaxed) ? profile.withLock { $0 } : nil
    }

    func startProfile(_ make: () throws(DeviceError) -> CUDAProfiler) throws(DeviceError) {
        guard profiler == nil else {
            throw DeviceError(
                .misuse, operation: "profile_start",
                text: "The context on \(device.name) is profiled already.")
        }
        let new = try make()
        profile.withLock { $0 = new }
        isProfilingFlag.store(true, ordering: .releasing)
    }

    @discardableResult
    func stopProfile() -> Bool {
        isProfilingFlag.store(false, ordering: .relaxed)
        let old = profile.withLock { current in
            defer { current = nil }
            return current
        }
        old?.close()
        return old != nil
    }
}

/// A buffer of the device.
final class CUDABuffer: Sendable {
    let context: CUDAContext
    let generation: Int
    let memory: CUDAMemory
    let address: UInt64
    let size: UInt64

    init(in context: CUDAContext, size: UInt64, in stream: CUDAStream? = nil, _ operation: StaticString)
        throws(DeviceError)
    {
        memory = try context.enterMemory(operation)
        self.context = context
        self.size = size
        generation = context.generation
        address = try unsafe memory.allocate(size, in: stream?.native, operation)
        context.living.count(\.buffers, 1)
    }

    /// Gives the memory back, unless it died with its context.
    func close(in stream: CUDAStream?, _ operation: StaticString) throws(DeviceError) {
        if generation == context.device.generation, !context.device.isBroken {
            try context.enter(operation)
            try unsafe memory.free(address, size, in: stream?.native, operation)
        }
        context.living.count(\.buffers, -1)
    }
}
