import DeviceConformance
import Essentials
import Foundation
import TestSupport
import Testing

/// The C compiler that builds the plugin of these tests; nil where there is none.
private let compiler = ["/usr/bin/cc", "/usr/bin/gcc", "/usr/bin/clang"].first {
    FileManager.default.isExecutableFile(atPath: $0)
}

@Suite("heng conform for devices", .timeLimit(.minutes(20)), .enabled(if: compiler != nil, "no C compiler"))
struct ConformDeviceCommandTests {
    private let sandbox: Sandbox
    private let plugin: String

    init() throws {
        sandbox = try Sandbox()
        plugin = sandbox.work + "/small.so"
        try Self.build(into: plugin, in: sandbox)
    }

    private static func build(into file: String, in sandbox: Sandbox, _ further: String...) throws {
        let built = try sandbox.run(
            [
                try #require(compiler), "-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-fPIC",
                "-shared",
                "-fvisibility=hidden", "-I", fixturePath("../../Sources/CHengAccelerator/include"),
                fixturePath("plugins/small_device.c"), "-o", file, "-lpthread",
            ] + further)
        #expect(built.status == 0, "\(built.errors)")
    }

    /// Runs loading and the runtime on the plugin, which may have a fault.
    private func conform(
        _ arguments: String..., fault: String? = nil
    ) throws -> (run: Finished, result: KitResult) {
        let json = sandbox.work + "/report.json"
        let run = try sandbox.run(
            [
                "heng", "conform", "device", "--plugin", plugin, "--device", "tiny:0", "--quick", "--json",
                json,
            ]
                + arguments, with: fault.map { ["HENG_TEST_FAULT": $0] } ?? [:])
        guard FileManager.default.fileExists(atPath: json) else {
            throw Failure("No report was written: \(run.output)\(run.errors)")
        }
        return (run, try KitResult.read(json))
    }

    @Test func `a plugin that keeps its promises conforms`() throws {
        let (run, result) = try conform()

        #expect(run.status == 0, "\(run.output)\(run.errors)")
        #expect(result.isConforming)
        #expect(result.levels == [.load, .runtime])
        #expect(result.device.name == "Small device" && result.device.backendVersion == "1.0")
        #expect(result.count(.load, .pass) >= 25)
        #expect(result.count(.runtime, .pass) >= 40)
        #expect(result.hashes.plugin != result.hashes.host)
    }

    @Test(arguments: [
        ("crash", "^runtime/copy/", Verdict.crashed), ("exit", "^runtime/buffer/", .crashed),
        ("abort", "^runtime/buffer/", .crashed), ("hang", "^runtime/stream/synchronize-idle", .timedOut),
        ("print", "^load/output", .fail), ("thread", "^load/threads", .fail), ("file", "^load/files", .fail),
        ("short", "^runtime/fill", .fail), ("load", "^load/", .crashed), ("getter", "^load/", .crashed),
    ])
    func `the kit survives a bad plugin and says what it did`(fault: String, filter: String, verdict: Verdict)
        throws
    {
        let (run, result) = try conform("--filter", filter, "--time-limit", "15", fault: fault)

        #expect(run.status == 1, "\(run.output)\(run.errors)")
        #expect(result.results.contains { $0.verdict == verdict }, "\(run.output)")
        let bad = try #require(result.failures.first)
        #expect(run.output.contains(bad.command))
        #expect(bad.command.contains("--plugin \(plugin)"))
    }

    @Test func `a library that exports more than the getter is told on`() throws {
        try Self.build(into: plugin, in: sandbox, "-DHENG_TEST_EXPORT")
        let (run, _) = try conform("--filter", "^load/symbols")
        #expect(run.status == 1)
        #expect(run.output.contains("small_device_helper"))
    }

    @Test func `versions of symbols are no further symbols`() throws {
        try Self.build(into: plugin, in: sandbox, "-Wl,--default-symver")
        let (run, _) = try conform("--filter", "^load/symbols")
        #expect(run.status == 0, "\(run.output)\(run.errors)")
    }

    @Test func `the line of a failure runs that case again`() throws {
        let (run, _) = try conform("--filter", "^runtime/fill/edges$", fault: "short")
        let line = try #require(run.lines.first { $0.hasPrefix("    heng conform device") })

        let again = try sandbox.run(["sh", "-c", line], with: ["HENG_TEST_FAULT": "short"])

        #expect(again.status == 1)
        #expect(again.lines.first == run.lines.first)
    }

