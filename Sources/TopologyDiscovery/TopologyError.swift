package import Essentials

/// Why a machine could not be described.
package enum TopologyError: ReportableError {
    /// The file could not be opened or read.
    case unreadable(file: String, reason: String)
    /// The file is larger than a description of a machine can be, and was not read.
    case tooLarge(file: String, limit: ByteCount)
    /// The file is not a machine description by hwloc.
    case malformed(file: String, reason: String)
    /// The text after `synthetic:` describes no machine.
    case badSynthetic(text: String, reason: String)
    /// An environment variable makes hwloc describe another machine than this one.
    case otherMachine(variable: String)
    /// Hwloc or the kernel refused to describe this machine.
    case discoveryFailed(reason: String)

    package var summary: String {
        switch self {
        case .unreadable(let file, let reason): "The topology file \(file) cannot be read: \(reason)."
        case .tooLarge(let file, let limit):
            "The topology file \(file) is larger than \(limit), which no machine's description is."
        case .malformed(let file, let reason): "\(file) is not a machine description by hwloc 2: \(reason)."
        case .badSynthetic(let text, let reason):
            "\"\(text.prefix(80))\" is not a synthetic machine: \(reason)."
        case .otherMachine(let variable):
            "\(variable) is set, so hwloc would describe another machine than this one."
        case .discoveryFailed(let reason): "This machine cannot be described: \(reason)."
        }
    }

    package var nextStep: String? {
        switch self {
        case .unreadable: "Check the path and its permissions."
        case .tooLarge, .malformed:
            "Write one with `lstopo-no-graphics machine.xml` (package hwloc-nox) on the machine to describe."
        case .badSynthetic: "Write for example \"synthetic:pack:2 numa:1 l3:1 core:4 pu:2\"."
        case .otherMachine:
            "Unset it, or name the description with --from FILE.xml or --from synthetic:..."
        case .discoveryFailed: "Check that /sys and /proc are mounted, or describe the machine with --from."
        }
    }

    package var exitCode: ExitCode {
        switch self {
        case .unreadable, .tooLarge, .malformed, .badSynthetic: .wrongUse
        case .otherMachine, .discoveryFailed: .setupMissing
        }
    }
}
