/// What a fused operator applies to its sum before it stores it.
package enum Activation: Hashable, Sendable, CaseIterable {
    case identity
    case relu
    case gelu

    func value(at x: Double) -> Double {
        switch self {
        case .identity: x
        case .relu: Relu().value(at: x)
        case .gelu: Gelu().value(at: x)
        }
    }
}

extension Operator {
    /// The sum of a product in float64 and further terms that broadcast to it, through the activation.
    func activatedSum(
        _ product: HostTensor, _ terms: ArraySlice<HostTensor>, _ activation: Activation, as type: TensorType
    ) -> HostTensor {
        var sum = product.doubles
        for term in terms {
            let values = term.doubles
            for (index, source) in broadcastIndices(of: term.type.shape, in: type.shape).enumerated() {
                sum[index] += values[source]
            }
        }
        return HostTensor(type, doubles: sum.map(activation.value(at:)))
    }
}

extension HostTensor {
    /// The same values in float64, for references that round only at the end.
    var widened: HostTensor { HostTensor(TensorType(.float64, type.shape), doubles: doubles) }
}

extension GraphBuilder {
    /// The operators that a fused one stands for: a sum with further terms, and the activation.
    mutating func activated(
        _ value: ValueID, _ terms: ArraySlice<ValueID>, _ activation: Activation
    ) throws(GraphError) -> ValueID {
        var sum = value
        for term in terms { sum = try add(Add(), [sum, term]) }
        return switch activation {
        case .identity: sum
        case .relu: try add(Relu(), [sum])
        case .gelu: try add(Gelu(), [sum])
        }
    }
}
