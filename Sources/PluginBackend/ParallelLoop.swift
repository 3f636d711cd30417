internal import CLinux
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#endif

/// One loop of a plugin's over our threads: pieces are taken by whoever is free, and the caller works too.
@safe final class ParallelLoop: @unchecked Sendable {
    // Unchecked: the body and its argument are the plugin's, who asked for many threads.
    typealias Body = @convention(c) (UnsafeMutableRawPointer?, UInt64, UInt64) -> Void

    private let count: UInt64
    private let grain: UInt64
    private let body: Body
    private let argument: UnsafeMutableRawPointer?
    private let next = Atomic<UInt64>(0)

    init(count: UInt64, grain: UInt64, body: @escaping Body, argument: UnsafeMutableRawPointer?) {
        self.count = count
        // At most a million pieces, so that the counter of pieces cannot run over.
        self.grain = max(1, grain, count >> 20)
        unsafe self.body = unsafe body
        unsafe self.argument = unsafe argument
    }

    /// Runs every piece, and returns when all are done.
    func run() {
        guard count > 0 else { return }
        let pieces = (count - 1) / grain + 1
        let helpers = Int(min(pieces, UInt64(ParallelLoop.threads))) - 1
        let box = unsafe Unmanaged.passUnretained(self).toOpaque()
        var threads: [pthread_t] = []
        for _ in 0..<helpers {
            var thread = pthread_t()
            let status = unsafe pthread_create(
                &thread, nil,
                { box in
                    if let box = unsafe box {
                        unsafe Unmanaged<ParallelLoop>.fromOpaque(box).takeUnretainedValue().work()
                    }
                    return nil
                }, box)
            // Without a further thread, those there are do its part.
            guard status == 0 else { break }
            threads.append(thread)
        }
        work()
        for thread in threads { pthread_join(thread, nil) }
    }

    private func work() {
        while true {
            let piece = next.wrappingAdd(1, ordering: .relaxed).oldValue
            let (begin, isOver) = piece.multipliedReportingOverflow(by: grain)
            guard !isOver, begin < count else { return }
            unsafe body(argument, begin, begin + min(grain, count - begin))
        }
    }

    /// The processing units that this process may use.
    private static let threads: Int = {
        max(1, Int(clinux_get_affinity(0, nil, 0)))
    }()
}
