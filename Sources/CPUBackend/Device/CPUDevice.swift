internal import AcceleratorAPI
internal import CHengAccelerator
internal import Essentials
internal import KernelInterface
internal import Synchronization

/// One NUMA node of the machine as a device: its CPUs, as far as this process may use them, and its memory.
@safe final class CPUDevice: @unchecked Sendable {
    // Unchecked: the C strings are written once; the rest is atomic or locked.
    let name: String
    /// The operating system's number of the node; nil where the machine knows none.
    let node: Int?
    let cpus: CPUSet
    let memory: ByteCount
    private let reservedBytes = Atomic<Int>(0)
    let living = LivingObjects()
    private let streams = Mutex<[ObjectIdentifier: CPUStream]>([:])
    private let texts: [UnsafePointer<CChar>]
    let attributes = DeviceAttributes(CPUDevice.facts)

    init(name: String, node: Int?, cpus: CPUSet, memory: ByteCount) {
        self.name = name
        self.node = node
        self.cpus = cpus
        self.memory = memory
        // Never freed: the header promises these strings until finalize, and devices live as long.
        unsafe texts = unsafe ["cpu", name, CPUDevice.vendor(of: name), cpus.description].map {
            (text: String) in
            unsafe cString(text)
        }
    }

    /// The maker, as far as the model's name tells.
    private static func vendor(of name: String) -> String {
        ["AMD", "Intel", "Hygon", "Zhaoxin", "Phytium", "Huawei", "Ampere"].first { name.contains($0) }
            ?? "unknown"
    }

    func describe() -> heng_device_description {
        var description = unsafe heng_device_description()
        unsafe description.kind = texts[0]
        unsafe description.name = texts[1]
        unsafe description.vendor = texts[2]
        unsafe description.memory_bytes = UInt64(memory.bytes)
        unsafe description.numa_node = Int32(node ?? -1)
        unsafe description.compute_units = UInt32(cpus.count)
        unsafe description.buffer_alignment = UInt32(cacheLine)
        unsafe description.copy_alignment = 1
        unsafe description.cpus = texts[3]
        unsafe description.host_addressable = 1
        unsafe description.capabilities = CPUDevice.capabilities.rawValue
        unsafe description.uuid = identity
        unsafe description.determinism = UInt32(CPUKernel.determinism.rawValue)
        return unsafe description
    }
}

// MARK: - What it can do, and which one it is

extension CPUDevice {
    static let capabilities: DeviceCapabilities = [
        .runHostFunctions, .addressBuffers, .countMemory, .limitMemory, .trimMemory, .timeEvents,
        .allocateHostMemory, .allocateInStreams, .copyBlocks, .abort, .limitWorkTime, .reportStatus,
        .correlateClocks, .continueAfterFailure,
    ]

    /// The machine and the node as 16 bytes: a hash, since the machine's own id is not to be handed around.
    private var identity: heng_uuid {
        // Without that file the name still tells devices of one machine apart.
        let machine = textFile("/etc/machine-id") ?? ""
        var uuid = heng_uuid()
        unsafe withUnsafeMutableBytes(of: &uuid) { bytes in
            for half in 0..<2 {
                let hash = CPUDevice.hash("heng cpu \(half) \(machine) \(node ?? -1)")
                unsafe bytes.storeBytes(of: hash, toByteOffset: 8 * half, as: UInt64.self)
            }
        }
        return uuid
    }

    /// FNV-1a: the same in every process and version, unlike Swift's own hash.
    private static func hash(_ text: String) -> UInt64 {
        text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
    }

    /// Facts beyond the description, by name.
    private static var facts: [(key: String, value: String)] {
        [
            ("threads", "\(ProcessorBudget.current.threads)"), ("page size", "\(MemoryPool.pageSize)"),
            ("cache line", "\(cacheLine)"),
        ]
    }

    func status() -> heng_device_status {
        var status = unsafe heng_device_status.unknown
        unsafe status.health = Int32(HENG_HEALTH_GOOD)
        unsafe status.memory_free = Int64(unreserved)
        unsafe status.memory_total = Int64(memory.bytes)
        unsafe living.counts.report(to: &status)
        return unsafe status
    }
}

// MARK: - Memory account

extension CPUDevice {
    /// Counts memory against what the node has; false when it does not fit.
    func reserve(_ bytes: Int) -> Bool {
        let now = reservedBytes.wrappingAdd(bytes, ordering: .relaxed).newValue
        if now <= memory.bytes { return true }
        unreserve(bytes)
        return false
    }

    func unreserve(_ bytes: Int) { reservedBytes.wrappingSubtract(bytes, ordering: .relaxed) }

    var unreserved: Int { max(0, memory.bytes - reservedBytes.load(ordering: .relaxed)) }
}

// MARK: - What lives on it

extension CPUDevice {
    func add(_ stream: CPUStream) { streams.withLock { $0[ObjectIdentifier(stream)] = stream } }
    func remove(_ stream: CPUStream) { streams.withLock { $0[ObjectIdentifier(stream)] = nil } }

    /// Waits for all streams; throws the first failure after all are done.
    func synchronize() throws(DeviceError) {
        var first: DeviceError?
        for stream in streams.withLock({ Array($0.values) }) {
            do throws(DeviceError) { try stream.synchronize(nanoseconds: -1) } catch {
                first = first ?? error
            }
        }
        if let first { throw first }
    }
}
