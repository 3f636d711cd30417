import ComputeGraph
import Essentials

/// Small models in float64, with values for their inputs and parameters.
struct ModelSample: Sendable, CustomStringConvertible {
    var description: String
    var build: @Sendable (inout GraphBuilder) throws -> ValueID

    static let all = [perceptron, residualNetwork, encoder]
    static let element = ElementType.float64

    static let perceptron = ModelSample(description: "perceptron") { builder in
        let x = builder.input("x", TensorType(element, [4, 5]))
        let hidden = try builder.add(Tanh(), [try builder.linear(x, outputs: 6, name: "one")])
        return try builder.linear(hidden, outputs: 3, name: "two")
    }

    /// Convolutions with batch normalisation, a shortcut of either kind, and pooling.
    static let residualNetwork = ModelSample(description: "residual network") { builder in
        let x = builder.input("x", TensorType(element, [2, 2, 6, 6]))
        func normalized(
            _ x: ValueID, _ filters: Int, _ name: String, kernel: Int = 3, stride: Int = 1
        ) throws -> ValueID {
            let y = try builder.convolution(
                x, filters: filters, kernel: kernel, stride: stride, padding: kernel / 2, name: name,
                hasBias: name == "stem")
            return try builder.batchNormalization(y, name: "\(name).norm")
        }
        var y = try builder.add(Relu(), [try normalized(x, 4, "stem")])
        let first = try normalized(y, 4, "first")
        y = try builder.add(Relu(), [try builder.add(Add(), [first, y])])
        let second = try normalized(y, 6, "second", stride: 2)
        let shortcut = try normalized(y, 6, "shortcut", kernel: 1, stride: 2)
        y = try builder.add(Relu(), [try builder.add(Add(), [second, shortcut])])
        y = try builder.add(MaxPool(kernelShape: [2, 2]), [y])
        y = try builder.add(Flatten(), [try builder.add(GlobalAveragePool(), [y])])
        return try builder.linear(y, outputs: 3, name: "head")
    }

    static let encoder = ModelSample(description: "encoder") { builder in
        let tokens = builder.input("tokens", .int64(2, 3))
        let x = try builder.embedding(tokens, rows: 7, width: 4, name: "words", element: element)
        let y = try builder.encoderBlock(x, heads: 2, hidden: 6, name: "block", epsilon: 0.1)
        let first = try builder.add(Slice(starts: [0], ends: [1], axes: [1]), [y])
        return try builder.linear(try builder.add(Reshape([2, 4]), [first]), outputs: 3, name: "head")
    }

    /// The model's scores as the graph's output.
    func graph() throws -> Graph {
        var builder = GraphBuilder()
        let scores = try build(&builder)
        return builder.build(outputs: [scores])
    }

    /// The model's cross-entropy against labels, which are the last input.
    func lossGraph() throws -> Graph {
        var builder = GraphBuilder()
        let scores = try build(&builder)
        let labels = builder.input("labels", .int64(builder.type(of: scores).shape[0]))
        let loss = try builder.add(SoftmaxCrossEntropyLoss(), [scores, labels])
        return builder.build(outputs: [loss])
    }
}

extension SeededGenerator {
    mutating func inputs(of graph: Graph) -> [HostTensor] {
        graph.inputs.map { id in
            let type = graph.type(of: id)
            return type.element.isFloating ? tensor(type.shape, type.element) : indices(type.shape, below: 3)
        }
    }

    /// Half-sized normal values, so that deep sums stay tame; variances are positive.
    mutating func parameters(of graph: Graph) -> [String: HostTensor] {
        var values: [String: HostTensor] = [:]
        for id in graph.parameters {
            let type = graph.type(of: id)
            let tensor = tensor(type.shape).doubles.map {
                graph.name(of: id).hasSuffix("variance") ? 0.5 + abs($0) : 0.5 * $0
            }
            values[graph.name(of: id)] = HostTensor(type, doubles: tensor)
        }
        return values
    }
}
