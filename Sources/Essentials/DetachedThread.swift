#if canImport(Glibc)
internal import Glibc
#endif

/// Runs blocking work on a thread of its own, which nobody waits for.
///
/// The concurrency pool has as many threads as cores; work that waits for the kernel must not hold one of them.
package func startThread(_ body: @escaping @Sendable () -> Void) throws(Failure) {
    var thread = pthread_t()
    let box = unsafe Unmanaged.passRetained(ThreadBody(body)).toOpaque()
    let status = unsafe pthread_create(
        &thread, nil,
        { argument in
            if let argument = unsafe argument {
                unsafe Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue().run()
            }
            return nil
        }, box)
    guard status == 0 else {
        unsafe Unmanaged<ThreadBody>.fromOpaque(box).release()
        throw Failure(
            "No thread could be started: \(unsafe String(cString: strerror(status))).",
            nextStep: "Raise the limit of processes (ulimit -u), or end other programs.")
    }
    pthread_detach(thread)
}

private final class ThreadBody: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
}
