import Foundation
import TestSupport
import Testing

@Suite("The page about operators")
struct OperatorPageTests {
    @Test func `Documentation/operators.md is what the command writes`() throws {
        let sandbox = try Sandbox()

        let run = try sandbox.heng("model", "operators")

        let page = try String(
            contentsOfFile: fixturePath("../../Documentation/operators.md"), encoding: .utf8)
        #expect(run.status == 0)
        #expect(run.output == page, "run `make operators` and commit what it writes")
    }
}
