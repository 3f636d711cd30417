internal import ComputeGraph
package import DeviceConformance
internal import Essentials
internal import FoundationEssentials

/// What a worker does for a case that needs graphs.
enum OperatorWork: Codable, Hashable, Sendable {
    case onnx(ConformanceCase, ConformanceMode)
    case property(String, String, UInt64)
    case gradient(String, UInt64)
    case model(String, UInt64)
    /// The same bits when an example is run again, and on other numbers of threads.
    case digest(String, UInt64)
    /// The same bits for a row, whatever else is in the batch.
    case batch(UInt64)
    /// Nothing: the device does not claim it.
    case unclaimed(String)
    /// Matrix products of an element type: how fast they are.
    case product(String)
    case missing(String)
}

extension KitCase {
    init(
        _ name: String, _ level: Level, _ title: String, _ work: OperatorWork, clauses: [Int] = [],
        cells: [OperatorCell] = [], threads: [Int] = [], devices: [String] = []
    ) throws {
        let text = String(decoding: try JSONEncoder().encode(work), as: UTF8.self)
        self.init(
            name: name, level: level, title: title, clauses: clauses, work: text, cells: cells,
            threads: threads, devices: devices)
    }
}

/// The cases that need graphs: ONNX's own, properties, gradients, models, repeatability and products.
package struct OperatorPlan: Sendable {
    private let folder: String?
    private let seed: UInt64
    private let isQuick: Bool
    private let threads: [Int]
    /// The level of determinism that the device claims, by the numbers of HENG_DETERMINISM.
    private let determinism: Int
    /// The other devices whose bits must be the same.
    private let others: [String]
    /// Whether a person named them, so that they are compared whatever the device claims.
    private let isComparing: Bool
    /// The operators that the device declares trainable; nil for all.
    private let trainable: Set<String>?

    /// `folder` holds ONNX's public cases.
    package init(
        folder: String?, seed: UInt64, isQuick: Bool, threads: [Int], determinism: Int,
        others: [String] = [], isComparing: Bool = false, trainable: Set<String>?
    ) {
        self.folder = folder
        self.seed = seed
        self.isQuick = isQuick
        self.threads = threads
        self.determinism = determinism
        self.others = others
        self.isComparing = isComparing
        self.trainable = trainable
    }

    package func cases(_ levels: [Level]) throws -> [KitCase] {
        var cases: [KitCase] = []
        if levels.contains(.operators) { cases += try onnx() + properties() + gradients() }
        if levels.contains(.models) { cases += try models() }
        if levels.contains(.determinism) { cases += try repetitions() }
        if levels.contains(.performance) { cases += try products() }
        return cases
    }

    private func found(_ group: String, _ level: Level) throws -> (
        cases: [ConformanceCase], missing: [KitCase]
    ) {
        guard let folder else {
            let reason = "The public cases of ONNX are not there; `make onnx-cases` fetches them."
            let name = "\(level.prefix)/onnx"
            return (
                [], [try KitCase(name, level, "ONNX's own cases of the group \(group)", .missing(reason))]
            )
        }
        return (try CaseDiscovery.cases(in: "\(folder)/\(group)") { _ in true }, [])
    }

    private func onnx() throws -> [KitCase] {
        let (found, missing) = try found("node", .operators)
        let modes: [ConformanceMode] = isQuick ? [.asIs] : [.asIs, .constants, .symbolic, .strided]
        return try missing
            + modes.flatMap { mode in
                try found.map { given in
                    try KitCase(
                        "operators/onnx/\(mode.rawValue)/\(given.name)", .operators,
                        "the outputs are those that the ONNX project expects", .onnx(given, mode),
                        clauses: [43, 46])
                }
            }
    }

    private func properties() throws -> [KitCase] {
        try OperatorExamples.all.flatMap { examples in
            try examples.types.flatMap { type in
                try (0..<UInt64(isQuick ? 1 : 3)).map { index in
                    try KitCase(
                        "operators/property/\(examples.name)/\(type)/\(seed &+ index)", .operators,
                        "random uses agree with the reference",
                        .property(examples.name, "\(type)", seed &+ index),
                        clauses: [44, 46, 48],
                        cells: [OperatorCell(operatorName: examples.operatorName, type: "\(type)")])
                }
            }
        }
    }

    private func gradients() throws -> [KitCase] {
        try OperatorExamples.all.filter { $0.isSmooth && trainable?.contains($0.operatorName) ?? true }.map {
            try KitCase(
                "operators/gradient/\($0.name)/\(seed)", .operators,
                "the gradient agrees with finite differences", .gradient($0.name, seed))
        }
    }

    private func models() throws -> [KitCase] {
        let (found, missing) = try found("real", .models)
        let light = try found.map { given in
            try KitCase(
                "models/onnx/\(given.name)", .models, "a network of a well-known design", .onnx(given, .asIs),
                clauses: [50, 53])
        }
        let made = try ModelSample.all.map { sample in
            try KitCase(
                "models/made/\(sample.name)/\(seed)", .models, sample.title, .model(sample.name, seed),
                clauses: [53, 54])
        }
        return missing + light + made
    }

    private func repetitions() throws -> [KitCase] {
        let names =
            [
                "MatMul", "Gemm", "Softmax", "LayerNormalization", "Conv", "ReduceSum", "ReduceMean", "Exp",
                "Add",
            ] + OperatorExamples.large.map(\.name)
        let several = threads.count > 1 ? threads : [1, 1 + (threads.first ?? 1)]
        func work(_ level: Int, _ work: OperatorWork) -> OperatorWork {
            determinism >= level
                ? work
                : .unclaimed("The device claims determinism of level \(determinism), and not \(level).")
        }
        let again = try names.map { name in
            try KitCase(
                "determinism/run/\(name)/\(seed)", .determinism, "the same bits in each run",
                work(1, .digest(name, seed)))
        }
        let counts = try names.map { name in
            try KitCase(
                "determinism/threads/\(name)/\(seed)", .determinism,
                "the same bits on each number of threads",
                work(2, .digest(name, seed)), threads: several)
        }
        let batch = try KitCase(
            "determinism/batch/rows/\(seed)", .determinism,
            "the same bits for a row, whatever else is in the batch",
            work(3, .batch(seed)))
        return again + counts + [batch] + (try comparisons(names))
    }

    /// The same operands on every device that claims the same bits on all of them.
    private func comparisons(_ names: [String]) throws -> [KitCase] {
        let claims = isComparing || determinism >= 4
        return try names.map { name in
            let work: OperatorWork =
                !claims
                ? .unclaimed("The device claims determinism of level \(determinism), and not 4.")
                : others.isEmpty
                    ? .unclaimed("No other device of the library claims the same bits.") : .digest(name, seed)
            return try KitCase(
                "determinism/devices/\(name)/\(seed)", .determinism, "the same bits on each device", work,
                devices: claims ? others : [])
        }
    }

    private func products() throws -> [KitCase] {
        try ["float32", "float64", "float16", "bfloat16"].map { type in
            try KitCase(
                "performance/product/\(type)", .performance, "how fast matrix products of \(type) are",
                .product(type))
        }
    }
}
