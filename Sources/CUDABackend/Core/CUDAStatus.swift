internal import AcceleratorAPI
internal import CCUDA
internal import CHengAccelerator
internal import Essentials
internal import Synchronization

extension CUDADevice {
    /// How the device is now; what the management library does not tell stays unknown.
    func status() -> heng_device_status {
        var status = unsafe heng_device_status.unknown
        unsafe status.memory_total = Int64(clamping: facts.memory)
        unsafe living.counts.report(to: &status)
        unsafe addManaged(&status)
        if let cause {
            unsafe status.health = Int32(HENG_HEALTH_BROKEN)
            unsafe status.last_error = cause.code.rawValue
        }
        return unsafe status
    }

    private func addManaged(_ status: inout heng_device_status) {
        guard let library = unsafe libraries.management else { return }
        var managed: OpaquePointer?
        guard unsafe library.pointee.nvmlDeviceGetHandleByUUID(facts.uuidText, &managed) == 0 else { return }
        var (celsius, milliwatts): (UInt32, UInt32) = (0, 0)
        if unsafe library.pointee.nvmlDeviceGetTemperature(managed, Int32(HCU_TEMPERATURE_GPU), &celsius) == 0
        {
            unsafe status.temperature_celsius = Double(celsius)
        }
        if unsafe library.pointee.nvmlDeviceGetPowerUsage(managed, &milliwatts) == 0 {
            unsafe status.power_watts = Double(milliwatts) / 1000
        }
        var millijoules: UInt64 = 0
        if unsafe library.pointee.nvmlDeviceGetTotalEnergyConsumption(managed, &millijoules) == 0 {
            unsafe status.energy_joules = Double(millijoules) / 1000
        }
        var rates = hcu_utilization()
        if unsafe library.pointee.nvmlDeviceGetUtilizationRates(managed, &rates) == 0 {
            unsafe status.utilization = Double(rates.gpu) / 100
        }
        var memory = hcu_memory_state()
        if unsafe library.pointee.nvmlDeviceGetMemoryInfo(managed, &memory) == 0 {
            unsafe status.memory_free = Int64(clamping: memory.free)
            unsafe status.memory_total = Int64(clamping: memory.total)
        }
        unsafe status.corrected_errors = errors(managed, HCU_ECC_CORRECTED, library)
        unsafe status.uncorrected_errors = errors(managed, HCU_ECC_UNCORRECTED, library)
        var reasons: UInt64 = 0
        let tellsReasons =
            unsafe library.pointee.nvmlDeviceGetCurrentClocksThrottleReasons(managed, &reasons) == 0
        let slow = UInt64(HCU_SLOW_HARDWARE | HCU_SLOW_HEAT | HCU_SLOW_HARDWARE_HEAT | HCU_SLOW_POWER)
        let isDegraded = unsafe (tellsReasons && reasons & slow != 0) || status.uncorrected_errors > 0
        unsafe status.health = Int32(isDegraded ? HENG_HEALTH_DEGRADED : HENG_HEALTH_GOOD)
    }

    private func errors(
        _ managed: OpaquePointer?, _ kind: Int, _ library: UnsafePointer<hcu_management>
    ) -> Int64 {
        var count: UInt64 = 0
        let since = Int32(HCU_ECC_SINCE_BOOT)
        return unsafe library.pointee.nvmlDeviceGetTotalEccErrors(managed, Int32(kind), since, &count) == 0
            ? Int64(clamping: count) : -1
    }
}
