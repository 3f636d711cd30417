internal import COpenBLAS
internal import ComputeGraph
internal import Essentials
internal import KernelInterface

extension CPUKernelProvider {
    /// Factors, solutions and eigenvalues by the LAPACK in OpenBLAS, in float32 and float64.
    ///
    /// The pool takes the matrices of a batch one by one; a single matrix keeps one core busy.
    static let linearAlgebraKernels: [CPUKernel] = [
        lapack("Inverse", InverseKernel<Float>.init, InverseKernel<Double>.init),
        lapack("Solve", SolveKernel<Float>.init, SolveKernel<Double>.init),
        lapack("LeastSquares", LeastSquaresKernel<Float>.init, LeastSquaresKernel<Double>.init),
        lapack("LogDeterminant", LogDeterminantKernel<Float>.init, LogDeterminantKernel<Double>.init),
        lapack("Cholesky", CholeskyKernel<Float>.init, CholeskyKernel<Double>.init),
        lapack("QR", QRKernel<Float>.init, QRKernel<Double>.init),
        lapack("SVD", SVDKernel<Float>.init, SVDKernel<Double>.init),
        lapack("MatrixRank", RankKernel<Float>.init, RankKernel<Double>.init),
        lapack("Pinverse", PinverseKernel<Float>.init, PinverseKernel<Double>.init),
        lapack("Eigh", EighKernel<Float>.init, EighKernel<Double>.init),
        lapack("Eig", EigKernel<Float>.init, EigKernel<Double>.init),
    ]

    private static func lapack<Single: MatrixKernel, Twice: MatrixKernel>(
        _ name: String, _ single: @escaping @Sendable (NodeSignature) -> Single,
        _ twice: @escaping @Sendable (NodeSignature) -> Twice
    ) -> CPUKernel {
        CPUKernel(name: "lapack", operatorName: name, refuse: refuseMatrices) { node in
            node.inputs[0].element == .float64
                ? try prepare(twice(node), node) : try prepare(single(node), node)
        }
    }

    @Sendable private static func refuseMatrices(_ node: NodeSignature) -> Refusal? {
        for type in node.inputs {
            guard type.element == .float32 || type.element == .float64 else {
                return "It is written for float32 and float64, and \(type) is neither."
            }
            guard type.shape.count > 0 else { return "It does not take empty tensors." }
            // The squares of extents count the numbers of LAPACK's workspaces.
            guard type.shape.extents.suffix(2).allSatisfy({ $0 <= 16_384 }) else {
                return "It takes matrices of at most 16384 rows and columns, not \(type.shape)."
            }
        }
        return node.outputs[0].shape.count > 0 || node.outputs[0].shape.rank == 0
            ? OpenBLAS.refusal : "It does not take empty tensors."
    }

    private static func prepare(_ kernel: some MatrixKernel, _ node: NodeSignature) throws
        -> CPUPreparedKernel
    {
        try OpenBLAS.open()
        let slots = max(min(Threads.count, kernel.matrices), 1)
        let size = kernel.scratchBytes
        return CPUPreparedKernel(
            workspace: ByteCount(bytes: Phase.counterSize + slots * size),
            .share(kernel.matrices, slots: slots) { operands, slot, matrix in
                unsafe kernel.run(operands, matrix, operands.scratchBytes + slot * size)
            })
    }
}

/// What a kernel of linear algebra does with one matrix of a batch.
protocol MatrixKernel: Sendable {
    associatedtype Element: LAPACKElement

    var matrices: Int { get }
    /// Numbers and integers of scratch memory for one matrix.
    var scratch: (numbers: Int, integers: Int) { get }

    func run(_ tensors: MatrixTensors<Element>, _ matrix: Int, _ scratch: inout MatrixScratch<Element>)
}

extension MatrixKernel {
    /// Whole cache lines, so that threads do not share one.
    var scratchBytes: Int {
        let size =
            scratch.numbers * MemoryLayout<Element>.stride + scratch.integers * MemoryLayout<blasint>.stride
        return (size + 63) / 64 * 64
    }

    func run(_ operands: Operands, _ matrix: Int, _ start: UnsafeMutableRawPointer) {
        var own = unsafe MatrixScratch<Element>(start, numbers: scratch.numbers)
        unsafe run(MatrixTensors(operands), matrix, &own)
    }
}

/// The operands as numbers of the kernel's precision.
struct MatrixTensors<Element: LAPACKElement> {
    private let operands: Operands

    init(_ operands: Operands) { self.operands = operands }

    /// An input, or after the inputs an output.
    func numbers(_ index: Int) -> UnsafeMutablePointer<Element> {
        unsafe operands.bytes(index).assumingMemoryBound(to: Element.self)
    }
    func constants(_ index: Int) -> UnsafePointer<Element> { unsafe UnsafePointer(numbers(index)) }
    func integers(_ index: Int) -> UnsafeMutablePointer<Int64> {
        unsafe operands.bytes(index).assumingMemoryBound(to: Int64.self)
    }
}

extension Operands {
    fileprivate var scratchBytes: UnsafeMutableRawPointer { unsafe UnsafeMutableRawPointer(scratch) }
}

/// The extents of the matrices of an operator's first input.
struct MatrixExtents: Sendable {
    let count: Int
    let rows: Int
    let columns: Int

    init(_ node: NodeSignature) {
        let shape = node.inputs[0].shape
        count = shape.matrixCount
        rows = shape[shape.rank - 2]
        columns = shape[shape.rank - 1]
    }

    var size: Int { rows * columns }
    var smaller: Int { min(rows, columns) }
    var m: blasint { blasint(rows) }
    var n: blasint { blasint(columns) }
}

/// The best size of a workspace, as a routine writes it to its first element.
func workspaceSize<Element: LAPACKElement>(_ ask: (UnsafeMutablePointer<Element>) -> blasint) -> Int {
    var answer: Element = 0
    _ = unsafe withUnsafeMutablePointer(to: &answer) { unsafe ask($0) }
    // One step up: float32 does not hold every large size.
    return max(1, Int(answer.nextUp.rounded(.up)))
}
