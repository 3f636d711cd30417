internal import CLinux
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#endif

/// The one thread that waits for all running steps, so that no thread of the concurrency pool has to.
final class SupervisorWatch: Sendable {
    static let shared = SupervisorWatch()

    private let watch: Int32
    private let steps = Mutex<[Int32: RunningStep]>([:])

    private init() {
        watch = process_watch_make()
        precondition(watch >= 0, "no descriptor is left to wait for steps with")
        var thread = pthread_t()
        let failure = unsafe pthread_create(&thread, nil, { _ in SupervisorWatch.shared.run() }, nil)
        precondition(failure == 0, "no thread can be started to wait for steps with")
        pthread_detach(thread)
    }

    /// Keeps the step alive, and tells it whenever its supervisor has something to say.
    func add(_ step: RunningStep) {
        let descriptor = step.socket.descriptor
        steps.withLock { $0[descriptor] = step }
        precondition(process_watch_add(watch, descriptor) == 0, "a fresh socket can always be watched")
    }

    private func run() -> Never {
        var ready = [Int32](repeating: -1, count: 64)
        while true {
            let count = unsafe process_watch_wait(watch, &ready, Int32(ready.count))
            for descriptor in ready.prefix(Int(count)) { handle(descriptor) }
        }
    }

    private func handle(_ descriptor: Int32) {
        guard let step = steps.withLock({ $0[descriptor] }) else { return }
        guard step.listen() else { return }
        precondition(process_watch_remove(watch, descriptor) == 0, "a watched socket stays open until here")
        // Before the number can be given to another socket.
        steps.withLock { $0[descriptor] = nil }
        step.conclude()
    }
}
