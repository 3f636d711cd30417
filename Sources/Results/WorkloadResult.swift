/// What one workload in one scenario gave.
package struct WorkloadResult: Codable, Equatable, Sendable {
    package var name: String
    package var version: String
    package var modelSHA256: String?
    package var dataSHA256: String?
    package var scenario: String
    /// How queries arrived: `poisson`, `closed-loop`, `all-at-once`; nil for training.
    package var arrival: String?
    package var params: [String: Parameter]
    /// The first is the headline.
    package var metrics: [Metric]
    /// The least time in seconds that one sample can take on the measured ceilings.
    package var floor: Double?
    /// What the headline's value could be at most, in its unit, on the measured ceilings.
    package var ceiling: Double?
    package var fractionOfCeiling: Double?
    /// The work of one sample and the rate it was done at: a point of the roofline.
    package var work: WorkRecord?
    package var quality: Quality?
    package var audits: [Audit]
    package var validity: Validity
    package var samples: SamplesRecord?
    package var training: [TrainingRun]
    /// Remarks that a reader of the figures needs, such as the placement of ranks.
    package var notes: [String]

    package init(
        name: String, version: String, scenario: String, arrival: String? = nil,
        params: [String: Parameter] = [:], metrics: [Metric] = [], quality: Quality? = nil,
        audits: [Audit] = [], validity: Validity, samples: SamplesRecord? = nil,
        training: [TrainingRun] = [], notes: [String] = []
    ) {
        self.name = name
        self.version = version
        self.scenario = scenario
        self.arrival = arrival
        self.params = params
        self.metrics = metrics
        self.quality = quality
        self.audits = audits
        self.validity = validity
        self.samples = samples
        self.training = training
        self.notes = notes
    }

    /// Sets floor, ceiling and the headline's share of it from the ceiling.
    ///
    /// `ceiling` is in the headline's unit. A share over one is kept: it means that work was miscounted.
    package mutating func setCeiling(_ ceiling: Double, floorSeconds: Double? = nil) {
        precondition(ceiling.isFinite && ceiling > 0, "a ceiling is a positive number")
        self.ceiling = ceiling
        floor = floorSeconds
        guard let headline = metrics.first, let value = headline.value, value > 0 else { return }
        fractionOfCeiling = headline.better == .higher ? value / ceiling : ceiling / value
    }

    private enum CodingKeys: String, CodingKey {
        case name, version, scenario, arrival, params, metrics, floor, ceiling, work, quality, audits,
            validity
        case samples, training, notes
        case modelSHA256 = "model_sha256"
        case dataSHA256 = "data_sha256"
        case fractionOfCeiling = "fraction_of_ceiling"
    }
}

