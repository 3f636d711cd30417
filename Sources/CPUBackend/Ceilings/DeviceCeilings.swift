package import AcceleratorAPI
package import Essentials

/// What a CPU device can reach at best, as measured: the roof over every other number of a run.
///
/// Published peaks say what a chip could do; on shared and virtual machines only a measurement says what this one
/// does now. So ceilings are measured in every run, with all of the device's threads, on random data.
package struct DeviceCeilings: Hashable, Sendable, Codable {
    package var device: DeviceID
    package var threads: Int
    /// fp32 matrix product through OpenBLAS, one product per thread, in floating-point operations per second.
    package var matrixProduct: Ceiling
    /// fp32 multiply-adds in registers, in floating-point operations per second.
    package var multiplyAdd: Ceiling
    /// Triad `a = b + s * c` in bytes per second, 12 bytes an element; write-allocate traffic is not counted.
    package var bandwidth: Ceiling

    /// The highest arithmetic rate seen, whatever showed it.
    package var operationsPerSecond: Double { max(matrixProduct.best, multiplyAdd.best) }

    /// One measured roof.
    package struct Ceiling: Hashable, Sendable, Codable {
        /// The best sample, per second: disturbance only ever makes a sample slower.
        package var best: Double
        /// Every repetition but the first, per second, in order.
        package var samples: [Double]
        /// What was measured, with sizes, for a reader of the report.
        package var how: String
    }
}

extension DeviceCeilings {
    /// Measures the device in about `budget`, a third for each of the three, and checks what was computed.
    ///
    /// Blocks the calling thread. Throws when a result is wrong, or when the device is not of the CPU backend.
    package static func measure(_ device: Device, budget: Duration = .seconds(2)) throws -> DeviceCeilings {
        guard device.description.kind == "cpu", device.description.isHostAddressable else {
            throw Failure("\(device.id) is not a CPU device, so its ceilings are not measured this way.")
        }
        let context = try device.makeContext()
        let stream = try context.makeStream()
        let share = Double(budget.nanoseconds) / 3e9
        let threads = try onStream(stream) { WorkerPool.shared.width }
        let product = try MatrixProductCeiling(context, threads: threads)
        let triad = try TriadCeiling(context)
        return DeviceCeilings(
            device: device.id, threads: threads,
            matrixProduct: try onStream(stream) { try product.measure(seconds: share) },
            multiplyAdd: try onStream(stream) { try multiplyAddCeiling(seconds: share) },
            bandwidth: try onStream(stream) { try triad.measure(seconds: share) })
    }

    /// Runs a body on the stream's thread, where loops use the device's own CPUs, and waits for it.
    private static func onStream<Value>(
        _ stream: borrowing DeviceStream, _ body: @escaping () throws -> Value
    ) throws -> Value {
        var outcome: Result<Value, any Error>?
        let box = Thunk { outcome = Result { try body() } }
        try unsafe stream.launch(
            { argument in
                let raw = unsafe argument.load(as: UnsafeRawPointer.self)
                unsafe Unmanaged<Thunk>.fromOpaque(raw).takeUnretainedValue().run()
            }, with: UInt(bitPattern: Unmanaged.passUnretained(box).toOpaque()))
        try stream.synchronize()
        withExtendedLifetime(box) {}
        guard let outcome else {
            preconditionFailure("the stream was synchronized, but its work has not run")
        }
        return try outcome.get()
    }
}

/// A closure that a launch can carry as one pointer.
private final class Thunk {
    let run: () -> Void
    init(_ run: @escaping () -> Void) { self.run = run }
}

/// Repeats a timed body until the time is up, at least four times, and keeps all but the first.
func sampleRates(seconds: Double, work: Double, _ body: () -> Void) -> [Double] {
    let deadline = TimePoint.monotonicNow().seconds + seconds
    var rates: [Double] = []
    repeat {
        let start = TimePoint.monotonicNow()
        body()
        let elapsed = (TimePoint.monotonicNow() - start).inSeconds
        rates.append(work / max(elapsed, 1e-9))
    } while rates.count < 4 || TimePoint.monotonicNow().seconds < deadline
    return Array(rates.dropFirst())
}

/// Random numbers around zero for a buffer: a block drawn once and repeated.
///
/// Never zeros or constants: data that does not toggle bits runs faster than any real data on some processors.
func fillWithNoise(_ values: UnsafeMutableBufferPointer<Float>, purpose: String) {
    var random = SeededGenerator(seed: 1, purpose: purpose)
    // Prime, so that no stride of the measured code sees the block repeat in step.
    let block = (0..<65_521).map { _ in Float(random.uniform() - 0.5) }
    let values = unsafe values
    WorkerPool.shared.parallelFor(count: values.count, grain: 1 << 18) { range in
        for index in range { unsafe values[index] = block[index % block.count] }
    }
}
