package import ComputeGraph
internal import Essentials

/// Weights as they are before calibration and fitting.
extension ModelSpecification {
    /// Values for every parameter of `graph(batch:)`: the same bits on every machine.
    package func generatedWeights() throws -> [String: HostTensor] {
        let graph = try graph(batch: 1)
        var weights: [String: HostTensor] = [:]
        for id in graph.parameters {
            weights[graph.name(of: id)] = generated(graph.name(of: id), graph.type(of: id))
        }
        return weights
    }

    /// Each parameter has random numbers of its own, so that a change of one moves no other.
    private func generated(_ name: String, _ type: TensorType) -> HostTensor {
        guard let deviation = deviation(of: name, type.shape) else {
            return HostTensor(
                type, floats: [Float](repeating: constantValue(of: name), count: type.shape.count))
        }
        var generator = SeededGenerator(seed: seed, purpose: name)
        var tensor = HostTensor(zeros: type)
        tensor.withMutableElements(Float.self) { elements in
            for index in elements.indices { elements[index] = deviation * generator.bell() }
        }
        return tensor
    }

    /// The standard deviation of random weights, or nil where a parameter starts constant.
    ///
    /// Convolutions take He's rule for layers before a Relu, matrices the rule for linear layers, tables 1.
    private func deviation(of name: String, _ shape: Shape) -> Float? {
        guard name.hasSuffix(".weight"), name != "\(Self.head).weight" else { return nil }
        if name == "words.weight" { return 1 }
        if name == "positions.weight" { return 0.25 }
        if shape.rank == 4 { return (2 / Float(shape.extents.dropFirst().reduce(1, *))).squareRoot() }
        let damping: Float =
            if case .encoder(let encoder) = architecture, Encoder.endsBranch(name) {
                encoder.branchScale
            } else { 1 }
        return damping / Float(shape[0]).squareRoot()
    }

    private func constantValue(of name: String) -> Float {
        if name.hasSuffix(".variance") { return 1 }
        guard name.hasSuffix(".scale") else { return 0 }
        if case .residual(let network) = architecture,
            name.hasSuffix(".\(ResidualNetwork.branchEnd).norm.scale")
        {
            return network.branchScale
        }
        return 1
    }
}
