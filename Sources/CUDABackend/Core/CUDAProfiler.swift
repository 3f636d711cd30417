internal import AcceleratorAPI
internal import CCUDA
internal import CHengAccelerator
internal import Essentials
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#endif

/// Records of a context's work, timed by events of the driver around each piece.
///
/// The driver tells only the time between two events, as a short float. So times are counted from an anchor, an event whose
/// time on the host's clock is known; each record read becomes the next anchor's place, which keeps the numbers small.
@safe final class CUDAProfiler: @unchecked Sendable {
    // Unchecked: all is locked.
    static let wait = Int(HENG_RECORD_WAIT)

    /// A range that is open, or an event that begins something.
    struct Open: Sendable {
        var event: UInt
        var name: String
        var correlation: UInt64
    }

    private struct Pending: Sendable {
        var begin: UInt
        /// The same as `begin` for a mark.
        var end: UInt
        var record: Facts
    }

    private struct Facts: Sendable {
        var correlation: UInt64
        var stream: UInt64
        var bytes: UInt64
        var kind: Int32
        var name: String
    }

    private struct State: Sendable {
        var pending: [Pending] = []
        var free: [UInt] = []
        var anchor: UInt
        var anchorTime: Double
        var dropped: UInt64 = 0
        var isClosed = false
    }

    private let device: CUDADevice
    private let context: CUDAContext
    private let generation: Int
    private let capacity: Int
    private let state: Mutex<State>

    init(_ context: CUDAContext, capacity: UInt64) throws(DeviceError) {
        try context.enter("profile_start")
        let device = context.device
        let driver = unsafe device.libraries.driver
        let anchor = unsafe try CUDAEvent.make(device, HCU_EVENT_WITH_TIME, "profile_start")
        // On the device's idle default stream the event is done at once; the middle of the wait is its time.
        let start = TimePoint.monotonicNow().nanoseconds
        try device.check(unsafe driver.pointee.cuEventRecord(anchor, nil), "profile_start")
        try device.check(unsafe driver.pointee.cuEventSynchronize(anchor), "profile_start")
        let end = TimePoint.monotonicNow().nanoseconds
        self.device = device
        self.context = context
        self.capacity = Int(clamping: max(1, capacity))
        generation = context.generation
        state = Mutex(
            State(anchor: UInt(bitPattern: anchor), anchorTime: Double(start) + Double(end - start) / 2))
    }

    private static func event(_ bits: UInt) -> OpaquePointer? { unsafe OpaquePointer(bitPattern: bits) }

    /// An event recorded now in the stream.
    func event(on stream: CUDAStream) throws(DeviceError) -> UInt {
        let known = state.withLock { $0.free.popLast() }
        let bits: UInt
        if let known {
            bits = known
        } else {
            bits = unsafe UInt(bitPattern: try CUDAEvent.make(device, HCU_EVENT_WITH_TIME, "profile"))
        }
        let result = unsafe device.libraries.driver.pointee.cuEventRecord(
            CUDAProfiler.event(bits), stream.native)
        try device.check(result, "profile", on: stream)
        return bits
    }

    /// Keeps a record of work that began at an event and ends here.
    func finish(_ work: CUDAWork, _ begin: UInt, on stream: CUDAStream) throws(DeviceError) {
        let end = try event(on: stream)
        keep(
            begin, end,
            Facts(
                correlation: work.correlation, stream: stream.number, bytes: work.bytes,
                kind: Int32(work.kind),
                name: work.name ?? "\(work.operation)"))
    }

    func range(_ open: Open, on stream: CUDAStream) throws(DeviceError) {
        let end = try event(on: stream)
        keep(
            open.event, end,
            Facts(
                correlation: open.correlation, stream: stream.number, bytes: 0,
                kind: Int32(HENG_RECORD_RANGE),
                name: open.name))
    }

    func mark(_ name: String, correlation: UInt64, on stream: CUDAStream) throws(DeviceError) {
        let point = try event(on: stream)
        keep(
            point, point,
            Facts(
                correlation: correlation, stream: stream.number, bytes: 0, kind: Int32(HENG_RECORD_MARK),
                name: name))
    }

    private func keep(_ begin: UInt, _ end: UInt, _ facts: Facts) {
        state.withLock { state in
            if state.pending.count >= capacity {
                state.dropped += 1
                state.free += begin == end ? [begin] : [begin, end]
            } else {
                state.pending.append(Pending(begin: begin, end: end, record: facts))
            }
        }
    }

    /// Takes records of work that is done, oldest first.
    func read(
        _ records: UnsafeMutablePointer<heng_profile_record>?, _ room: Int
    ) throws(DeviceError) -> (count: Int, dropped: UInt64) {
        try context.enter("profile_read")
        var count = 0
        while unsafe count < room && records != nil, let next = try takeDone() {
            let (facts, begin, end) = next
            unsafe records?[count] = heng_profile_record(
                facts.kind, facts.name, stream: facts.stream, correlation: facts.correlation, begin: begin,
                end: end, bytes: facts.bytes)
            count += 1
        }
        let dropped = state.withLock { state in
            defer { state.dropped = 0 }
            return state.dropped
        }
        return (count, dropped)
    }

    /// The oldest record that is done, with its times; nil where there is none.
    private func takeDone() throws(DeviceError) -> (Facts, Int64, Int64)? {
        let driver = unsafe device.libraries.driver
        let (index, result) = state.withLock { state -> (Int?, Int32) in
            for (index, pending) in state.pending.enumerated() {
                let result = unsafe driver.pointee.cuEventQuery(CUDAProfiler.event(pending.end))
                if result == 0 { return (index, 0) }
                if result != HCU_NOT_READY { return (nil, result) }
            }
            return (nil, 0)
        }
        try device.check(result, "profile_read")
        guard let index else { return nil }
        let (facts, begin, end, failure) = state.withLock { state -> (Facts, Double, Double, Int32) in
            let done = state.pending.remove(at: index)
            var (first, second): (Float, Float) = (0, 0)
            var result = unsafe driver.pointee.cuEventElapsedTime(
                &first, CUDAProfiler.event(state.anchor), CUDAProfiler.event(done.begin))
            if result == 0, done.end != done.begin {
                result = unsafe driver.pointee.cuEventElapsedTime(
                    &second, CUDAProfiler.event(done.begin), CUDAProfiler.event(done.end))
            }
            let begin = state.anchorTime + Double(first) * 1e6
            if result == 0, first > 1000 {
                state.free.append(state.anchor)
                state.anchor = done.begin
                state.anchorTime = begin
            } else {
                state.free.append(done.begin)
            }
            if done.end != done.begin { state.free.append(done.end) }
            return (done.record, begin, begin + Double(second) * 1e6, result)
        }
        try device.check(failure, "profile_read")
        return (facts, Int64(begin), Int64(end))
    }

    /// Ends it; events that are still in streams happen unseen.
    func close() {
        let all = state.withLock { state -> [UInt] in
            guard !state.isClosed else { return [] }
            state.isClosed = true
            return [state.anchor] + state.free + state.pending.flatMap { Set([$0.begin, $0.end]) }
        }
        guard generation == device.generation, (try? context.enter("profile_stop")) != nil else { return }
        for event in all {
            _ = unsafe device.libraries.driver.pointee.cuEventDestroy(CUDAProfiler.event(event))
        }
    }
}
