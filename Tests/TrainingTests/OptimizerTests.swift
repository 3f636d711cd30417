import ComputeGraph
import Testing
import Training

@Suite("Optimizers as graphs")
struct OptimizerTests {
    static let parameters = [
        (name: "a", type: TensorType.float32(2)), (name: "b", type: TensorType.float32(1)),
    ]

    @Test func `each parameter and its state are assigned what the update gives`() throws {
        let update = try UpdateGraph(.sgd(momentum: 0.5), parameters: Self.parameters)

        let results = try ReferenceInterpreter.run(
            update.graph,
            inputs: [
                .scalar(0.1), HostTensor(TensorType(.int64, []), integers: [1]),
                HostTensor(.float32(2), floats: [1, 2]), HostTensor(.float32(1), floats: [4]),
            ],
            parameters: [
                "a": HostTensor(.float32(2), floats: [10, 20]), "b": HostTensor(.float32(1), floats: [30]),
                "a@velocity": HostTensor(.float32(2), floats: [2, 0]),
                "b@velocity": HostTensor(.float32(1), floats: [0]),
            ])

        #expect(update.assignedParameters == ["a", "a@velocity", "b", "b@velocity"])
        #expect(results.map(\.floats) == [[9.8, 19.8], [2, 2], [29.6], [4]])
    }

    @Test(arguments: [Optimizer.adam(), .adamW()]) func `Adam keeps two moments of each parameter`(
        optimizer: Optimizer
    ) throws {
        let update = try UpdateGraph(optimizer, parameters: Self.parameters)

        #expect(
            update.assignedParameters == [
                "a", "a@first-moment", "a@second-moment", "b", "b@first-moment", "b@second-moment",
            ])
        #expect(update.graph.outputs.count == 6)
    }
}
