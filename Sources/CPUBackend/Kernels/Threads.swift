internal import CKernels

/// How kernels split work over the process's worker pool.
enum Threads {
    /// The workers that take part, the calling thread included.
    static var count: Int { WorkerPool.shared.width }

    /// Runs the body over parts of `0..<count`, at least `grain` in each, on the pool and on this thread.
    ///
    /// Work of less than about 10 microseconds is not worth waking anyone: choose the grain so.
    static func split(_ count: Int, grain: Int, _ body: (Range<Int>) -> Void) {
        if count <= grain {
            if count > 0 { body(0..<count) }
        } else {
            WorkerPool.shared.parallelFor(count: count, grain: grain, body)
        }
    }

    /// Elements that one core moves or adds in about 10 microseconds.
    static let elementGrain = 16_384
}

extension Threads {
    /// Runs the body for every part, handing parts out one by one to at most `slots` threads.
    ///
    /// `counter` is 8 bytes of the caller's workspace. Each slot number is in use by one thread at a time, so
    /// scratch memory can be indexed by it.
    static func share(
        _ parts: Int, slots: Int, counter: UnsafeMutableRawPointer, _ body: (_ slot: Int, _ part: Int) -> Void
    ) {
        let next = unsafe counter.assumingMemoryBound(to: Int.self)
        unsafe next.pointee = 0
        split(slots, grain: 1) { range in
            for slot in range {
                while true {
                    let part = unsafe ck_take(next)
                    if part >= parts { break }
                    body(slot, part)
                }
            }
        }
    }
}
