import Essentials
import Foundation
import TestSupport
import Testing

/// Runs a program of this build.
private func run(
    _ program: String, _ arguments: [String], plugins: String? = nil, stopAfter: String? = nil
) throws -> ChildEnd {
    let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let folder = URL(fileURLWithPath: own).deletingLastPathComponent().path
    return try ChildProgram.run(
        "\(folder)/\(program)", arguments,
        environment: ["PATH": "/usr/bin:/bin", "HENG_PLUGINS": plugins ?? "", "HOME": PluginBuild.folder],
        stopAfter: stopAfter)
}

extension ChildEnd {
    fileprivate var lines: [String] { output.split(separator: "\n").map(String.init) }
    fileprivate var errorLines: [String] { errors.split(separator: "\n").map(String.init) }
}

/// Something that a plugin does to the process it is in, how that ends, and at which step.
struct Damage: Sendable, CustomTestStringConvertible {
    var name: String
    var signal: Int32?
    var last: String
    var testDescription: String { name }

    static let all = [
        Damage(name: "well_behaved", last: "done"),
        Damage(name: "crashes_at_load", signal: SIGSEGV, last: "load"),
        Damage(name: "crashes_at_initialize", signal: SIGSEGV, last: "devices"),
        Damage(name: "crashes_in_describe", signal: SIGSEGV, last: "devices"),
        Damage(name: "crashes_in_copy", signal: SIGSEGV, last: "copy"),
        Damage(name: "throws", signal: SIGABRT, last: "context"),
        Damage(name: "drops_bytes", last: "other bytes"),
        Damage(name: "logs_after_finalize", last: "done"),
    ]
}

@Suite(
    "Plugins in processes of their own",
    .enabled(if: !PluginBuild.compilers.isEmpty, "no C compiler is installed"))
struct PluginProcessTests {
    @Test(arguments: Damage.all)
    func `a plugin that ends its process tells its parent where`(damage: Damage) throws {
        let ended = try run("plugin-caller", [PluginBuild.misbehaving(damage.name)])

        #expect(!ended.isTimeUp)
        #expect(ended.signal == damage.signal)
        #expect(ended.lines.last == damage.last)
    }

    @Test(arguments: [("hangs_at_initialize", "devices"), ("hangs_in_synchronize", "synchronize")])
    func `a plugin that hangs is ended`(name: String, last: String) throws {
        let ended = try run("plugin-caller", [PluginBuild.misbehaving(name)], stopAfter: last)

        #expect(ended.isTimeUp)
        #expect(ended.lines.last == last)
    }

    @Test func `the list of devices goes on beside every plugin that fails`() throws {
        let names = [
            "crashes_at_load", "hangs_at_initialize", "exits_at_initialize", "crashes_in_describe",
            "prints_at_load", "null_table", "well_behaved",
        ]
        let plugins = try names.map { try PluginBuild.misbehaving($0) }

        let ended = try run(
            "heng", ["devices", "--json", "--plugin-limit", "5"],
            plugins: (plugins + [PluginBuild.sampleDevice()]).joined(separator: ":"))

        let rows = try #require(
            try JSONSerialization.jsonObject(with: Data(ended.output.utf8))
                as? [[String: Any]])
        let ids = rows.compactMap { $0["id"] as? String }
        #expect(ids.first == "cpu:0")
        #expect(ids.suffix(3) == ["misbehaving:0", "misbehaving:1", "sample:0"])
        let plugin = try #require(rows.last?["plugin"] as? [String: String])
        #expect(plugin["vendor"] == "Sample Makers")
        #expect(plugin["path"] == (try PluginBuild.sampleDevice()))
        #expect(ended.errorLines.count == 5)
        for (name, sentence) in [
            ("crashes_at_load", "crashed"), ("hangs_at_initialize", "within 5.0 seconds"),
            ("exits_at_initialize", "status 3"), ("crashes_in_describe", "crashed"),
            ("null_table", "its table is null"),
        ] {
            #expect(ended.errorLines.contains { $0.contains(name) && $0.contains(sentence) }, "\(name)")
        }
    }
}
