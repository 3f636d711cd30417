internal import AcceleratorAPI
internal import CCUDA
internal import Essentials
internal import Synchronization

/// A page of the host's memory in which the device marks how far each stream has come.
@safe final class CUDAMarks: @unchecked Sendable {
    // Unchecked: the addresses never change; which slots are free is locked.
    static let capacity = 1024
    private let host: UnsafeMutablePointer<UInt32>
    private let address: UInt64
    private let device: CUDADevice
    private let free = Mutex(Array(0..<capacity))

    /// Nil where the driver cannot write such marks; then errors are not traced to the work that caused them.
    init?(_ device: CUDADevice) {
        let driver = unsafe device.libraries.driver
        guard unsafe driver.pointee.cuStreamWriteValue32 != nil else { return nil }
        var place: UnsafeMutableRawPointer?
        let flags = UInt32(HCU_HOST_PORTABLE | HCU_HOST_MAPPED)
        guard unsafe driver.pointee.cuMemHostAlloc(&place, CUDAMarks.capacity * 4, flags) == 0,
            let place = unsafe place
        else { return nil }
        var address: UInt64 = 0
        guard unsafe driver.pointee.cuMemHostGetDevicePointer(&address, place, 0) == 0 else {
            _ = unsafe driver.pointee.cuMemFreeHost(place)
            return nil
        }
        self.device = device
        self.address = address
        unsafe host = unsafe place.bindMemory(to: UInt32.self, capacity: CUDAMarks.capacity)
    }

    func close() { _ = unsafe device.libraries.driver.pointee.cuMemFreeHost(host) }

    /// A slot that nobody uses, set to 0; nil where all are taken.
    func takeSlot() -> Int? {
        guard let slot = free.withLock({ $0.popLast() }) else { return nil }
        unsafe host[slot] = 0
        return slot
    }

    func giveBack(_ slot: Int) { free.withLock { $0.append(slot) } }
    func value(of slot: Int) -> UInt32 { unsafe host[slot] }
    func address(of slot: Int) -> UInt64 { address + UInt64(slot) * 4 }
}

/// What numbered work a stream has before it, so that an error can be traced to the piece that caused it.
///
/// Behind each piece of work with a number the device writes the piece's place in the stream into a mark. When the
/// context breaks, the first piece that the mark does not cover is the one that failed.
final class CUDAJournal: Sendable {
    struct Entry {
        var place: UInt32
        var correlation: UInt64
        var operation: String
    }

    private let marks: CUDAMarks?
    private let slot: Int?
    private let state = Mutex(State())

    private struct State {
        var next: UInt32 = 1
        var entries: [Entry] = []
    }

    init(_ marks: CUDAMarks?) {
        self.marks = marks
        slot = marks?.takeSlot()
    }

    func close() { if let marks, let slot { marks.giveBack(slot) } }

    /// Notes a piece of work before it goes in, so that it is known when its submission fails.
    func note(_ correlation: UInt64, _ operation: StaticString) -> UInt32? {
        guard let marks, let slot else { return nil }
        let done = marks.value(of: slot)
        return state.withLock { state in
            let finished = state.entries.prefix { Int32(bitPattern: $0.place &- done) <= 0 }.count
            state.entries.removeFirst(finished)
            let place = state.next
            state.next &+= 1
            state.entries.append(Entry(place: place, correlation: correlation, operation: "\(operation)"))
            return place
        }
    }

    /// Lets the device mark the piece when it is done.
    func mark(_ place: UInt32, in stream: CUDAStream) throws(DeviceError) {
        guard let marks, let slot else { return }
        let driver = unsafe stream.device.libraries.driver
        guard let write = unsafe driver.pointee.cuStreamWriteValue32 else { return }
        try stream.device.check(
            unsafe write(stream.native, marks.address(of: slot), place, 0), "stream_mark", on: stream)
    }

    /// The first piece that the device has not marked.
    var firstUnfinished: Entry? {
        guard let marks, let slot else { return nil }
        let done = marks.value(of: slot)
        return state.withLock { $0.entries.first { Int32(bitPattern: $0.place &- done) > 0 } }
    }
}
