import Essentials
import Foundation
import TestSupport
import Testing

private let cases = fixturePath("conformance")

/// The folder into which `make onnx-cases` fetches the public cases for this user; nil where it is not there.
let publicCases: String? = {
    let environment = ProcessInfo.processInfo.environment
    let cache = environment["XDG_CACHE_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
    let folder = (cache ?? (environment["HOME"] ?? "") + "/.cache") + "/heng/onnx-1.22.0"
    return FileManager.default.fileExists(atPath: folder + "/node") ? folder : nil
}()

@Suite("heng conform", .timeLimit(.minutes(20)))
struct ConformCommandTests {
    private let sandbox: Sandbox

    init() throws { sandbox = try Sandbox() }

    private func conform(_ arguments: String..., cases: String = cases) throws -> Finished {
        try sandbox.run(["heng", "conform", "onnx", "--cases", cases] + arguments)
    }

    @Test func `cases that all pass are a yes`() throws {
        let run = try conform("--filter", "double|product")

        #expect(run.status == 0)
        #expect(run.errors == "")
        #expect(run.lines[0].hasPrefix("MODE   GROUP   CASES  PASS"))
        #expect(run.output.contains("2 of 2 cases pass (strict)"))
    }

    @Test(arguments: ["as-is", "constants", "symbolic", "strided", "threads"])
    func `the good cases pass in every mode`(mode: String) throws {
        let run = try conform("--filter", "^test_(double|product)$", "--mode", mode)

        #expect(run.status == 0, "\(run.output)\(run.errors)")
        #expect(run.output.contains("\(mode)"))
    }

    @Test func `a wrong output is a no, with the line that repeats it`() throws {
        let run = try conform("--mode", "constants")

        let line = try #require(run.lines.first { $0.hasPrefix("fail  test_wrong (constants): ") })
        #expect(run.status == 1)
        #expect(line.hasSuffix("y[1, 0] is 3.0, and should be 2.0."))
        let command = try #require(
            run.lines.first { $0.contains("heng conform onnx") && $0.contains("wrong") })
        let again = try sandbox.run(["sh", "-c", command])
        #expect(again.status == 1)
        #expect(again.lines.first == line)
        #expect(again.output.contains("0 of 1 cases pass"))
    }

    @Test func `an unknown operator is told apart from a wrong answer`() throws {
        let run = try conform("--filter", "unknown")

        #expect(run.status == 1)
        #expect(run.lines[0].hasPrefix("unsupported  test_unknown (as-is): "))
        #expect(run.lines[0].contains("Frobnicate"))
    }

    @Test func `the tolerance decides about what is nearly zero`() throws {
        #expect(try conform("--filter", "nearly").status == 1)
        #expect(try conform("--filter", "nearly", "--tolerance", "standard").status == 0)
    }

    @Test func `reports are written where they are asked for`() throws {
        let work = sandbox.work
        let run = try conform(
            "--mode", "all", "--json", "\(work)/r.json", "--junit", "\(work)/r.xml", "--html",
            "\(work)/r.html")

        let data = try #require(FileManager.default.contents(atPath: "\(work)/r.json"))
        let value = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
        let xml = String(
            decoding: FileManager.default.contents(atPath: "\(work)/r.xml") ?? Data(), as: UTF8.self)
        let page = String(
            decoding: FileManager.default.contents(atPath: "\(work)/r.html") ?? Data(), as: UTF8.self)
        #expect(run.status == 1)
        #expect((value["results"] as? [Any])?.count == 25)
        #expect(xml.components(separatedBy: "<testcase ").count - 1 == 25)
        #expect(page.contains("<h1>10 of 25 cases pass</h1>"))
    }

    @Test func `no case at all is a no`() throws {
        let run = try conform("--filter", "nothing_of_this_name")

        #expect(run.status == 1)
        #expect(run.errors.contains("nothing_of_this_name"))
    }

    @Test func `without cases the way to them is shown`() throws {
        let run = try sandbox.heng("conform", "onnx")

        #expect(run.status == 3)
        #expect(run.errors.contains("make onnx-cases"))
    }

    @Test(arguments: [
        (["--filter", "("], 2, "is no regular expression"), (["--mode", "sideways"], 2, "--mode"),
        (["--tolerance", "none"], 2, "--tolerance"), (["--time-limit", "0"], 2, "is not a time"),
        (["--memory-limit", "much"], 2, "--memory-limit much is not an amount"),
        (["--memory-limit", "1MiB"], 4, "before it was ready"),
        (["--json", "/no/such/folder/x"], 4, "/no/such"),
        (["--cases", "/no/such/folder"], 3, "/no/such/folder cannot be read"),
    ])
    func `what cannot be is said in one sentence`(arguments: [String], status: Int32, says: String) throws {
        let folder = arguments.contains("--cases") ? [] : ["--cases", cases]

        let run = try sandbox.run(["heng", "conform", "onnx"] + folder + ["--filter", "double"] + arguments)

        #expect(run.status == status, "\(run.errors)")
        #expect(run.errors.contains(says), "\(run.errors)")
        #expect(run.errorLines.count == 1)
    }

    @Test func `a worker's memory is bounded, and enough is enough`() throws {
        #expect(try conform("--filter", "double", "--memory-limit", "4GiB").status == 0)
    }

    @Test func `an interruption ends the workers and says what was not run`() throws {
        let child = try sandbox.start(["heng", "conform", "onnx", "--cases", cases, "--mode", "all"])
        child.signal(SIGINT)

        let run = try child.wait()

        #expect([1, 130].contains(run.status))
        try until("no process is left") { try sandbox.processes().isEmpty }
    }

    @Test(
        .enabled(if: publicCases != nil, "make onnx-cases fetches them"), .serialized,
        arguments: ["as-is", "constants", "symbolic", "strided", "threads"],
        [("node", 1765), ("simple", 23), ("pytorch-operator", 35), ("pytorch-converted", 82)])
    func `all public cases of operators pass in every mode`(mode: String, group: (name: String, count: Int))
        throws
    {
        let folder = try #require(publicCases) + "/" + group.name

        let run = try conform("--mode", mode, "--tolerance", "standard", cases: folder)

        #expect(run.status == 0, "\(run.output)\(run.errors)")
        #expect(run.output.contains(" of \(group.count) cases pass"))
    }

    @Test(.enabled(if: publicCases != nil, "make onnx-cases fetches them"))
    func `the whole networks among the public cases pass`() throws {
        let run = try conform("--tolerance", "standard", cases: try #require(publicCases) + "/real")

        #expect(run.status == 0, "\(run.output)\(run.errors)")
        #expect(run.output.contains("9 of 9 cases pass"))
    }
}
