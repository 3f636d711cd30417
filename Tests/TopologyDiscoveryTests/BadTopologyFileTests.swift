import Essentials
import HardwareTopology
import TestSupport
import Testing
import TopologyDiscovery

@Suite("Topology files that are none")
struct BadTopologyFileTests {
    private func expectRefusal(
        _ bytes: [UInt8], saying words: String, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let file = try TemporaryFile(bytes)
        let error = #expect(throws: TopologyError.self, sourceLocation: sourceLocation) {
            try Topology.load(from: file.path)
        }
        #expect(error?.exitCode == .wrongUse, sourceLocation: sourceLocation)
        #expect(
            error?.summary.contains(words) == true, "\(error?.summary ?? "")", sourceLocation: sourceLocation)
        #expect(error?.summary.contains(file.path) == true, sourceLocation: sourceLocation)
        #expect(error?.nextStep?.contains("lstopo") == true, sourceLocation: sourceLocation)
    }

    @Test(arguments: [
        ("", "no XML element"), ("hello", "no XML element"), ("<a>", "ends in the middle"),
        ("<a></b>", "closes nothing"), ("<a/><b/>", "after the end"), ("<a x=1/>", "no quotes"),
        ("<a x='1' x='2'/>", "given twice"), ("<a>&bomb;</a>", "no known character"),
        ("<!DOCTYPE a [<!ENTITY b \"c\">]><a/>", "declarations inside"),
        ("<html><body/></html>", "not a topology"), ("<topology/>", "another hwloc version"),
        ("<topology version=\"2.0\"/>", "exactly one machine"),
        ("<topology version=\"2.0\"><object type=\"Machine\"/></topology>", "no processing units"),
    ])
    func `what is wrong with a document is said`(document: String, words: String) throws {
        try expectRefusal(Array(document.utf8), saying: words)
    }

    @Test(arguments: [
        ("os_index=\"1\"", "os_index=\"0\"", "twice"),
        ("cpuset=\"0x00000002\"", "cpuset=\"0xf...f\"", "not a set of processing units"),
        ("cpuset=\"0x00000002\"", "cpuset=\"frog\"", "not a set of processing units"),
        ("local_memory=\"", "local_memory=\"99999999999999999", "local_memory"),
        ("type=\"PU\" os_index=\"1\"", "type=\"PU\" os_index=\"4294967295\"", "os_index"),
        ("type=\"PU\"", "type=\"Misc\"", "no processing units"),
        ("type=\"NUMANode\"", "type=\"Misc\"", "no memory nodes"),
        ("version=\"2.0\"", "version=\"1.0\"", "another hwloc version"),
    ])
    func `facts that cannot be are refused, not believed`(old: String, new: String, words: String) throws {
        let good = try contents(of: fixturePath("topologies/recorded-vm-1node.xml"))

        try expectRefusal(Array(replace(old, by: new, in: good).utf8), saying: words)
    }

    @Test func `a file that is not text is refused`() throws {
        try expectRefusal([0x3C, 0xFF, 0xFE, 0x00, 0x80], saying: "not UTF-8")
    }

    @Test func `elements nested without end are refused without running out of stack`() throws {
        let document = String(repeating: "<object type=\"Misc\">", count: 200_000)

        try expectRefusal(Array(document.utf8), saying: "nest too deeply")
    }

    @Test func `a file over the limit is refused before it is read`() throws {
        let file = try TemporaryFile()
        try file.grow(to: Topology.largestFile + .bytes(1))

        let error = #expect(throws: TopologyError.self) { try Topology(xmlFile: file.path) }

        #expect(error?.summary.contains("larger than 64 MiB") == true)
        #expect(error?.exitCode == .wrongUse)
    }

    @Test(arguments: [
        ("/nonexistent/machine.xml", "No such file"), ("/tmp", "directory"), ("", "no path"),
        ("a\u{0}b", "no path"),
        ("/dev/zero", "larger than"), ("/dev/null", "no XML element"),
    ])
    func `a path that leads to no description is refused with the reason`(path: String, words: String) {
        let error = #expect(throws: TopologyError.self) { try Topology.load(from: path) }

        #expect(error?.summary.contains(words) == true)
        #expect(error?.exitCode == .wrongUse)
        #expect(error?.nextStep != nil)
    }

    @Test(arguments: propertySeeds)
    func `damaged files are read as a consistent machine or refused`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let machine = random.pick(RecordedMachine.all.filter { $0.cores <= 64 })
        let good = Array(try contents(of: machine.path).utf8)
        for _ in 0..<10 {
            let file = try TemporaryFile(damaged(good, using: &random))
            do {
                expectConsistent(try Topology(xmlFile: file.path))
            } catch {
                #expect(error.exitCode == .wrongUse)
            }
        }
    }

    @Test(arguments: propertySeeds) func `random bytes are refused`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let bytes = (0..<random.below(5000)).map { _ in UInt8(truncatingIfNeeded: random.next()) }

        let file = try TemporaryFile(bytes)

        #expect(throws: TopologyError.self) { try Topology(xmlFile: file.path) }
    }

    /// Cuts a document short, or overwrites and repeats pieces of it.
    private func damaged(_ document: [UInt8], using random: inout SeededGenerator) -> [UInt8] {
        var bytes = document
        guard random.below(4) > 0 else { return Array(bytes.prefix(random.below(bytes.count))) }
        let alphabet = Array("0123456789<>\"=/ -fx&".utf8)
        for _ in 0...random.below(5) {
            let place = random.below(bytes.count)
            switch random.below(3) {
            case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
            case 1: bytes[place] = random.pick(alphabet)
            default:
                let piece = Array(bytes[place..<min(bytes.count, place + random.below(400))])
                bytes.insert(contentsOf: piece, at: random.below(bytes.count))
            }
        }
        return bytes
    }
}

/// Replaces every occurrence.
private func replace(_ old: String, by new: String, in text: String) -> String {
    var result = ""
    var rest = text[...]
    while let place = rest.firstRange(of: old) {
        result += rest[..<place.lowerBound] + new
        rest = rest[place.upperBound...]
    }
    return result + rest
}
