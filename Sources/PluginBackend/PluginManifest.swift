internal import AcceleratorAPI
internal import CHengAccelerator
internal import Essentials
internal import FoundationEssentials
internal import Results

/// What a vendor says of its plugin, in a small JSON file beside the library.
package struct PluginManifest: Codable, Hashable, Sendable {
    package var vendor: String
    package var name: String
    package var version: String
    /// The library's path, from the manifest's folder on unless it is absolute.
    package var library: String
    package var abi: Interface
    /// The library's SHA-256 in hexadecimal digits; checked where it is given.
    package var sha256: String?
    /// The kinds of its devices, as `gpu`.
    package var kinds: [String]

    /// The versions of the interface that the plugin serves.
    package struct Interface: Codable, Hashable, Sendable {
        package var major: UInt32
        /// The least minor number of a host that it works with; nil: any.
        package var minimumMinor: UInt32?
        package var maximumMinor: UInt32?

        package init(major: UInt32, minimumMinor: UInt32? = nil, maximumMinor: UInt32? = nil) {
            self.major = major
            self.minimumMinor = minimumMinor
            self.maximumMinor = maximumMinor
        }

        /// Whether a host of that version is one of them.
        package func includes(major: UInt32, minor: UInt32) -> Bool {
            major == self.major && minor >= minimumMinor ?? 0 && minor <= maximumMinor ?? .max
        }
    }

    /// Reads a manifest, or says what is wrong with it.
    package init(contentsOf path: String) throws(PluginError) {
        let bytes: [UInt8]
        do {
            bytes = try DurableFile.read(path, limit: .mebibytes(1))
        } catch {
            throw PluginError(.fileRead, plugin: path, "The manifest cannot be read: \(error)")
        }
        do {
            self = try JSONDecoder().decode(PluginManifest.self, from: Data(bytes))
        } catch let error as DecodingError {
            throw PluginError(.fileParse, plugin: path, "The manifest \(manifestProblem(error)).")
        } catch {
            throw PluginError(.fileParse, plugin: path, "The manifest is not JSON.")
        }
        try check(path)
    }

    private func check(_ path: String) throws(PluginError) {
        let texts = [("vendor", vendor), ("name", name), ("version", version), ("library", library)]
        if let empty = texts.first(where: { $0.1.isEmpty }) {
            throw PluginError(.fileParse, plugin: path, "The manifest's \(empty.0) is empty.")
        }
        guard abi.includes(major: HENG_ACCELERATOR_MAJOR, minor: HENG_ACCELERATOR_MINOR) else {
            throw PluginError(
                .version, plugin: path,
                "The manifest asks for interface version \(abi.text); this is "
                    + "\(HENG_ACCELERATOR_MAJOR).\(HENG_ACCELERATOR_MINOR).")
        }
    }
}

extension PluginManifest.Interface {
    fileprivate var text: String {
        let minors = "\(minimumMinor.map(String.init) ?? "0") to \(maximumMinor.map(String.init) ?? "any")"
        return "\(major), minor \(minors)"
    }
}

/// What a manifest lacks, after "the manifest".
private func manifestProblem(_ error: DecodingError) -> String {
    func place(_ path: [any CodingKey], _ key: (any CodingKey)? = nil) -> String {
        (path + [key].compactMap { $0 }).map(\.stringValue).joined(separator: ".")
    }
    switch error {
    case .keyNotFound(let key, let context): return "has no \(place(context.codingPath, key))"
    case .valueNotFound(_, let context), .typeMismatch(_, let context):
        return context.codingPath.isEmpty
            ? "is not a JSON object" : "has something of another kind at \(place(context.codingPath))"
    default: return "is not JSON"
    }
}
