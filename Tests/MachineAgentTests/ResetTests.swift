import ControlAPI
import Essentials
import MachineAgent
import Scheduling
import Testing

#if canImport(Glibc)
import Glibc
#endif

@Suite("Resets of parts", .timeLimit(.minutes(20)))
struct ResetTests {
    private let scratch: Scratch
    private let gpu = DeviceID(kind: "gpu", index: 1)

    init() throws { scratch = try Scratch() }

    private func host(_ resets: ResetPrograms) throws -> TestHost {
        try TestHost(
            scratch, options: AttemptOptions(resets: resets, addresses: [gpu: "0000:65:00.0"]))
    }

    private func ends(_ host: TestHost) -> [AgentReport] {
        host.reports.filter { if case .reset = $0 { true } else { false } }
    }

    @Test func `the program of a kind of part learns which one it is and why`() async throws {
        let program = scratch.file("reset")
        try writeText(
            "#!/bin/sh\necho \"$1 $2 $3 $HENG_DEVICE $HENG_PCI_ADDRESS $HENG_WHY\" > '\(scratch.file("seen"))'\n",
            to: program)
        let host = try host(
            ResetPrograms(reset: ["gpu": ["/bin/sh", program, "{device}", "{index}", "{address}"]]))

        host.host.perform(.reset(gpu, why: "too hot"))

        try await eventually { !ends(host).isEmpty }
        #expect(ends(host) == [.reset(gpu, failure: nil)])
        #expect(scratch.text("seen") == "gpu:1 1 0000:65:00.0 gpu:1 0000:65:00.0 too hot\n")
    }

    @Test func `a program that fails says why, and one that hangs is ended`() async throws {
        let failing = try host(
            ResetPrograms(reset: [
                "machine": ["/bin/sh", "-c", "echo first; echo 'fan 2 does not turn' >&2; exit 7"]
            ]))
        failing.host.perform(.reset(nil, why: "x"))
        try await eventually { !ends(failing).isEmpty }
        guard case .reset(nil, let why?)? = ends(failing).first else { throw Failure("\(ends(failing))") }
        #expect(why.contains("exit code 7") && why.contains("fan 2 does not turn"), "\(why)")

        let hanging = try TestHost(
            try Scratch(),
            options: AttemptOptions(
                resets: ResetPrograms(reset: ["cpu": ["/bin/sleep", "1000"]], resetSeconds: 1)))
        hanging.host.perform(.reset(DeviceID(kind: "cpu", index: 0), why: "x"))
        try await eventually { !ends(hanging).isEmpty }
        guard case .reset(_, let late?)? = ends(hanging).first else { throw Failure("\(ends(hanging))") }
        #expect(late.contains("time limit"), "\(late)")
    }

    @Test func `without a program nothing is pretended, and a reset that is under way is not begun again`()
        async throws
    {
        let none = try host(ResetPrograms())
        let coprocessor = DeviceID(kind: "coprocessor", index: 0)
        none.host.perform(.reset(coprocessor, why: "x"))
        try await eventually { !ends(none).isEmpty }
        guard case .reset(coprocessor, let why?)? = ends(none).first else { throw Failure("\(ends(none))") }
        #expect(why.contains("health.json"))

        let go = scratch.file("go")
        let slow = try TestHost(
            try Scratch(),
            options: AttemptOptions(
                resets: ResetPrograms(reset: [
                    "machine": [
                        "/bin/sh", "-c",
                        "echo begun >> '\(scratch.file("begun"))'; while [ ! -e '\(go)' ]; do sleep 0.01; done",
                    ]
                ])))
        slow.host.perform(.reset(nil, why: "x"))
        try await eventually { !scratch.lines("begun").isEmpty }
        slow.host.perform(.reset(nil, why: "x"))
        slow.host.perform(.reset(coprocessor, why: "y"))
        try await eventually { ends(slow).count == 1 }
        try writeText("", to: go)
        try await eventually { ends(slow).count == 2 }
        #expect(scratch.lines("begun").count == 1)
    }

    @Test
    func
        `an accelerator's memory is cleared before its job's end is told, and one that cannot be is isolated`()
        async throws
    {
        let clear =
            "test -e '\(scratch.file("job"))' && ! test -e '\(scratch.file("broken"))' && echo \"$1\" >> '\(scratch.file("cleared"))'"
        let host = try TestHost(
            scratch,
            options: AttemptOptions(
                resets: ResetPrograms(scrub: ["gpu": ["/bin/sh", "-c", clear, "clear", "{device}"]])))
        var device = testDevice(cpus: [try #require(try usableCPUs().first)])
        device.device = gpu

        let end = try await host.run(host.script("echo $HENG_DEVICE > job", ranks: [device]))

        #expect(end.outcome == .exited(code: 0))
        #expect(scratch.text("job") == "gpu:1\n" && scratch.text("cleared") == "gpu:1\n")
        // A job without an accelerator has nothing to clear.
        _ = try await host.run(host.script("true", job: 2))
        #expect(scratch.lines("cleared").count == 1)

        try writeText("", to: scratch.file("broken"))
        _ = try await host.run(host.script("true", job: 3, ranks: [device]))
        let isIsolated = host.reports.contains {
            if case .health(gpu, .isolated, let why) = $0 {
                why.contains("could not be cleared")
            } else {
                false
            }
        }
        #expect(isIsolated)
        // Nothing is cleared again by the next agent, who may have given the accelerator to somebody else.
        host.host.close()
        let next = try TestHost(
            scratch, options: AttemptOptions(resets: ResetPrograms(scrub: ["gpu": ["/bin/sh", "-c", clear]])))
        #expect(next.host.adopted.count == 3)
        #expect(scratch.lines("cleared").count == 1)
    }

    @Test func `a file that is not what it should be is refused with what it looks like`() throws {
        #expect(try ResetPrograms.read(scratch.file("none")) == ResetPrograms())
        for text in ["", "{", "[]", "3", #"{"reset": 3}"#, #"{"reset": {"gpu": "x"}}"#] {
            try writeText(text, to: scratch.file("health.json"))
            #expect(throws: Failure.self) { try ResetPrograms.read(scratch.file("health.json")) }
        }
        try writeText(#"{"reset": {"gpu": ["x"]}, "resetSeconds": 5}"#, to: scratch.file("health.json"))
        #expect(
            try ResetPrograms.read(scratch.file("health.json"))
                == ResetPrograms(reset: ["gpu": ["x"]], resetSeconds: 5))
    }
}
