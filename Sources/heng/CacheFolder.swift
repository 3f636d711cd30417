/// Where things lie that can be made again at any time.
enum CacheFolder {
    /// The folder of this user's caches: `$XDG_CACHE_HOME/heng`, else `~/.cache/heng`; nil without a home.
    static func path(environment: [String: String]) -> String? {
        if let chosen = environment["XDG_CACHE_HOME"], chosen.hasPrefix("/") { return chosen + "/heng" }
        guard let home = environment["HOME"], home.hasPrefix("/") else { return nil }
        return home + "/.cache/heng"
    }
}
