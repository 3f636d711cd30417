internal import ComputeGraph
internal import DeviceConformance
internal import Essentials
internal import Execution
internal import ONNXImport

/// A small model that is made here, with weights from a seed.
struct ModelSample: Sendable {
    let name: String
    let title: String
    /// The batches it is run with, each in a graph of its own.
    let batches: [Int]
    /// Errors that are allowed of float32, on the scale of the outputs.
    let tolerance: Double
    let make: @Sendable (inout SeededGenerator, Int) throws -> (graph: Graph, inputs: [HostTensor])

    static let all = [
        ModelSample(
            name: "transformer", title: "an encoder layer with attention", batches: [2], tolerance: 1e-3,
            make: { try transformer(&$0, batch: $1) }),
        ModelSample(
            name: "dynamic-batch", title: "one network at many batch sizes", batches: [1, 2, 5, 16],
            tolerance: 1e-3,
            make: { try network(&$0, batch: $1) }),
        ModelSample(
            name: "quantized-network", title: "a convolutional network on integers", batches: [1, 3],
            tolerance: 1e-5,
            make: { try quantized(&$0, batch: $1) }),
    ]

    static func named(_ name: String) -> ModelSample? { all.first { $0.name == name } }
}

/// Weights as constants, drawn in the order in which the layers ask for them.
private struct Weights {
    var random: SeededGenerator

    mutating func constant(_ shape: Shape, in builder: inout GraphBuilder, scale: Double = 0.3) -> ValueID {
        let values = (0..<shape.count).map { _ in scale * random.normal() }
        return builder.constant("weight", HostTensor(TensorType(.float32, shape), doubles: values))
    }

    mutating func linear(_ x: ValueID, _ inputs: Int, _ outputs: Int, in builder: inout GraphBuilder) throws
        -> ValueID
    {
        let weight = constant([inputs, outputs], in: &builder)
        let bias = constant([outputs], in: &builder)
        let product = try builder.add(MatMul(), [x, weight])
        return try builder.add(Add(), [product, bias])
    }
}

extension ModelSample {
    /// Attention of four heads over six places of width 32, and a feed-forward part.
    private static func transformer(
        _ random: inout SeededGenerator, batch: Int
    ) throws -> (graph: Graph, inputs: [HostTensor]) {
        let (places, width, heads) = (6, 32, 4)
        var weights = Weights(random: SeededGenerator(seed: random.next()))
        var builder = GraphBuilder()
        let x = builder.input("x", .float32(batch, places, width))
        func split(_ value: ValueID, _ order: [Int]) throws -> ValueID {
            let parts = try builder.add(Reshape([batch, places, heads, width / heads]), [value])
            return try builder.add(Transpose(order), [parts])
        }
        let query = try split(try weights.linear(x, width, width, in: &builder), [0, 2, 1, 3])
        let key = try split(try weights.linear(x, width, width, in: &builder), [0, 2, 3, 1])
        let value = try split(try weights.linear(x, width, width, in: &builder), [0, 2, 1, 3])
        let scale = builder.constant("scale", .scalar(1 / Float(width / heads).squareRoot()))
        let scores = try builder.add(Mul(), [try builder.add(MatMul(), [query, key]), scale])
        let attention = try builder.add(Softmax(axis: -1), [scores])
        let mixed = try builder.add(
            Transpose([0, 2, 1, 3]), [try builder.add(MatMul(), [attention, value])])
        let joined = try builder.add(Reshape([batch, places, width]), [mixed])
        let first = try builder.add(Add(), [x, try weights.linear(joined, width, width, in: &builder)])
        let ones = builder.constant(
            "ones", HostTensor(.float32(width), floats: [Float](repeating: 1, count: width)))
        let zeros = builder.constant("zeros", HostTensor(zeros: .float32(width)))
        let normal = try builder.add(LayerNormalization(), [first, ones, zeros])
        let wide = try builder.add(Gelu(), [try weights.linear(normal, width, 4 * width, in: &builder)])
        let last = try builder.add(Add(), [normal, try weights.linear(wide, 4 * width, width, in: &builder)])
        let output = try builder.add(LayerNormalization(), [last, ones, zeros])
        return (builder.build(outputs: [output]), [random.tensor([batch, places, width], .float32)])
    }

