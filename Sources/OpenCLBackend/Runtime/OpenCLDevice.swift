internal import AcceleratorAPI
internal import CHengAccelerator
internal import COpenCL
internal import Essentials
internal import Synchronization

/// A device of OpenCL, or a part of one.
@safe final class OpenCLDevice: @unchecked Sendable {
    // Unchecked: the C strings are written once; the rest is locked or never changes.
    let raw: UInt
    let facts: DeviceFacts
    /// What this is a part of.
    let whole: OpenCLDevice?
    let memory: Int
    let programs: ProgramStore
    private let texts: [UnsafePointer<CChar>]
    let attributes: DeviceAttributes
    let living = LivingObjects()
    private let state = Mutex(State())

    private struct State {
        /// OpenCL's own context, which all of ours on the device share: 0 before the first.
        var context: UInt = 0
        var inUse = 0
        var streams: [ObjectIdentifier: OpenCLStream] = [:]
    }

    init(raw: UInt, facts: DeviceFacts, whole: OpenCLDevice? = nil, memory: Int? = nil) {
        self.raw = raw
        self.facts = facts
        self.whole = whole
        self.memory = min(memory ?? facts.memory, facts.memory)
        programs = ProgramStore(device: raw, facts: facts)
        // Never freed: the header promises these strings until finalize.
        unsafe texts = unsafe ["opencl", facts.name, facts.vendor, facts.pciAddress ?? ""].map {
            (text: String) in
            unsafe cString(text)
        }
        attributes = DeviceAttributes(OpenCLDevice.attributes(facts))
    }

    private static func attributes(_ facts: DeviceFacts) -> [(key: String, value: String)] {
        [
            ("opencl.platform", facts.platform), ("opencl.version", facts.version),
            ("opencl.driver", facts.driver), ("opencl.type", facts.isCPU ? "cpu" : "accelerator"),
            ("opencl.extensions", facts.extensions.sorted().joined(separator: " ")),
            ("opencl.largest_buffer", String(facts.largestBuffer)),
            ("opencl.largest_group", String(facts.largestGroup)),
            ("opencl.local_memory", String(facts.localBytes)),
            ("opencl.clock_megahertz", String(facts.clockMegahertz)),
            ("opencl.float64", facts.hasDouble ? "yes" : "no"),
        ]
    }

    var capabilities: DeviceCapabilities {
        var all: DeviceCapabilities = [
            .runHostFunctions, .countMemory, .limitMemory, .timeEvents, .allocateHostMemory,
            .allocateInStreams, .copyBlocks, .reportStatus,
        ]
        if facts.isDivisible { all.insert(.partition) }
        return all
    }

    func describe() -> heng_device_description {
        var description = unsafe heng_device_description()
        unsafe description.kind = texts[0]
        unsafe description.name = texts[1]
        unsafe description.vendor = texts[2]
        unsafe description.memory_bytes = UInt64(memory)
        unsafe description.numa_node = -1
        unsafe description.compute_units = UInt32(clamping: facts.computeUnits)
        unsafe description.buffer_alignment = UInt32(clamping: facts.alignment)
        unsafe description.copy_alignment = 1
        unsafe description.capabilities = capabilities.rawValue
        if facts.pciAddress != nil { unsafe description.pci_address = texts[3] }
        if facts.uuid.count == 16 {
            unsafe withUnsafeMutableBytes(of: &description.uuid) { unsafe $0.copyBytes(from: facts.uuid) }
        }
        unsafe description.determinism = UInt32(HENG_DETERMINISM_THREADS)
        return unsafe description
    }

    func status() -> heng_device_status {
        var status = unsafe heng_device_status.unknown
        unsafe status.memory_total = Int64(memory)
        unsafe living.counts.report(to: &status)
        return unsafe status
    }
}

// MARK: - OpenCL's context

extension OpenCLDevice {
    /// OpenCL's own context, made when the first of ours is.
    func openContext() throws(DeviceError) -> UInt {
        let made = state.withLock { state -> opencl_made in
            if state.context != 0 { return opencl_made(handle: state.context, status: 0) }
            let made = opencl_context(raw)
            state.context = made.handle
            return made
        }
        return try made.get("context_create", "No context on \(facts.name)")
    }

    /// Gives everything back; nothing lives on the device any more.
    func close() {
        programs.close()
        state.withLock { state in
            if state.context != 0 { _ = opencl_release_context(state.context) }
            state.context = 0
        }
    }
}

// MARK: - What lives on it

extension OpenCLDevice {
    var inUse: Int { state.withLock { $0.inUse } }

    /// Counts memory against what the device, and what it is a part of, have; false when it does not fit.
    func reserve(_ bytes: Int) -> Bool {
        let fits = state.withLock { state in
            guard bytes <= memory - state.inUse else { return false }
            state.inUse += bytes
            return true
        }
        guard fits else { return false }
        if let whole, !whole.reserve(bytes) {
            state.withLock { $0.inUse -= bytes }
            return false
        }
        return true
    }

    func unreserve(_ bytes: Int) {
        state.withLock { $0.inUse -= bytes }
        whole?.unreserve(bytes)
    }

    func add(_ stream: OpenCLStream) { state.withLock { $0.streams[ObjectIdentifier(stream)] = stream } }
    func remove(_ stream: OpenCLStream) { state.withLock { $0.streams[ObjectIdentifier(stream)] = nil } }
    var streams: [OpenCLStream] { state.withLock { Array($0.streams.values) } }

    /// Waits for all streams; throws the first failure after all are done.
    func synchronize() throws(DeviceError) {
        var first: DeviceError?
        for stream in streams {
            do throws(DeviceError) { try stream.synchronize(milliseconds: -1, "device_synchronize") } catch {
                first = first ?? error
            }
        }
        if let first { throw first }
    }

    /// A part of so many compute units as a device of its own.
    func part(units: Int, memory: Int) throws(DeviceError) -> OpenCLDevice {
        guard facts.isDivisible else {
            throw DeviceError(
                .unsupported, operation: "device_partition", text: "\(facts.name) cannot be divided.")
        }
        guard units >= 1, units <= facts.computeUnits else {
            throw invalid(
                "device_partition",
                "\(units) compute units are not a part of the \(facts.computeUnits) of \(facts.name).")
        }
        let handle = try opencl_sub_device(raw, UInt32(units)).get(
            "device_partition", "No part of \(units) units of \(facts.name)")
        guard var facts = DeviceFacts(of: handle, platform: facts.platform) else {
            _ = opencl_release_device(handle)
            throw DeviceError(
                .invalidDevice, operation: "device_partition",
                text: "The part of \(facts.name) is not usable.")
        }
        facts.computeUnits = units
        return OpenCLDevice(
            raw: handle, facts: facts, whole: self, memory: memory > 0 ? memory : self.memory)
    }
}
