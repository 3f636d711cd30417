package import Essentials

/// Where a daemon and its commands find each other.
///
/// The state folder is `HENG_STATE_DIR`, else `$XDG_STATE_HOME/heng` or `~/.local/state/heng`: each user has a daemon
/// of their own unless told otherwise.
package struct StatePaths: Hashable, Sendable {
    package var folder: String

    package init(folder: String) { self.folder = folder }

    package init(environment: [String: String]) throws(Failure) {
        if let chosen = environment["HENG_STATE_DIR"], !chosen.isEmpty {
            folder = chosen
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

    package var socket: String { folder + "/hengd.sock" }
    package var log: String { folder + "/hengd.log" }
    /// The token that other machines show when they join; made at the first start.
    package var joinToken: String { folder + "/join-token" }
}
