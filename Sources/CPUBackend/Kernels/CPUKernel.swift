internal import AcceleratorAPI
internal import ComputeGraph
internal import Essentials
internal import KernelInterface

/// A kernel of the CPU backend: a name, a test, and what makes it ready.
///
/// The closures are values without state, so one list of these is the whole backend (`CPUKernelProvider`).
struct CPUKernel: Kernel {
    let name: String
    let operatorName: String
    /// Whether it adds elements or products up in their own type; the others add nothing, or in float64.
    var addsInElementType = false
    let refuse: @Sendable (NodeSignature) -> Refusal?
    let make: @Sendable (NodeSignature) throws -> CPUPreparedKernel

    /// How each sum is ordered does not depend on the threads: they share out outputs, not terms.
    static let determinism = Arithmetic.Determinism.threads

    func arithmetic(for node: NodeSignature) -> Arithmetic? {
        let isFloat32 = addsInElementType && node.outputs.contains { $0.element != .float64 }
        return Arithmetic(
            determinism: CPUKernel.determinism, accumulation: isFloat32 ? .float32 : .float64)
    }

    func refusal(for node: NodeSignature) -> Refusal? { refuse(node) }

    func prepare(
        _ node: NodeSignature, constants: [Int: HostTensor], on device: Device
    ) throws -> any PreparedKernel {
        try make(node)
    }
}

/// The addresses of one execution's operands, on the stream's thread.
@safe struct Operands {
    private let addresses: UnsafePointer<UnsafeMutableRawPointer?>
    private let inputCount: Int
    let workspaceAddress: UnsafeMutableRawPointer?

    init(
        addresses: UnsafePointer<UnsafeMutableRawPointer?>, inputCount: Int,
        workspace: UnsafeMutableRawPointer?
    ) {
        unsafe self.addresses = unsafe addresses
        self.inputCount = inputCount
        unsafe workspaceAddress = unsafe workspace
    }

    func input(_ index: Int) -> UnsafePointer<Float> {
        unsafe UnsafePointer(bytes(index).assumingMemoryBound(to: Float.self))
    }

    func integers(_ index: Int) -> UnsafePointer<Int64> {
        unsafe UnsafePointer(bytes(index).assumingMemoryBound(to: Int64.self))
    }

    func output(_ index: Int) -> UnsafeMutablePointer<Float> {
        unsafe bytes(inputCount + index).assumingMemoryBound(to: Float.self)
    }

    var workspace: UnsafeMutablePointer<Float> {
        guard let address = unsafe workspaceAddress else {
            preconditionFailure("this kernel asked for no workspace")
        }
        return unsafe address.assumingMemoryBound(to: Float.self)
    }

    /// The address of an input, or after the inputs of an output.
    func bytes(_ index: Int) -> UnsafeMutableRawPointer {
        guard let address = unsafe addresses[index] else {
            preconditionFailure("the CPU reaches the memory of all its buffers")
        }
        return unsafe address
    }
}

/// A kernel made ready: what it asks for, and the phases that a launch runs on the stream's thread.
final class CPUPreparedKernel: PreparedKernel {
    let workspace: ByteCount
    let packings: [Int: Packing]
    let inPlacePairs: [InPlacePair]
    let isView: Bool
    let phases: [Phase]
    var determinism: Arithmetic.Determinism { CPUKernel.determinism }

    init(
        workspace: ByteCount = .zero, packings: [Int: Packing] = [:], inPlacePairs: [InPlacePair] = [],
        isView: Bool = false, phases: [Phase]
    ) {
        self.workspace = workspace
        self.packings = packings
        self.inPlacePairs = inPlacePairs
        self.isView = isView
        self.phases = phases
    }

    convenience init(
        workspace: ByteCount = .zero, packings: [Int: Packing] = [:], inPlacePairs: [InPlacePair] = [],
        isView: Bool = false, _ phases: Phase...
    ) {
        self.init(
            workspace: workspace, packings: packings, inPlacePairs: inPlacePairs, isView: isView,
            phases: phases)
    }

    /// Operands whose addresses fit beside the rest into the 256 bytes that a launch carries.
    static let inlineOperands = 28

