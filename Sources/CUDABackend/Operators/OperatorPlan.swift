internal import CHengAccelerator
internal import CUDAKernelSources
internal import Essentials

/// Memory that a step of a plan works on.
enum Operand: Hashable, Sendable {
    case input(Int), output(Int), none
}

/// The values that a kernel is called with, laid out once; addresses are put in at each run.
struct KernelArguments: Sendable {
    private(set) var bytes: [UInt8] = []
    /// Where each value starts.
    private(set) var offsets: [Int] = []
    private(set) var addresses: [(offset: Int, operand: Operand)] = []

    mutating func add(_ operand: Operand) {
        addresses.append((bytes.count, operand))
        add(0)
    }

    mutating func add(_ value: Int) { add([value]) }

    mutating func add(_ value: Double) { append { $0 += KernelArguments.bytes(value.bitPattern) } }

    /// A C `int`.
    mutating func add(small value: Int) {
        append { $0 += KernelArguments.bytes(UInt64(bitPattern: Int64(value))) }
    }

    /// A struct of 64-bit integers.
    mutating func add(_ values: [Int]) {
        append { for value in values { $0 += KernelArguments.bytes(UInt64(bitPattern: Int64(value))) } }
    }

    private mutating func append(_ body: (inout [UInt8]) -> Void) {
        offsets.append(bytes.count)
        body(&bytes)
    }

    private static func bytes(_ value: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
    }
}

/// One launch of a kernel of ours.
struct KernelStep: Sendable {
    var source: CUDAKernelSources
    var defines: [String]
    var name: String
    var groups: (x: Int, y: Int, z: Int)
    var items: Int
    var arguments = KernelArguments()
    /// Elements before the first of inputs 0 and 1 and of output 0.
    var starts: (a: Int, b: Int, d: Int) = (0, 0, 0)

    func start(of operand: Operand) -> Int {
        switch operand {
        case .input(0): starts.a
        case .input(1): starts.b
        case .output(0): starts.d
        default: 0
        }
    }

    /// A kernel over elements or rows, for elements of a type.
    init(
        _ source: CUDAKernelSources, _ name: String, type: Int, groups: Int, items: Int = 256,
        _ fill: (inout KernelArguments) -> Void
    ) {
        self.source = source
        self.name = name
        defines = ["-DELEMENT=\(type)"]
        self.groups = (x: max(1, groups), y: 1, z: 1)
        self.items = items
        fill(&arguments)
    }

    /// As many blocks as a kernel over so many elements can use.
    static func groups(for count: Int) -> Int { min(65536, (count + 255) / 256) }
}

/// d = alpha * a * b + beta * d over row-major matrices.
struct ProductStep: Sendable {
    var type: Int
    var rows: Int
    var columns: Int
    var depth: Int
    var batch = 1
    /// Elements from a matrix to the next; 0 for the same one.
    var strides: (a: Int, b: Int) = (0, 0)
    var isTransposed: (a: Bool, b: Bool) = (false, false)
    var alpha = 1.0
    var beta = 0.0
    /// Elements before the first matrix of each operand.
    var starts: (a: Int, b: Int, d: Int) = (0, 0, 0)
    var isFastWelcome = false
    /// Whether the bits must not depend on the device or the batch.
    var isStrict = false
}

/// One piece of work of a prepared operator.
enum OperatorStep: Sendable {
    case kernel(KernelStep)
    case copy(Operand, Operand, bytes: Int)
    /// Of inputs 0 and 1 into output 0.
    case product(ProductStep)
}

/// How an operator computes: the types and shapes of its outputs, and the work in order.
struct OperatorPlan: Sendable {
    var outputs: [TensorSpec]
    var steps: [OperatorStep]
    var algorithm: String
    var inPlaceInput = -1
    var kept: UInt64 = 0

    init(_ outputs: [TensorSpec], _ algorithm: String, _ steps: [OperatorStep]) {
        self.outputs = outputs
        self.algorithm = algorithm
        // Nothing runs over nothing.
        self.steps = outputs.allSatisfy { $0.count == 0 } ? [] : steps
    }
}

/// The highest rank that kernels with strides take.
let rankLimit = 8

/// A list filled up to the length that the kernels' structs have.
func padded(_ values: [Int], _ value: Int = 0) -> [Int] {
    values + Array(repeating: value, count: max(0, rankLimit - values.count))
}

/// The strides of a dense tensor.
func denseStrides(_ dims: [Int]) -> [Int] {
    var strides = Array(repeating: 1, count: dims.count)
    for axis in dims.indices.dropLast().reversed() { strides[axis] = strides[axis + 1] * dims[axis + 1] }
    return strides
}

/// The common shape of two under broadcasting; nil where there is none.
func broadcast(_ first: [Int], _ second: [Int]) -> [Int]? {
    let rank = max(first.count, second.count)
    var dims: [Int] = []
    for axis in 0..<rank {
        let a = axis + first.count - rank >= 0 ? first[axis + first.count - rank] : 1
        let b = axis + second.count - rank >= 0 ? second[axis + second.count - rank] : 1
        guard a == b || a == 1 || b == 1 else { return nil }
        dims.append(a == 1 ? b : a)
    }
    return dims
}

/// The strides with which a tensor is read as one of a larger shape.
func broadcastStrides(_ dims: [Int], to shape: [Int]) -> [Int] {
    let dense = denseStrides(dims)
    return shape.indices.map { axis in
        let own = axis + dims.count - shape.count
        return own < 0 || dims[own] == 1 ? 0 : dense[own]
    }
}
