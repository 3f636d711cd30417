internal import AcceleratorAPI
internal import ArgumentParser
internal import Backends
internal import Essentials
internal import Foundation

/// What `heng devices` starts to ask a plugin; not for people.
///
/// It writes a line before what may crash or hang, and one with the answer.
struct PluginWorkerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plugin-worker", abstract: "Loads a plugin and lists its devices.", shouldDisplay: false)

    @Argument var path: String

    func run() throws {
        // What the plugin prints must not mix with the answer.
        let output = dup(STDOUT_FILENO)
        guard output >= 0, dup2(STDERR_FILENO, STDOUT_FILENO) >= 0 else {
            throw Failure("The worker of \(path) has no output to write to.")
        }
        // A crash is the parent's to tell, at once: a backtrace of this process takes seconds and helps nobody.
        for number in [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGQUIT] {
            signal(number, SIG_DFL)
        }
        let file = FileHandle(fileDescriptor: output)
        try file.write(contentsOf: Data("\n".utf8))
        var answer = PluginAnswer()
        do {
            answer.devices = try DeviceCatalog.devices(ofPlugin: path)
        } catch {
            answer.warning = DeviceWarning(plugin: path, error: error)
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try file.write(contentsOf: encoder.encode(answer) + Data("\n".utf8))
        // Not `exit`: the plugin's own ending is not asked for here.
        _exit(0)
    }
}

/// The worker's one line.
struct PluginAnswer: Codable {
    var devices: [ListedDevice] = []
    var warning: DeviceWarning?
}
