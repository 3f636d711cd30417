internal import AcceleratorAPI
internal import CCUDA
internal import CHengAccelerator
internal import Essentials

/// What does not change about a GPU: asked of the driver once.
@safe final class CUDAFacts: @unchecked Sendable {
    // Unchecked: written once.
    let name: String
    let uuid: hcu_uuid
    let pciAddress: String
    let numaNode: Int32
    let memory: UInt64
    let multiprocessors: Int
    let capability: (major: Int, minor: Int)
    let hasPools: Bool
    let warp: Int
    let sharedLimit: Int
    private let texts: [UnsafePointer<CChar>?]
    let attributes: DeviceAttributes

    init(_ libraries: CUDALibraries, _ ordinal: Int32) throws(DeviceError) {
        let driver = unsafe libraries.driver
        func check(_ result: Int32) throws(DeviceError) {
            if result != 0 { throw libraries.error(result, "initialize", "device \(ordinal)") }
        }
        func attribute(_ number: Int) -> Int {
            var value: Int32 = 0
            // An older driver does not know every attribute; 0 stands for that.
            return unsafe driver.pointee.cuDeviceGetAttribute(&value, Int32(number), ordinal) == 0
                ? Int(value) : 0
        }
        var text = [CChar](repeating: 0, count: 256)
        try check(unsafe driver.pointee.cuDeviceGetName(&text, 256, ordinal))
        name = CUDAFacts.string(text)
        var uuid = hcu_uuid()
        try check(unsafe driver.pointee.cuDeviceGetUuid(&uuid, ordinal))
        self.uuid = uuid
        var address = [CChar](repeating: 0, count: 64)
        try check(unsafe driver.pointee.cuDeviceGetPCIBusId(&address, 64, ordinal))
        pciAddress = CUDAFacts.string(address).lowercased()
        var bytes = 0
        try check(unsafe driver.pointee.cuDeviceTotalMem(&bytes, ordinal))
        memory = UInt64(bytes)
        multiprocessors = attribute(HCU_DEVICE_MULTIPROCESSORS)
        capability = (attribute(HCU_DEVICE_COMPUTE_MAJOR), attribute(HCU_DEVICE_COMPUTE_MINOR))
        warp = attribute(HCU_DEVICE_WARP_SIZE)
        sharedLimit = attribute(HCU_DEVICE_MAX_SHARED_PER_BLOCK)
        let hasPools =
            unsafe attribute(HCU_DEVICE_POOLS) != 0 && driver.pointee.cuMemPoolCreate != nil
            && driver.pointee.cuMemPoolDestroy != nil && driver.pointee.cuMemAllocFromPoolAsync != nil
            && driver.pointee.cuMemFreeAsync != nil && driver.pointee.cuMemPoolSetAttribute != nil
            && driver.pointee.cuMemPoolGetAttribute != nil && driver.pointee.cuMemPoolTrimTo != nil
        self.hasPools = hasPools
        let folder = "/sys/bus/pci/devices/\(pciAddress)"
        numaNode = readLine(of: "\(folder)/numa_node").flatMap { Int32($0) } ?? -1
        var version: Int32 = 0
        try check(unsafe driver.pointee.cuDriverGetVersion(&version))
        let cpus = readLine(of: "\(folder)/local_cpulist")
        // Never freed: the header promises these strings until finalize, and there are few of them.
        unsafe texts = unsafe [
            cString("cuda"), cString(name), cString("NVIDIA"), cString(pciAddress),
            cpus.map { unsafe cString($0) },
        ]
        attributes = DeviceAttributes([
            ("compute capability", "\(capability.major).\(capability.minor)"),
            ("driver interface", "\(version / 1000).\(version % 1000 / 10)"),
            ("multiprocessors", "\(multiprocessors)"), ("warp", "\(warp)"),
            ("threads per block", "\(attribute(HCU_DEVICE_MAX_THREADS_PER_BLOCK))"),
            ("shared bytes per block", "\(sharedLimit)"),
            ("shared bytes per block on request", "\(attribute(HCU_DEVICE_MAX_SHARED_OPT_IN))"),
            ("l2 bytes", "\(attribute(HCU_DEVICE_L2_BYTES))"),
            ("clock kHz", "\(attribute(HCU_DEVICE_CLOCK_RATE))"),
            ("memory clock kHz", "\(attribute(HCU_DEVICE_MEMORY_CLOCK_RATE))"),
            ("memory bus bits", "\(attribute(HCU_DEVICE_MEMORY_BUS_WIDTH))"),
            ("error correction", attribute(HCU_DEVICE_ECC) != 0 ? "on" : "off"),
            ("stream-ordered pools", hasPools ? "yes" : "no"),
        ])
    }

    private static func string(_ bytes: [CChar]) -> String {
        String(decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The architecture as compilers name it: 90 for 9.0.
    var architecture: Int { capability.major * 10 + capability.minor }

    /// The uuid as the management library writes it.
    var uuidText: String {
        let bytes = unsafe withUnsafeBytes(of: uuid) { unsafe Array($0) }
        func hex(_ range: Range<Int>) -> String {
            bytes[range].map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        }
        return "GPU-\(hex(0..<4))-\(hex(4..<6))-\(hex(6..<8))-\(hex(8..<10))-\(hex(10..<16))"
    }

    func describe() -> heng_device_description {
        var description = unsafe heng_device_description()
        unsafe description.kind = unsafe texts[0]
        unsafe description.name = unsafe texts[1]
        unsafe description.vendor = unsafe texts[2]
        unsafe description.memory_bytes = memory
        unsafe description.numa_node = numaNode
        unsafe description.compute_units = UInt32(multiprocessors)
        unsafe description.buffer_alignment = 256
        unsafe description.copy_alignment = 1
        unsafe description.cpus = unsafe texts[4]
        unsafe description.capabilities = capabilities.rawValue
        unsafe description.uuid = withUnsafeBytes(of: uuid) { unsafe $0.load(as: heng_uuid.self) }
        unsafe description.pci_address = unsafe texts[3]
        unsafe description.determinism = UInt32(HENG_DETERMINISM_RUN)
        return unsafe description
    }

    private var capabilities: DeviceCapabilities {
        var all: DeviceCapabilities = [
            .runHostFunctions, .countMemory, .limitMemory, .timeEvents, .allocateHostMemory, .copyBlocks,
            .reset,
            .rebuild, .reportStatus, .correlateClocks, .orderStreams,
        ]
        if hasPools { all.formUnion([.trimMemory, .allocateInStreams]) }
        return all
    }
}
