/// What a device can do beyond the functions that every device has; the bits are those of `heng_accelerator.h`.
package struct DeviceCapabilities: OptionSet, Hashable, Sendable, Codable {
    package var rawValue: UInt64

    package init(rawValue: UInt64) { self.rawValue = rawValue }

    package static let runHostFunctions = DeviceCapabilities(rawValue: 1 << 0)
    package static let addressBuffers = DeviceCapabilities(rawValue: 1 << 1)
    package static let countMemory = DeviceCapabilities(rawValue: 1 << 2)
    package static let limitMemory = DeviceCapabilities(rawValue: 1 << 3)
    package static let trimMemory = DeviceCapabilities(rawValue: 1 << 4)
    package static let timeEvents = DeviceCapabilities(rawValue: 1 << 5)
    package static let allocateHostMemory = DeviceCapabilities(rawValue: 1 << 6)
    package static let allocateInStreams = DeviceCapabilities(rawValue: 1 << 7)
    package static let copyBlocks = DeviceCapabilities(rawValue: 1 << 8)
    package static let abort = DeviceCapabilities(rawValue: 1 << 9)
    package static let limitWorkTime = DeviceCapabilities(rawValue: 1 << 10)
    package static let reset = DeviceCapabilities(rawValue: 1 << 11)
    package static let rebuild = DeviceCapabilities(rawValue: 1 << 12)
    package static let partition = DeviceCapabilities(rawValue: 1 << 13)
    package static let reportStatus = DeviceCapabilities(rawValue: 1 << 14)
    package static let correlateClocks = DeviceCapabilities(rawValue: 1 << 15)
    package static let orderStreams = DeviceCapabilities(rawValue: 1 << 16)
    package static let continueAfterFailure = DeviceCapabilities(rawValue: 1 << 17)

    /// The bits by their names, in order.
    package static let names: [(capability: DeviceCapabilities, name: String)] = [
        (.runHostFunctions, "host functions"), (.addressBuffers, "host-addressable buffers"),
        (.countMemory, "memory account"), (.limitMemory, "memory limit"), (.trimMemory, "memory trim"),
        (.timeEvents, "event times"), (.allocateHostMemory, "host memory"),
        (.allocateInStreams, "stream-ordered memory"), (.copyBlocks, "block copies"), (.abort, "abort"),
        (.limitWorkTime, "work time limit"), (.reset, "reset"), (.rebuild, "rebuild"),
        (.partition, "partition"), (.reportStatus, "status"), (.correlateClocks, "clock correlation"),
        (.orderStreams, "stream priority"), (.continueAfterFailure, "go on after failure"),
    ]
}
