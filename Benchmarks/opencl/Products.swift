import AcceleratorAPI
import CHengAccelerator
import COpenCL
import Essentials
import OpenCLBackend

/// A kernel for one shape: tiles of 4 x 16 in registers, no edges, nothing else.
private let handWritten = """
    kernel void product(global const float *a, global const float *b, global float *c, uint n) {
        size_t i = get_global_id(0) * 4, j = get_global_id(1) * 16;
        float16 s0 = 0, s1 = 0, s2 = 0, s3 = 0;
        for (uint k = 0; k < n; k++) {
            float16 v = vload16(0, b + (size_t)k * n + j);
            s0 = fma((float16)(a[i * n + k]), v, s0);
            s1 = fma((float16)(a[(i + 1) * n + k]), v, s1);
            s2 = fma((float16)(a[(i + 2) * n + k]), v, s2);
            s3 = fma((float16)(a[(i + 3) * n + k]), v, s3);
        }
        vstore16(s0, 0, c + i * n + j);
        vstore16(s1, 0, c + (i + 1) * n + j);
        vstore16(s2, 0, c + (i + 2) * n + j);
        vstore16(s3, 0, c + (i + 3) * n + j);
    }
    """

func compareProducts(_ device: Device, rounds: Int) throws {
    let n = 512
    let plain = try PlainOpenCL(source: handWritten, kernel: "product", words: 3 * n * n)
    let table = try TableWork(device)
    defer { table.close() }
    try table.prepareProduct(n)
    let range = opencl_range(global: (n / 4, n / 16, 1), local: (8, 1, 1))
    plain.setMemory([0, n * n, 2 * n * n], count: n * n)
    plain.set(3, word: UInt64(n))
    var comparison = Comparison()
    // Both are built and warm first.
    for _ in 0..<5 {
        try plain.run(range)
        try table.runProduct()
    }
    try comparison.run(
        rounds: rounds,
        ours: { try Comparison.seconds { for _ in 0..<4 { try table.runProduct() } } / 4 },
        theirs: { try Comparison.seconds { for _ in 0..<4 { try plain.run(range) } } / 4 })
    let operations = 2 * Double(n * n * n) / 1e9
    let (ours, theirs) = (
        operations / Comparison.median(comparison.ours), operations / Comparison.median(comparison.theirs)
    )
    let ratio = comparison.ratio()
    print(
        "matrix product n=\(n): ours \(ours.formatted(digits: 1)) GFLOP/s, hand-written \(theirs.formatted(digits: 1)) GFLOP/s, "
            + "speed ratio \((1 / ratio.median).formatted(digits: 3)) "
            + "[\((1 / ratio.high).formatted(digits: 3)), \((1 / ratio.low).formatted(digits: 3))]; wanted: at least 0.85"
    )
}

/// One empty kernel: submission alone, and with the wait for each.
func compareLaunches(_ device: Device, rounds: Int) throws {
    let source = "kernel void nothing(global int *x, int n) { if (n < 0) x[0] = n; }"
    let plain = try PlainOpenCL(source: source, kernel: "nothing", words: 16)
    plain.setMemory([0], count: 16)
    let table = try TableWork(device)
    defer { table.close() }
    try table.prepareNothing(source)
    let range = opencl_range(global: (1, 1, 1), local: (1, 1, 1))
    let batch = 200
    func theirs(waits: Bool) throws -> Double {
        let time = try Comparison.seconds {
            for index in 0..<batch {
                plain.setMemory([0], count: 16)
                plain.set(1, word: UInt64(index))
                if waits { try plain.run(range) } else { try plain.submit(range) }
            }
            if !waits { plain.finish() }
        }
        return time / Double(batch)
    }
    func ours(waits: Bool) throws -> Double {
        let time = try Comparison.seconds {
            for index in 0..<batch {
                try table.launchNothing(Int32(index))
                if waits { try table.synchronize() }
            }
            if !waits { try table.synchronize() }
        }
        return time / Double(batch)
    }
    for waits in [false, true] {
        for _ in 0..<5 { _ = try (ours(waits: waits), theirs(waits: waits)) }
        var comparison = Comparison()
        try comparison.run(
            rounds: rounds, ours: { try ours(waits: waits) }, theirs: { try theirs(waits: waits) })
        let ratio = comparison.ratio()
        print(
            "launch, \(waits ? "each waited for" : "\(batch) and one wait"): "
                + "ours \((Comparison.median(comparison.ours) * 1e6).formatted(digits: 2)) us, "
                + "OpenCL \((Comparison.median(comparison.theirs) * 1e6).formatted(digits: 2)) us, "
                + "cost ratio \(ratio.median.formatted(digits: 3)) "
                + "[\(ratio.low.formatted(digits: 3)), \(ratio.high.formatted(digits: 3))]; wanted: at most 1.5"
        )
    }
}
