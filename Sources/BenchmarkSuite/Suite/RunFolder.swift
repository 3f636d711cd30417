package import Essentials
package import Results

#if canImport(Glibc)
internal import Glibc
#endif

/// The folder of one run: `result.json`, raw samples, logs of its jobs, the report.
package struct RunFolder: Sendable {
    package let path: String

    /// Makes a new folder, `results/<time>-<suite>-<tier>` unless one is named.
    package init(_ chosen: String?, suite: String, tier: Tier, at time: TimePoint) throws {
        let stamp = time.iso8601.prefix(19).filter { $0 != "-" && $0 != ":" }
        let name = chosen ?? "results/\(stamp)-\(suite)-\(tier.rawValue)"
        path = name.hasPrefix("/") ? name : RunFolder.workingFolder() + "/" + name
        for folder in ["", "/samples", "/logs", "/answers"] { try RunFolder.make(path + folder) }
        guard unsafe access(path + "/result.json", F_OK) != 0 else {
            throw Failure(
                "\(path) already holds a result.", nextStep: "Choose another folder with --output.",
                exitCode: .wrongUse)
        }
    }

    package func file(_ name: String) -> String { path + "/" + name }

    private static func workingFolder() -> String {
        guard let text = unsafe getcwd(nil, 0) else { return "." }
        defer { unsafe free(text) }
        return unsafe String(cString: text)
    }

    private static func make(_ path: String) throws {
        do {
            try DurableFile.makeFolders(path)
        } catch {
            throw Failure(
                "The folder \(path) for the run cannot be made: \(error.reason).",
                nextStep: "Choose another place with --output.", exitCode: .setupMissing)
        }
    }
}
