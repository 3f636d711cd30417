internal import AcceleratorAPI
package import PluginBackend

// Plugins in the list of devices. Who only looks need not let a vendor's code into his own process: the list may ask
// another process, which loads one plugin and answers with its devices.

extension DeviceCatalog {
    /// Sources for all plugins that a search finds, each asked through `ask` with its path.
    ///
    /// The parts of the search that say nothing are sources too, which fail with the reason.
    package static func plugins(
        _ search: PluginSearch = .current, ask: @escaping @Sendable (String) throws -> [ListedDevice]
    ) -> [Source] {
        let (files, problems) = search.found()
        return problems.map { problem in
            Source(name: problem.plugin, isOptional: true) { throw problem }
        } + files.map { path in Source(name: path, isOptional: true) { try ask(path) } }
    }

    /// Loads one plugin into this process, and lists its devices.
    package static func devices(ofPlugin path: String) throws -> [ListedDevice] {
        let plugin = try Plugin.load(path)
        let listed = ListedPlugin(
            path: plugin.path, library: plugin.library, name: plugin.name, vendor: plugin.vendor,
            version: plugin.version)
        return try plugin.devices().map {
            ListedDevice(id: $0.id, description: $0.description, plugin: listed)
        }
    }
}
