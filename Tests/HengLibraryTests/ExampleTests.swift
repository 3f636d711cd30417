import Foundation
import TestSupport
import Testing

private let compilers = ["gcc", "clang"]
private let examples = ["vector_add", "run_model", "pipeline"]

@Suite("Examples in C", .installed, .timeLimit(.minutes(20)))
struct ExampleTests {
    /// The example compiled and run; its arguments are those of its own comment.
    private func output(_ example: String, _ compiler: String, _ arguments: [String] = []) throws -> Ran {
        let installation = try Installation.shared.get()
        let source = "\(installation.prefix)/share/doc/heng/examples/c/\(example).c"
        let program = "\(installation.work)/\(example)-\(compiler)"
        let compiled = try installation.compile([source], to: program, with: compiler)
        #expect(compiled.status == 0 && compiled.text.isEmpty, "\(compiled.text)")
        return try Ran([program] + arguments)
    }

    @Test(arguments: compilers) func `vectors are added`(compiler: String) throws {
        let run = try output("vector_add", compiler)

        #expect(run.status == 0 && run.errors.isEmpty, "\(run.text)")
        #expect(run.output.contains("sum[10] = 30, sum[999] = 2997, wrong: 0 of 1000"))
    }

    @Test(arguments: compilers) func `a model is run`(compiler: String) throws {
        let flowers = ["5.1", "3.5", "1.4", "0.2", "6.3", "3.3", "6.0", "2.5"]
        let run = try output("run_model", compiler, [fixturePath("models/classifier.onnx"), "2"] + flowers)

        #expect(run.status == 0 && run.errors.isEmpty, "\(run.text)")
        #expect(run.output.contains("extents open"))
        #expect(run.output.contains("output probabilities: type 1, [2 x 3]"))
        let rows = run.output.split(separator: "\n").suffix(2).map {
            $0.split(separator: " ").compactMap { Double($0) }
        }
        #expect(rows.allSatisfy { $0.count == 3 && abs($0.reduce(0, +) - 1) < 1e-3 }, "\(run.output)")
    }

    @Test(arguments: compilers) func `a pipeline keeps its order`(compiler: String) throws {
        let run = try output("pipeline", compiler)

        #expect(run.status == 0 && run.errors.isEmpty, "\(run.text)")
        #expect(run.output.contains("6 chunks of 65536 numbers doubled, wrong: 0"))
    }

    @Test func `errors are told with the library's sentence`() throws {
        let run = try output("run_model", "gcc", ["/nonexistent.onnx", "1", "1"])

        #expect(run.status == 1)
        #expect(run.errors.contains("model_query: Cannot read /nonexistent.onnx"), "\(run.errors)")
    }

    @Test func `the examples' own Makefile builds them all`() throws {
        let installation = try Installation.shared.get()
        let folder = installation.work + "/examples"
        try FileManager.default.copyItem(
            atPath: installation.prefix + "/share/doc/heng/examples/c", toPath: folder)
        let made = try Ran("make", "-C", folder, "PKG_CONFIG_PATH=\(installation.prefix)/lib/pkgconfig")

        #expect(made.status == 0, "\(made.text)")
        for example in examples {
            #expect(FileManager.default.isExecutableFile(atPath: "\(folder)/\(example)"))
        }
        #expect(try Ran(folder + "/vector_add").status == 0)
    }

    @Test(arguments: ["g++", "clang++"].filter(isInstalled))
    func `the header is C++ too`(compiler: String) throws {
        let installation = try Installation.shared.get()
        let source = "\(installation.work)/header.cpp"
        try """
        #include <heng_accelerator.h>
        int main() { return heng_accelerator_get(HENG_ACCELERATOR_MAJOR) == nullptr; }
        """.write(toFile: source, atomically: true, encoding: .utf8)
        let compiled = try Ran(
            [compiler, "-std=c++17", "-Wall", "-Wextra", "-Werror", "-fsyntax-only"]
                + installation.flags("--cflags") + [source])

        #expect(compiled.status == 0 && compiled.text.isEmpty, "\(compiled.text)")
    }
}
