internal import ControlAPI
internal import ControlPlane
internal import Essentials
internal import Foundation
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#endif

/// One life of the daemon: from its start to the signal that ends it.
final class DaemonRun: Sendable {
    private let daemon: ClusterDaemon
    private let paths: StatePaths
    private let address: DaemonAddress?
    private let log: DaemonLog
    private let end = DispatchSemaphore(value: 0)
    private let failure = Mutex<(any Error)?>(nil)

    init(_ daemon: ClusterDaemon, paths: StatePaths, listening address: DaemonAddress?, log: DaemonLog) {
        self.daemon = daemon
        self.paths = paths
        self.address = address
        self.log = log
    }

    func untilStopped() throws {
        raiseFileLimit()
        StopSignals.call { [end] in end.signal() }
        let (paths, address) = (paths, address)
        let token = try address.map { _ in try JoinToken.read(paths) }
        let server = HTTPServer(daemon, joinToken: token) { [end] in end.signal() }
        let listening = Task {
            do {
                try await server.run(socket: paths.socket, listening: address)
            } catch is CancellationError {
            } catch { fail(error) }
        }
        try daemon.start { [self] error in if let error { fail(error) } else { end.signal() } }
        log.write("hengd \(DaemonVersion.text) (process \(getpid())) works in \(paths.folder)")
        end.wait()
        finish(listening)
        if let error = failure.withLock({ $0 }) { throw error }
    }

    private func finish(_ listening: Task<Void, Never>) {
        log.write("ending")
        unsafe unlink(paths.socket)
        let done = DispatchSemaphore(value: 0)
        if failure.withLock({ $0 == nil }) {
            Task { [daemon] in
                // What it could not write is in the log already.
                try? await daemon.stop()
                done.signal()
            }
            _ = done.wait(timeout: .now() + 60)
        }
        listening.cancel()
        log.write("ended")
    }

    private func fail(_ error: any Error) {
        failure.withLock { $0 = $0 ?? error }
        log.write("\(error)")
        end.signal()
    }

    /// Each connection needs a descriptor, and many clients are no reason to stop.
    private func raiseFileLimit() {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = min(limit.rlim_max, 65_536)
        _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}

/// SIGTERM and SIGINT, taken on a thread of their own.
enum StopSignals {
    nonisolated(unsafe) private static var pipe: (read: Int32, write: Int32) = (-1, -1)

    /// Calls the body for each signal.
    static func call(_ body: @escaping @Sendable () -> Void) {
        var ends: [Int32] = [-1, -1]
        guard unsafe Glibc.pipe(&ends) == 0 else { return }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        unsafe pipe = (ends[0], ends[1])
        for number in [SIGTERM, SIGINT] {
            signal(number) { _ in
                var byte: UInt8 = 1
                _ = unsafe write(StopSignals.pipe.write, &byte, 1)
            }
        }
        signal(SIGPIPE, SIG_IGN)
        let source = ends[0]
        // Without the thread the daemon can still be ended by force, which loses nothing.
        try? startThread {
            var byte: UInt8 = 0
            while unsafe read(source, &byte, 1) == 1 { body() }
        }
    }
}