    @Test func `exclusions are told, verified, and compared`() throws {
        let profile = sandbox.work + "/profile.json"
        let text = """
            {"name": "tests", "exclusions": [
              {"case": "runtime/fill/*", "reason": "Fills come later.", "kind": "not-yet"},
              {"case": "runtime/copy/large", "reason": "Never so much.", "kind": "never"}]}
            """
        try Data(text.utf8).write(to: URL(fileURLWithPath: profile))
        let earlier = sandbox.work + "/earlier.json"
        _ = try sandbox.run([
            "heng", "conform", "device", "--plugin", plugin, "--device", "tiny:0", "--quick", "--filter",
            "^runtime/(fill|copy)", "--json", earlier,
        ])

        let (told, result) = try conform(
            "--profile", profile, "--filter", "^runtime/(fill|copy)", "--compare", earlier)
        let (verified, _) = try conform("--profile", profile, "--filter", "^runtime/(fill|copy)", "--verify")

        #expect(told.status == 0, "\(told.output)\(told.errors)")
        #expect(told.output.contains("unexpected pass  runtime/fill/values: Fills come later."))
        #expect(told.output.contains("newly excluded: "))
        #expect(result.results.first { $0.name == "runtime/copy/large" }?.seconds == 0)
        #expect(verified.status == 1)
        #expect(verified.output.contains("fail  runtime/copy/large: It passes, and the profile excludes it"))
    }

    @Test func `nothing executed is a no`() throws {
        let (run, _) = try conform("--filter", "^runtime/launch/order$")
        #expect(run.status == 1)
        #expect(run.output.contains("Nothing was executed in L1, which is a failure."))
    }

    @Test(arguments: [
        (["--device", "nonsense"], 2, "is not the name of a device"),
        (["--filter", "("], 2, "no regular expression"),
        (["--profile", "/no/such"], 3, "/no/such"), (["--compare", "/no/such"], 3, "/no/such"),
        (["--time-limit", "0"], 2, "is not a time"), (["--soak=-1"], 2, "is not a time"),
        (["--device", "tiny:9"], 3, "There is no device tiny:9"),
        (["--filter", "^nothing$"], 1, "Zero cases"),
        (["--plugin", "/no/such.so"], 3, "There is no plugin /no/such.so"),
    ])
    func `what cannot be is said in one sentence`(arguments: [String], status: Int32, says: String) throws {
        let run = try sandbox.run(
            ["heng", "conform", "device", "--filter", "^runtime/copy/zero$"] + arguments)

        #expect(run.status == status, "\(run.output)\(run.errors)")
        #expect(run.errors.contains(says), "\(run.errors)")
    }

    @Test func `the CPU device passes the quick part`() throws {
        let work = sandbox.work
        let run = try sandbox.run([
            "heng", "conform", "device", "--device", "cpu:0", "--quick", "--html", "\(work)/r.html",
            "--junit",
            "\(work)/r.xml",
        ])

        #expect(run.status == 0, "\(run.output)\(run.errors)")
        let page = String(
            decoding: FileManager.default.contents(atPath: "\(work)/r.html") ?? Data(), as: UTF8.self)
        #expect(page.contains("CONFORMING") && !page.contains("NOT CONFORMING"))
    }

    @Test func `random uses of operators, gradients and models agree on the CPU device`() throws {
        let run = try sandbox.run([
            "heng", "conform", "all", "--device", "cpu:0", "--quick", "--filter",
            "^(operators/(property|gradient)|models/made|determinism|robustness)/",
        ])

        #expect(run.status == 0, "\(run.output)\(run.errors)")
    }

    /// Two simulated devices, which claim the same bits on every device; the second may have a fault.
    private func compared(fault: String, _ arguments: String...) throws -> Finished {
        let file = sandbox.work + "/simdev.json"
        let text = """
            {"devices": [{"name": "One", "memory_bytes": 67108864},
                         {"name": "Two", "memory_bytes": 67108864, "faults": [\(fault)]}]}
            """
        try Data(text.utf8).write(to: URL(fileURLWithPath: file))
        return try sandbox.run(
            ["heng", "conform", "determinism", "--device", "simdev:0", "--filter", "^determinism/devices/"]
                + arguments, with: ["HENG_SIMDEV": file])
    }

