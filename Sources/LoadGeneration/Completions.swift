package import Essentials
internal import Results
internal import Synchronization

/// An answer to one sample.
package struct Response: Sendable {
    package var id: Int
    /// The answer where it is one small number, such as a class; kept for the audits.
    package var result: Int32
    /// A hash of the whole answer, zero when none was made.
    package var outputHash: UInt64
    /// When work on the sample began, on the monotonic clock, if the system knows.
    package var start: TimePoint?
    /// Whether the answer holds NaN or infinity, which makes a run invalid.
    package var isFinite: Bool

    package init(
        id: Int, result: Int32 = 0, outputHash: UInt64 = 0, start: TimePoint? = nil, isFinite: Bool = true
    ) {
        self.id = id
        self.result = result
        self.outputHash = outputHash
        self.start = start
        self.isFinite = isFinite
    }
}

/// Where answers go: safe from any thread, never blocking for long, and keeping count of everything odd.
///
/// Each sample has a slot that the first answer claims. A second answer, or one to a question that was never
/// asked, is counted and makes the run invalid; it can do no other harm, whenever it comes.
@safe package final class Completions: @unchecked Sendable {
    // Unchecked: slots lie behind pointers. The generator alone appends slots and writes a slot's question, and
    // publishes both by `issued`. An answering thread writes a slot only after claiming it through the atomic
    // `end`. The generator reads answers after the gate's count has passed them on.
    private static let chunkSize = 1 << 14
    private static let chunkLimit = 1 << 16

    private let chunks: UnsafeMutablePointer<UnsafeMutablePointer<Slot>?>
    private var chunkCount = 0
    private let issued = Atomic<Int>(0)
    private let unknown = Atomic<Int>(0)
    private let repeated = Atomic<Int>(0)
    private let errors = Mutex(Errors())
    private let clock: any LoadClock
    private var origin = TimePoint.zero
    package let gate = CompletionGate()

    private struct Errors {
        var count = 0
        var first: [String] = []
    }

    /// One sample's question and answer in a cache line.
    private struct Slot: ~Copyable {
        static let open = Int64.min
        static let claimed = Int64.min + 1

        let end = Atomic<Int64>(Slot.open)
        var scheduled: Int64 = 0
        var issued: Int64 = 0
        var start: Int64 = .min
        var outputHash: UInt64 = 0
        var result: Int32 = 0
        var sample: Int32 = 0
        var flags: SampleFlags = []
        let isRepeated = Atomic<Bool>(false)
    }

    init(clock: any LoadClock) {
        self.clock = clock
        unsafe chunks = .allocate(capacity: Completions.chunkLimit)
        unsafe chunks.initialize(repeating: nil, count: Completions.chunkLimit)
    }

    deinit {
        for index in 0..<chunkCount {
            guard let chunk = unsafe chunks[index] else { continue }
            unsafe chunk.deinitialize(count: Completions.chunkSize)
            unsafe chunk.deallocate()
        }
        unsafe chunks.deallocate()
    }

    private func slot(_ id: Int) -> UnsafeMutablePointer<Slot> {
        guard let chunk = unsafe chunks[id / Completions.chunkSize] else {
            preconditionFailure("slots are made before their samples are issued")
        }
        return unsafe chunk + id % Completions.chunkSize
    }
}

// MARK: The system's side

extension Completions {
    /// Answers one sample now.
    package func complete(_ response: Response) {
        if record(response, at: offsetNow(), flags: []) { gate.add(1) }
    }

    /// Answers several samples now, at less cost than one by one.
    package func complete(_ responses: Span<Response>) {
        let end = offsetNow()
        var accepted = 0
        for index in responses.indices where record(responses[index], at: end, flags: []) { accepted += 1 }
        gate.add(accepted)
    }

    /// Says that a sample cannot be answered, and why; the run goes on, and will be invalid.
    package func fail(_ id: Int, because reason: String) {
        noteError(reason)
        if record(Response(id: id), at: offsetNow(), flags: .failed) { gate.add(1) }
    }

