internal import Foundation
internal import MachineAgent

/// Ctrl-C and a polite kill, as something to wait for.
enum Interruption {
    /// Made before the handlers are installed, so that a handler only writes a byte.
    static let shared: LedgerInterrupt? = try? LedgerInterrupt()

    /// From now on SIGINT and SIGTERM trigger `shared` instead of ending the process at once; the second one ends it.
    static func watch() {
        guard shared != nil else { return }
        for signal in [SIGINT, SIGTERM] {
            var action = sigaction()
            unsafe action.__sigaction_handler.sa_handler = { number in
                Interruption.shared?.trigger()
                var usual = sigaction()
                unsafe usual.__sigaction_handler.sa_handler = nil
                unsafe sigaction(number, &usual, nil)
            }
            unsafe sigaction(signal, &action, nil)
        }
    }

    static func require() throws -> LedgerInterrupt { try shared ?? LedgerInterrupt() }
}

/// Waits on the calling thread for asynchronous work.
///
/// Commands are straight lines of blocking work; only starting processes is asynchronous.
func waitFor<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) throws -> Value {
    let done = DispatchSemaphore(value: 0)
    let answer = Answer<Value>()
    _Concurrency.Task.detached {
        do { answer.set(.success(try await body())) } catch { answer.set(.failure(error)) }
        done.signal()
    }
    done.wait()
    return try answer.get()
}

private final class Answer<Value: Sendable>: @unchecked Sendable {
    // Unchecked: written once before the semaphore is signalled, read once after.
    private var result: Swift.Result<Value, any Error>?

    func set(_ result: Swift.Result<Value, any Error>) { self.result = result }

    func get() throws -> Value {
        guard let result else { preconditionFailure("read before the work was done") }
        return try result.get()
    }
}
