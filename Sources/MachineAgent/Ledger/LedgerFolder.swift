/// Where the record of a machine's jobs lies.
///
/// 1. `HENG_STATE_DIR`, when it is set.
/// 2. `/var/lib/heng`, when we may write there or make it: one record for everyone on the machine.
/// 3. `$XDG_STATE_HOME/heng` or `~/.local/state/heng`: one record per user, who then do not see each other's jobs.
///
/// Inside there is a folder per machine, because a home folder may be shared by several machines.
package enum LedgerFolder {
    package static func path(
        environment: [String: String], system: String = "/var/lib/heng"
    ) throws(LedgerError) -> String {
        if let chosen = environment["HENG_STATE_DIR"], !chosen.isEmpty {
            return try usable(chosen)
        }
        // No right to make it is the ordinary case for ordinary users, who go on to their own folder.
        if (try? Files.makeFolders(system)) != nil, Files.isWritableFolder(system) { return system }
        if let state = environment["XDG_STATE_HOME"], state.hasPrefix("/") {
            return try usable(state + "/heng")
        }
        guard let home = environment["HOME"], !home.isEmpty else { throw .noFolder }
        return try usable(home + "/.local/state/heng")
    }

    private static func usable(_ path: String) throws(LedgerError) -> String {
        do {
            try Files.makeFolders(path)
        } catch {
            throw .folderNotUsable(path, code: error.code)
        }
        return path
    }

    /// The folder of one machine inside; its name with everything unusual replaced.
    static func folder(ofMachine name: String, in folder: String) -> String {
        let safe = name.map { $0.isASCII && ($0.isLetter || $0.isNumber || "-_".contains($0)) ? $0 : "_" }
        return folder + "/" + (safe.isEmpty ? "machine" : String(safe))
    }
}
