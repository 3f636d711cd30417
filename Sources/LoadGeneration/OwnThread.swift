internal import Essentials

#if canImport(Glibc)
internal import Glibc
#endif

/// Runs the body on a fresh thread of the kernel and waits for its end.
///
/// The concurrency pool has as many threads as cores and must never be blocked or late; this thread is neither
/// of it nor shared.
func onThreadOfItsOwn<Value>(_ body: @Sendable @escaping () throws -> Value) throws -> Value {
    let box = ThreadBox(body: body)
    // The thread borrows the box; this function keeps it until the thread is over.
    defer { withExtendedLifetime(box) {} }
    var thread = pthread_t()
    let status = unsafe pthread_create(
        &thread, nil,
        { argument in
            guard let argument = unsafe argument else { return nil }
            unsafe Unmanaged<AnyThreadBox>.fromOpaque(argument).takeUnretainedValue().run()
            return nil
        }, Unmanaged<AnyThreadBox>.passUnretained(box).toOpaque())
    guard status == 0 else {
        throw Failure(
            "No thread could be started: \(unsafe String(cString: strerror(status))).",
            nextStep: "Raise the limit of processes (ulimit -u), or end other programs.")
    }
    // Joining passes the memory of the thread on to this one, so the outcome needs no lock.
    pthread_join(thread, nil)
    guard let outcome = box.outcome else { preconditionFailure("a joined thread has an outcome") }
    return try outcome.get()
}

/// The part of the box that C can point at: generic classes have no fixed shape for it.
private class AnyThreadBox {
    func run() { preconditionFailure("only the generic box runs") }
}

private final class ThreadBox<Value>: AnyThreadBox {
    let body: @Sendable () throws -> Value
    var outcome: Result<Value, any Error>?

    init(body: @Sendable @escaping () throws -> Value) { self.body = body }

    override func run() { outcome = Result { try body() } }
}
