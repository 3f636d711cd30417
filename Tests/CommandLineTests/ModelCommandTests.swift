import Foundation
import TestSupport
import Testing

@Suite("heng model", .timeLimit(.minutes(20)))
struct ModelCommandTests {
    private let classifier = fixturePath("models/classifier.onnx")
    private let flowers = fixturePath("models/flowers.npy")

    @Test func `a model is run on a file of numpy and gives what ONNX Runtime gives`() throws {
        let sandbox = try Sandbox()

        let run = try sandbox.heng(
            "model", "run", classifier, "--input", "x=\(flowers)", "--output", "y.npy", "--json")

        #expect(run.status == 0, "\(run.errors)")
        // ONNX Runtime 1.31.1 gives 0.9718929 and 0.9975557 for the largest of the two rows.
        #expect(run.output.contains("0.971893"))
        let file = try Data(contentsOf: URL(fileURLWithPath: sandbox.work + "/y.npy"))
        let values = unsafe file.suffix(24).withUnsafeBytes { unsafe Array($0.bindMemory(to: Float.self)) }
        #expect(abs(values[0] - 0.971_892_9) < 1e-6 && abs(values[3] - 0.997_555_7) < 1e-6)
    }

    @Test func `shapes of outputs are formulas in the open extents`() throws {
        let sandbox = try Sandbox()

        let check = try sandbox.heng("model", "check", classifier)

        #expect(check.status == 0)
        #expect(check.output.contains("probabilities: float32[batchx3]"))
    }

    @Test func `a file that is no model is refused with the reason, and the answer is no`() throws {
        let sandbox = try Sandbox()
        try Data("no model".utf8).write(to: URL(fileURLWithPath: sandbox.work + "/bad.onnx"))

        let check = try sandbox.heng("model", "check", "bad.onnx")
        let run = try sandbox.heng("model", "run", "bad.onnx")

        #expect(check.status == 1)
        #expect(check.output.contains("bad.onnx is not valid ONNX"))
        #expect(run.status == 4)
        #expect(run.errors.contains("bad.onnx is not valid ONNX"))
    }

    @Test(arguments: [
        (arguments: [], words: "The input x is missing"),
        (arguments: ["--random", "1"], words: "--dimension batch=N"),
        (arguments: ["--input", "z=FLOWERS"], words: "has no input z"),
        (arguments: ["--input", "x=MODEL"], words: "does not end in .npy, .npz or .pb"),
        (arguments: ["--random", "1", "--dimension", "batch"], words: "Write it like --dimension batch=4"),
        (arguments: ["--random", "1", "--dimension", "batch=4000000000000"], words: "4000000000000"),
        (arguments: ["--memory-limit", "much"], words: "much"),
    ]) func `what is missing or wrong in a run is named`(arguments: [String], words: String) throws {
        let sandbox = try Sandbox()
        let filled = arguments.map {
            $0.replacingOccurrences(of: "FLOWERS", with: flowers)
                .replacingOccurrences(of: "MODEL", with: classifier)
        }

        let run = try sandbox.run(["heng", "model", "run", classifier] + filled)

        #expect(run.status != 0)
        #expect(run.errors.contains(words), "\(run.errors)")
    }

    @Test func `explain names the kernels by the model's own nodes`() throws {
        let sandbox = try Sandbox()

        let explained = try sandbox.heng("model", "explain", classifier, "--dimension", "batch=4")

        #expect(explained.status == 0)
        let lines = explained.output.split(separator: "\n")
        #expect(
            lines.contains { $0.hasPrefix("probabilities") && $0.contains("rows") }, "\(explained.output)")
    }

    @Test func `a converted model has fixed shapes and gives the same outputs`() throws {
        let sandbox = try Sandbox()

        let convert = try sandbox.heng(
            "model", "convert", classifier, "--dimension", "batch=2", "-o", "fixed.onnx")
        let inspect = try sandbox.heng("model", "inspect", "fixed.onnx")
        let before = try sandbox.heng("model", "run", classifier, "--input", flowers)
        let after = try sandbox.heng("model", "run", "fixed.onnx", "--input", flowers)

        #expect(convert.status == 0, "\(convert.errors)")
        #expect(inspect.output.contains("float32[2x4]"))
        #expect(after.output == before.output)
    }
}
