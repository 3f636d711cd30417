import DeviceConformance
import Foundation
import TestSupport
import Testing

@Suite("Requirements")
struct ClauseTests {
    private static let header: String = {
        let path = fixturePath("../../Sources/CHengAccelerator/include/heng_accelerator.h")
        return String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
    }()

    @Test func `there are all sixty-six, each with a sentence of ours`() {
        #expect(Requirement.all.map(\.number) == Array(1...66))
        for requirement in Requirement.all {
            #expect(requirement.text.hasSuffix("."), "\(requirement.name)")
            #expect(!requirement.functions.isEmpty, "\(requirement.name)")
        }
    }

    @Test(arguments: Requirement.all.map(\.number))
    func `every function named is in the header`(number: Int) throws {
        let requirement = try #require(Requirement.all.first { $0.number == number })
        for name in requirement.functions {
            let pattern = try Regex("\\b\(name)\\b")
            #expect(Self.header.contains(pattern), "\(requirement.name): \(name)")
        }
    }

    @Test func `every case named is there, or a pattern of cases that are made from files`() {
        let made = ["operators/onnx/", "models/", "*"]
        for requirement in Requirement.all {
            for pattern in requirement.furtherCases where !made.contains(where: { pattern.hasPrefix($0) }) {
                #expect(
                    DeviceCases.all.contains { Glob.matches($0.id, pattern) },
                    "\(requirement.name): \(pattern)")
            }
        }
    }

    @Test func `each requirement has a case`() {
        for requirement in Requirement.all {
            #expect(requirement.status(in: nil) != "no case yet", "\(requirement.name)")
        }
    }

    @Test func `each group of the header is named, with cases or as one for later`() throws {
        let tables = Self.header.matches(of: /\} (heng_\w+_table);/).map { String($0.output.1) }
        #expect(
            Set(InterfaceGroup.all.map(\.table)) == Set(tables).subtracting(["heng_accelerator_table"]))
        for group in InterfaceGroup.all {
            let isLater = ["collectives", "media"].contains(group.name)
            #expect(group.cases.isEmpty == isLater)
            #expect((group.status(in: nil) == "declared, not offered by any device yet") == isLater)
            for pattern in group.cases where pattern.hasPrefix("runtime/") || pattern.contains("table") {
                #expect(DeviceCases.all.contains { Glob.matches($0.id, pattern) }, "\(pattern)")
            }
        }
        let report = Samples.result([Samples.case("operators/table/list", .fail)])
        #expect(InterfaceGroup.all[0].status(in: report) == "does not pass (1 of 1 fail)")
        #expect(InterfaceGroup.all[2].status(in: report) == "not offered")
    }

    @Test func `with a report each test is told with how it ended`() throws {
        let models = try #require(Requirement.all.first { $0.number == 53 })
        let report = Samples.result([
            Samples.case("models/table/run", .pass, clauses: [53]),
            Samples.case("models/made/transformer/1", .fail),
        ])
        #expect(models.outcomes(in: report) == ["models/table/run (pass)", "others (1 fail)"])
    }

    @Test func `the status counts cases, or tells how a device fared`() throws {
        let copies = try #require(Requirement.all.first { $0.number == 32 })
        let directions = copies.status(in: nil)
        let found = copies.status(
            in: Samples.result([Samples.case("runtime/copy/kinds", .pass, clauses: [32])]))
        let bad = copies.status(
            in: Samples.result([Samples.case("runtime/copy/kinds", .fail, clauses: [32])]))
        #expect(directions.hasSuffix("cases"))
        #expect(found == "met (1 case)")
        #expect(bad == "not met (1 of 1 fail)")
    }
}
