#if canImport(Glibc)
internal import Glibc
#endif

/// Runs blocking work on a thread of its own, so that it holds up nothing in the shared pool.
///
/// The caller joins the thread or detaches it.
func startThread(_ body: @escaping @Sendable () -> Void) -> pthread_t {
    var thread = pthread_t()
    let box = unsafe Unmanaged.passRetained(WorkBox(body)).toOpaque()
    let failure = unsafe pthread_create(
        &thread, nil,
        { argument in
            if let argument = unsafe argument {
                unsafe Unmanaged<WorkBox>.fromOpaque(argument).takeRetainedValue().body()
            }
            return nil
        }, box)
    precondition(failure == 0, "the system gave no thread to watch a job with")
    return thread
}

private final class WorkBox: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
}
