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
    func `it builds away from this package, against the header alone, and passes its own test`(
        target: String
    ) throws {
        let place = NSTemporaryDirectory() + "heng-sample-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: place) }
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        try FileManager.default.copyItem(
            atPath: PluginBuild.root + "/examples/sample-device", toPath: place + "/device")
        try FileManager.default.copyItem(
            atPath: PluginBuild.root + "/Sources/CHengAccelerator/include", toPath: place + "/include")

        let end = try ChildProgram.run(
            #require(make),
            ["-C", place + "/device", "HENG_INCLUDE=\(place)/include", "CC=\(try #require(gcc))", target])

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
        let listed = source.matches(of: #/\n    \{"(\w+)", \d+, \d, \d, infer/#).map { String($0.1) }

        #expect(listed.count == 11)
        #expect(claimed == listed)
    }
}
