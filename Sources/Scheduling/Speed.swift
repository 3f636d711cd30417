internal import Essentials

/// How long one job of a workload took on a kind of device.
package struct SpeedSample: Hashable, Codable, Sendable {
    package var workload: String
    /// The kind of device and its size, as `SpeedBook.deviceClass` writes it.
    package var device: String
    package var duration: Duration

    package init(workload: String, device: String, duration: Duration) {
        self.workload = workload
        self.device = device
        self.duration = duration
    }
}

/// What was learned about how long workloads take on each class of device.
///
/// A figure counts once there are ten samples that agree: StarPU's rule for its history models, and a spread of at
/// most a quarter of the mean. Mean and spread follow Welford's method, with old samples losing weight after a hundred.
package struct SpeedBook: Hashable, Codable, Sendable {
    package struct Figure: Hashable, Codable, Sendable {
        package var samples = 0
        /// Seconds.
        package var mean = 0.0
        package var squares = 0.0

        package var spread: Double {
            samples < 2 || mean <= 0 ? 0 : (squares / Double(samples - 1)).squareRoot() / mean
        }

        package var isTrusted: Bool {
            samples >= SpeedBook.samplesNeeded && spread <= SpeedBook.spreadAllowed
        }

        fileprivate mutating func add(_ seconds: Double) {
            if samples >= 100 {
                squares *= 99.0 / 100
                samples = 99
            }
            samples += 1
            let difference = seconds - mean
            mean += difference / Double(samples)
            squares += difference * (seconds - mean)
        }
    }

    package struct Entry: Hashable, Codable, Sendable {
        package var workload: String
        package var device: String
    }

    package static let samplesNeeded = 10
    package static let spreadAllowed = 0.25
    /// Figures that are kept; the ones with fewest samples go first.
    static let capacity = 10_000

    package private(set) var figures: [Entry: Figure] = [:]

    package init() {}

    package mutating func learn(_ sample: SpeedSample) {
        let entry = Entry(workload: sample.workload, device: sample.device)
        if figures[entry] == nil, figures.count >= SpeedBook.capacity { forgetOne() }
        figures[entry, default: Figure()].add(max(0, sample.duration.inSeconds))
    }

    /// How long a workload takes, or nil when too little is known.
    package func seconds(of workload: String, on device: String) -> Double? {
        guard let figure = figures[Entry(workload: workload, device: device)], figure.isTrusted else {
            return nil
        }
        return figure.mean
    }

    private mutating func forgetOne() {
        let least = figures.min {
            ($0.value.samples, $0.key.workload, $0.key.device) < (
                $1.value.samples, $1.key.workload, $1.key.device
            )
        }
        if let least { figures[least.key] = nil }
    }

    /// What a virtual device is called when speeds are compared: its model, and how much of it.
    package static func deviceClass(of device: VirtualDevice, model: String) -> String {
        device.device.kind == ResourceRequest.cpu
            ? "\(model)/\(device.cores.phrase)" : "\(model)/\(device.share)"
    }
}

extension SpeedBook.Entry: Comparable {
    package static func < (left: Self, right: Self) -> Bool {
        (left.workload, left.device) < (right.workload, right.device)
    }
}

extension SpeedBook {
    private struct Row: Codable {
        var entry: Entry
        var figure: Figure
    }

    package init(from decoder: any Decoder) throws {
        for row in try decoder.singleValueContainer().decode([Row].self) { figures[row.entry] = row.figure }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(figures.keys.sorted().map { Row(entry: $0, figure: figures[$0] ?? Figure()) })
    }
}
