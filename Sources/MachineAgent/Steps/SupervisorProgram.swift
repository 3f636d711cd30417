#if canImport(Glibc)
internal import Glibc
#endif

/// Where the supervisor of steps lies on this machine.
package struct SupervisorProgram: Hashable, Sendable {
    package let path: String

    package init(path: String) { self.path = path }

    /// Finds heng-step beside the running program, where `make install` puts it, or where `HENG_STEP` says.
    package static func locate() throws -> SupervisorProgram {
        var candidates: [String] = []
        if let folder = runningProgramFolder() {
            candidates += ["\(folder)/heng-step", "\(folder)/../libexec/heng/heng-step"]
        }
        if let named = unsafe getenv("HENG_STEP") { candidates.append(unsafe String(cString: named)) }
        guard let found = candidates.first(where: { unsafe access($0, X_OK) == 0 }) else {
            throw StepError.supervisorMissing(searched: candidates)
        }
        return SupervisorProgram(path: found)
    }

    /// The folder of the running program's file; nil without /proc.
    package static func runningProgramFolder() -> String? {
        let limit = 4096
        let bytes = unsafe [CChar](unsafeUninitializedCapacity: limit) { buffer, count in
            guard let start = buffer.baseAddress else { return }
            count = max(0, unsafe readlink("/proc/self/exe", start, limit))
        }
        let path = String(decoding: bytes.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard let slash = path.lastIndex(of: "/") else { return nil }
        return String(path[..<slash])
    }
}
