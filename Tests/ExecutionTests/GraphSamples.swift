import AcceleratorAPI
import Backends
import ComputeGraph
import Essentials
import Execution
import KernelInterface
import TestSupport

/// The device and kernels that these tests run on.
struct TestBed {
    let device: Device
    let kernels: any KernelProvider

    init() throws {
        guard let first = try Backends.devices().first else { throw Failure("This machine has no device.") }
        device = first
        kernels = try Backends.kernels(for: first)
    }

    func executable(
        _ graph: Graph, assignments: [Executable.Assignment] = [], options: Executable.Options = .init()
    ) throws -> Executable {
        try Executable(
            graph: graph, device: device, kernels: kernels, assignments: assignments, options: options)
    }
}

/// A graph with values for everything that it asks for.
struct GraphSample {
    var graph: Graph
    var inputs: [HostTensor]
    var parameters: [String: HostTensor]

    init(_ graph: Graph, _ random: inout SeededGenerator, inputScale: Double = 1) {
        self.graph = graph
        inputs = graph.inputs.map { random.tensor(graph.type(of: $0), scale: inputScale) }
        parameters = [:]
        for id in graph.parameters {
            let type = graph.type(of: id)
            // Keeps activations near one through many layers.
            let fan = Double(type.shape.count) / Double(max(type.shape.extents.first ?? 1, 1))
            parameters[graph.name(of: id)] = random.tensor(type, scale: 1 / max(fan, 1).squareRoot())
        }
    }
}

extension SeededGenerator {
    mutating func tensor(_ type: TensorType, scale: Double = 1) -> HostTensor {
        if type.element == .int64 {
            return HostTensor(type, integers: (0..<type.shape.count).map { _ in Int64(below(10)) })
        }
        return HostTensor(type, doubles: (0..<type.shape.count).map { _ in scale * normal() })
    }
}

/// Whether two tensors agree as sums of very many rounded terms do, relative to the largest element.
func agree(_ result: HostTensor, _ reference: HostTensor) -> Bool {
    let size = reference.doubles.map(abs).max() ?? 0
    return zip(result.doubles, reference.doubles).allSatisfy { abs($0 - $1) <= 1e-4 * max(size, 1e-3) }
}

