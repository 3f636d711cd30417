import Collectives
import Essentials
import Synchronization

#if canImport(Glibc)
import Glibc
#endif

/// Runs a body on so many threads of its own at once and returns their results in order.
///
/// The bodies block on each other, which tasks of the small shared pool must not do.
func onThreads<Value: Sendable>(
    _ count: Int, _ body: @escaping @Sendable (Int) throws -> Value
) throws -> [Value] {
    let work = ThreadWork<Value>(body)
    var threads: [pthread_t] = []
    for index in 0..<count {
        var thread = pthread_t()
        let start = unsafe Unmanaged.passRetained(ThreadStart { work.run(index) })
        let failure = unsafe pthread_create(
            &thread, nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                unsafe Unmanaged<ThreadStart>.fromOpaque(argument).takeRetainedValue().body()
                return nil
            }, start.toOpaque())
        guard failure == 0 else { throw Failure("A thread cannot be started.") }
        threads.append(thread)
    }
    for thread in threads { pthread_join(thread, nil) }
    return try work.results(count)
}

private final class ThreadStart: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
}

private final class ThreadWork<Value: Sendable>: Sendable {
    private let body: @Sendable (Int) throws -> Value
    private let collected = Mutex<[Int: Swift.Result<Value, any Error>]>([:])

    init(_ body: @escaping @Sendable (Int) throws -> Value) { self.body = body }

    func run(_ index: Int) {
        let result = Swift.Result { try body(index) }
        collected.withLock { $0[index] = result }
    }

    func results(_ count: Int) throws -> [Value] {
        try collected.withLock { collected in
            try (0..<count).compactMap { try collected[$0]?.get() }
        }
    }
}

/// A region for one test, gone with it.
final class TemporaryRegion: Sendable {
    let region: SharedRegion

    init(_ create: (String) throws -> SharedRegion) throws {
        region = try create(SharedRegion.freshPath(purpose: "test"))
    }

    deinit { region.unlink() }
}

func isThere(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }
