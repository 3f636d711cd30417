/// A graph in which batch normalisation has gone into the convolutions before it, and what that does to the
/// parameters' values.
///
/// A convolution followed by `(y - mean) * scale / deviation + bias` is a convolution with weights multiplied per
/// filter and another bias. The folded convolution keeps its weights' name, and its bias takes the name of the
/// normalisation's bias.
package struct FoldedGraph: Sendable {
    package let graph: Graph
    fileprivate let folds: [Fold]

    /// The folded graph's parameters from those of the graph it was made of.
    package func parameters(from original: [String: HostTensor]) throws(GraphError) -> [String: HostTensor] {
        var result = original
        for fold in folds {
            for (name, tensor) in try fold.transformed(original) { result[name] = tensor }
            for name in fold.dropped { result[name] = nil }
        }
        return result
    }
}

/// One convolution with the normalisation that went into it, by the names of their parameters.
private struct Fold: Sendable {
    var weights: String
    var convolutionBias: String?
    var scale: String
    var bias: String
    var mean: String
    var variance: String
    var epsilon: Double

    var dropped: [String] { [scale, mean, variance] + (convolutionBias.map { [$0] } ?? []) }

    func transformed(_ values: [String: HostTensor]) throws(GraphError) -> [String: HostTensor] {
        func tensor(_ name: String) throws(GraphError) -> HostTensor {
            guard let tensor = values[name] else { throw .missingParameter(name: name) }
            return tensor
        }
        let weightTensor = try tensor(weights)
        let biasTensor = try tensor(bias)
        let (scale, mean, variance) = (
            try tensor(scale).doubles, try tensor(mean).doubles, try tensor(variance).doubles
        )
        let before =
            if let convolutionBias { try tensor(convolutionBias).doubles } else { scale.map { _ in 0.0 } }
        let factors = scale.indices.map { scale[$0] / (variance[$0] + epsilon).squareRoot() }
        let perFilter = weightTensor.type.shape.count / max(factors.count, 1)
        let folded = weightTensor.doubles.enumerated().map { $0.element * factors[$0.offset / perFilter] }
        let shifted = biasTensor.doubles.enumerated().map {
            $0.element + (before[$0.offset] - mean[$0.offset]) * factors[$0.offset]
        }
        return [
            weights: HostTensor(weightTensor.type, doubles: folded),
            bias: HostTensor(biasTensor.type, doubles: shifted),
        ]
    }
}

extension Graph {
    /// Folds each batch normalisation into the convolution before it.
    ///
    /// It is left alone where the convolution's output or a parameter of the pair has another use, or where one of
    /// them is not a parameter.
    package func foldingBatchNormalization() -> FoldedGraph {
        let uses = UseCounts(self)
        var folded = self
        var folds: [Fold] = []
        for normalization in nodes {
            guard let rule = normalization.operator as? BatchNormalization,
                let place = folded.nodes.firstIndex(where: { $0.outputs == [normalization.inputs[0]] }),
                folded.nodes[place].operator is Conv,
                let fold = fold(folded.nodes[place], normalization, rule, uses)
            else { continue }
            folds.append(fold)
            folded.nodes[place].inputs.replaceSubrange(2..., with: [normalization.inputs[2]])
            folded.nodes[place].outputs = normalization.outputs
            folded.nodes.removeAll {
                $0.outputs == normalization.outputs && $0.operator is BatchNormalization
            }
        }
        let dropped = Set(folds.flatMap(\.dropped))
        folded.parameters.removeAll { dropped.contains(name(of: $0)) }
        return FoldedGraph(graph: folded, folds: folds)
    }

    private func fold(
        _ convolution: Node, _ normalization: Node, _ rule: BatchNormalization, _ uses: UseCounts
    ) -> Fold? {
        let involved = convolution.inputs.dropFirst() + normalization.inputs.dropFirst()
        guard uses[convolution.outputs[0]] == 1,
            involved.allSatisfy({ parameters.contains($0) && uses[$0] == 1 })
        else { return nil }
        return Fold(
            weights: name(of: convolution.inputs[1]),
            convolutionBias: convolution.inputs.count == 3 ? name(of: convolution.inputs[2]) : nil,
            scale: name(of: normalization.inputs[1]), bias: name(of: normalization.inputs[2]),
            mean: name(of: normalization.inputs[3]), variance: name(of: normalization.inputs[4]),
            epsilon: Double(rule.epsilon))
    }
}
