import ComputeGraph
import Essentials
import Execution
import TestSupport
import Testing

@Suite("Assignments to parameters")
struct AssignmentTests {
    let bed: TestBed

    init() throws { bed = try TestBed() }

    @Test func `momentum updates parameter and velocity where they lie`() throws {
        var builder = GraphBuilder()
        let gradient = builder.input("gradient", .float32(100))
        let (w, v) = (builder.parameter("w", .float32(100)), builder.parameter("v", .float32(100)))
        let rate = builder.input("rate", TensorType(.float32, []))
        let update = SGDMomentumUpdate()
        let outputs = try builder.addNode(update, [w, gradient, v, rate])
        let graph = builder.build(outputs: outputs)
        let executable = try bed.executable(
            graph, assignments: [.init(output: 0, parameter: "w"), .init(output: 1, parameter: "v")])
        var random = SeededGenerator(seed: 1)
        let sample = GraphSample(graph, &random)
        let parameters = try ParameterSet(for: graph, on: bed.device, loading: sample.parameters)
        let session = try Session(executable, parameters: parameters)

        _ = try session.run(inputs: sample.inputs)
        _ = try session.run(inputs: sample.inputs)

        var (expectedW, expectedV) = (sample.parameters["w"], sample.parameters["v"])
        for _ in 0..<2 {
            let operands = [
                try #require(expectedW), sample.inputs[0], try #require(expectedV), sample.inputs[1],
            ]
            let step = update.reference(operands)
            (expectedW, expectedV) = (step[0], step[1])
        }
        let exactness = update.exactness(for: [])
        #expect(
            exactness.firstDifference(try parameters.value(of: "w"), from: try #require(expectedW)) == nil)
        #expect(
            exactness.firstDifference(try parameters.value(of: "v"), from: try #require(expectedV)) == nil)
        // Nothing but the gradient and the rate is planned: both outputs lie in the parameters.
        #expect(executable.arenaSize.bytes == 512 + 256)
    }

    @Test func `an output whose old value is still read is copied at the end`() throws {
        var builder = GraphBuilder()
        let (a, b) = (builder.parameter("a", .float32(7)), builder.parameter("b", .float32(7)))
        let sum = try builder.add(Add(), [a, b])
        let difference = try builder.add(Sub(), [a, b])
        let graph = builder.build(outputs: [sum, difference])
        let executable = try bed.executable(
            graph, assignments: [.init(output: 0, parameter: "a"), .init(output: 1, parameter: "b")])
        var random = SeededGenerator(seed: 2)
        let sample = GraphSample(graph, &random)
        let parameters = try ParameterSet(for: graph, on: bed.device, loading: sample.parameters)

        try Session(executable, parameters: parameters).run()

        let expected = try ReferenceInterpreter.run(graph, inputs: [], parameters: sample.parameters)
        #expect(try parameters.value(of: "a").floats == expected[0].floats)
        #expect(try parameters.value(of: "b").floats == expected[1].floats)
    }

    @Test func `a frozen session sees what a training session assigned`() throws {
        var training = GraphBuilder()
        let w = training.parameter("w", .float32(8, 8))
        let next = try training.add(Mul(), [w, training.constant("half", .scalar(Float(0.5)))])
        let trainingGraph = training.build(outputs: [next])
        var inference = GraphBuilder()
        let x = inference.input("x", .float32(2, 8))
        let product = try inference.add(MatMul(), [x, inference.parameter("w", .float32(8, 8))])
        let graph = inference.build(outputs: [product])
        var random = SeededGenerator(seed: 3)
        let sample = GraphSample(graph, &random)
        let parameters = try ParameterSet(for: graph, on: bed.device, loading: sample.parameters)
        let trainer = try Session(
            try bed.executable(trainingGraph, assignments: [.init(output: 0, parameter: "w")]),
            parameters: parameters)
        let scores = try Session(try bed.executable(graph), parameters: parameters)
        let before = try scores.run(inputs: sample.inputs)[0].floats

        try trainer.run()

        let after = try scores.run(inputs: sample.inputs)[0].floats
        #expect(after == before.map { $0 / 2 })
    }

    @Test func `an assignment that does not fit is refused`() throws {
        var builder = GraphBuilder()
        let w = builder.parameter("w", .float32(3))
        let column = try builder.add(Reshape([3, 1]), [try builder.add(Neg(), [w])])
        let graph = builder.build(outputs: [column])

        #expect(throws: ExecutionError.self) {
            try bed.executable(graph, assignments: [.init(output: 0, parameter: "w")])
        }
        #expect(throws: ExecutionError.self) {
            try bed.executable(graph, assignments: [.init(output: 0, parameter: "x")])
        }
    }
}
