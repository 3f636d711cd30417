/// How kernels split work over the process's worker pool.
enum Threads {
    /// The workers that take part, the calling thread included.
    static var count: Int { WorkerPool.shared.width }

    /// Elements that one core moves or adds in about 10 microseconds: less is not worth waking anyone.
    static let elementGrain = 16_384
}
