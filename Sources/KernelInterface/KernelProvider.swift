internal import ComputeGraph

/// What a backend offers: for each operator its kernels, best first.
///
/// The first that accepts a node is taken. The reference implementation on the CPU comes last and accepts all.
package protocol KernelProvider: Sendable {
    func kernels(for operatorName: String) -> [any Kernel]

    /// Whether it has kernels for products with what follows them taken in (`Graph.fused`).
    var takesFusedOperators: Bool { get }
}

extension KernelProvider {
    package var takesFusedOperators: Bool { true }
}

/// Which kernel a node got, and why those before it did not take it.
package struct KernelChoice: Sendable {
    /// The name of every operator's reference implementation among its kernels.
    package static let reference = "reference"

    package var node: String
    package var operatorName: String
    package var kernel: String
    package var refusals: [Refused]

    package init(node: String, operatorName: String, kernel: String, refusals: [Refused]) {
        self.node = node
        self.operatorName = operatorName
        self.kernel = kernel
        self.refusals = refusals
    }

    /// A kernel that was asked and did not take the node.
    package struct Refused: Hashable, Sendable {
        package var kernel: String
        package var refusal: Refusal
    }
}

extension KernelProvider {
    /// Takes the first kernel that accepts the node; nil, with the refusals, when none does.
    package func choose(
        for node: NodeSignature
    ) -> (kernel: (any Kernel)?, refusals: [KernelChoice.Refused]) {
        var refusals: [KernelChoice.Refused] = []
        for kernel in kernels(for: node.operator.name) {
            let shortfall = kernel.arithmetic(for: node)?.shortfall(from: node.demand)
            guard let refusal = kernel.refusal(for: node) ?? shortfall else { return (kernel, refusals) }
            refusals.append(KernelChoice.Refused(kernel: kernel.name, refusal: refusal))
        }
        return (nil, refusals)
    }
}
