internal import Foundation

/// Where things lie that can be made again at any time.
enum CacheFolder {
    /// The folder of this user's caches: `XDG_CACHE_HOME`, else `.cache` in the home folder, else the temporary one.
    static func path(environment: [String: String]) -> String {
        if let chosen = environment["XDG_CACHE_HOME"], chosen.hasPrefix("/") { return chosen + "/heng" }
        if let home = environment["HOME"], home.hasPrefix("/") { return home + "/.cache/heng" }
        return NSTemporaryDirectory() + "heng-cache-\(getuid())"
    }

    static func models(environment: [String: String]) -> String { path(environment: environment) + "/models" }
}
