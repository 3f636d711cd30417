package import AcceleratorAPI
package import Essentials

/// Why a plugin is not used; others are not touched by it.
package struct PluginError: ReportableError, Hashable {
    /// The class, in the numbers of the interface.
    package var code: DeviceError.Code
    /// The manifest or library, by the path that it was found under.
    package var plugin: String
    package var text: String

    package init(_ code: DeviceError.Code, plugin: String, _ text: String) {
        self.code = code
        self.plugin = plugin
        self.text = text
    }

    package var summary: String { "The plugin \(plugin) is not used. \(text)" }

    package var nextStep: String? {
        switch code {
        case .version: "Ask the vendor for a plugin built for this version of the interface."
        case .file: "Install what is missing, or build the plugin for this machine."
        case .fileParse: "Compare it with the manifest of examples/sample-device."
        case .fileAttribute: "Install the plugin again; only its owner should be able to write to it."
        default: nil
        }
    }

    package var exitCode: ExitCode { .setupMissing }
}
