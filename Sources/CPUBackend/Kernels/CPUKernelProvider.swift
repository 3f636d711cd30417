package import KernelInterface

/// The kernels of the CPU backend, best first, the reference last.
///
/// The lists are in one file per subject; a new kernel goes into the list of its subject.
package struct CPUKernelProvider: KernelProvider {
    /// Only kernels with these names, and always the reference: for tests that force one kernel.
    private let only: Set<String>?

    package init(only: Set<String>? = nil) { self.only = only }

    package func kernels(for operatorName: String) -> [any Kernel] {
        let own = CPUKernelProvider.table[operatorName] ?? []
        let allowed = own.filter { only?.contains($0.name) ?? true }
        return allowed + [CPUKernel.reference(operatorName)]
    }

    /// The operators that have another kernel than the reference.
    package static var operatorNames: Set<String> { Set(table.keys) }

    private static let table = Dictionary(
        grouping: adding + elementwiseKernels + movementKernels, by: \.operatorName)

    /// The kernels whose outputs are sums of float32.
    private static let adding: [CPUKernel] =
        (matrixKernels + convolutionKernels + rowKernels + reductionKernels + poolingKernels + trainingKernels
        + linearAlgebraKernels).map { kernel in
            var kernel = kernel
            kernel.addsInElementType = true
            return kernel
        }
}
