internal import AcceleratorAPI
internal import Essentials

/// Memory bandwidth by the triad of STREAM: `a = b + s * c` over arrays far larger than the caches.
///
/// STREAM's rules (https://www.cs.virginia.edu/stream/ref.html): each array at least four times the last-level
/// cache, the first repetition left out, the best one counts, contents checked after.
final class TriadCeiling {
    private static let scale: Float = 3

    /// The three arrays, one after the other.
    private let buffer: DeviceBuffer
    private let count: Int
    private let cache: ByteCount

    /// Makes the arrays: four times the caches that the machine reports, at most an eighth of the memory.
    init(_ context: borrowing DeviceContext) throws {
        let device = context.device.description
        cache = MachineLayout.nodes.first { $0.number == device.numaNode }?.cache ?? .zero
        let wanted = max(ByteCount.mebibytes(64).bytes, 4 * cache.bytes)
        let most = min(ByteCount.mebibytes(512).bytes, (device.memory ?? .gibibytes(1)).bytes / 8)
        // Whole pages, so that no two arrays share one.
        count =
            max(MemoryPool.pageSize, min(wanted, most) / MemoryPool.pageSize * MemoryPool.pageSize)
            / MemoryLayout<Float>.stride
        buffer = try context.makeBuffer(of: .bytes(3 * count * MemoryLayout<Float>.stride))
    }

    func measure(seconds: Double) throws -> DeviceCeilings.Ceiling {
        let all = unsafe hostFloats(buffer)
        unsafe fillWithNoise(all, purpose: "triad ceiling")
        guard let a = all.baseAddress else { preconditionFailure("a buffer without an address") }
        let count = self.count
        // Several parts for each thread, so that a thread that loses its core for a while does less.
        let grain = max(1024, count / (WorkerPool.shared.width * 8))
        let samples = sampleRates(seconds: seconds, work: Double(3 * count * MemoryLayout<Float>.stride)) {
            WorkerPool.shared.parallelFor(count: count, grain: grain) { range in
                unsafe TriadCeiling.triad(a + range.lowerBound, a + count, a + 2 * count, range)
            }
        }
        try unsafe check(a)
        return DeviceCeilings.Ceiling(best: samples.max() ?? 0, samples: samples, how: how)
    }

    private static func triad(
        _ target: UnsafeMutablePointer<Float>, _ b: UnsafeMutablePointer<Float>,
        _ c: UnsafeMutablePointer<Float>, _ range: Range<Int>
    ) {
        let scale = Self.scale
        let b = unsafe b + range.lowerBound
        let c = unsafe c + range.lowerBound
        for index in 0..<range.count { unsafe target[index] = b[index] + scale * c[index] }
    }

    /// Every element, because a thread that skipped its part would look fast.
    private func check(_ a: UnsafeMutablePointer<Float>) throws {
        var wrong = 0
        for index in 0..<count {
            let expected = unsafe a[count + index] + Self.scale * a[2 * count + index]
            if unsafe abs(a[index] - expected) > 4 * Float.ulpOfOne { wrong += 1 }
        }
        guard wrong == 0 else {
            throw Failure(
                "The triad that measures memory bandwidth left \(wrong) of \(count) elements wrong.")
        }
    }

    private var how: String {
        let array = ByteCount(bytes: count * MemoryLayout<Float>.stride)
        let text = "fp32 triad, 3 arrays of \(array), last-level cache \(cache)"
        return array.bytes >= 4 * cache.bytes
            ? text : text + ", smaller than STREAM asks because memory is short"
    }
}
