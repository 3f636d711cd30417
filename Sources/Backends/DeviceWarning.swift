package import AcceleratorAPI
internal import Essentials
internal import PluginBackend

#if canImport(Glibc)
internal import Glibc
#endif

/// Why a plugin's devices are not in the list.
package struct DeviceWarning: Error, Codable, Hashable, Sendable, CustomStringConvertible {
    /// The manifest or library.
    package var plugin: String
    /// The class of the error in the numbers of the interface; 0 where there is none.
    package var code: Int32
    package var text: String

    package init(plugin: String, code: Int32, text: String) {
        self.plugin = plugin
        self.code = code
        self.text = text
    }

    /// What any error of loading or asking a plugin comes to.
    package init(plugin: String, error: any Error) {
        switch error {
        case let warning as DeviceWarning: self = warning
        case let error as PluginError:
            self.init(plugin: plugin, code: error.code.rawValue, text: error.text)
        case let error as DeviceError:
            self.init(plugin: plugin, code: error.code.rawValue, text: error.text)
        case let death as PluginDeath:
            self.init(plugin: plugin, code: death.code.rawValue, text: death.text)
        case let error as any ReportableError: self.init(plugin: plugin, code: 0, text: error.summary)
        default: self.init(plugin: plugin, code: 0, text: "\(error)")
        }
    }

    package var description: String { "The plugin \(plugin) is not used. \(text)" }
}

/// How a process that asked a plugin ended without an answer.
package enum PluginDeath: Error, Hashable, Sendable {
    case signal(Int32)
    case exit(Int32)
    case silent(seconds: Double)

    package var code: DeviceError.Code {
        switch self {
        case .signal, .exit: .general
        case .silent: .timeout
        }
    }

    package var text: String {
        switch self {
        case .signal(let number):
            "It crashed while its devices were listed: \(unsafe String(cString: strsignal(number)))."
        case .exit(let status): "It ended the process with status \(status) while its devices were listed."
        case .silent(let seconds): "It gave no list of its devices within \(seconds) seconds."
        }
    }
}

/// Gives each device the next number of its kind, whichever backend it comes from.
struct DeviceNumbering {
    private var counts: [String: Int] = [:]

    mutating func next(of kind: String) -> Int {
        counts[kind, default: 0] += 1
        return counts[kind, default: 1] - 1
    }
}