enum GraphSamples {
    /// A stem, two bottleneck blocks with and without a projection, pooling and a classifier.
    static func residualNetwork(batch: Int, size: Int = 18) throws -> Graph {
        var builder = GraphBuilder()
        var layers = Layers()
        let x = builder.input("x", .float32(batch, 3, size, size))
        var value = try layers.convolution(&builder, x, filters: 8, kernel: 7, stride: 2, pad: 3)
        value = try builder.add(Relu(), [value])
        value = try builder.add(MaxPool(kernelShape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1]), [value])
        for (filters, stride) in [(6, 1), (9, 2), (9, 1)] {
            let main = try layers.bottleneck(&builder, value, filters: filters, stride: stride)
            let same = builder.type(of: main) == builder.type(of: value)
            let side =
                same
                ? value
                : try layers.convolution(&builder, value, filters: 4 * filters, kernel: 1, stride: stride)
            value = try builder.add(Relu(), [try builder.add(Add(), [main, side])])
        }
        value = try builder.add(GlobalAveragePool(), [value])
        value = try builder.add(Flatten(), [value])
        let weights = builder.parameter("classifier", .float32(builder.type(of: value).shape[1], 10))
        let bias = builder.parameter("classifier.bias", .float32(10))
        value = try builder.add(Gemm(), [value, weights, bias])
        value = try builder.add(Softmax(), [value])
        return builder.build(outputs: [value])
    }

    /// One matrix product of inputs.
    static func product(rows: Int, terms: Int, columns: Int) throws -> Graph {
        var builder = GraphBuilder()
        let left = builder.input("left", .float32(rows, terms))
        let right = builder.input("right", .float32(terms, columns))
        let product = try builder.add(MatMul(), [left, right])
        return builder.build(outputs: [product])
    }

    /// One encoder layer: attention over heads, and a feed-forward part, each with a residual and a norm.
    static func encoder(batch: Int, length: Int = 10, heads: Int = 2, width: Int = 24) throws -> Graph {
        var builder = GraphBuilder()
        var layers = Layers()
        let tokens = builder.input("tokens", .int64(batch, length))
        let table = builder.parameter("embedding", .float32(10, width))
        let x = try builder.add(Gather(), [table, tokens])
        func split(_ value: ValueID, _ builder: inout GraphBuilder) throws -> ValueID {
            let parts = try builder.add(Reshape([batch, length, heads, width / heads]), [value])
            return try builder.add(Transpose([0, 2, 1, 3]), [parts])
        }
        let query = try split(layers.linear(&builder, x, width), &builder)
        let key = try split(layers.linear(&builder, x, width), &builder)
        let content = try split(layers.linear(&builder, x, width), &builder)
        let scores = try builder.add(MatMul(transposesRight: true), [query, key])
        let scale = builder.constant("scale", .scalar(Float(0.3)))
        let weights = try builder.add(Softmax(), [try builder.add(Mul(), [scores, scale])])
        let mixed = try builder.add(
            Transpose([0, 2, 1, 3]), [try builder.add(MatMul(), [weights, content])])
        let joined = try builder.add(Reshape([batch, length, width]), [mixed])
        let attended = try builder.add(Add(), [try layers.linear(&builder, joined, width), x])
        let normed = try layers.norm(&builder, attended)
        let hidden = try builder.add(Gelu(), [try layers.linear(&builder, normed, 2 * width)])
        let result = try builder.add(Add(), [try layers.linear(&builder, hidden, width), normed])
        let encoded = try layers.norm(&builder, result)
        return builder.build(outputs: [encoded, weights])
    }
}

/// Names parameters one after the other.
struct Layers {
    private var count = 0

    private mutating func parameter(_ builder: inout GraphBuilder, _ type: TensorType) -> ValueID {
        count += 1
        return builder.parameter("p\(count)", type)
    }

    mutating func linear(_ builder: inout GraphBuilder, _ x: ValueID, _ width: Int) throws -> ValueID {
        let shape = builder.type(of: x).shape
        let weights = parameter(&builder, .float32(shape[shape.rank - 1], width))
        let product = try builder.add(MatMul(), [x, weights])
        return try builder.add(Add(), [product, parameter(&builder, .float32(width))])
    }

    mutating func norm(_ builder: inout GraphBuilder, _ x: ValueID) throws -> ValueID {
        let shape = builder.type(of: x).shape
        let row = TensorType.float32(shape[shape.rank - 1])
        return try builder.add(LayerNormalization(), [x, parameter(&builder, row), parameter(&builder, row)])
    }

    mutating func convolution(
        _ builder: inout GraphBuilder, _ x: ValueID, filters: Int, kernel: Int, stride: Int = 1, pad: Int = 0
    ) throws -> ValueID {
        let weights = parameter(&builder, .float32(filters, builder.type(of: x).shape[1], kernel, kernel))
        let op = Conv(strides: [stride, stride], pads: [pad, pad, pad, pad])
        return try builder.add(op, [x, weights, parameter(&builder, .float32(filters))])
    }

    mutating func bottleneck(
        _ builder: inout GraphBuilder, _ x: ValueID, filters: Int, stride: Int
    ) throws -> ValueID {
        var value = try builder.add(Relu(), [try convolution(&builder, x, filters: filters, kernel: 1)])
        value = try convolution(&builder, value, filters: filters, kernel: 3, stride: stride, pad: 1)
        value = try builder.add(Relu(), [value])
        return try convolution(&builder, value, filters: 4 * filters, kernel: 1)
    }
}
