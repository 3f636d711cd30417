/// Joins a convolution or matrix product with what is done to its result at once: adding a bias, adding a
/// residual, and an activation.
///
/// The fused operators write their result once instead of up to four times. They have no gradient, so this pass is
/// for inference, after batch normalisation has been folded.
extension Graph {
    /// This graph with `FusedConv` and `FusedMatMul` wherever a chain has no other reader in its middle.
    package func fused() -> Graph {
        let uses = UseCounts(self)
        let readers = nodes.enumerated().reduce(into: [ValueID: Int]()) { readers, entry in
            for value in entry.element.inputs { readers[value] = entry.offset }
        }
        var consumed = Set<Int>()
        var replacements: [Int: Node] = [:]
        for place in nodes.indices where !consumed.contains(place) {
            guard var chain = FusionChain(at: place, in: self) else { continue }
            while uses[chain.output] == 1, let next = readers[chain.output], !consumed.contains(next),
                chain.extend(by: nodes[next], at: next, in: self)
            {}
            guard let last = chain.places.last, chain.gainsByFusion else { continue }
            consumed.formUnion(chain.places)
            replacements[last] = chain.fusedNode(named: nodes[place].name)
        }
        var result = self
        // The fused node stands where the chain ended, since a residual may be computed in between.
        result.nodes = nodes.indices.compactMap { place in
            replacements[place] ?? (consumed.contains(place) ? nil : nodes[place])
        }
        return result
    }
}

/// A convolution or matrix product and the nodes after it that one fused operator can stand for.
private struct FusionChain {
    private enum Core {
        case convolution(Conv)
        case product(MatMul)
    }

    private let core: Core
    private let factors: [ValueID]
    private var bias: ValueID?
    private var residual: ValueID?
    private var activation = Activation.identity
    private(set) var places: [Int]
    private(set) var output: ValueID

    init?(at place: Int, in graph: Graph) {
        let node = graph.nodes[place]
        guard graph.type(of: node.outputs[0]).element.isFloating else { return nil }
        if let convolution = node.operator as? Conv {
            core = .convolution(convolution)
        } else if let product = node.operator as? MatMul {
            core = .product(product)
        } else if let gemm = node.operator as? Gemm, gemm.alpha == 1, gemm.beta == 1,
            node.inputs.count == 2
                || graph.type(of: node.inputs[2]).shape == [graph.type(of: node.outputs[0]).shape[1]]
        {
            core = .product(gemm.product)
        } else {
            return nil
        }
        factors = Array(node.inputs[..<2])
        bias = node.inputs.count == 3 ? node.inputs[2] : nil
        places = [place]
        output = node.outputs[0]
    }

    var gainsByFusion: Bool { places.count > 1 }

    /// Takes the node in if the fused operator can do its work too; nothing may follow an activation.
    mutating func extend(by node: Node, at place: Int, in graph: Graph) -> Bool {
        guard activation == .identity, absorb(node, in: graph) else { return false }
        places.append(place)
        output = node.outputs[0]
        return true
    }

    private mutating func absorb(_ node: Node, in graph: Graph) -> Bool {
        switch node.operator {
        case is Relu: activation = .relu
        case let gelu as Gelu where gelu.approximation == .none: activation = .gelu
        case is Add:
            let other = node.inputs[0] == output ? node.inputs[1] : node.inputs[0]
            let (shape, added) = (graph.type(of: output).shape, graph.type(of: other).shape)
            if case .product = core, bias == nil, residual == nil, added == [shape[shape.rank - 1]] {
                bias = other
            } else if residual == nil, added == shape {
                residual = other
            } else {
                return false
            }
        default: return false
        }
        return true
    }

    func fusedNode(named name: String) -> Node {
        let inputs = factors + [bias, residual].compactMap(\.self)
        let (hasBias, hasResidual) = (bias != nil, residual != nil)
        let fused: any Operator =
            switch core {
            case .convolution(let convolution):
                FusedConv(convolution, hasBias: hasBias, hasResidual: hasResidual, activation: activation)
            case .product(let product):
                FusedMatMul(product, hasBias: hasBias, hasResidual: hasResidual, activation: activation)
            }
        return Node(name: name, operator: fused, inputs: inputs, outputs: [output])
    }
}
