import Foundation
import Testing

/// The page about the interface, and the header that it speaks of.
@Suite("The page about the accelerator interface")
struct InterfaceTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().path

    private static func text(_ path: String) throws -> String {
        try String(contentsOfFile: "\(root)/\(path)", encoding: .utf8)
    }

    /// One feature: number, need, what we have, and by what.
    private struct Feature {
        var number: Int
        var need: String
        var answer: String
        var means: String
    }

    private static func features() throws -> [Feature] {
        try text("Documentation/interface.md").split(separator: "\n").compactMap { line in
            let cells = line.split(separator: "|", omittingEmptySubsequences: false).map {
                $0.trimmingCharacters(in: .whitespaces)
            }
            guard cells.count == 7, let number = Int(cells[1]) else { return nil }
            return Feature(number: number, need: cells[3], answer: cells[4], means: cells[5])
        }
    }

    @Test func `it has every feature, and all that must be there are there or declared`() throws {
        let features = try InterfaceTests.features()
        #expect(features.map(\.number) == Array(1...114))
        for feature in features {
            #expect(["M", "S", "L"].contains(feature.need), "\(feature.number)")
            #expect(["yes", "partly", "no", "declared"].contains(feature.answer), "\(feature.number)")
            #expect(feature.answer == "no" || !feature.means.isEmpty, "\(feature.number) says no means")
        }
        let declared = features.filter { $0.answer == "declared" }
        #expect(declared.map(\.number) == [64, 87])
        let owed = features.filter { $0.need == "M" && $0.answer != "yes" && $0.answer != "declared" }
        #expect(owed.map(\.number) == [])
    }

    @Test func `every name in it is a word of the header`() throws {
        let header = try InterfaceTests.text("Sources/CHengAccelerator/include/heng_accelerator.h")
        let words = Set(header.split { !($0.isLetter || $0.isNumber || $0 == "_") }.map(String.init))
        for feature in try InterfaceTests.features() {
            let names = feature.means.components(separatedBy: "`").enumerated().filter { $0.offset % 2 == 1 }
            for name in names.map(\.element) where !name.contains(" ") {
                #expect(words.contains(name), "\(feature.number) names \(name)")
            }
        }
    }
}