/// A setting of a workload.
package enum Parameter: Codable, Equatable, Sendable {
    case flag(Bool)
    case whole(Int)
    case number(Double)
    case text(String)

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        // `try?`: each kind is tried in turn, and the last reports the failure.
        if let value = try? container.decode(Bool.self) {
            self = .flag(value)
        } else if let value = try? container.decode(Int.self) {
            self = .whole(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else {
            self = .text(try container.decode(String.self))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .flag(let value): try container.encode(value)
        case .whole(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .text(let value): try container.encode(value)
        }
    }
}

/// One figure, with the interval that says how far to trust it, or the reason why there is none.
package struct Metric: Codable, Equatable, Sendable {
    package enum Direction: String, Codable, Sendable { case higher, lower }

    package var name: String
    package var unit: String
    package var better: Direction
    package var value: Double?
    package var low: Double?
    package var high: Double?
    package var confidence: Double?
    package var method: String
    package var n: Int
    /// Why the value or its interval is missing.
    package var reason: String?

    /// A value that is not finite is left out, and the reason says so: JSON has no word for it.
    package init(
        name: String, unit: String, better: Direction, value: Double, low: Double? = nil,
        high: Double? = nil, confidence: Double? = nil, method: String, n: Int, reason: String? = nil
    ) {
        self.name = name
        self.unit = unit
        self.better = better
        self.value = value.isFinite ? value : nil
        self.low = low.flatMap { $0.isFinite ? $0 : nil }
        self.high = high.flatMap { $0.isFinite ? $0 : nil }
        self.confidence = confidence
        self.method = method
        self.n = n
        self.reason = value.isFinite ? reason : "the computed value is not a finite number"
    }

    /// A figure that could not be had.
    package init(
        name: String, unit: String, better: Direction, method: String, n: Int, missing reason: String
    ) {
        self.init(name: name, unit: unit, better: better, value: .nan, method: method, n: n)
        self.reason = reason
    }
}

/// The work behind a rate, from the shapes of the operators.
package struct WorkRecord: Codable, Equatable, Sendable {
    package var flopPerSample: Double
    /// Bytes that must move even with an unlimited cache: weights once, inputs and outputs.
    package var compulsoryBytesPerSample: Double
    package var samplesPerSecond: Double
    /// The place in `ceilings` that bounds it.
    package var place: String

    package init(
        flopPerSample: Double, compulsoryBytesPerSample: Double, samplesPerSecond: Double, place: String
    ) {
        self.flopPerSample = flopPerSample
        self.compulsoryBytesPerSample = compulsoryBytesPerSample
        self.samplesPerSecond = samplesPerSecond
        self.place = place
    }

    private enum CodingKeys: String, CodingKey {
        case place
        case flopPerSample = "flop_per_sample"
        case compulsoryBytesPerSample = "compulsory_bytes_per_sample"
        case samplesPerSecond = "samples_per_second"
    }
}

/// Whether the answers were good enough for the speed to count.
package struct Quality: Codable, Equatable, Sendable {
    package var metric: String
    package var value: Double
    package var reference: Double?
    package var target: Double
    package var n: Int
    /// The lower confidence bound of `value`, and the upper.
    package var low: Double?
    package var high: Double?
    package var pass: Bool

    package init(
        metric: String, value: Double, reference: Double? = nil, target: Double, n: Int, low: Double? = nil,
        high: Double? = nil, pass: Bool
    ) {
        self.metric = metric
        self.value = value
        self.reference = reference
        self.target = target
        self.n = n
        self.low = low
        self.high = high
        self.pass = pass
    }
}

/// One test against a way of cheating.
package struct Audit: Codable, Equatable, Sendable {
    package var id: String
    package var pass: Bool
    package var detail: String

    package init(id: String, pass: Bool, detail: String) {
        self.id = id
        self.pass = pass
        self.detail = detail
    }
}

/// Where the raw samples lie.
package struct SamplesRecord: Codable, Equatable, Sendable {
    /// Relative to the folder of `result.json`.
    package var file: String
    package var sha256: String
    package var columns: [String]

    package init(file: String, sha256: String, columns: [String]) {
        self.file = file
        self.sha256 = sha256
        self.columns = columns
    }
}

/// One training to its target, or up to its limit.
package struct TrainingRun: Codable, Equatable, Sendable {
    package var seed: UInt64
    package var target: Double
    package var reached: Bool
    /// Time from the first touch of the data to the evaluation that met the target, else the whole time.
    package var seconds: Double
    package var steps: Int
    package var history: [TrainingPoint]

    package init(
        seed: UInt64, target: Double, reached: Bool, seconds: Double, steps: Int, history: [TrainingPoint]
    ) {
        self.seed = seed
        self.target = target
        self.reached = reached
        self.seconds = seconds
        self.steps = steps
        self.history = history
    }
}

/// The state of a training at one evaluation.
package struct TrainingPoint: Codable, Equatable, Sendable {
    package var step: Int
    package var seconds: Double
    package var loss: Double
    /// On held-out samples, 0 to 1; nil where only the loss was looked at.
    package var accuracy: Double?

    package init(step: Int, seconds: Double, loss: Double, accuracy: Double?) {
        self.step = step
        self.seconds = seconds
        self.loss = loss
        self.accuracy = accuracy
    }
}
