internal import CKernels

/// A part of a kernel's work that is split over the pool; the next phase begins when all of it is done.
///
/// The bodies are closures made once, when the kernel is prepared: a run hands pointers to the pool and allocates
/// nothing, which a closure made per run would.
struct Phase: Sendable {
    private let count: Int
    private let grain: Int
    private let usesCounter: Bool
    private let body: @Sendable (Operands, Range<Int>) -> Void

    /// Parts of `0..<count`, at least `grain` in each.
    static func split(
        _ count: Int, grain: Int, _ body: @escaping @Sendable (Operands, Range<Int>) -> Void
    ) -> Phase {
        Phase(count: count, grain: grain, usesCounter: false, body: body)
    }

    /// One call on the stream's own thread.
    static func once(_ body: @escaping @Sendable (Operands) -> Void) -> Phase {
        Phase(count: 1, grain: 1, usesCounter: false) { operands, _ in body(operands) }
    }

    /// The counter of `share` at the start of the workspace, on a cache line of its own.
    static let counterSize = 64

    /// Every part of `0..<parts`, handed out one by one to at most `slots` threads.
    ///
    /// The first `counterSize` bytes of the workspace are the counter by which they are handed out. Each slot number
    /// is in use by one thread at a time, so scratch memory can be indexed by it.
    static func share(
        _ parts: Int, slots: Int,
        _ body: @escaping @Sendable (_ operands: Operands, _ slot: Int, _ part: Int) -> Void
    ) -> Phase {
        Phase(count: slots, grain: 1, usesCounter: true) { operands, range in
            for slot in range {
                while true {
                    let part = unsafe ck_take(operands.counter)
                    if part >= parts { break }
                    body(operands, slot, part)
                }
            }
        }
    }

    /// Runs one phase of the kernel and waits for it.
    static func run(_ index: Int, of kernel: CPUPreparedKernel, on operands: Operands) {
        let phase = kernel.phases[index]
        if phase.usesCounter { unsafe operands.counter.pointee = 0 }
        if phase.count <= phase.grain {
            if phase.count > 0 { phase.body(operands, 0..<phase.count) }
            return
        }
        var call = unsafe Call(kernel: Unmanaged.passUnretained(kernel), index: index, operands: operands)
        unsafe withUnsafeMutablePointer(to: &call) { place in
            unsafe WorkerPool.shared.parallelFor(count: phase.count, grain: phase.grain, context: place) {
                context, start, end in
                guard let context = unsafe context else { preconditionFailure("a phase without its call") }
                let call = unsafe context.assumingMemoryBound(to: Call.self)
                unsafe call.pointee.kernel._withUnsafeGuaranteedRef { kernel in
                    unsafe kernel.phases[call.pointee.index].body(call.pointee.operands, start..<end)
                }
            }
        }
    }

    /// What the threads of one phase read.
    @unsafe private struct Call {
        let kernel: Unmanaged<CPUPreparedKernel>
        let index: Int
        let operands: Operands
    }
}

extension Operands {
    fileprivate var counter: UnsafeMutablePointer<Int> {
        guard let address = unsafe workspaceAddress else {
            preconditionFailure("a phase that shares parts has a workspace")
        }
        return unsafe address.assumingMemoryBound(to: Int.self)
    }

    /// The workspace behind the counter of a phase that shares parts.
    var scratch: UnsafeMutablePointer<Float> {
        unsafe (UnsafeMutableRawPointer(counter) + Phase.counterSize).assumingMemoryBound(to: Float.self)
    }
}
