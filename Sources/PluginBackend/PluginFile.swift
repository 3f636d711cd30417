internal import AcceleratorAPI
internal import Crypto

#if canImport(Glibc)
internal import Glibc
#endif

/// Checks on a plugin's files before anything of them runs.
enum PluginFile {
    /// The path without links and dots, of a regular file that not everybody may write to.
    static func canonical(_ path: String, of plugin: String) throws(PluginError) -> String {
        guard let resolved = unsafe realpath(path, nil) else {
            let reason = unsafe String(cString: strerror(errno))
            throw PluginError(.file, plugin: plugin, "\(path): \(reason).")
        }
        defer { unsafe free(resolved) }
        let full = unsafe String(cString: resolved)
        var facts = stat()
        guard unsafe stat(full, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
            throw PluginError(.fileAttribute, plugin: plugin, "\(full) is not a file.")
        }
        guard facts.st_mode & S_IWOTH == 0 else {
            throw PluginError(.fileAttribute, plugin: plugin, "Everybody may write to \(full).")
        }
        return full
    }

    /// Compares the file's SHA-256 with the one that its manifest gives.
    static func check(_ path: String, hasSHA256 expected: String, of plugin: String) throws(PluginError) {
        guard let digest = sha256(path) else {
            throw PluginError(.fileRead, plugin: plugin, "\(path) cannot be read.")
        }
        guard digest == expected.lowercased() else {
            throw PluginError(
                .fileAttribute, plugin: plugin,
                "\(path) has the SHA-256 \(digest), and the manifest gives \(expected).")
        }
    }

    /// A manifest's path to its library.
    static func path(_ library: String, beside manifest: String) -> String {
        if library.hasPrefix("/") { return library }
        let folder = manifest.lastIndex(of: "/").map { String(manifest[...$0]) } ?? "./"
        return folder + library
    }

    static func stamp(_ path: String) -> String {
        var facts = stat()
        guard unsafe stat(path, &facts) == 0 else { return "\(path) missing" }
        return "\(path) \(facts.st_size) \(facts.st_mtim.tv_sec).\(facts.st_mtim.tv_nsec)"
    }

    private static func sha256(_ path: String) -> String? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var state = SHA256()
        var chunk = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = unsafe chunk.withUnsafeMutableBytes {
                unsafe read(descriptor, $0.baseAddress, $0.count)
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { return nil }
            if count == 0 { break }
            state.update(data: chunk[..<count])
        }
        let digits = Array("0123456789abcdef")
        return String(state.finalize().flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }
}
