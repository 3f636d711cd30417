import Foundation
import TestSupport
import Testing

/// Whether this machine has an OpenCL device; PoCL makes one of the CPU.
private let hasOpenCL: Bool = {
    let run = try? Sandbox().heng("devices")
    return run?.output.contains("\nopencl:0 ") ?? false
}()

@Suite("Devices of several makers", .timeLimit(.minutes(20)))
struct SeveralDevicesTests {
    /// The model's five nodes can only run on different devices: the simulated one takes Relu alone, the vendor's neither
    /// Erf nor CumSum, and OpenCL no CumSum.
    @Test(
        .enabled(if: hasOpenCL, "no OpenCL device; pocl-opencl-icd makes one of the CPU"),
        .enabled(if: !PluginBuild.compilers.isEmpty, "\(PluginBuild.reason)"),
        arguments: ["", "1"])
    func `one graph runs on a simulated, a vendor's, an OpenCL and the CPU device`(checked: String) throws {
        let sandbox = try Sandbox()
        let simulated = "\(sandbox.work)/sim.json"
        try Data("{\"devices\": [{\"name\": \"Relu only\", \"operators\": [\"Relu\"]}]}".utf8).write(
            to: URL(fileURLWithPath: simulated))
        let variables = [
            "HENG_SIMDEV": simulated, "HENG_PLUGINS": try PluginBuild.sampleDevice(), "HENG_CHECK": checked,
        ]
        let model = fixturePath("models/several-devices.onnx")
        func run(_ command: String, _ more: String...) throws -> Finished {
            try sandbox.run(["heng", "model", command, model, "--json"] + more, with: variables)
        }

        let explained = try run("explain", "--device", "simdev,sample,opencl,cpu")
        let together = try run("run", "--random", "3", "--device", "simdev,sample,opencl,cpu")
        let alone = try run("run", "--random", "3", "--device", "cpu")

        struct Explanation: Decodable {
            struct Node: Decodable { var node, device: String }
            var nodes: [Node]
        }
        #expect(explained.status == 0, "\(explained.errors)")
        let nodes = try JSONDecoder().decode(Explanation.self, from: Data(explained.output.utf8)).nodes
        let devices = Dictionary(uniqueKeysWithValues: nodes.map { ($0.node, $0.device) })
        #expect(
            devices == [
                "product": "sample:0", "active": "simdev:0", "bent": "opencl:0", "sums": "cpu:0",
                "probabilities": "sample:0",
            ])
        struct Output: Decodable { var minimum, mean, maximum: Double }
        let outputs = try [together, alone].map { run in
            #expect(run.status == 0, "\(run.errors)")
            return try #require(try JSONDecoder().decode([Output].self, from: Data(run.output.utf8)).first)
        }
        #expect(abs(outputs[0].minimum - outputs[1].minimum) < 1e-5)
        #expect(abs(outputs[0].maximum - outputs[1].maximum) < 1e-5)
        #expect(outputs[1].maximum > outputs[1].minimum)
    }

    /// The runtime's levels; the operators' take minutes where PoCL has to compile each kernel first, and have tests of
    /// their own.
    @Test(.enabled(if: hasOpenCL, "no OpenCL device; pocl-opencl-icd makes one of the CPU"))
    func `OpenCL on PoCL conforms to its profile`() throws {
        let run = try Sandbox().run([
            "heng", "conform", "device", "--device", "opencl:0", "--quick", "--profile",
            fixturePath("../../Config/profiles/pocl.json"),
        ])
        #expect(run.status == 0, "\(run.output.suffix(3000))\(run.errors)")
        #expect(run.output.contains("conforms to the profile pocl"))
    }
}
