import ComputeGraph
import Essentials
import Testing

/// A graph with one number as its output, differentiated by all its parameters, and values for them.
struct DifferentiatedGraph {
    /// The step of the central difference.
    ///
    /// Its error is of the order of the step squared (1e-10) plus the rounding of the loss divided by the step
    /// (1e-11), so that agreement to `tolerance` leaves room for large third derivatives and none for a mistake.
    static let step = 1e-5
    static let tolerance = 1e-6

    let graph: Graph
    private let lossOnly: Graph
    let inputs: [HostTensor]
    let parameters: [String: HostTensor]

    /// Differentiates a graph whose only output is the loss.
    init(_ graph: Graph, inputs: [HostTensor], parameters: [String: HostTensor]) throws {
        lossOnly = graph
        self.graph = try graph.gradients(of: graph.outputs[0], by: graph.parameters)
        self.inputs = inputs
        self.parameters = parameters
    }

    /// One operator whose outputs are weighted at random and summed.
    init(of used: any Operator, inputs: [HostTensor], random: inout SeededGenerator) throws {
        var builder = GraphBuilder()
        var parameters: [String: HostTensor] = [:]
        var values: [ValueID] = []
        for (index, input) in inputs.enumerated() {
            if input.type.element.isFloating {
                values.append(builder.parameter("p\(index)", input.type))
                parameters["p\(index)"] = input
            } else {
                values.append(builder.constant("c\(index)", input))
            }
        }
        let output = try builder.add(used, values)
        let weights = builder.constant("weights", random.tensor(builder.type(of: output).shape))
        let weighted = try builder.add(Mul(), [output, weights])
        let loss = try builder.add(ReduceSum(keepDims: false), [weighted])
        try self.init(builder.build(outputs: [loss]), inputs: [], parameters: parameters)
    }

    /// Compares every element of every gradient with its own finite difference.
    func expectGradientsToAgree() throws {
        let gradients = try ReferenceInterpreter.run(graph, inputs: inputs, parameters: parameters)
            .dropFirst()
        for (value, gradient) in zip(graph.parameters, gradients) {
            let name = graph.name(of: value)
            for (index, derivative) in gradient.doubles.enumerated() {
                let expected = try difference { parameter, place in
                    parameter == name && place == index ? 1 : 0
                }
                #expect(
                    abs(derivative - expected) <= Self.tolerance * (1 + abs(expected)),
                    "by element \(index) of \(name): \(derivative), not \(expected)")
            }
        }
    }

    /// Compares all gradients at once with the finite difference along random directions.
    func expectGradientsToAgree(directions: Int, random: inout SeededGenerator) throws {
        let gradients = try ReferenceInterpreter.run(graph, inputs: inputs, parameters: parameters)
            .dropFirst()
        for _ in 0..<directions {
            let direction = parameters.mapValues { tensor in tensor.doubles.map { _ in random.normal() } }
            let derivative = zip(graph.parameters, gradients).reduce(0) { sum, pair in
                let along = direction[graph.name(of: pair.0)] ?? []
                return sum + zip(pair.1.doubles, along).reduce(0) { $0 + $1.0 * $1.1 }
            }
            let expected = try difference { name, index in direction[name]?[index] ?? 0 }
            #expect(abs(derivative - expected) <= Self.tolerance * (1 + abs(expected)))
        }
    }

    private func difference(along direction: (String, Int) -> Double) throws -> Double {
        try (loss(moved: Self.step, along: direction) - loss(moved: -Self.step, along: direction))
            / (2 * Self.step)
    }

    private func loss(moved distance: Double, along direction: (String, Int) -> Double) throws -> Double {
        var moved: [String: HostTensor] = [:]
        for (name, tensor) in parameters {
            let values = tensor.doubles.enumerated().map {
                $0.element + distance * direction(name, $0.offset)
            }
            moved[name] = HostTensor(tensor.type, doubles: values)
        }
        return try ReferenceInterpreter.run(lossOnly, inputs: inputs, parameters: moved)[0].doubles[0]
    }
}
