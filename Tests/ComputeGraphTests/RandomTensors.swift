import ComputeGraph
import Essentials
import TestSupport

extension SeededGenerator {
    /// Values from a normal distribution.
    mutating func tensor(_ shape: Shape, _ element: ElementType = .float64) -> HostTensor {
        HostTensor(TensorType(element, shape), doubles: (0..<shape.count).map { _ in normal() })
    }

    /// Values between a half and two, for roots, logarithms and divisors.
    mutating func positive(_ shape: Shape) -> HostTensor {
        HostTensor(TensorType(.float64, shape), doubles: (0..<shape.count).map { _ in 0.5 + 1.5 * uniform() })
    }

    /// Values at least a tenth away from each other and from zero, for functions with kinks there.
    mutating func spread(_ shape: Shape) -> HostTensor {
        let steps = (0..<shape.count).shuffled(using: &self)
        let values = steps.map { (Double($0) - Double(shape.count / 2) + 0.5) / 5 }
        return HostTensor(TensorType(.float64, shape), doubles: values)
    }

    mutating func indices(_ shape: Shape, below bound: Int) -> HostTensor {
        HostTensor(TensorType(.int64, shape), integers: (0..<shape.count).map { _ in Int64(below(bound)) })
    }

    /// Matrices whose diagonal keeps them far from singular.
    mutating func heavyDiagonal(_ shape: Shape) -> HostTensor {
        let size = shape[shape.rank - 1]
        let values = (0..<shape.count).map { index in
            0.4 * normal() + (index / size % size == index % size ? 3 : 0)
        }
        return HostTensor(TensorType(.float64, shape), doubles: values)
    }

    mutating func extent() -> Int { 1 + below(4) }
}