    /// Two convolutions, pooling, and a classifier.
    private static func network(
        _ random: inout SeededGenerator, batch: Int
    ) throws -> (graph: Graph, inputs: [HostTensor]) {
        var weights = Weights(random: SeededGenerator(seed: 77))
        var builder = GraphBuilder()
        let x = builder.input("x", .float32(batch, 3, 16, 16))
        let first = try builder.add(
            Conv(pads: [1, 1, 1, 1]), [x, weights.constant([8, 3, 3, 3], in: &builder)])
        let pooled = try builder.add(
            MaxPool(kernelShape: [2, 2], strides: [2, 2]), [try builder.add(Relu(), [first])])
        let second = try builder.add(
            Conv(strides: [2, 2], pads: [1, 1, 1, 1]),
            [pooled, weights.constant([16, 8, 3, 3], in: &builder)])
        let flat = try builder.add(Flatten(axis: 1), [try builder.add(Relu(), [second])])
        let logits = try weights.linear(flat, 256, 10, in: &builder)
        let output = try builder.add(Softmax(axis: -1), [logits])
        return (builder.build(outputs: [output]), [random.tensor([batch, 3, 16, 16], .float32)])
    }

    /// A quantized convolution between a quantization and its reverse.
    private static func quantized(
        _ random: inout SeededGenerator, batch: Int
    ) throws -> (graph: Graph, inputs: [HostTensor]) {
        var builder = GraphBuilder()
        func scalar(_ value: Float) -> ValueID { builder.constant("scale", .scalar(value)) }
        func zero(_ element: ElementType) -> ValueID {
            builder.constant("zero", HostTensor(zeros: TensorType(element, [])))
        }
        let x = builder.input("x", .float32(batch, 2, 8, 8))
        let (scale, weightScale, outputScale) = (scalar(0.03125), scalar(0.0625), scalar(0.125))
        let (zeroX, zeroWeight) = (
            builder.constant("zero", HostTensor(TensorType(.uint8, []), doubles: [128])), zero(.int8)
        )
        let integers = try builder.add(QuantizeLinear(output: .uint8), [x, scale, zeroX])
        var weights = SeededGenerator(seed: 5)
        let filters = builder.constant(
            "filters",
            HostTensor(
                TensorType(.int8, [4, 2, 3, 3]), doubles: (0..<72).map { _ in Double(weights.below(31) - 15) }
            ))
        let product = try builder.add(
            QLinearConv(Conv(pads: [1, 1, 1, 1])),
            [integers, scale, zeroX, filters, weightScale, zeroWeight, outputScale, zeroX])
        let output = try builder.add(DequantizeLinear(), [product, outputScale, zeroX])
        return (builder.build(outputs: [output]), [random.tensor([batch, 2, 8, 8], .float32)])
    }
}

extension OperatorWorker {
    func model(_ name: String, _ seed: UInt64) throws -> KitReport {
        guard let sample = ModelSample.named(name) else { throw Failure("There is no model \(name).") }
        var random = SeededGenerator(seed: seed, purpose: name)
        var report = KitReport(outcome: .pass)
        report.seed = seed
        var worst = WorstErrors()
        for batch in sample.batches {
            let (graph, inputs) = try sample.make(&random, batch)
            let found = try evaluator().run(graph, inputs: inputs)
            let expected = try ReferenceInterpreter.run(graph, inputs: inputs)
            let exactness = Exactness.within(relative: sample.tolerance, absolute: sample.tolerance)
            for (one, other) in zip(found, expected) {
                worst.take(one, from: other)
                if let difference = exactness.firstDifference(one, from: other), report.outcome == .pass {
                    report.outcome = .fail("With a batch of \(batch), \(difference).")
                }
            }
        }
        report.worst = worst
        return report
    }

