internal import AcceleratorAPI
internal import Essentials
internal import Synchronization

/// Work of a stream that was kept instead of run, to be run many times.
@safe final class CPURecording: @unchecked Sendable {
    // Unchecked: it is written by the stream that records, under that stream's lock, and only read afterwards.
    private var slots: [UnsafeMutableRawPointer] = unsafe []
    /// Counts it once the caller has it, and is not destroyed before.
    let context: CPUContext

    init(in context: CPUContext) { self.context = context }

    deinit { for index in unsafe slots.indices { unsafe slots[index].deallocate() } }

    var count: Int { unsafe slots.count }

    func append(_ kind: CommandKind, _ correlation: UInt64, _ write: (CommandSlot) -> Void) {
        let place = UnsafeMutableRawPointer.allocate(byteCount: CommandSlot.stride, alignment: cacheLine)
        unsafe place.initializeMemory(as: UInt8.self, repeating: 0, count: CommandSlot.stride)
        let slot = unsafe CommandSlot(base: place)
        slot.kind = kind.rawValue
        slot.correlation = correlation
        write(slot)
        unsafe slots.append(place)
    }

    /// Shows each command in order.
    func visit(_ body: (CommandKind, CommandSlot) -> Void) {
        for index in unsafe slots.indices {
            let slot = unsafe CommandSlot(base: slots[index])
            if let kind = CommandKind(rawValue: slot.kind) { body(kind, slot) }
        }
    }
}

extension CPUStream {
    func beginRecording() throws(DeviceError) {
        let began = recording.withLock { recording in
            guard recording == nil else { return false }
            recording = CPURecording(in: context)
            isRecording.store(true, ordering: .releasing)
            return true
        }
        guard began else {
            throw DeviceError(
                .misuse, operation: "recording_begin", text: "The stream's work is being recorded already.")
        }
    }

    func endRecording() throws(DeviceError) -> CPURecording {
        let finished = recording.withLock { recording in
            defer { recording = nil }
            isRecording.store(false, ordering: .releasing)
            return recording
        }
        guard let finished else {
            throw DeviceError(
                .misuse, operation: "recording_end", text: "The stream's work is not being recorded.")
        }
        context.living.count(\.recordings, 1)
        return finished
    }
}