    func enqueue(
        inputs: [DeviceBufferView], outputs: [DeviceBufferView], workspace: DeviceBufferView?,
        on stream: borrowing DeviceStream, correlation: UInt64
    ) throws(DeviceError) {
        guard inputs.count + outputs.count <= CPUPreparedKernel.inlineOperands else {
            return try enqueueMany(
                inputs + outputs, inputCount: inputs.count, workspace, on: stream, correlation)
        }
        // The executable that the caller runs holds this object until its stream is done.
        var launch = unsafe Launch(
            kernel: Unmanaged.passUnretained(self), workspace: workspace?.hostAddress,
            inputCount: UInt32(inputs.count), operandCount: UInt32(inputs.count + outputs.count),
            addresses: InlineArray(repeating: nil))
        for index in inputs.indices { unsafe launch.addresses[index] = unsafe inputs[index].hostAddress }
        for index in outputs.indices {
            unsafe launch.addresses[inputs.count + index] = unsafe outputs[index].hostAddress
        }
        var failure: DeviceError?
        let used =
            unsafe MemoryLayout<Launch>.size
            - (CPUPreparedKernel.inlineOperands - inputs.count - outputs.count) * 8
        unsafe withUnsafeBytes(of: &launch) { bytes in
            do throws(DeviceError) {
                try unsafe stream.launch(
                    { unsafe CPUPreparedKernel.run($0) },
                    arguments: UnsafeRawBufferPointer(rebasing: bytes[..<used]), correlation: correlation)
            } catch { failure = error }
        }
        if let failure { throw failure }
    }

    @unsafe private struct Launch {
        var kernel: Unmanaged<CPUPreparedKernel>
        var workspace: UnsafeMutableRawPointer?
        var inputCount: UInt32
        var operandCount: UInt32
        var addresses: InlineArray<28, UnsafeMutableRawPointer?>
    }

    private func run(_ operands: Operands) {
        for phase in phases.indices { Phase.run(phase, of: self, on: operands) }
    }

    private static func run(_ arguments: UnsafeRawPointer) {
        let launch = unsafe arguments.assumingMemoryBound(to: Launch.self)
        guard let field = unsafe MemoryLayout<Launch>.offset(of: \.addresses) else {
            preconditionFailure("a stored property has an offset")
        }
        let addresses = unsafe (arguments + field).assumingMemoryBound(to: UnsafeMutableRawPointer?.self)
        let operands = unsafe Operands(
            addresses: addresses, inputCount: Int(launch.pointee.inputCount),
            workspace: launch.pointee.workspace)
        unsafe launch.pointee.kernel._withUnsafeGuaranteedRef { $0.run(operands) }
    }

    /// The rare node with very many operands carries them in a block that its launch frees.
    private func enqueueMany(
        _ views: [DeviceBufferView], inputCount: Int, _ workspace: DeviceBufferView?,
        on stream: borrowing DeviceStream, _ correlation: UInt64
    ) throws(DeviceError) {
        let addresses = UnsafeMutablePointer<UnsafeMutableRawPointer?>.allocate(capacity: views.count)
        for index in views.indices { unsafe addresses[index] = unsafe views[index].hostAddress }
        let launch = unsafe LongLaunch(
            kernel: Unmanaged.passUnretained(self), workspace: workspace?.hostAddress, inputCount: inputCount,
            addresses: addresses)
        do throws(DeviceError) {
            try unsafe stream.launch(
                { unsafe CPUPreparedKernel.runMany($0) }, with: launch, correlation: correlation)
        } catch {
            unsafe addresses.deallocate()
            throw error
        }
    }

    @unsafe private struct LongLaunch: BitwiseCopyable {
        var kernel: Unmanaged<CPUPreparedKernel>
        var workspace: UnsafeMutableRawPointer?
        var inputCount: Int
        var addresses: UnsafeMutablePointer<UnsafeMutableRawPointer?>
    }

    private static func runMany(_ arguments: UnsafeRawPointer) {
        let launch = unsafe arguments.assumingMemoryBound(to: LongLaunch.self).pointee
        let operands = unsafe Operands(
            addresses: launch.addresses, inputCount: launch.inputCount, workspace: launch.workspace)
        unsafe launch.kernel._withUnsafeGuaranteedRef { $0.run(operands) }
        unsafe launch.addresses.deallocate()
    }
}
