/// The sources of our CUDA C kernels; each is compiled behind the prelude, for one element type.
package enum CUDAKernelSources: String, CaseIterable, Sendable {
    case elementwise, binary, reduce, softmax, normalization, convolution, pooling, movement, cast, attention
    case product

    /// What comes before every source.
    package static var prelude: String { String(decoding: PackageResources.prelude_cu, as: UTF8.self) }

    /// The source alone.
    package var text: String {
        let bytes =
            switch self {
            case .elementwise: PackageResources.elementwise_cu
            case .binary: PackageResources.binary_cu
            case .reduce: PackageResources.reduce_cu
            case .softmax: PackageResources.softmax_cu
            case .normalization: PackageResources.normalization_cu
            case .convolution: PackageResources.convolution_cu
            case .pooling: PackageResources.pooling_cu
            case .movement: PackageResources.movement_cu
            case .cast: PackageResources.cast_cu
            case .attention: PackageResources.attention_cu
            case .product: PackageResources.product_cu
            }
        return String(decoding: bytes, as: UTF8.self)
    }
}
