package import AcceleratorAPI
package import ComputeGraph
package import DeviceConformance
internal import Essentials
internal import Execution
internal import FoundationEssentials
package import KernelInterface
internal import ONNXImport
internal import Synchronization

/// Runs cases that need graphs on one device, with the kernels of that device and no others.
package final class OperatorWorker {
    let device: Device
    let kernels: any KernelProvider
    private let registry: ModelOperatorRegistry

    package init(device: Device, kernels: any KernelProvider, registry: ModelOperatorRegistry) {
        self.device = device
        self.kernels = kernels
        self.registry = registry
    }

    package func run(_ given: KitCase) -> KitReport {
        let start = TimePoint.monotonicNow()
        var report = KitReport(outcome: .pass)
        do {
            guard let text = given.work,
                let work = try? JSONDecoder().decode(OperatorWork.self, from: Data(text.utf8))
            else { throw Failure("There is no case \(given.name).") }
            report = try run(work)
        } catch { report.outcome = Self.outcome(of: error) }
        report.seconds = (TimePoint.monotonicNow() - start).inSeconds
        return report
    }

    /// What the device does not take is told apart from what it computes wrongly.
    static func outcome(of error: any Error) -> CaseOutcome {
        let sentence = (error as? any ReportableError)?.summary ?? "\(error)"
        switch error {
        case ExecutionError.noKernel, ONNXError.unsupported: return .unsupported(sentence)
        case let error as DeviceError where error.code == .unsupported: return .unsupported(sentence)
        default: return .fail(sentence)
        }
    }

    private func run(_ work: OperatorWork) throws -> KitReport {
        switch work {
        case .onnx(let given, let mode): try onnx(given, mode)
        case .property(let name, let type, let seed): try property(examples(name), type, seed)
        case .gradient(let name, let seed): try gradient(examples(name), seed)
        case .model(let name, let seed): try model(name, seed)
        case .digest(let name, let seed): try digest(examples(name), seed)
        case .batch(let seed): try batch(seed)
        case .product(let type): try product(type)
        case .unclaimed(let reason): KitReport(outcome: .unsupported(reason))
        case .missing(let reason): KitReport(outcome: .notRun(reason))
        }
    }

    private func examples(_ name: String) throws -> OperatorExamples {
        guard let examples = OperatorExamples.named(name) else {
            throw Failure("There are no examples of \(name).")
        }
        return examples
    }

    func evaluator() -> DeviceEvaluator { DeviceEvaluator(device: device, kernels: kernels) }
}

// MARK: ONNX's own cases

extension OperatorWorker {
    private func onnx(_ given: ConformanceCase, _ mode: ConformanceMode) throws -> KitReport {
        guard mode != .strided || device.description.isHostAddressable else {
            return KitReport(
                outcome: .unsupported("The host does not reach the device's memory, so nothing can guard it.")
            )
        }
        let evaluator = NotingEvaluator(
            mode == .strided ? try GuardedEvaluator(device: device, kernels: kernels) : self.evaluator())
        let runner = CaseRunner(
            mode: mode, rule: .standard, registry: registry, evaluator: evaluator, limits: ModelLimits())
        if let reason = Exclusion.reason(for: given.name, under: .standard) {
            return KitReport(outcome: .excluded(reason))
        }
        let found = runner.run(given)
        var report = KitReport(outcome: found.outcome, seconds: found.seconds)
        // Whatever the importer made of it, a node that the device does not take is what stopped the case.
        if found.outcome.word == .fail, let refusal = evaluator.refusal {
            report.outcome = .unsupported(refusal)
        }
        report.worst = WorstErrors(ulp: found.worstSteps, nmse: found.worstError)
        if given.group == .node,
            let model = try? ONNXModel(contentsOf: given.model, registry: registry, limits: ModelLimits())
        {
            report.cells = cells(of: model)
            report.versions = versions(in: model)
        }
        return report
    }

