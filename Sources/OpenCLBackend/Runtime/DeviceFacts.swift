internal import AcceleratorAPI
internal import COpenCL
internal import Essentials

/// What OpenCL tells about a device, asked once.
struct DeviceFacts: Sendable {
    var name = ""
    var vendor = ""
    var driver = ""
    var version = ""
    var platform = ""
    var extensions: Set<String> = []
    var isCPU = false
    var memory: Int = 0
    var largestBuffer: Int = 0
    var computeUnits: Int = 1
    var alignment: Int = 1
    var largestGroup: Int = 1
    var localBytes: Int = 0
    var clockMegahertz: Int = 0
    var hasDouble = false
    /// Whether parts can be made by a count of compute units.
    var isDivisible = false
    var uuid: [UInt8] = []
    var pciAddress: String?

    /// What a program was made for: binaries are good for the same device and driver only.
    var programKey: String { [platform, name, vendor, version, driver].joined(separator: "\n") }

    /// Nil for a device that we cannot use: older than 1.2, without a compiler, not there at the moment.
    init?(of device: UInt, platform: String) {
        func number(_ parameter: Int) -> Int {
            let answer = opencl_device_number(device, UInt32(parameter))
            return answer.status == 0 ? Int(clamping: answer.value) : 0
        }
        func text(_ parameter: Int) -> String { DeviceFacts.text(of: device, UInt32(parameter)) }
        version = text(OPENCL_DEVICE_VERSION)
        guard DeviceFacts.isNewEnough(version), number(OPENCL_DEVICE_AVAILABLE) != 0,
            number(OPENCL_DEVICE_COMPILER_AVAILABLE) != 0,
            number(OPENCL_DEVICE_ENDIAN_LITTLE) != 0
        else { return nil }
        self.platform = platform
        name = text(OPENCL_DEVICE_NAME)
        vendor = text(OPENCL_DEVICE_VENDOR)
        driver = text(OPENCL_DRIVER_VERSION)
        extensions = Set(text(OPENCL_DEVICE_EXTENSIONS).split(separator: " ").map(String.init))
        isCPU = number(OPENCL_DEVICE_TYPE) & OPENCL_DEVICE_TYPE_CPU != 0
        memory = number(OPENCL_DEVICE_GLOBAL_MEM_SIZE)
        largestBuffer = number(OPENCL_DEVICE_MAX_MEM_ALLOC_SIZE)
        // Processors have the memory of the job, which a driver does not know.
        if isCPU, let granted = ProgramFile.environment("HENG_MEMORY").flatMap({ Int($0) }), granted > 0 {
            memory = min(memory, granted)
            largestBuffer = min(largestBuffer, granted)
        }
        computeUnits = max(1, number(OPENCL_DEVICE_MAX_COMPUTE_UNITS) & 0xFFFF_FFFF)
        alignment = max(1, (number(OPENCL_DEVICE_MEM_BASE_ADDR_ALIGN) & 0xFFFF_FFFF) / 8)
        largestGroup = max(1, number(OPENCL_DEVICE_MAX_WORK_GROUP_SIZE))
        localBytes = number(OPENCL_DEVICE_LOCAL_MEM_SIZE)
        clockMegahertz = number(OPENCL_DEVICE_MAX_CLOCK_FREQUENCY) & 0xFFFF_FFFF
        hasDouble = number(OPENCL_DEVICE_DOUBLE_FP_CONFIG) != 0
        let ways = DeviceFacts.bytes(of: device, UInt32(OPENCL_DEVICE_PARTITION_PROPERTIES))
        isDivisible = computeUnits > 1 && DeviceFacts.words(ways).contains(0x1087)
        if extensions.contains("cl_khr_device_uuid") {
            uuid = DeviceFacts.bytes(of: device, UInt32(OPENCL_DEVICE_UUID_KHR))
        }
        if extensions.contains("cl_khr_pci_bus_info") {
            pciAddress = DeviceFacts.pci(
                DeviceFacts.bytes(of: device, UInt32(OPENCL_DEVICE_PCI_BUS_INFO_KHR)))
        }
    }

    /// Whether a text such as "OpenCL 3.0 PoCL" names version 1.2 or a later one.
    static func isNewEnough(_ version: String) -> Bool {
        let words = version.split(separator: " ")
        guard words.count > 1, words[0] == "OpenCL" else { return false }
        let numbers = words[1].split(separator: ".").compactMap { Int($0) }
        guard numbers.count == 2 else { return false }
        return numbers[0] > 1 || (numbers[0] == 1 && numbers[1] >= 2)
    }

    static func text(of device: UInt, _ parameter: UInt32) -> String {
        let raw = bytes(of: device, parameter)
        var text = Substring(String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self))
        while text.last == " " { text.removeLast() }
        while text.first == " " { text.removeFirst() }
        return String(text)
    }

    private static func bytes(of device: UInt, _ parameter: UInt32) -> [UInt8] {
        guard let functions = unsafe opencl_get(), let ask = unsafe functions.pointee.clGetDeviceInfo else {
            return []
        }
        var size = 0
        guard unsafe ask(device, parameter, 0, nil, &size) == 0, size > 0, size < 1 << 20 else { return [] }
        var bytes = [UInt8](repeating: 0, count: size)
        let status = unsafe bytes.withUnsafeMutableBytes {
            unsafe ask(device, parameter, size, $0.baseAddress, nil)
        }
        return status == 0 ? bytes : []
    }

    private static func words(_ bytes: [UInt8]) -> [Int] {
        stride(from: 0, to: bytes.count - 7, by: 8).map { start in
            (0..<8).reduce(0) { $0 | Int(bytes[start + $1]) << ($1 * 8) }
        }
    }

    /// Domain, bus, device and function, each of 4 bytes.
    private static func pci(_ bytes: [UInt8]) -> String? {
        guard bytes.count == 16 else { return nil }
        func hexadecimal(_ index: Int, _ digits: Int) -> String {
            let text = String(Int(bytes[index * 4]) | Int(bytes[index * 4 + 1]) << 8, radix: 16)
            return String(repeating: "0", count: max(0, digits - text.count)) + text
        }
        return "\(hexadecimal(0, 4)):\(hexadecimal(1, 2)):\(hexadecimal(2, 2)).\(hexadecimal(3, 1))"
    }
}
