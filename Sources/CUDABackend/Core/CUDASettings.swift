internal import Essentials

#if canImport(Glibc)
internal import Glibc
#endif

/// Where the libraries are looked for, and where compiled kernels are kept.
struct CUDASettings: Hashable, Sendable {
    /// Folders that are searched first, with colons between them.
    var folders: String?
    /// Whether nothing else is searched.
    var searchesOnlyFolders = false
    /// Where compiled kernels are kept; nil keeps none.
    var cache: String?

    /// What the environment says: HENG_CUDA_LIBRARY_PATH, XDG_CACHE_HOME and HOME.
    static var fromEnvironment: CUDASettings {
        var settings = CUDASettings()
        settings.folders = environment("HENG_CUDA_LIBRARY_PATH")
        if let folder = environment("XDG_CACHE_HOME") ?? environment("HOME").map({ "\($0)/.cache" }) {
            settings.cache = "\(folder)/heng/cuda"
        }
        return settings
    }

    /// The environment's settings with those of a file in their place; lines are `libraries = ...` or `cache = ...`.
    ///
    /// A file that names libraries ends the search there; an empty cache keeps nothing. Nil where the text is not such a
    /// file.
    static func parse(_ text: String) -> CUDASettings? {
        var settings = fromEnvironment
        for line in text.split(separator: "\n") {
            let line = trimmed(line)
            if line.isEmpty || line.hasPrefix("#") { continue }
            let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { return nil }
            let value = trimmed(parts[1])
            switch trimmed(parts[0]) {
            case "libraries":
                settings.folders = value
                settings.searchesOnlyFolders = true
            case "cache": settings.cache = value.isEmpty ? nil : value
            default: return nil
            }
        }
        return settings
    }

    private static func trimmed(_ text: some StringProtocol) -> String {
        let start = text.drop { $0 == " " || $0 == "\t" }
        return String(start.reversed().drop { $0 == " " || $0 == "\t" || $0 == "\r" }.reversed())
    }

    private static func environment(_ name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        let text = unsafe String(cString: value)
        return text.isEmpty ? nil : text
    }
}

/// A small file as bytes; nil where it cannot be read or is longer than the limit.
func readFile(_ path: String, limit: Int = 64 << 20) -> [UInt8]? {
    guard let file = unsafe fopen(path, "re") else { return nil }
    defer { unsafe fclose(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 64 << 10)
    while true {
        let count = unsafe fread(&chunk, 1, chunk.count, file)
        if count == 0 { break }
        bytes += chunk[..<count]
        guard bytes.count <= limit else { return nil }
    }
    return unsafe ferror(file) == 0 ? bytes : nil
}

/// The first line of a small text file, as the kernel writes them.
func readLine(of path: String) -> String? {
    guard let bytes = readFile(path, limit: 64 << 10) else { return nil }
    return String(decoding: bytes.prefix { $0 != 10 }, as: UTF8.self)
}