    /// The operator and type that a case checks, where it checks just one.
    private func cells(of model: ONNXModel) -> [OperatorCell] {
        let operators = model.summary.operatorCounts.keys
        let element = model.inputs.lazy.compactMap { input -> ElementType? in
            if case .tensor(let element, _)? = input.type { element } else { nil }
        }.first
        guard operators.count == 1, let name = operators.first, let element else { return [] }
        return [OperatorCell(operatorName: name, type: "\(element)")]
    }

    /// The operators of a model in the versions of the operator sets that it names.
    private func versions(in model: ONNXModel) -> [OperatorVersion] {
        let summary = model.summary
        return summary.operatorCounts.keys.sorted().compactMap { name in
            let domain = name.split(separator: ".").dropLast().joined(separator: ".")
            return summary.operatorSets[domain.isEmpty ? "ai.onnx" : domain].map {
                OperatorVersion(name: name, version: $0)
            }
        }
    }
}

/// Runs graphs with another evaluator, and keeps why the device did not take a node.
private final class NotingEvaluator: GraphEvaluator {
    private let inner: any GraphEvaluator
    private let noted = Mutex<String?>(nil)

    init(_ inner: any GraphEvaluator) { self.inner = inner }

    var refusal: String? { noted.withLock { $0 } }

    func run(_ graph: Graph, inputs: [HostTensor]) throws -> [HostTensor] {
        try noting { try inner.run(graph, inputs: inputs) }
    }

    func run(_ graph: Graph, inputs: [HostTensor], within bytes: Int) throws -> [HostTensor] {
        try noting { try inner.run(graph, inputs: inputs, within: bytes) }
    }

    private func noting(_ body: () throws -> [HostTensor]) throws -> [HostTensor] {
        do { return try body() } catch {
            if case .unsupported(let sentence) = OperatorWorker.outcome(of: error) {
                noted.withLock { $0 = $0 ?? sentence }
            } else if let error = error as? DeviceError, error.code == .outOfDeviceMemory {
                noted.withLock { $0 = $0 ?? "It does not fit into the device's memory. \(error.text)" }
            }
            throw error
        }
    }
}

// MARK: Properties

extension OperatorWorker {
    private func property(_ examples: OperatorExamples, _ type: String, _ seed: UInt64) throws -> KitReport {
        guard let element = examples.types.first(where: { "\($0)" == type }) else {
            throw Failure("There are no examples of \(examples.name) on \(type).")
        }
        var random = SeededGenerator(seed: seed, purpose: "\(examples.name) \(type)")
        var report = KitReport(outcome: .pass)
        report.seed = seed
        var worst = WorstErrors()
        for _ in 0..<4 {
            let (used, inputs) = examples.make(&random, element)
            let outputs = try run(used, inputs)
            let expected = used.reference(inputs)
            let exactness = used.exactness(for: inputs.map(\.type))
            for (found, wanted) in zip(outputs, expected) {
                worst.take(found, from: wanted)
                guard found.type == wanted.type else {
                    report.outcome = .fail("The output is \(found.type), and should be \(wanted.type).")
                    return report
                }
                if let difference = exactness.firstDifference(found, from: wanted) {
                    let shapes = inputs.map { "\($0.type)" }.joined(separator: ", ")
                    report.outcome = .fail("\(used) of \(shapes): \(difference).")
                    report.worst = worst
                    return report
                }
            }
        }
        report.worst = worst
        return report
    }

    /// One operator on the device.
    func run(_ used: any Operator, _ inputs: [HostTensor]) throws -> [HostTensor] {
        var builder = GraphBuilder()
        var values: [ValueID] = []
        for (index, input) in inputs.enumerated() { values.append(builder.input("x\(index)", input.type)) }
        let outputs = try builder.addNode(used, values)
        return try evaluator().run(builder.build(outputs: outputs), inputs: inputs)
    }

