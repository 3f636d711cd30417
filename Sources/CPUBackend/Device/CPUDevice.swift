internal import AcceleratorAPI
internal import CHengAccelerator
internal import Essentials
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
    private let contexts = Atomic<Int>(0)
    private let streams = Mutex<[ObjectIdentifier: CPUStream]>([:])
    private let texts: [UnsafePointer<CChar>]

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
        return unsafe description
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
    func contextWasMade() { contexts.wrappingAdd(1, ordering: .relaxed) }
    func contextWasClosed() { contexts.wrappingSubtract(1, ordering: .relaxed) }
    var livingContexts: Int { contexts.load(ordering: .relaxed) }

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
