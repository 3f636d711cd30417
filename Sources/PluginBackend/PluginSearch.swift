internal import AcceleratorAPI

#if canImport(Glibc)
internal import Glibc
#endif

/// Where plugins are looked for.
///
/// `HENG_PLUGINS` names manifests and libraries, and then nothing else is searched. Otherwise the folders of
/// `HENG_PLUGIN_PATH` come first, then the system's. The current directory is never searched.
package struct PluginSearch: Sendable {
    /// The value of `HENG_PLUGINS`; nil: not set.
    package var list: String?
    /// The value of `HENG_PLUGIN_PATH`.
    package var path: String?
    /// Searched last.
    package var systemFolders: [String]

    package static let usualFolders = ["/usr/local/lib/heng/plugins", "/usr/lib/heng/plugins"]

    package init(list: String? = nil, path: String? = nil, systemFolders: [String] = Self.usualFolders) {
        self.list = list
        self.path = path
        self.systemFolders = systemFolders
    }

    /// As the environment of this process says.
    package static var current: PluginSearch {
        func value(_ name: String) -> String? { unsafe getenv(name).map { unsafe String(cString: $0) } }
        return PluginSearch(list: value("HENG_PLUGINS"), path: value("HENG_PLUGIN_PATH"))
    }

    /// Manifests (`.json`) and libraries, in order, each once; and the parts of the variables that say nothing.
    package func found() -> (files: [String], problems: [PluginError]) {
        if let list {
            let files = list.split(separator: ":").map(String.init)
            return (files.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }, [])
        }
        var problems: [PluginError] = []
        var folders: [String] = []
        for folder in path?.split(separator: ":").map(String.init) ?? [] {
            if folder.hasPrefix("/") {
                folders.append(folder)
            } else {
                let text = "HENG_PLUGIN_PATH names folders by absolute paths; this one is not searched."
                problems.append(PluginError(.invalidArgument, plugin: folder, text))
            }
        }
        let files = (folders + systemFolders).flatMap(manifests)
        return (files.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }, problems)
    }

    /// What tells whether plugins have changed: the size and time of each file, as lines.
    package func stamps() -> [String] {
        let (files, _) = found()
        let libraries = files.filter { $0.hasSuffix(".json") }.compactMap { path in
            // A manifest that cannot be read has no library; its own stamp is there.
            (try? PluginManifest(contentsOf: path)).map { PluginFile.path($0.library, beside: path) }
        }
        return (files + libraries).map(PluginFile.stamp)
    }

    /// The manifests in a folder, by name; none where it cannot be read.
    private func manifests(in folder: String) -> [String] {
        guard let directory = unsafe opendir(folder) else { return [] }
        defer { unsafe closedir(directory) }
        var names: [String] = []
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.hasSuffix(".json"), !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted().map { "\(folder)/\($0)" }
    }
}