    /// The derivative along random directions, by the device's gradient and by differences of the reference.
    private func gradient(_ examples: OperatorExamples, _ seed: UInt64) throws -> KitReport {
        var random = SeededGenerator(seed: seed, purpose: "gradient \(examples.name)")
        var report = KitReport(outcome: .pass)
        report.seed = seed
        let (used, inputs) = examples.make(&random, .float32)
        let subject = try GradientSubject(of: used, inputs: inputs, random: &random)
        let gradients = try Array(evaluator().run(subject.graph, inputs: subject.moving).dropFirst())
        for _ in 0..<3 {
            let direction = subject.moving.map { tensor in tensor.doubles.map { _ in random.normal() } }
            let terms = zip(gradients, direction).flatMap { zip($0.doubles, $1).map { $0 * $1 } }
            let (derivative, size) = (terms.reduce(0, +), terms.reduce(0) { $0 + abs($1) })
            let expected = try subject.difference(along: direction)
            // The device computes in float32: each term is off by some roundings of its own.
            let error = abs(derivative - expected)
            report.worst = WorstErrors(
                absolute: max(error, report.worst?.absolute ?? 0),
                relative: max(error / max(1e-9, abs(expected)), report.worst?.relative ?? 0))
            if !(error <= 2e-4 * (1 + size)) {
                report.outcome = .fail(
                    "Along a random direction the gradient of \(used) gives \(derivative), and differences \(expected)."
                )
                return report
            }
        }
        return report
    }
}

/// A number made of one operator's outputs, differentiated by its inputs of floats.
private struct GradientSubject {
    let graph: Graph
    private let loss: Graph
    /// The inputs that move, as float32.
    let moving: [HostTensor]

    init(of used: any Operator, inputs: [HostTensor], random: inout SeededGenerator) throws {
        moving = inputs.filter { $0.type.element == .float32 }
        let seed = random.next()
        let plain = try Self.lossGraph(used, inputs, .float32, seed)
        graph = try plain.gradients(of: plain.outputs[0], by: plain.inputs)
        loss = try Self.lossGraph(used, inputs, .float64, seed)
    }

    /// The outputs of the operator weighted at random and summed, with floats of the given type.
    private static func lossGraph(
        _ used: any Operator, _ inputs: [HostTensor], _ element: ElementType, _ seed: UInt64
    ) throws -> Graph {
        var random = SeededGenerator(seed: seed)
        var builder = GraphBuilder()
        var values: [ValueID] = []
        for (index, input) in inputs.enumerated() {
            let isMoving = input.type.element == .float32
            values.append(
                isMoving
                    ? builder.input("x\(index)", TensorType(element, input.type.shape))
                    : builder.constant("c\(index)", input))
        }
        var output = try builder.add(used, values)
        if builder.type(of: output).element != element {
            output = try builder.add(Cast(to: element), [output])
        }
        let weights = builder.constant(
            "weights", random.tensor(builder.type(of: output).shape, .float32).cast(to: element))
        let weighted = try builder.add(Mul(), [output, weights])
        let loss = try builder.add(ReduceSum(keepDims: false), [weighted])
        return builder.build(outputs: [loss])
    }

    func difference(along direction: [[Double]]) throws -> Double {
        let step = 1e-5
        func value(_ distance: Double) throws -> Double {
            let moved = zip(moving, direction).map { tensor, direction in
                HostTensor(
                    TensorType(.float64, tensor.type.shape),
                    doubles: zip(tensor.doubles, direction).map { $0 + distance * $1 })
            }
            return try ReferenceInterpreter.run(loss, inputs: moved)[0].doubles[0]
        }
        return (try value(step) - value(-step)) / (2 * step)
    }
}

extension HostTensor {
    fileprivate func cast(to element: ElementType) -> HostTensor {
        HostTensor(TensorType(element, type.shape), doubles: doubles)
    }
}

extension WorstErrors {
    /// Widens the errors by those of a tensor; only finite floats count.
    mutating func take(_ found: HostTensor, from expected: HostTensor) {
        guard found.type == expected.type, expected.type.element.isFloating else { return }
        for (one, other) in zip(found.doubles, expected.doubles) where one.isFinite && other.isFinite {
            let error = abs(one - other)
            absolute = max(absolute ?? 0, error)
            if other != 0 { relative = max(relative ?? 0, error / abs(other)) }
        }
        switch expected.type.element {
        case .float16, .bfloat16, .float32, .float64:
            ulp = max(ulp ?? 0, FloatElements(found).worstSteps(from: FloatElements(expected)))
        default: break
        }
    }
}
