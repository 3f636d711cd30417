internal import ControlAPI

/// Where the record of a machine's jobs lies: in the folder of `StatePaths`, which a daemon would use, too.
///
/// Inside there is a folder per machine, because a home folder may be shared by several machines.
package enum LedgerFolder {
    package static func path(
        environment: [String: String], system: String = StatePaths.system
    ) throws(LedgerError) -> String {
        guard let paths = try? StatePaths(environment: environment, system: system) else { throw .noFolder }
        do {
            // Its owner's alone, as a daemon would make it.
            try Files.makeFolders(paths.folder, mode: 0o700)
        } catch {
            throw .folderNotUsable(paths.folder, code: error.code)
        }
        return paths.folder
    }

    /// The folder of one machine inside; its name with everything unusual replaced.
    static func folder(ofMachine name: String, in folder: String) -> String {
        let safe = name.map { $0.isASCII && ($0.isLetter || $0.isNumber || "-_".contains($0)) ? $0 : "_" }
        return folder + "/" + (safe.isEmpty ? "machine" : String(safe))
    }
}
