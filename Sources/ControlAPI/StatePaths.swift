package import Essentials

#if canImport(Glibc)
internal import Glibc
#endif

/// Where a daemon and its commands find each other, and where commands without one keep the machine's ledger.
///
/// The state folder is
/// 1. `HENG_STATE_DIR`, when it is set;
/// 2. `/var/lib/heng`, for whoever may write there or make it, which usually is root;
/// 3. `$XDG_STATE_HOME/heng` or `~/.local/state/heng`: each user has a daemon of their own.
package struct StatePaths: Hashable, Sendable {
    package var folder: String

    package init(folder: String) { self.folder = folder }

    /// The folder of those who may use it.
    package static let system = "/var/lib/heng"

    package init(environment: [String: String], system: String = StatePaths.system) throws(Failure) {
        if let chosen = environment["HENG_STATE_DIR"], !chosen.isEmpty {
            folder = chosen
        } else if StatePaths.isUsable(system) {
            folder = system
        } else if let state = environment["XDG_STATE_HOME"], state.hasPrefix("/") {
            folder = state + "/heng"
        } else if let home = environment["HOME"], home.hasPrefix("/") {
            folder = home + "/.local/state/heng"
        } else {
            throw Failure(
                "There is no folder for Heng's state: neither HENG_STATE_DIR nor HOME is set.",
                nextStep: "Set HENG_STATE_DIR to a folder of yours.", exitCode: .setupMissing)
        }
    }

    /// Whether we may write there, or make it; no right to is the ordinary case for ordinary users.
    private static func isUsable(_ path: String) -> Bool {
        if unsafe access(path, W_OK | X_OK) == 0 { return true }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
            return false
        }
        return isUsable(String(path[..<slash]))
    }

    package var socket: String { folder + "/hengd.sock" }
    package var log: String { folder + "/hengd.log" }
    /// The token that other machines show when they join; made at the first start.
    package var joinToken: String { folder + "/join-token" }
}
