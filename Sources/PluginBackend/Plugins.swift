/// The plugins of this machine.
package enum Plugins {
    /// What a search found: the plugins that can be used, in order, and why others cannot.
    package struct Found: Sendable {
        package var plugins: [Plugin] = []
        package var problems: [PluginError] = []
    }

    /// Loads all plugins that a search finds; one that cannot be loaded stops no other.
    package static func load(_ search: PluginSearch = .current) -> Found {
        let (files, problems) = search.found()
        var found = Found(problems: problems)
        for file in files {
            do throws(PluginError) {
                let plugin = try Plugin.load(file)
                // Two manifests may name one library: it is one plugin.
                if !found.plugins.contains(where: { $0.library == plugin.library }) {
                    found.plugins.append(plugin)
                }
            } catch {
                found.problems.append(error)
            }
        }
        return found
    }
}
