internal import ControlAPI
internal import Essentials
internal import Foundation
internal import MachineAgent

/// How commands find the daemon of their state folder.
enum DaemonAccess {
    static func paths() throws -> StatePaths {
        try StatePaths(environment: ProcessInfo.processInfo.environment)
    }

    /// Whoever answers on the socket; nil when nobody does, so that a command may do without.
    ///
    /// A socket with nobody behind it, which a killed daemon leaves, is as good as none.
    static func find() throws -> DaemonClient? {
        // Without a folder there is nothing to find; who needs one says so.
        guard let paths = try? paths(), FileManager.default.fileExists(atPath: paths.socket) else {
            return nil
        }
        let client = DaemonClient(paths)
        do {
            try waitUntilReady(client)
            return client
        } catch let failure as Failure where failure.exitCode == .setupMissing {
            return nil
        }
    }

    /// The daemon, or the error that says how to start it.
    static func require(for what: String) throws -> DaemonClient {
        if let client = try find() { return client }
        let folder = try paths().folder
        throw Failure(
            "\(what) needs hengd, and none runs for the state folder \(folder).",
            nextStep: "Start it with `heng up`.", exitCode: .setupMissing)
    }

    /// A daemon that has just started still reads its log; commands wait for it.
    private static func waitUntilReady(_ client: DaemonClient) throws {
        let end = TimePoint.monotonicNow() + .seconds(60)
        while true {
            let status = try client.status()
            if status.isReady { return }
            if let trouble = status.trouble {
                throw Failure(
                    "hengd (process \(status.pid)) cannot work: \(trouble)",
                    nextStep: "See hengd.log in \(status.stateFolder).")
            }
            guard TimePoint.monotonicNow() < end else {
                throw Failure(
                    "hengd has been reading its log for a minute and is not ready.",
                    nextStep: "Look at its log with `heng status`, and try again later.")
            }
            usleep(20_000)
        }
    }
}

/// Waits in short steps that grow, until Ctrl-C; what is asked for decides when it is over.
///
/// Returns false when interrupted.
func poll(every longest: Duration = .milliseconds(500), until isOver: () throws -> Bool) throws -> Bool {
    let interrupt = try Interruption.require()
    var pause = Duration.milliseconds(10)
    while !interrupt.isTriggered {
        if try isOver() { return true }
        usleep(UInt32(pause.nanoseconds / 1000))
        pause = min(longest, pause * 2)
    }
    return false
}
