import AcceleratorAPI
import Crypto
import Foundation
import PluginBackend
import TestSupport
import Testing

/// A folder with a manifest in it, gone at the end.
private final class ManifestFolder: Sendable {
    let path = NSTemporaryDirectory() + "heng-manifests-\(UUID().uuidString)"
    var manifest: String { path + "/plugin.json" }

    init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }
    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ text: String) throws { try Data(text.utf8).write(to: URL(fileURLWithPath: manifest)) }

    /// A manifest of a library beside it, with fields changed or, where nil, left out.
    func write(_ changes: [String: Any?] = [:]) throws {
        var fields: [String: Any] = [
            "vendor": "Nobody", "name": "test", "version": "1", "library": "plugin.so", "abi": ["major": 1],
            "kinds": ["misbehaving"],
        ]
        for (key, value) in changes { fields[key] = value }
        try JSONSerialization.data(withJSONObject: fields).write(to: URL(fileURLWithPath: manifest))
    }

    func copy(_ library: String) throws {
        try FileManager.default.copyItem(atPath: library, toPath: path + "/plugin.so")
    }
}

/// A broken manifest, and what is said of it.
struct BadManifest: Sendable, CustomTestStringConvertible {
    var text: String
    var says: String
    var testDescription: String { says }

    static let all = [
        BadManifest(text: "", says: "is not JSON"),
        BadManifest(text: "{", says: "is not JSON"),
        BadManifest(text: "\0\0\0", says: "is not JSON"),
        BadManifest(text: "[]", says: "is not a JSON object"),
        BadManifest(text: "{}", says: "has no vendor"),
        BadManifest(text: with("\"abi\": {}"), says: "has no abi.major"),
        BadManifest(text: with("\"abi\": {\"major\": -1}"), says: "manifest"),
        BadManifest(
            text: with("\"abi\": {\"major\": 1}, \"kinds\": \"gpu\""), says: "of another kind at kinds"),
        BadManifest(
            text: with("\"abi\": {\"major\": 1}, \"kinds\": []").replacing("\"v\"", with: "\"\""),
            says: "vendor is empty"),
    ]

    private static func with(_ fields: String) -> String {
        "{\"vendor\": \"v\", \"name\": \"n\", \"version\": \"1\", \"library\": \"l\", \(fields)}"
    }
}

@Suite("Manifests of plugins")
struct PluginManifestTests {
    private let folder: ManifestFolder

    init() throws { folder = try ManifestFolder() }

    @Test(arguments: BadManifest.all)
    func `a broken manifest is named with what is wrong`(bad: BadManifest) throws {
        try folder.write(bad.text)

        let error = try #require(throws: PluginError.self) { try Plugin.load(folder.manifest) }

        #expect(error.code == .fileParse)
        #expect(error.text.contains(bad.says), "\(error.text)")
        #expect(error.plugin == folder.manifest)
    }

    @Test(arguments: [
        ["major": 2], ["major": 1, "minimumMinor": 1000], ["major": 0, "maximumMinor": 0],
    ])
    func `a plugin for another version is not loaded`(abi: [String: Int]) throws {
        try folder.write(["abi": abi])

        let error = try #require(throws: PluginError.self) { try Plugin.load(folder.manifest) }

        #expect(error.code == .version)
    }

    @Test func `a library that is missing is named`() throws {
        try folder.write()

        let error = try #require(throws: PluginError.self) { try Plugin.load(folder.manifest) }

        #expect(error.code == .file)
        #expect(error.text.contains("\(folder.path)/plugin.so: No such file"))
    }

    @Test(.enabled(if: !PluginBuild.compilers.isEmpty, "no C compiler is installed"))
    func `the digest is checked where it is given`() throws {
        try folder.copy(PluginBuild.misbehaving("well_behaved"))
        try folder.write(["sha256": String(repeating: "0", count: 64)])

        let error = try #require(throws: PluginError.self) { try Plugin.load(folder.manifest) }
        #expect(error.code == .fileAttribute)
        let digest = try SHA256.hash(data: Data(contentsOf: URL(fileURLWithPath: folder.path + "/plugin.so")))
            .map { String(format: "%02X", $0) }.joined()
        try folder.write(["sha256": digest])
        #expect(try Plugin.load(folder.manifest).name == "misbehaving")
    }

    @Test(
        .enabled(if: !PluginBuild.compilers.isEmpty, "no C compiler is installed"),
        arguments: [
            "plugin.so", "plugin.json",
        ])
    func `what everybody may write to is not loaded`(file: String) throws {
        try folder.copy(PluginBuild.misbehaving("well_behaved"))
        try folder.write()
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o777], ofItemAtPath: "\(folder.path)/\(file)")

        let error = try #require(throws: PluginError.self) { try Plugin.load(folder.manifest) }

        #expect(error.code == .fileAttribute)
        #expect(error.text.contains(file))
    }

    @Test(.enabled(if: !PluginBuild.compilers.isEmpty, "no C compiler is installed"))
    func `a device of a kind that the manifest does not name is refused`() throws {
        try folder.copy(PluginBuild.misbehaving("well_behaved"))
        try folder.write(["kinds": ["gpu"]])

        let error = try #require(throws: PluginError.self) { try Plugin.load(folder.manifest).devices() }

        #expect(error.code == .general)
        #expect(error.text.contains("misbehaving, which its manifest does not name"))
    }

    @Test func `the variables say where manifests are looked for, and the current folder is none`() throws {
        let second = try ManifestFolder()
        try folder.write()
        try second.write()
        func files(_ search: PluginSearch) -> [String] { search.found().files }

        #expect(
            files(PluginSearch(path: "\(folder.path):", systemFolders: [second.path]))
                == [folder.manifest, second.manifest])
        #expect(files(PluginSearch(path: nil, systemFolders: [second.path])) == [second.manifest])
        #expect(
            files(
                PluginSearch(list: "/a.json:/b.so:/a.json", path: folder.path, systemFolders: [second.path]))
                == ["/a.json", "/b.so"])
        #expect(files(PluginSearch(list: "", path: folder.path, systemFolders: [second.path])) == [])
        let relative = PluginSearch(path: ".:\(folder.path):no", systemFolders: []).found()
        #expect(relative.files == [folder.manifest])
        #expect(relative.problems.map(\.plugin) == [".", "no"])
        #expect(files(PluginSearch(path: "/no/such/folder", systemFolders: [])) == [])
    }
}
