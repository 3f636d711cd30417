internal import AcceleratorAPI
internal import Backends
internal import ComputeGraph
internal import Execution

/// Runs a model over many samples in batches of one size.
struct BatchRunner {
    private let session: Session
    private let batch: Int

    /// A runner for a graph of one input `[batch, ...]` and one output `[batch, width]`.
    init(_ graph: Graph, batch: Int, parameters: [String: HostTensor], device: Device) throws {
        let executable = try Executable(
            graph: graph, device: device, kernels: try Backends.kernels(for: device))
        let set = try ParameterSet(for: graph, on: device, loading: parameters)
        session = try Session(executable, parameters: set)
        self.batch = batch
    }

    /// One row for each input `[1, ...]`; an incomplete last batch is filled with its last sample.
    func rows(for inputs: [HostTensor]) throws -> [[Float]] {
        var rows: [[Float]] = []
        rows.reserveCapacity(inputs.count)
        for start in stride(from: 0, to: inputs.count, by: batch) {
            let members = (start..<start + batch).map { inputs[min($0, inputs.count - 1)] }
            let output = try session.run(inputs: [HostTensor(stacking: members)])[0]
            let width = output.type.shape.count / batch
            let values = output.floats
            for row in 0..<min(batch, inputs.count - start) {
                rows.append(Array(values[row * width..<(row + 1) * width]))
            }
        }
        return rows
    }
}

extension HostTensor {
    /// Tensors of one type one after the other along their first axis.
    init(stacking tensors: [HostTensor]) {
        precondition(!tensors.isEmpty, "nothing to stack")
        let type = tensors[0].type
        var extents = type.shape.extents
        extents[0] *= tensors.count
        self.init(zeros: TensorType(type.element, Shape(extents)))
        unsafe withMutableBytes { target in
            for (index, tensor) in tensors.enumerated() {
                precondition(tensor.type == type, "\(tensor.type) is stacked on \(type)")
                let part = unsafe UnsafeMutableRawBufferPointer(
                    rebasing: target[index * type.byteCount..<(index + 1) * type.byteCount])
                unsafe tensor.withBytes { source in unsafe part.copyMemory(from: source) }
            }
        }
    }
}

/// The place of the highest of some scores, the first where several are; nil where one is not finite.
func highestPlace(_ scores: Span<Float>) -> Int? {
    var best: Int?
    for place in scores.indices {
        guard scores[place].isFinite else { return nil }
        if best.map({ scores[place] > scores[$0] }) ?? true { best = place }
    }
    return best
}
