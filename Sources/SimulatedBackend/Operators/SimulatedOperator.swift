internal import AcceleratorAPI
internal import CHengAccelerator
internal import ComputeGraph
internal import KernelInterface

#if canImport(Glibc)
internal import Glibc
#endif

/// A prepared operator: a graph that the reference implementations compute.
@safe final class SimulatedOperator: OwnedObject, @unchecked Sendable {
    // Unchecked: written once, apart from the context's count.
    static let kindName = "an operator"

    let context: SimulatedContext
    let epoch: UInt64
    let call: OperatorCall
    let algorithm: UnsafeMutablePointer<CChar>?

    init(in context: SimulatedContext, _ call: OperatorCall) {
        self.context = context
        epoch = context.epoch
        self.call = call
        unsafe algorithm = strdup("reference")
        context.living.operators += 1
    }

    deinit { unsafe Glibc.free(algorithm) }

    var outputs: [TensorType] { call.outputs }

    /// Computes the outputs from the inputs' bytes; called without any lock.
    func compute(_ inputs: [MemorySpan?], _ outputs: [MemorySpan?]) -> DeviceError? {
        let graph = call.crossed.graph
        let tensors = zip(call.crossed.inputs, graph.inputs).map { place, value in
            SimulatedOperator.tensor(graph.type(of: value), inputs[place])
        }
        do throws(GraphError) {
            let results = try ReferenceInterpreter.run(graph, inputs: tensors)
            for (tensor, place) in zip(results, call.outputPlaces) { write(tensor, to: outputs[place]) }
            return nil
        } catch {
            return DeviceError(
                .execution, scope: .stream, operation: "operator_execute", text: error.summary,
                node: call.node,
                operatorName: call.name)
        }
    }

    private static func tensor(_ type: TensorType, _ span: MemorySpan?) -> HostTensor {
        var tensor = HostTensor(zeros: type)
        guard let span, type.byteCount > 0 else { return tensor }
        unsafe tensor.withMutableBytes { bytes in
            unsafe bytes.copyMemory(
                from: UnsafeRawBufferPointer(start: span.address, count: type.byteCount))
        }
        return tensor
    }

    private func write(_ tensor: HostTensor, to span: MemorySpan?) {
        guard let span else { return }
        unsafe tensor.withBytes { bytes in
            guard let start = bytes.baseAddress, bytes.count > 0 else { return }
            unsafe span.address.copyMemory(from: start, byteCount: bytes.count)
        }
    }
}

/// A described call, checked, with its graph.
struct OperatorCall: Sendable {
    let crossed: OperatorCrossing.CallGraph
    let name: String
    let node: String?
    /// How many inputs and outputs the description has, with those left out.
    let inputCount: Int
    let outputCount: Int
    /// The place in the description of each output of the graph.
    let outputPlaces: [Int]
    let outputs: [TensorType]
    /// Bit i: input i is constant, and kept.
    let keptInputs: UInt64

    /// The bytes of each input that a run reads, and of each output.
    var inputTypes: [(place: Int, type: TensorType)] {
        zip(crossed.inputs, crossed.graph.inputs).map { ($0, crossed.graph.type(of: $1)) }
    }

    var bytes: Int { (inputTypes.map(\.type) + outputs).reduce(0) { $0 + $1.byteCount } }
}
