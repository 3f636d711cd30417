import Essentials
import Foundation
import TestSupport
import Testing

/// Commands in the documents that are not run here, by a part of their line, and why.
private let notRunHere = [
    (part: "swift build", why: "it builds the programs that are tested here"),
    (part: "swift test", why: "it is what runs this test"),
    (part: "swift format", why: "continuous integration runs it as `make lint`"),
    (part: "--device gpu:0", why: "it stands for a vendor's device; GuideTests run the kit on the sample"),
    (part: "--device cuda:0", why: "it needs an NVIDIA GPU"),
    (part: "--report new.json", why: "it needs the report of a vendor's device"),
]

/// Documents whose commands are run elsewhere.
private let runElsewhere = [
    (
        document: "Documentation/guides/c-and-python.md",
        by: "GuideTests, after the installation that it begins with"
    ),
    (
        document: "Documentation/guides/vendor-device.md",
        by: "GuideTests, after the installation that it begins with"
    ),
]

private let repository = URL(fileURLWithPath: fixturePath("../..")).standardized.path

/// Every line of a ```sh block with the document it stands in.
private func commandLines() throws -> [String: [String]] {
    let found = FileManager.default.enumerator(atPath: "\(repository)/Documentation")?.compactMap {
        $0 as? String
    }
    let documents = (found ?? []).filter { $0.hasSuffix(".md") }.map { "Documentation/\($0)" } + ["README.md"]
    var commands: [String: [String]] = [:]
    for document in documents {
        let text = try String(contentsOfFile: "\(repository)/\(document)", encoding: .utf8)
        let blocks = text.components(separatedBy: "```sh\n").dropFirst().map {
            $0.components(separatedBy: "```")[0]
        }
        let lines = blocks.joined().replacingOccurrences(of: "\\\n", with: " ").split(separator: "\n")
        commands[document] = lines.map(String.init).filter { !$0.hasPrefix("#") }
    }
    return commands
}

private func documentsToRun() throws -> [String] {
    try commandLines().filter { document, lines in
        lines.contains { !$0.hasPrefix("make ") } && !runElsewhere.contains { $0.document == document }
    }.keys.sorted()
}

@Suite("Commands in the documents", .timeLimit(.minutes(20)))
struct DocumentCommandTests {
    @Test func `there are commands in the README and in the guides`() throws {
        let commands = try commandLines()

        #expect(commands["README.md"]?.isEmpty == false)
        #expect(commands["Documentation/guides/submitting-jobs.md"]?.isEmpty == false)
    }

    @Test func `every command of make has its target`() throws {
        let makefile = try String(contentsOfFile: "\(repository)/Makefile", encoding: .utf8)

        // A vendor's folder has a Makefile of its own.
        let lines = try commandLines().filter { $0.key != "Documentation/guides/vendor-device.md" }.values
            .joined()
        for line in lines where line.hasPrefix("make ") {
            let words = line.split(separator: "#")[0].split(separator: " ").dropFirst()
            for target in words where !target.contains("=") {
                #expect(makefile.contains("\n\(target):"), "\(line)")
            }
        }
    }

    /// In a folder of its own per document, where the build and the fixtures are seen under their usual names.
    @Test(arguments: try documentsToRun())
    func `every command of a document runs as it is written`(document: String) throws {
        let sandbox = try Sandbox()
        let files = FileManager.default
        try files.createDirectory(atPath: sandbox.work + "/.build", withIntermediateDirectories: true)
        try files.createSymbolicLink(
            atPath: sandbox.work + "/.build/release", withDestinationPath: Sandbox.programs)
        for folder in ["Tests", "Config"] {
            try files.createSymbolicLink(
                atPath: "\(sandbox.work)/\(folder)", withDestinationPath: "\(repository)/\(folder)")
        }

        if let publicCases {
            try files.createDirectory(
                atPath: Sandbox.sharedCache + "/heng", withIntermediateDirectories: true)
            // Another document's test may have made the link.
            try? files.createSymbolicLink(
                atPath: Sandbox.sharedCache + "/heng/onnx-1.22.0", withDestinationPath: publicCases)
        }

        for line in try commandLines()[document] ?? [] {
            if line.hasPrefix("make ") || notRunHere.contains(where: { line.contains($0.part) }) { continue }
            let run = try sandbox.run(["sh", "-c", line], with: ["XDG_CACHE_HOME": Sandbox.sharedCache])
            // A benchmark may find the machine too busy for a valid figure: then it has run all the same.
            let isDone = run.status == 0 || line.contains("heng bench run") && [1, 5].contains(run.status)
            #expect(isDone, "\(document): \(line)\n\(run.output)\(run.errors)")
        }
    }
}
