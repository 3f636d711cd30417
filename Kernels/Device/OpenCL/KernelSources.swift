/// The texts of the kernels that OpenCL devices run; they lie in this program, so nothing can be missing at run time.
package enum OpenCLKernelSources {
    /// A file of kernels, by its name without its ending.
    package enum File: String, CaseIterable, Hashable, Sendable {
        case attention, binary, cast, convolve, matmul, move, normalize, pool, reduce, softmax, unary
        case `where`
    }

    /// What comes before every file: the element types and what is shared.
    package static var common: [UInt8] { PackageResources.common_opencl }

    /// The file's text, in UTF-8.
    package static func text(of file: File) -> [UInt8] {
        switch file {
        case .attention: PackageResources.attention_opencl
        case .binary: PackageResources.binary_opencl
        case .cast: PackageResources.cast_opencl
        case .convolve: PackageResources.convolve_opencl
        case .matmul: PackageResources.matmul_opencl
        case .move: PackageResources.move_opencl
        case .normalize: PackageResources.normalize_opencl
        case .pool: PackageResources.pool_opencl
        case .reduce: PackageResources.reduce_opencl
        case .softmax: PackageResources.softmax_opencl
        case .unary: PackageResources.unary_opencl
        case .where: PackageResources.where_opencl
        }
    }
}
