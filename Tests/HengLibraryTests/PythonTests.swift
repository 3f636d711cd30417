import Foundation
import Testing

let hasNumPy = (try? Ran("python3", "-c", "import numpy"))?.status == 0

@Suite("heng.py", .installed, .timeLimit(.minutes(20)))
struct PythonTests {
    private func run(_ cases: String) throws -> Ran {
        let installation = try Installation.shared.get()
        var variables = installation.environment
        variables["PYTHONPATH"] = "\(installation.prefix)/share/heng:\(Installation.repository)/python"
        return try Ran("python3", "-m", "unittest", "test_heng.\(cases)", with: variables)
    }

    @Test func `devices, buffers, streams and errors need no NumPy`() throws {
        let run = try run("Plain")

        #expect(run.status == 0 && run.errors.contains("Ran 6 tests"), "\(run.text)")
    }

    @Test(.enabled(if: hasNumPy, "NumPy is not installed for python3"))
    func `arrays cross both ways without a copy`() throws {
        let run = try run("Arrays")

        #expect(run.status == 0 && run.errors.contains("Ran 9 tests"), "\(run.text)")
    }

    @Test func `the module tells why it finds no library`() throws {
        let installation = try Installation.shared.get()
        let run = try Ran(
            "python3", "-c", "import heng; heng.devices()",
            with: installation.environment.merging(["HENG_LIBRARY": "/nonexistent.so"]) { $1 })

        #expect(run.status == 1 && run.errors.contains("/nonexistent.so"), "\(run.text)")
    }
}