    private func offsetNow() -> Int64 { clock.now().nanoseconds - origin.nanoseconds }

    /// Whether the answer was the first to an open question.
    private func record(_ response: Response, at end: Int64, flags: SampleFlags) -> Bool {
        guard response.id >= 0, response.id < issued.load(ordering: .acquiring) else {
            unknown.add(1, ordering: .relaxed)
            return false
        }
        let slot = unsafe slot(response.id)
        let claim = unsafe slot.pointee.end.compareExchange(
            expected: Slot.open, desired: Slot.claimed, ordering: .acquiringAndReleasing)
        guard claim.exchanged else {
            unsafe slot.pointee.isRepeated.store(true, ordering: .relaxed)
            repeated.add(1, ordering: .relaxed)
            return false
        }
        unsafe slot.pointee.result = response.result
        unsafe slot.pointee.outputHash = response.outputHash
        unsafe slot.pointee.start =
            response.start.map { $0.nanoseconds - origin.nanoseconds } ?? .min
        unsafe slot.pointee.flags = response.isFinite ? flags : flags.union(.notFinite)
        unsafe slot.pointee.end.store(end, ordering: .releasing)
        return true
    }
}

// MARK: The generator's side

extension Completions {
    /// Makes slots for `count` samples altogether, so that none has to be made while the clock runs.
    func reserve(_ count: Int) {
        precondition(
            count <= Completions.chunkSize * Completions.chunkLimit,
            "a run has at most a thousand million samples")
        while chunkCount * Completions.chunkSize < count {
            let chunk = UnsafeMutablePointer<Slot>.allocate(capacity: Completions.chunkSize)
            for index in 0..<Completions.chunkSize { unsafe (chunk + index).initialize(to: Slot()) }
            unsafe chunks[chunkCount] = unsafe chunk
            chunkCount += 1
        }
    }

    func begin(at origin: TimePoint) { self.origin = origin }

    /// Writes down a question before it is asked; `publish` lets answers come.
    func ask(id: Int, sample: Int32, scheduled: Int64, issued: Int64) {
        let slot = unsafe slot(id)
        unsafe slot.pointee.sample = sample
        unsafe slot.pointee.scheduled = scheduled
        unsafe slot.pointee.issued = issued
    }

    func publish(upTo count: Int) { issued.store(count, ordering: .releasing) }

    func noteError(_ reason: String) {
        errors.withLock { errors in
            errors.count += 1
            if errors.first.count < 16 { errors.first.append(reason) }
        }
    }

    /// Answers every open sample of a range as failed, without another entry in the errors.
    func failOpen(_ ids: Range<Int>) {
        var accepted = 0
        for id in ids where unsafe slot(id).pointee.end.load(ordering: .relaxed) == Slot.open {
            if record(Response(id: id), at: offsetNow(), flags: .failed) { accepted += 1 }
        }
        gate.add(accepted)
    }

    var unknownCount: Int { unknown.load(ordering: .relaxed) }
    var repeatedCount: Int { repeated.load(ordering: .relaxed) }
    var errorCount: Int { errors.withLock { $0.count } }
    var firstErrors: [String] { errors.withLock { $0.first } }

    /// Everything known now; a sample that is being answered at this moment counts as open.
    func samples() -> [IssuedSample] {
        (0..<issued.load(ordering: .acquiring)).map { id in
            let slot = unsafe slot(id)
            let end = unsafe slot.pointee.end.load(ordering: .acquiring)
            var sample = unsafe IssuedSample(
                sample: slot.pointee.sample, scheduled: slot.pointee.scheduled,
                issued: slot.pointee.issued)
            if unsafe slot.pointee.isRepeated.load(ordering: .relaxed) { sample.flags.insert(.repeated) }
            guard end > Slot.claimed else { return sample }
            sample.end = end
            sample.start = unsafe slot.pointee.start == .min ? nil : slot.pointee.start
            sample.result = unsafe slot.pointee.result
            sample.outputHash = unsafe slot.pointee.outputHash
            sample.flags.formUnion(unsafe slot.pointee.flags)
            return sample
        }
    }
}
