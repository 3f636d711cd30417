import Conformance
import Essentials
import Foundation
import TestSupport
import Testing

/// A folder with empty files, gone at the end of the test.
private final class Folder {
    let path = "/tmp/heng-cases-\(UUID().uuidString)"

    init(_ files: [String: String]) throws {
        for (name, content) in files {
            let file = URL(fileURLWithPath: "\(path)/\(name)")
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(content.utf8).write(to: file)
        }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

@Suite("Finding cases")
struct CaseDiscoveryTests {
    @Test func `cases lie in the folders of their groups`() throws {
        let folder = try Folder([
            "node/test_b/model.onnx": "", "node/test_b/test_data_set_1/input_0.pb": "",
            "node/test_b/test_data_set_0/input_0.pb": "", "node/test_a/model.onnx": "",
            "node/notes.txt": "", "simple/test_c/model.onnx": "", "other/test_d/model.onnx": "",
        ])

        let cases = try CaseDiscovery.cases(in: folder.path) { _ in true }

        #expect(cases.map(\.name) == ["test_a", "test_b", "test_c"])
        #expect(cases.map(\.group) == [.node, .node, .simple])
        let place = "\(folder.path)/node/test_b"
        #expect(cases[1].model == "\(place)/model.onnx")
        #expect(cases[1].data == .folders(["\(place)/test_data_set_0", "\(place)/test_data_set_1"]))
    }

    @Test func `whole networks lie apart, with a tolerance of their own`() throws {
        let folder = try Folder([
            "real/test_net/data.json":
                #"{"url": "onnx/light/light_net.onnx", "model_name": "net", "rtol": 0.002, "atol": 1e-7}"#,
            "light/light_net.onnx": "", "light/light_net_output_0.pb": "", "light/light_net2_output_0.pb": "",
        ])

        let cases = try CaseDiscovery.cases(in: folder.path) { _ in true }

        let light = "\(folder.path)/light"
        #expect(
            cases == [
                ConformanceCase(
                    name: "test_net", group: .real, model: "\(light)/light_net.onnx",
                    data: .ruledInputs(outputs: ["\(light)/light_net_output_0.pb"]),
                    tolerance: Tolerance(relative: 0.002, absolute: 1e-7))
            ])
    }

    @Test func `one group's own folder will do`() throws {
        let folder = try Folder(["simple/test_a/model.onnx": "", "simple/test_b/model.onnx": ""])

        let cases = try CaseDiscovery.cases(in: "\(folder.path)/simple") { $0.hasSuffix("b") }

        #expect(cases.map(\.name) == ["test_b"])
        #expect(cases.map(\.group) == [.simple])
    }

    @Test func `a folder that is not there is a missing set-up`() throws {
        let error = try #require(throws: Failure.self) {
            try CaseDiscovery.cases(in: "/no/such/folder") { _ in true }
        }

        #expect(error.exitCode == .setupMissing)
    }

    @Test func `a description that is none is told`() throws {
        let folder = try Folder(["real/test_net/data.json": "{"])

        #expect(throws: Failure.self) { try CaseDiscovery.cases(in: folder.path) { _ in true } }
    }
}
