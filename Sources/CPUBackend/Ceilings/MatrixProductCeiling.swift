internal import AcceleratorAPI
internal import CKernels
internal import COpenBLAS
internal import Essentials

/// The fp32 matrix product: each thread multiplies its own square matrices with a single-threaded OpenBLAS.
final class MatrixProductCeiling {
    /// Large enough for OpenBLAS's best rate (it rises up to about 800 here), small enough for many repetitions.
    private static let order = 1024
    private static var elements: Int { order * order }

    private let buffer: DeviceBuffer
    private let threads: Int

    init(_ context: borrowing DeviceContext, threads: Int) throws {
        let bytes = 3 * threads * Self.elements * MemoryLayout<Float>.stride
        buffer = try context.makeBuffer(of: .bytes(bytes))
        self.threads = threads
    }

    func measure(seconds: Double) throws -> DeviceCeilings.Ceiling {
        let all = unsafe hostFloats(buffer)
        unsafe fillWithNoise(all, purpose: "matrix product ceiling")
        try OpenBLAS.open()
        let order = Double(Self.order)
        let work = 2 * order * order * order * Double(threads)
        let samples = sampleRates(seconds: seconds, work: work) {
            WorkerPool.shared.parallelFor(count: threads, grain: 1) { range in
                for index in range { unsafe multiply(matrices(all, index)) }
            }
        }
        for index in 0..<threads { try unsafe check(matrices(all, index)) }
        return DeviceCeilings.Ceiling(
            best: samples.max() ?? 0, samples: samples,
            how:
                "OpenBLAS sgemm, \(threads) products of \(Self.order)x\(Self.order)x\(Self.order) at once, one a thread"
        )
    }

    private typealias Matrices = (
        a: UnsafeMutablePointer<Float>, b: UnsafeMutablePointer<Float>, c: UnsafeMutablePointer<Float>
    )

    private func matrices(_ all: UnsafeMutableBufferPointer<Float>, _ index: Int) -> Matrices {
        guard let base = all.baseAddress else { preconditionFailure("a buffer without an address") }
        let first = unsafe base + 3 * index * Self.elements
        return unsafe (first, first + Self.elements, first + 2 * Self.elements)
    }

    private func multiply(_ matrices: Matrices) {
        let order = Int32(Self.order)
        unsafe copenblas_sgemm(
            CblasNoTrans, CblasNoTrans, order, order, order, matrices.a, order, matrices.b, order, matrices.c,
            order)
    }

    /// Compares entries along the diagonal with sums in double precision.
    private func check(_ matrices: Matrices) throws {
        let order = Self.order
        for row in stride(from: 0, to: order, by: 37) {
            var sum = 0.0
            for inner in 0..<order {
                unsafe sum +=
                    Double(matrices.a[row * order + inner]) * Double(matrices.b[inner * order + row])
            }
            // Terms are at most a quarter, so the rounding of `order` additions stays below this.
            let bound = Double(order) * 0.25 * Double(Float.ulpOfOne) * 32
            guard unsafe abs(Double(matrices.c[row * order + row]) - sum) <= bound else {
                throw Failure(
                    "The matrix product that measures the ceiling gave a wrong result in row \(row).")
            }
        }
    }
}

/// Multiply-adds in registers on every thread: what no memory can slow down.
func multiplyAddCeiling(seconds: Double) throws -> DeviceCeilings.Ceiling {
    let threads = WorkerPool.shared.width
    // Some milliseconds a repetition, long against a fork and join.
    let rounds = 2_000_000
    var probe: Float = 0
    let each = unsafe Double(ck_fma_peak_f32(rounds, &probe))
    let samples = sampleRates(seconds: seconds, work: each * Double(threads)) {
        WorkerPool.shared.parallelFor(count: threads, grain: 1) { range in
            for _ in range {
                var sink: Float = 0
                _ = unsafe ck_fma_peak_f32(rounds, &sink)
            }
        }
    }
    return DeviceCeilings.Ceiling(
        best: samples.max() ?? 0, samples: samples,
        how: "fp32 multiply-adds in registers on \(threads) threads, \(Int(each)) operations each")
}

/// A buffer's memory as floats.
func hostFloats(_ buffer: borrowing DeviceBuffer) -> UnsafeMutableBufferPointer<Float> {
    guard let address = unsafe buffer.hostAddress else {
        preconditionFailure("a CPU buffer without an address")
    }
    let count = buffer.size.bytes / MemoryLayout<Float>.stride
    return unsafe UnsafeMutableBufferPointer(
        start: address.bindMemory(to: Float.self, capacity: count), count: count)
}
