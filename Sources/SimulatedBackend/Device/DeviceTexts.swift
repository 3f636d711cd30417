internal import AcceleratorAPI
internal import Essentials

#if canImport(Glibc)
internal import Glibc
#endif

/// The texts of a device as C strings, which live as long as it.
@safe final class DeviceTexts: @unchecked Sendable {
    // Unchecked: written once.
    let kind: UnsafeMutablePointer<CChar>?
    let name: UnsafeMutablePointer<CChar>?
    let vendor: UnsafeMutablePointer<CChar>?
    let attributes: DeviceAttributes
    let uuid: [UInt8]
    let number: Int

    init(_ settings: SimulatedSettings, number: Int, part: Int?) {
        self.number = number
        unsafe kind = strdup("simdev")
        unsafe name = strdup(settings.name)
        unsafe vendor = strdup("Heng")
        attributes = DeviceAttributes(DeviceTexts.facts(settings))
        // "HENGSIMDEV", the number and the part: the same in every process.
        let (high, low) = (UInt8(truncatingIfNeeded: number >> 8), UInt8(truncatingIfNeeded: number))
        let place = part ?? 0
        uuid =
            Array("HENGSIMDEV".utf8) + [
                high, low, UInt8(truncatingIfNeeded: place >> 8), UInt8(truncatingIfNeeded: place), 0, 1,
            ]
    }

    deinit {
        unsafe Glibc.free(kind)
        unsafe Glibc.free(name)
        unsafe Glibc.free(vendor)
    }

    /// What the settings say beyond the description.
    private static func facts(_ settings: SimulatedSettings) -> [(key: String, value: String)] {
        [
            ("simulated", "yes: all times and sizes are made up"), ("time", settings.time.rawValue),
            ("bandwidth", "\(settings.bytesPerSecond) bytes/s"),
            ("rate", "\(settings.operationsPerSecond) operations/s"),
            ("launch latency", "\(settings.launchNanoseconds) ns"),
            ("lanes", settings.lanes == 0 ? "any number" : "\(settings.lanes)"),
            ("buffer limit", settings.bufferLimit == 0 ? "none" : "\(settings.bufferLimit)"),
            ("faults", "\(settings.faults.count)"),
        ]
    }
}
