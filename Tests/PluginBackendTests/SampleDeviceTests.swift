import Foundation
import TestSupport
import Testing

private let gcc = PluginBuild.compilers.first { $0.hasSuffix("/gcc") }
private let make = ["/usr/bin/make", "/bin/make"].first { FileManager.default.isExecutableFile(atPath: $0) }

@Suite("The sample device")
struct SampleDeviceTests {
    @Test(
        .enabled(if: gcc != nil && make != nil, "gcc or make is not installed"),
        arguments: ["all", "test", "asan"])
    func `it builds away from this package, against the headers alone, and passes its own test`(
        target: String
    ) throws {
        let place = NSTemporaryDirectory() + "heng-sample-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: place) }
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        try FileManager.default.copyItem(
            atPath: PluginBuild.root + "/examples/sample-device", toPath: place + "/device")
        for folder in ["include", "support"] {
            try FileManager.default.copyItem(
                atPath: PluginBuild.root + "/Sources/CHengAccelerator/" + folder,
                toPath: "\(place)/\(folder)")
        }

        let end = try ChildProgram.run(
            #require(make),
            [
                "-C", place + "/device", "HENG_INCLUDE=\(place)/include \(place)/support",
                "CC=\(try #require(gcc))", target,
            ])

        #expect(end.status == 0 && end.signal == nil, "\(end.output)\(end.errors)")
        if target == "all" {
            #expect(FileManager.default.fileExists(atPath: place + "/device/libheng-sample.so"))
        } else {
            #expect(end.output.contains("all is well"))
        }
    }

    @Test func `its profile names the operators that it lists`() throws {
        let folder = PluginBuild.root + "/examples/sample-device"
        let profile = try #require(
            try JSONSerialization.jsonObject(
                with: Data(contentsOf: URL(fileURLWithPath: folder + "/sample.profile.json")))
                as? [String: Any])
        let claimed = try #require(profile["operators"] as? [[String: Any]]).compactMap {
            $0["name"] as? String
        }
        let source = try String(contentsOfFile: folder + "/sample_device.c", encoding: .utf8)
        let listed = source.matches(of: #/\n    RULE\("(\w+)", \d+, \d, \d, \w+, \w+\)/#).map { String($0.1) }

        #expect(listed.count == 8)
        #expect(claimed == listed)
    }

    /// What the guide and the README promise: a device in a few hundred lines.
    @Test func `it stays small enough to read in one sitting`() throws {
        let source = try String(
            contentsOfFile: PluginBuild.root + "/examples/sample-device/sample_device.c", encoding: .utf8)
        let lines = source.split(separator: "\n", omittingEmptySubsequences: false)

        #expect(lines.count <= 600)
        #expect(lines.allSatisfy { $0.count <= 110 })
    }
}
