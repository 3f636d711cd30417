internal import CHengAccelerator
package import Essentials

/// What is true of a device at one moment; nil for what its backend does not know.
package struct DeviceStatus: Hashable, Sendable, Codable {
    package enum Health: String, Sendable, Codable {
        case unknown, good, degraded, broken
    }

    package var health: Health
    /// The class of the error that broke it.
    package var lastError: Int?
    package var temperature: Double?
    package var power: Double?
    package var energy: Double?
    package var utilization: Double?
    package var freeMemory: ByteCount?
    package var totalMemory: ByteCount?
    package var correctedErrors: Int?
    package var uncorrectedErrors: Int?
    /// Living objects of this process.
    package var contexts: Int?
    package var streams: Int?
    package var events: Int?
    package var buffers: Int?
}

extension Device {
    /// Asks for the status; throws `unsupported` where the backend has none.
    package func status() throws(DeviceError) -> DeviceStatus {
        var raw = unsafe heng_device_status()
        unsafe raw.header = StructCrossing.header(HENG_KIND_DEVICE_STATUS, of: heng_device_status.self)
        try unsafe table.call(table.functions.pointee.device_status, "device_status") {
            unsafe $0(handle, &raw, $1)
        }
        func number(_ value: Double) -> Double? { value.isNaN ? nil : value }
        func count(_ value: Int64) -> Int? { value < 0 ? nil : Int(value) }
        let healths: [Int32: DeviceStatus.Health] = [
            Int32(HENG_HEALTH_GOOD): .good, Int32(HENG_HEALTH_DEGRADED): .degraded,
            Int32(HENG_HEALTH_BROKEN): .broken,
        ]
        return unsafe DeviceStatus(
            health: healths[raw.health] ?? .unknown,
            lastError: raw.last_error == 0 ? nil : Int(raw.last_error),
            temperature: number(raw.temperature_celsius), power: number(raw.power_watts),
            energy: number(raw.energy_joules), utilization: number(raw.utilization),
            freeMemory: count(raw.memory_free).map { ByteCount(bytes: $0) },
            totalMemory: count(raw.memory_total).map { ByteCount(bytes: $0) },
            correctedErrors: count(raw.corrected_errors), uncorrectedErrors: count(raw.uncorrected_errors),
            contexts: count(raw.contexts), streams: count(raw.streams), events: count(raw.events),
            buffers: count(raw.buffers))
    }
}
