package import AcceleratorAPI
package import ComputeGraph
package import Essentials

/// One implementation of one operator for one kind of device.
///
/// A kernel is asked twice: whether it accepts a node's exact types and attributes, and then once to prepare
/// for it. Everything slow belongs into `prepare`: checks, the choice of an algorithm, the size of the
/// workspace. The prepared kernel is then run many times, without allocating.
package protocol Kernel: Sendable {
    /// Unique among the kernels of its operator: `packed-gemm`.
    var name: String { get }
    /// The operator's `name`.
    var operatorName: String { get }

    /// Why the kernel does not take this node; nil when it does.
    func refusal(for node: NodeSignature) -> Refusal?

    /// What the kernel promises of its results for this node.
    ///
    /// Nil where it holds the node's demand against them itself, when it refuses.
    func arithmetic(for node: NodeSignature) -> Arithmetic?

    /// Prepares for a node that the kernel has not refused.
    ///
    /// `constants` holds the values of those inputs that are constants of the graph.
    func prepare(
        _ node: NodeSignature, constants: [Int: HostTensor], on device: Device
    ) throws -> any PreparedKernel
}

/// A kernel made ready for one node: immutable, and shared by all sessions of an executable.
package protocol PreparedKernel: Sendable {
    /// Scratch memory that a run needs, aligned like any planned block.
    var workspace: ByteCount { get }

    /// The inputs that the kernel wants in a form of its own, made once and kept.
    ///
    /// Only frozen inputs may be named. Such an input's view is then of the packed form.
    var packings: [Int: Packing] { get }

    /// Outputs that may be written over an input, where nobody needs the input afterwards.
    var inPlacePairs: [InPlacePair] { get }

    /// Whether output 0 holds exactly the bytes of input 0.
    ///
    /// Then both may share memory, and the kernel need not run at all.
    var isView: Bool { get }

    /// How far the same bits come again.
    var determinism: Arithmetic.Determinism { get }

    /// Submits one execution to the stream and returns without waiting for it.
    ///
    /// The views follow the order of the node's inputs and outputs and have their types' sizes. The number comes back
    /// in errors and profiles of this execution.
    func enqueue(
        inputs: [DeviceBufferView], outputs: [DeviceBufferView], workspace: DeviceBufferView?,
        on stream: borrowing DeviceStream, correlation: UInt64
    ) throws(DeviceError)
}

extension PreparedKernel {
    package var workspace: ByteCount { .zero }
    package var packings: [Int: Packing] { [:] }
    package var inPlacePairs: [InPlacePair] { [] }
    package var isView: Bool { false }
    package var determinism: Arithmetic.Determinism { .none }
}

/// What a kernel is told about a node when it chooses and prepares.
package struct NodeSignature: Sendable {
    package var `operator`: any Operator
    package var inputs: [TensorType]
    package var outputs: [TensorType]
    /// The inputs whose bytes are the same in every run: constants, and in inference the parameters.
    package var frozenInputs: Set<Int>
    /// What the caller wants of the results beyond the operator's meaning.
    package var demand: Arithmetic
    /// The node's name, for errors of its executions.
    package var name: String?

    package init(
        operator: any Operator, inputs: [TensorType], outputs: [TensorType], frozenInputs: Set<Int> = [],
        demand: Arithmetic = Arithmetic(), name: String? = nil
    ) {
        self.operator = `operator`
        self.inputs = inputs
        self.outputs = outputs
        self.frozenInputs = frozenInputs
        self.demand = demand
        self.name = name
    }
}

/// Why a kernel does not take a node: one sentence for people, kept and shown by `heng model explain`, and its kind.
package struct Refusal: Hashable, Sendable, ExpressibleByStringInterpolation, CustomStringConvertible {
    package var kind: Kind
    package var reason: String

    /// What it is about, by the header's numbers (`HENG_REFUSAL_...`).
    package enum Kind: Int32, Sendable {
        case other = 0
        case `operator`, version, type, rank, shape, attribute, layout, size, determinism, constant
        case accumulation
    }

    package init(_ reason: String) { self.init(.other, reason) }

    package init(_ kind: Kind, _ reason: String) {
        self.kind = kind
        self.reason = reason
    }

    package init(stringLiteral value: String) { self.init(value) }
    package var description: String { reason }
}

/// Output `output` may take the memory of input `input`: same size, and each element is read before it is written.
package struct InPlacePair: Hashable, Sendable {
    package var input: Int
    package var output: Int

    package init(input: Int, output: Int) {
        self.input = input
        self.output = output
    }
}

/// Another form of a tensor that is made once on the host: weights in the order in which a kernel reads them.
@safe package struct Packing: Sendable {
    /// Equal keys on the same tensor mean equal bytes, so that executables share one packed copy.
    package let key: String
    package let size: ByteCount
    /// Fills the second block, of `size` bytes, from the plain tensor in the first.
    package let pack: @Sendable (UnsafeRawBufferPointer, UnsafeMutableRawBufferPointer) -> Void

    package init(
        key: String, size: ByteCount,
        pack: @escaping @Sendable (UnsafeRawBufferPointer, UnsafeMutableRawBufferPointer) -> Void
    ) {
        self.key = key
        self.size = size
        unsafe self.pack = unsafe pack
    }
}
