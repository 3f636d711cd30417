internal import AcceleratorAPI
internal import CCUDA
internal import Essentials
internal import Synchronization

/// A kernel of one thread that stores the device's clock: nanoseconds, as the device counts them.
///
/// It is written in the driver's own intermediate language, so that it needs no compiler library.
private let clockKernel = """
    .version 6.0
    .target sm_50
    .address_size 64
    .visible .entry heng_clock(.param .u64 place) {
        .reg .u64 %address, %time;
        ld.param.u64 %address, [place];
        mov.u64 %time, %globaltimer;
        st.global.u64 [%address], %time;
        ret;
    }
    """

extension CUDADevice {
    /// The device's clock and the host's at one moment, in nanoseconds.
    ///
    /// The kernel runs between two looks at the host's clock; the shortest of a few tries is taken, at its middle.
    func clock() throws(DeviceError) -> (device: Int64, host: Int64) {
        let context = try CUDAContext(on: self)
        var result: (device: Int64, host: Int64)?
        var failure: DeviceError?
        do throws(DeviceError) { result = try readClock(in: context) } catch { failure = error }
        do throws(DeviceError) { try context.close() } catch { failure = failure ?? error }
        if let failure { throw failure }
        guard let result else {
            throw DeviceError(.general, operation: "device_clock", text: "The device's clock gave no time.")
        }
        return result
    }

    private func readClock(in context: CUDAContext) throws(DeviceError) -> (device: Int64, host: Int64) {
        let driver = unsafe libraries.driver
        try context.enter("device_clock")
        var module: OpaquePointer?
        let loaded = unsafe clockKernel.withCString { unsafe driver.pointee.cuModuleLoadData(&module, $0) }
        try check(loaded, "device_clock")
        defer { _ = unsafe driver.pointee.cuModuleUnload(module) }
        var function: OpaquePointer?
        try check(unsafe driver.pointee.cuModuleGetFunction(&function, module, "heng_clock"), "device_clock")
        let place = unsafe try context.allocateHost(8)
        defer { unsafe try? context.freeHost(place) }
        var address: UInt64 = 0
        try check(unsafe driver.pointee.cuMemHostGetDevicePointer(&address, place, 0), "device_clock")
        let stream = try CUDAStream(in: context, priority: 0)
        defer { try? stream.close() }
        var best: (device: Int64, host: Int64, span: Int64)?
        for _ in 0..<4 {
            let start = TimePoint.monotonicNow().nanoseconds
            let result = unsafe withUnsafeMutablePointer(to: &address) { pointer in
                var parameter: UnsafeMutableRawPointer? = UnsafeMutableRawPointer(pointer)
                return unsafe driver.pointee.cuLaunchKernel(
                    function, 1, 1, 1, 1, 1, 1, 0, stream.native, &parameter, nil)
            }
            try check(result, "device_clock", on: stream)
            try check(unsafe driver.pointee.cuStreamSynchronize(stream.native), "device_clock", on: stream)
            let end = TimePoint.monotonicNow().nanoseconds
            let time = unsafe place.load(as: Int64.self)
            if best == nil || end - start < best?.span ?? 0 {
                best = (device: time, host: start + (end - start) / 2, span: end - start)
            }
        }
        guard let best else {
            throw DeviceError(.general, operation: "device_clock", text: "The device's clock gave no time.")
        }
        return (device: best.device, host: best.host)
    }
}
