internal import Backends
internal import Essentials
internal import Foundation

/// Asks a plugin for its devices in a process of its own, so that whatever it does is not done to us.
enum PluginQuestion {
    /// The plugin's devices; a plugin that fails, crashes or hangs is a `DeviceWarning` thrown.
    static func devices(of path: String, seconds: Double) throws -> [ListedDevice] {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = ["plugin-worker", path]
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = pipe
        // A plugin's own messages are for those who ask for them.
        if ProcessInfo.processInfo.environment["HENG_LOG"] == nil {
            process.standardError = FileHandle.nullDevice
        }
        try process.run()
        // Our copy of the writing end is closed, so that the end of the process is the end of the file.
        try? pipe.fileHandleForWriting.close()
        guard let bytes = read(pipe.fileHandleForReading.fileDescriptor, seconds: seconds) else {
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
            throw DeviceWarning.timeout(path, seconds: seconds)
        }
        process.waitUntilExit()
        let lines = bytes.split(separator: UInt8(ascii: "\n"))
        guard let line = lines.last,
            let answer = try? JSONDecoder().decode(PluginAnswer.self, from: Data(line))
        else { throw DeviceWarning.crash(path, process.terminationReason, process.terminationStatus) }
        if let warning = answer.warning { throw warning }
        return answer.devices
    }

    /// Everything up to the end of the file; nil when time is up before.
    private static func read(_ descriptor: Int32, seconds: Double) -> [UInt8]? {
        let deadline = TimePoint.monotonicNow() + .milliseconds(Int(max(0, min(seconds, 1e6)) * 1000))
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let left = (deadline - TimePoint.monotonicNow()).nanoseconds / 1_000_000
            guard left >= 0 else { return nil }
            var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let ready = unsafe poll(&waiting, 1, Int32(clamping: left + 1))
            if ready < 0, errno == EINTR { continue }
            guard ready > 0 else { return nil }
            let count = unsafe chunk.withUnsafeMutableBytes {
                unsafe Foundation.read(descriptor, $0.baseAddress, $0.count)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return bytes }
            bytes += chunk[..<count]
        }
    }
}

extension DeviceWarning {
    fileprivate static func timeout(_ path: String, seconds: Double) -> DeviceWarning {
        DeviceWarning(plugin: path, error: PluginDeath.silent(seconds: seconds))
    }

    fileprivate static func crash(
        _ path: String, _ reason: Process.TerminationReason, _ status: Int32
    ) -> DeviceWarning {
        DeviceWarning(
            plugin: path,
            error: reason == .uncaughtSignal ? PluginDeath.signal(status) : PluginDeath.exit(status))
    }
}
