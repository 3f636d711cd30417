internal import Backends
package import ComputeGraph
internal import KernelInterface

extension ModelSetup {
    /// Every operator with its parameters, the element types of its reference, its kernels and its gradient.
    package func operatorListing() throws -> OperatorListing {
        let kernels = try Backends.kernels(for: devices[0])
        return OperatorListing(registry.schemas) { [registry] schema in
            let names = kernels.kernels(for: schema.name).map(\.name).filter { $0 != "reference" }
            let type = registry[schema.name, schema.domain] as? any Operator.Type
            return OperatorListing.Support(
                elements: schema.inputs.reduce([]) { $0.union($1.types) }, kernels: names,
                hasGradient: type?.hasGradient ?? false)
        }
    }
}