    @Test(arguments: [[], ["--against", "simdev:1"]])
    func `devices that claim the same bits are compared`(arguments: [String]) throws {
        let wrong = #"{"at": {"operator": "MatMul"}, "do": "wrong-result", "element": 0, "add": 0.5}"#
        let same = try arguments.isEmpty ? compared(fault: "") : compared(fault: "", "--against", "simdev:1")
        let other =
            try arguments.isEmpty ? compared(fault: wrong) : compared(fault: wrong, "--against", "simdev:1")

        #expect(same.status == 0, "\(same.output)\(same.errors)")
        #expect(same.output.contains("D determinism  11     11"), "\(same.output)")
        #expect(other.status == 1)
        #expect(other.lines.count { $0.hasPrefix("fail  ") } == 2, "\(other.output)")
        #expect(other.output.contains("fail  determinism/devices/MatMul/1: The outputs on"))
    }

    @Test func `a device is not compared with itself, and one that claims nothing is outside`() throws {
        let itself = try compared(fault: "", "--against", "simdev:0")
        #expect(itself.status == 2)
        #expect(itself.errors.contains("--against simdev:0 is the device itself"), "\(itself.errors)")
        let alone = try sandbox.run([
            "heng", "conform", "determinism", "--device", "cpu:0", "--filter",
            "^determinism/(devices|run)/Add/",
        ])
        #expect(alone.status == 0, "\(alone.output)\(alone.errors)")
    }

    @Test func `a case of an older version than the one that is listed is outside the profile`() throws {
        let profile = sandbox.work + "/late.json"
        let json = sandbox.work + "/late-report.json"
        let text = #"{"name": "late", "operators": [{"name": "Add", "types": ["float32"], "since": 18}]}"#
        try Data(text.utf8).write(to: URL(fileURLWithPath: profile))
        _ = try sandbox.run([
            "heng", "conform", "operators", "--device", "cpu:0", "--cases", fixturePath("conformance"),
            "--profile", profile, "--filter", "^operators/onnx/as-is/test_double$", "--json", json,
        ])
        let found = try #require(KitResult.read(json).results.first)

        #expect(found.verdict == .unsupportedOutsideProfile)
        #expect(
            found.reason
                == "The device serves Add from version 18 on of the operator set, and the case uses version 17."
        )
    }

    @Test(
        .enabled(
            if: FileManager.default.fileExists(atPath: Sandbox.programs + "/libHengLibrary.so"),
            "libheng.so was not built here"))
    func `a node that fails while it runs is found in its model`() throws {
        let file = sandbox.work + "/failing.json"
        // The third call: one prepares the node, one runs it well.
        let text = """
            {"devices": [{"name": "One", "memory_bytes": 67108864, "host_addressable": true, "faults": [
              {"at": {"operator": "Gather", "call": 3}, "do": "late-error", "code": "EXECUTION"}]}]}
            """
        try Data(text.utf8).write(to: URL(fileURLWithPath: file))
        let listed = try sandbox.run(["heng", "devices"], with: ["HENG_SIMDEV": file]).lines.dropFirst()
        let index = try #require(listed.firstIndex { $0.hasPrefix("simdev:0 ") }) - 1
        let run = try sandbox.run(
            [
                "heng", "conform", "models", "--plugin", Sandbox.programs + "/libHengLibrary.so", "--device",
                "simdev:\(index)", "--filter", "^models/table/failure",
            ], with: ["HENG_SIMDEV": file])

        #expect(run.status == 0, "\(run.output)\(run.errors)")
        #expect(run.output.contains("(One) conforms"), "\(run.output)")
    }

    @Test func `requirements say that the text was not read`() throws {
        let run = try sandbox.run(["heng", "conform", "clauses"])
        #expect(run.status == 0)
        #expect(run.lines.count { $0.hasPrefix("R280-") } == 66)
        #expect(run.output.contains("was not read"))
        #expect(run.lines.count { $0.hasPrefix("    our reading: ") } == 66)
        #expect(!run.output.contains("no case yet"))
        #expect(
            run.lines.contains(
                "    media (heng_media_table): declared, not offered by any device yet"))
    }

    @Test func `with a report requirements tell each test and its status`() throws {
        let json = sandbox.work + "/report.json"
        _ = try conform("--filter", "^runtime/copy/", "--json", json)
        let run = try sandbox.run(["heng", "conform", "clauses", "--report", json])
        #expect(run.status == 0, "\(run.errors)")
        #expect(run.output.contains("runtime/copy/capacity (pass)"), "\(run.output)")
        #expect(run.lines.contains("    media (heng_media_table): not offered"))
    }
}
