internal import Foundation

#if canImport(Glibc)
internal import Glibc
#endif

/// The living processes of this machine, as a test of who is left over sees them.
enum ProcessList {
    /// Those that have such an entry in their environment, by its beginning; what has ended is not there.
    static func withEnvironment(_ entry: String) -> [Int32] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { Int32($0) }.filter { process in
            guard process != getpid(), let text = contents(process, "environ") else { return false }
            return text.split(separator: "\0").contains { $0.hasPrefix(entry) }
        }
    }

    static func name(of process: Int32) -> String? {
        contents(process, "comm").map { $0.trimmingCharacters(in: .newlines) }
    }

    /// The value of a variable as the process got it.
    static func variable(_ name: String, of process: Int32) -> String? {
        contents(process, "environ")?.split(separator: "\0").first { $0.hasPrefix(name + "=") }
            .map { String($0.dropFirst(name.count + 1)) }
    }

    static func parent(of process: Int32) -> Int32? {
        // The name stands in brackets and may hold anything, so what follows it counts.
        guard let text = contents(process, "stat"), let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        return fields.count > 1 ? Int32(fields[1]) : nil
    }

    private static func contents(_ process: Int32, _ name: String) -> String? {
        FileManager.default.contents(atPath: "/proc/\(process)/\(name)").map {
            String(decoding: $0, as: UTF8.self)
        }
    }
}
