internal import CHengAccelerator
internal import OpenCLKernelSources

/// Memory that a step reads or writes.
struct Place: Hashable, Sendable {
    enum Slot: Hashable, Sendable {
        case input(Int)
        case output(Int)
        case workspace
    }

    var slot: Slot
    /// In bytes.
    var offset = 0

    static func input(_ index: Int, offset: Int = 0) -> Place { Place(slot: .input(index), offset: offset) }
    static func output(_ index: Int, offset: Int = 0) -> Place { Place(slot: .output(index), offset: offset) }
    func moved(_ bytes: Int) -> Place { Place(slot: slot, offset: offset + bytes) }
}

/// One argument of a kernel of ours.
enum StepArgument: Sendable {
    /// A buffer, then the offset in it.
    case tensor(Place)
    case uint(Int)
    case int(Int)
    case long(Int)
    case ulong(UInt64)
    case float(Double)
    /// As what the kernel computes with for that element type.
    case value(Double, Int32)
    case bytes([UInt8])
}

/// One piece of work of a prepared operator.
enum Step: Sendable {
    case kernel(KernelName, [StepArgument], global: [Int], local: [Int])
    case copy(to: Place, from: Place, bytes: Int)
    case fill(Place, bytes: Int, value: UInt8)
}

/// How an operator runs: its outputs, and steps one after the other.
struct Plan: Sendable {
    struct Output: Hashable, Sendable {
        var type: Int32
        var dims: [Int]
        var count: Int { dims.reduce(1, *) }
        var bytes: Int { count * ElementTypes.size(type) }
    }

    let isCPU: Bool
    var outputs: [Output] = []
    var steps: [Step] = []
    var workspace = 0
    /// The input that output 0 may be written over; -1: none.
    var inPlace = -1
    var algorithm = "one work item for each element"

    init(isCPU: Bool) { self.isCPU = isCPU }

    mutating func scratch(_ bytes: Int) -> Place {
        let place = Place(slot: .workspace, offset: workspace)
        workspace += (max(bytes, 1) + 255) / 256 * 256
        return place
    }

    mutating func add(output type: Int32, _ dims: [Int]) { outputs.append(Output(type: type, dims: dims)) }

    /// A kernel with one work item for each of `count`; none for 0.
    ///
    /// Items that do much go in small groups, so that few of them still occupy all compute units of a CPU.
    mutating func run(
        _ file: OpenCLKernelSources.File, _ kernel: String, type: Int32 = 0, _ arguments: [StepArgument],
        count: Int, heavy: Bool = false
    ) { run(file, kernel, type: type, [], arguments, count: count, heavy: heavy) }

    /// The same with definitions for the compiler.
    mutating func run(
        _ file: OpenCLKernelSources.File, _ kernel: String, type: Int32 = 0, _ defines: [String],
        _ arguments: [StepArgument], count: Int, heavy: Bool = false
    ) {
        guard count > 0 else { return }
        let group = heavy ? (isCPU ? 4 : 64) : 128
        steps.append(
            .kernel(
                KernelName(file: file, kernel: kernel, type: type, defines: defines), arguments,
                global: [(count + group - 1) / group * group, 1, 1], local: [group, 1, 1]))
    }

    mutating func copy(_ target: Place, _ source: Place, _ bytes: Int) {
        if bytes > 0 { steps.append(.copy(to: target, from: source, bytes: bytes)) }
    }
}

/// Bytes of the structs that kernels take by value; all in the order and alignment of OpenCL C.
struct StructBytes {
    var bytes: [UInt8] = []

    mutating func uint(_ value: Int) { append(UInt32(truncatingIfNeeded: value)) }
    mutating func long(_ value: Int) { append(Int64(value)) }
    mutating func float(_ value: Double) { append(Float(value)) }

    mutating func append<Value: BitwiseCopyable>(_ value: Value) {
        unsafe withUnsafeBytes(of: value) { unsafe bytes.append(contentsOf: $0) }
    }
}

/// How an index in row-major order becomes a place in up to three tensors: the kernels' `Walk`.
struct Walk: Sendable {
    static let rankLimit = 8

    var dims: [Int]
    var strides: [[Int]]

    /// Axes of extent 1 go, and neighbours that lie one inside the other become one.
    init(_ dims: [Int], _ strides: [[Int]], _ use: OperatorUse) throws(Refusal) {
        var mergedDims: [Int] = []
        var merged = strides.map { _ in [Int]() }
        for axis in dims.indices where dims[axis] != 1 {
            if let last = mergedDims.last,
                strides.indices.allSatisfy({ (merged[$0].last ?? 0) == strides[$0][axis] * dims[axis] })
            {
                mergedDims[mergedDims.count - 1] = last * dims[axis]
                for tensor in strides.indices {
                    merged[tensor][merged[tensor].count - 1] = strides[tensor][axis]
                }
            } else {
                mergedDims.append(dims[axis])
                for tensor in strides.indices { merged[tensor].append(strides[tensor][axis]) }
            }
        }
        guard mergedDims.count <= Walk.rankLimit else {
            throw use.refuse(HENG_REFUSAL_RANK, "walks along more than \(Walk.rankLimit) axes.")
        }
        self.dims = mergedDims
        self.strides = merged
    }

    /// Whether every tensor lies as the index counts.
    var isPlain: Bool { dims.isEmpty || (dims.count == 1 && strides.allSatisfy { $0[0] == 1 }) }

    var bytes: [UInt8] {
        var result = StructBytes()
        for axis in 0..<Walk.rankLimit { result.uint(axis < dims.count ? dims[axis] : 1) }
        for tensor in 0..<3 {
            for axis in 0..<Walk.rankLimit {
                result.long(tensor < strides.count && axis < dims.count ? strides[tensor][axis] : 0)
            }
        }
        result.uint(dims.count)
        result.uint(0)
        return result.bytes
    }

    /// The strides of a dense tensor.
    static func dense(_ dims: [Int]) -> [Int] {
        var strides = [Int](repeating: 1, count: dims.count)
        for axis in dims.indices.dropLast().reversed() { strides[axis] = strides[axis + 1] * dims[axis + 1] }
        return strides
    }

    /// The strides of a dense tensor that is repeated to a larger shape.
    static func repeated(_ dims: [Int], to target: [Int]) -> [Int] {
        let own = dense(dims)
        let missing = target.count - dims.count
        return target.indices.map { axis in
            axis < missing || dims[axis - missing] == 1 ? 0 : own[axis - missing]
        }
    }

    /// The shape that both shapes are repeated to, as numpy does.
    static func common(_ a: [Int], _ b: [Int], _ use: OperatorUse) throws(Refusal) -> [Int] {
        let rank = max(a.count, b.count)
        var dims: [Int] = []
        for axis in 0..<rank {
            let (x, y) = (axis - (rank - a.count), axis - (rank - b.count))
            let (p, q) = (x < 0 ? 1 : a[x], y < 0 ? 1 : b[y])
            guard p == q || p == 1 || q == 1 else {
                throw use.refuse(HENG_REFUSAL_SHAPE, "has inputs of shapes \(a) and \(b), which do not fit.")
            }
            dims.append(p == 1 ? q : p)
        }
        var count = 1
        for dim in dims where dim > 0 {
            let (product, isTooLarge) = count.multipliedReportingOverflow(by: dim)
            guard !isTooLarge, product <= Int(Int32.max) else {
                throw use.refuse(HENG_REFUSAL_SIZE, "would make more than 2147483647 elements.")
            }
            count = product
        }
        return dims
    }
}
