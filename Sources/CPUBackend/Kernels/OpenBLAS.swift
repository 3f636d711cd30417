internal import COpenBLAS
internal import Essentials
internal import KernelInterface

/// The system's OpenBLAS, which is opened when a kernel first needs it, because its threads start with it.
enum OpenBLAS {
    /// Why the library cannot be had; nil when it is open.
    private static let trouble: String? = {
        guard let why = unsafe copenblas_open() else { return nil }
        return unsafe String(cString: why)
    }()

    /// Opens the library; each kernel's preparation does, so that its runs need not ask.
    static func open() throws {
        guard let trouble else { return }
        throw Failure(
            "OpenBLAS cannot be loaded: \(trouble).", nextStep: "Install the package libopenblas0.",
            exitCode: .setupMissing)
    }

    /// What a kernel that computes with it says where it is not installed.
    static var refusal: Refusal? { trouble.map { "OpenBLAS cannot be loaded: \($0)." } }
}
