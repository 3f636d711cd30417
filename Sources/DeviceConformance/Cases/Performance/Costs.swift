internal import AcceleratorAPI
internal import Essentials

extension DeviceCases {
    static let costs: [DeviceCase] = [
        .other(
            .performance, "submit/launch", "what submitting a host function costs", needs: .runHostFunctions
        ) { trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            try trial.price("launch", per: 200) {
                try trial.rig.launch(stream, .nothing).done()
            } between: {
                try trial.rig.synchronize(stream).done()
            }
        },
        .other(.performance, "submit/record", "what recording an event costs") { trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let event = try trial.event(in: context)
            try trial.price("event record", per: 200) {
                try trial.rig.record(event, in: stream).done()
            } between: {
                try trial.rig.synchronize(stream).done()
            }
        },
        .other(.performance, "submit/copy", "what submitting a copy of 64 bytes costs") { trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let (first, second) = (try trial.buffer(in: context, 64), try trial.buffer(in: context, 64))
            let places = (Place.buffer(first, size: 64), Place.buffer(second, size: 64))
            try trial.price("copy of 64 B", per: 200) {
                try trial.rig.copy(stream, to: places.1, from: places.0, 64).done()
            } between: {
                try trial.rig.synchronize(stream).done()
            }
        },
        .other(
            .performance, "latency/launch", "from a launch to the end of waiting for it",
            needs: .runHostFunctions
        ) { trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            try trial.time("launch and wait", rounds: 300) {
                try trial.rig.launch(stream, .nothing).done()
                try trial.rig.synchronize(stream).done()
            }
        },
        .other(.performance, "latency/synchronize", "waiting for an idle stream") { trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            try trial.time("wait for an idle stream", rounds: 300) {
                try trial.rig.synchronize(stream).done()
            }
        },
        .other(.performance, "latency/allocate", "making and freeing a buffer of 1 MiB") { trial in
            let context = try trial.context()
            try trial.time("allocate and free 1 MiB", rounds: 100) {
                let buffer = try trial.rig.allocate(context, 1 << 20).made()
                try trial.rig.free(buffer).done()
            }
        },
        .other(.performance, "bandwidth/copy", "how fast large copies go in each direction") { trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let size = trial.settings.isQuick ? 4 << 20 : 32 << 20
            let (first, second) = (try trial.buffer(in: context, size), try trial.buffer(in: context, size))
            let host = trial.memory([UInt8](repeating: 1, count: size))
            let ways: [(String, Place, Place)] = [
                ("device to device", .buffer(second, size: size), .buffer(first, size: size)),
                ("host to device", .buffer(first, size: size), .host(host)),
                ("device to host", .host(host), .buffer(first, size: size)),
            ]
            for (name, to, from) in ways {
                try trial.rate("copy \(name)", bytes: size) {
                    try trial.rig.copy(stream, to: to, from: from, size).done()
                    try trial.rig.synchronize(stream).done()
                }
            }
        },
        .other(.performance, "bandwidth/fill", "how fast large fills go") { trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let size = trial.settings.isQuick ? 4 << 20 : 32 << 20
            let buffer = try trial.buffer(in: context, size)
            try trial.rate("fill", bytes: size) {
                try trial.rig.fill(stream, .buffer(buffer, size: size), with: 1, size).done()
                try trial.rig.synchronize(stream).done()
            }
        },
    ]
}

extension Trial {
    /// The median and the middle half of the samples.
    private func summary(_ samples: [Double]) -> (median: Double, low: Double, high: Double) {
        let sorted = samples.sorted()
        func quantile(_ part: Double) -> Double {
            sorted[min(sorted.count - 1, Int(part * Double(sorted.count)))]
        }
        return (quantile(0.5), quantile(0.25), quantile(0.75))
    }

    /// Nanoseconds per call, in batches of so many calls.
    func price(
        _ name: String, per batch: Int, _ body: () throws -> Void, between: () throws -> Void
    ) throws {
        var samples: [Double] = []
        for round in 0..<30 {
            let start = TimePoint.monotonicNow()
            for _ in 0..<batch { try body() }
            let taken = (TimePoint.monotonicNow() - start).inSeconds
            try between()
            if round >= 5 { samples.append(taken * 1e9 / Double(batch)) }
        }
        let (median, low, high) = summary(samples)
        measure(name, median, "ns", low: low, high: high)
    }

    /// Microseconds of one call.
    func time(_ name: String, rounds: Int, _ body: () throws -> Void) throws {
        for _ in 0..<10 { try body() }
        var samples: [Double] = []
        for _ in 0..<rounds {
            let start = TimePoint.monotonicNow()
            try body()
            samples.append((TimePoint.monotonicNow() - start).inSeconds * 1e6)
        }
        let (median, low, high) = summary(samples)
        measure(name, median, "µs", low: low, high: high)
    }

    /// Gigabytes per second.
    func rate(_ name: String, bytes: Int, _ body: () throws -> Void) throws {
        for _ in 0..<2 { try body() }
        var samples: [Double] = []
        for _ in 0..<8 {
            let start = TimePoint.monotonicNow()
            try body()
            samples.append(Double(bytes) / max(1e-9, (TimePoint.monotonicNow() - start).inSeconds) / 1e9)
        }
        let (median, low, high) = summary(samples)
        measure(name, median, "GB/s", low: low, high: high)
    }
}
