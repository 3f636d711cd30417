internal import ControlAPI
internal import Essentials
internal import Foundation
internal import MachineAgent

/// How commands find the daemon of their state folder.
enum DaemonAccess {
    static func paths() throws -> StatePaths {
        try StatePaths(environment: ProcessInfo.processInfo.environment)
    }

    /// Whoever listens on the socket; nil when nobody does, so that a command may do without.
    ///
    /// A socket with nobody behind it, which a killed daemon leaves, is as good as none. A daemon that has just started
    /// and still reads its log is waited for with the first question to it.
    static func find() throws -> DaemonClient? {
        // Without a folder there is nothing to find; who needs one says so.
        guard let paths = try? paths(), FileManager.default.fileExists(atPath: paths.socket) else {
            return nil
        }
        let client = DaemonClient(paths)
        return client.isListening() ? client : nil
    }

    /// The daemon, or the error that says how to start it.
    static func require(for what: String) throws -> DaemonClient {
        if let client = try find() { return client }
        let folder = try paths().folder
        throw Failure(
            "\(what) needs hengd, and none runs for the state folder \(folder).",
            nextStep: "Start it with `heng up`.", exitCode: .setupMissing)
    }
}
