package import CHengAccelerator
internal import Essentials

#if canImport(Glibc)
internal import Glibc
#endif

/// What we offer plugins: a place for log lines, and a loop over our threads.
package enum HostServices {
    /// Services for one plugin, which live as long as the process, as its library does.
    package static func make(for name: String) -> UnsafePointer<heng_host_services> {
        let place = UnsafeMutablePointer<heng_host_services>.allocate(capacity: 1)
        unsafe place.initialize(
            to: heng_host_services(
                header: heng_header(
                    struct_size: UInt32(MemoryLayout<heng_host_services>.size),
                    struct_kind: UInt32(HENG_KIND_HOST_SERVICES), next: nil),
                user: UnsafeMutableRawPointer(mutating: strdup(name)), log: log, parallel_for: parallelFor))
        return unsafe UnsafePointer(place)
    }

    /// Which lines are written; nil: HENG_LOG is not set, and none is.
    private static let level: Int32? = {
        guard let value = unsafe getenv("HENG_LOG").map({ unsafe String(cString: $0) }) else { return nil }
        return switch value {
        case "", "0": nil
        case "error": Int32(HENG_LOG_ERROR)
        case "warning": Int32(HENG_LOG_WARNING)
        case "information": Int32(HENG_LOG_INFORMATION)
        default: Int32(HENG_LOG_DEBUG)
        }
    }()

    private static let log:
        @convention(c) (UnsafeMutableRawPointer?, Int32, UInt64, UnsafePointer<CChar>?) -> Void = {
            user, level, correlation, text in
            guard let most = HostServices.level, level <= most, let text = unsafe text else { return }
            let name = unsafe user.map { unsafe String(cString: $0.assumingMemoryBound(to: CChar.self)) }
            let line = unsafe HostServices.line(
                name ?? "a plugin", level, correlation, String(cString: text))
            // One call, so that lines of several threads do not mix; where stderr is full, nobody is left to tell.
            _ = unsafe Array(line.utf8).withUnsafeBytes {
                unsafe write(STDERR_FILENO, $0.baseAddress, $0.count)
            }
        }

    /// One line, whatever the plugin's text holds.
    package static func line(_ name: String, _ level: Int32, _ correlation: UInt64, _ text: String) -> String
    {
        let levels = ["error", "warning", "information", "debug"]
        let word = levels.indices.contains(Int(level)) ? levels[Int(level)] : "level \(level)"
        let cleaned = String(text.unicodeScalars.prefix(1000).map { $0.value < 32 ? " " : Character($0) })
        let work = correlation == 0 ? "" : " (work \(correlation))"
        return "heng: \(name): \(word): \(cleaned)\(work)\n"
    }

    private static let parallelFor:
        @convention(c) (
            UnsafeMutableRawPointer?, UInt64, UInt64,
            (@convention(c) (UnsafeMutableRawPointer?, UInt64, UInt64) -> Void)?, UnsafeMutableRawPointer?
        ) -> Void = { _, count, grain, body, argument in
            guard let body = unsafe body else { return }
            let loop = unsafe ParallelLoop(count: count, grain: grain, body: body, argument: argument)
            loop.run()
        }
}
