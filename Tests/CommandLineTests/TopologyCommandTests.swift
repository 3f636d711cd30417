import Essentials
import Foundation
import TestSupport
import Testing

private let recorded = [
    "recorded-vm-1node", "constructed-2socket-64core-2gpu", "constructed-zen3-64core-nps4",
    "constructed-arm-2socket-4node",
]

@Suite("Topology of other machines", .timeLimit(.minutes(20)))
struct TopologyCommandTests {
    private let sandbox: Sandbox

    init() throws { sandbox = try Sandbox() }

    @Test func `all recorded machines are shown here`() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: fixturePath("topologies"))

        #expect(Set(files.filter { $0.hasSuffix(".xml") }) == Set(recorded.map { $0 + ".xml" }))
    }

    @Test(arguments: recorded) func `a recorded machine prints as text, JSON and drawing`(name: String) throws
    {
        let file = fixturePath("topologies/\(name).xml")

        let text = try sandbox.heng("topology", "--from", file, "--svg", "machine.svg")
        let value = try json(sandbox.heng("topology", "--from", file, "--json")) as? [String: Any]

        #expect(text.status == 0)
        #expect(text.errors == "")
        #expect(text.output.contains("node"))
        let cores = try #require(value?["cores"] as? [Any])
        if let count = name.firstMatch(of: /(\d+)core/) { #expect(cores.count == Int(count.1)) }
        let drawing = try String(contentsOfFile: sandbox.work + "/machine.svg", encoding: .utf8)
        #expect(drawing.hasPrefix("<svg"))
        #expect(drawing.hasSuffix("</svg>\n") || drawing.hasSuffix("</svg>"))
    }

    @Test func `an invented machine has the parts that were asked for`() throws {
        let run = try sandbox.heng("topology", "--json", "--from", "synthetic:numa:4 core:8 pu:2")
        let value = try #require(try json(run) as? [String: Any])

        #expect((value["numaNodes"] as? [Any])?.count == 4)
        #expect((value["cores"] as? [Any])?.count == 32)
    }
}
