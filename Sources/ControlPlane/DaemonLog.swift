package import Essentials
internal import Foundation
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#endif

/// The daemon's log: a line with the time for each thing worth knowing, in a file that is turned over by its size.
package final class DaemonLog: Sendable {
    private let state: Mutex<State>
    private let path: String?

    /// The file before is kept as `hengd.log.1`.
    private static let limit = 8 << 20

    private struct State {
        var descriptor: Int32
        var size: Int
    }

    /// Without a path, lines go to standard error.
    package init(path: String?) throws(Failure) {
        self.path = path
        guard let path else {
            state = Mutex(State(descriptor: STDERR_FILENO, size: 0))
            return
        }
        let descriptor = try DaemonLog.open(path)
        state = Mutex(State(descriptor: descriptor, size: Int(lseek(descriptor, 0, SEEK_END))))
    }

    private static func open(_ path: String) throws(Failure) -> Int32 {
        let descriptor = unsafe Glibc.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw Failure(
                "The log \(path) cannot be written: \(unsafe String(cString: strerror(errno))).",
                exitCode: .setupMissing)
        }
        return descriptor
    }

    /// A line that cannot be written is lost, because a full disk must not stop the daemon.
    package func write(_ line: String) {
        let clean = line.replacing("\n", with: " ")
        let bytes = Array("\(TimePoint.wallNow().iso8601) \(clean)\n".utf8)
        state.withLock { state in
            if path != nil, state.size > DaemonLog.limit { turnOver(&state) }
            let count = unsafe Glibc.write(state.descriptor, bytes, bytes.count)
            state.size += max(0, count)
        }
    }

    private func turnOver(_ state: inout State) {
        guard let path, unsafe rename(path, path + ".1") == 0, let new = try? DaemonLog.open(path) else {
            // It goes on in the old file, and tries again after as much more.
            state.size = 0
            return
        }
        close(state.descriptor)
        state = State(descriptor: new, size: 0)
    }
}
