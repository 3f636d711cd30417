import ComputeGraph
import Essentials
import Foundation
import ModelMutations
import ModelRunning
import ONNXFormat
import SwiftProtobuf
import Testing

/// A short slice of what `make fuzz` does: here a crash ends the tests.
@Suite("Damaged models")
struct MutationTests {
    @Test(.timeLimit(.minutes(5)))
    func `a few thousand damaged models run or are refused with a sentence`() throws {
        var setup = try ModelSetup(memoryLimit: .mebibytes(128))
        setup.limits.operations = 1 << 32
        setup.limits.calls = 10_000
        let trial = MutantTrial(setup)
        let mutants = MutantList(of: try cases(), seed: 46069)
        let start = TimePoint.monotonicNow()
        var count = 0
        while count < 5000, TimePoint.monotonicNow() - start < .seconds(15) {
            let mutant = mutants[count]
            if case .unclear(let text) = trial.run(mutant.changed) {
                Issue.record("mutant \(count) of \(mutant.changed.name), \(mutant.changes): \(text)")
            }
            count += 1
        }
        #expect(count > 100)
    }

    @Test func `the same seed gives the same mutants`() throws {
        let cases = try ownCases()
        let (first, second) = (MutantList(of: cases, seed: 7), MutantList(of: cases, seed: 7))
        for index in 0..<200 { #expect(first[index].changed.model == second[index].changed.model) }
        #expect(
            (0..<20).contains { first[$0].changed.model != MutantList(of: cases, seed: 8)[$0].changed.model })
    }

    /// The public cases where they have been fetched, else a few of our own.
    private func cases() throws -> [ModelCase] {
        let found = (try? ModelCase.all(under: ModelCase.publicCases)) ?? []
        return found.isEmpty ? try ownCases() : found
    }

    private func ownCases() throws -> [ModelCase] {
        let x = ProtoValueInfo("x", .float32, [2, 3])
        let shape = ProtoValueInfo("s", .int64, [2])
        let relu = ProtoGraph([ProtoNode("Relu", ["x"], ["r"])], outputs: ["r"])
        let add = ProtoGraph([ProtoNode("Add", ["x", "x"], ["r"])], outputs: ["r"])
        let branches = [
            ProtoAttribute("then_branch", graph: relu), ProtoAttribute("else_branch", graph: add),
        ]
        let body = ProtoGraph(
            [ProtoNode("Add", ["a", "x"], ["b"])],
            inputs: [ProtoValueInfo("i", .int64, []), ProtoValueInfo("go", .bool, []), ProtoValueInfo("a")],
            outputs: ["go", "b"])
        let graphs: [(ProtoGraph, [ProtoTensor])] = [
            (
                ProtoGraph([ProtoNode("Reshape", ["x", "s"], ["y"])], inputs: [x, shape], outputs: ["y"]),
                [six, pair]
            ),
            (
                ProtoGraph([ProtoNode("Expand", ["x", "s"], ["y"])], inputs: [x, shape], outputs: ["y"]),
                [six, pair]
            ),
            (ProtoGraph([ProtoNode("NonZero", ["x"], ["y"])], inputs: [x], outputs: ["y"]), [six]),
            (
                ProtoGraph(
                    [ProtoNode("Softmax", ["x"], ["y"], [ProtoAttribute("axis", int: 1)])], inputs: [x],
                    outputs: ["y"]), [six]
            ),
            (
                ProtoGraph(
                    [ProtoNode("If", ["c"], ["y"], branches)], inputs: [x], outputs: ["y"],
                    initializers: [yes]), [six]
            ),
            (
                ProtoGraph(
                    [ProtoNode("Loop", ["n", "", "x"], ["y"], [ProtoAttribute("body", graph: body)])],
                    inputs: [x], outputs: ["y"], initializers: [three]), [six]
            ),
        ]
        return try graphs.enumerated().map { index, entry in
            ModelCase(
                name: "own \(index)", model: try ProtoModel(entry.0).serializedBytes(),
                inputs: try entry.1.map { try $0.serializedBytes() })
        }
    }

    private var six: ProtoTensor { ProtoTensor("", floats: [1, 0, -2, 3, 0, 5], [2, 3]) }
    private var pair: ProtoTensor { ProtoTensor("", integers: [2, 3]) }
    private var three: ProtoTensor { ProtoTensor("n", integers: [3], []) }
    private var yes: ProtoTensor {
        var yes = ProtoTensor("c", .bool, [])
        yes.int32Data = [1]
        return yes
    }
}