    /// Runs an example three times, which must give the same bits; the parent compares numbers of threads.
    func digest(_ examples: OperatorExamples, _ seed: UInt64) throws -> KitReport {
        var report = KitReport(outcome: .pass)
        report.seed = seed
        var digests: [UInt64] = []
        for _ in 0..<3 {
            var random = SeededGenerator(seed: seed, purpose: "digest \(examples.name)")
            var digest = OutputDigest()
            for _ in 0..<4 {
                let (used, inputs) = examples.make(&random, .float32)
                for output in try run(used, inputs) { digest.add(.tensor(output)) }
            }
            digests.append(digest.value)
        }
        report.digest = digests[0]
        if Set(digests).count > 1 { report.outcome = .fail("Run again, the outputs have other bits.") }
        return report
    }

    /// Rows of a product, of a row-wise operator and of a network alone, in halves and together.
    func batch(_ seed: UInt64) throws -> KitReport {
        var random = SeededGenerator(seed: seed, purpose: "batch")
        var report = KitReport(outcome: .pass)
        report.seed = seed
        let (rows, width) = (12, 48)
        let x = random.tensor([rows, width], .float32)
        let weight = random.tensor([width, 40], .float32)
        func part(_ range: Range<Int>) throws -> [Float] {
            let floats = Array(x.floats[range.lowerBound * width..<range.upperBound * width])
            var builder = GraphBuilder()
            let input = builder.input("x", .float32(range.count, width))
            let product = try builder.add(MatMul(), [input, builder.constant("w", weight)])
            let output = try builder.add(Softmax(axis: -1), [product])
            let given = HostTensor(.float32(range.count, width), floats: floats)
            return try evaluator().run(builder.build(outputs: [output]), inputs: [given])[0].floats
        }
        let whole = try part(0..<rows).map(\.bitPattern)
        for split in [[0..<6, 6..<12], [0..<1, 1..<5, 5..<12]] {
            let pieces = try split.flatMap { try part($0) }.map(\.bitPattern)
            guard pieces == whole else {
                let row = (zip(pieces, whole).enumerated().first { $0.1.0 != $0.1.1 }?.offset ?? 0) / 40
                report.outcome = .fail(
                    "Row \(row) has other bits when its batch is split into \(split.count).")
                return report
            }
        }
        return report
    }

    /// How fast a product of 512 x 512 matrices is, and how much slower than one of float32.
    func product(_ type: String) throws -> KitReport {
        var report = KitReport(outcome: .pass)
        guard
            let element = [ElementType.float32, .float64, .float16, .bfloat16].first(where: {
                "\($0)" == type
            })
        else { throw Failure("There is no type \(type) for products.") }
        let own = try rates(element)
        report.measurements = [
            MeasuredRate(
                name: "matrix product of \(type)", value: own.median, unit: "GFLOP/s", low: own.low,
                high: own.high)
        ]
        guard element != .float32 else { return report }
        let usual = try rates(.float32)
        report.measurements.append(
            MeasuredRate(
                name: "time of a product of \(type) over one of float32", value: usual.median / own.median,
                unit: "x",
                low: usual.low / own.high, high: usual.high / own.low))
        return report
    }

    private func rates(_ element: ElementType) throws -> (median: Double, low: Double, high: Double) {
        var random = SeededGenerator(seed: 1)
        let size = 512
        var builder = GraphBuilder()
        let x = builder.input("x", TensorType(element, [size, size]))
        let weight = builder.constant("w", random.tensor([size, size], element))
        let output = try builder.add(MatMul(), [x, weight])
        let executable = try Executable(
            graph: builder.build(outputs: [output]), device: device, kernels: kernels, options: .init())
        let session = try Session(executable)
        _ = try session.run(inputs: [random.tensor([size, size], element)])
        var samples: [Double] = []
        let end = TimePoint.monotonicNow() + .milliseconds(600)
        while samples.count < 20, samples.count < 3 || TimePoint.monotonicNow() < end {
            let start = TimePoint.monotonicNow()
            try session.run()
            let taken = (TimePoint.monotonicNow() - start).inSeconds
            samples.append(2 * Double(size * size * size) / max(1e-9, taken) / 1e9)
        }
        samples.sort()
        return (
            samples[samples.count / 2], samples[samples.count / 4],
            samples[min(samples.count - 1, samples.count * 3 / 4)]
        )
    }
}
