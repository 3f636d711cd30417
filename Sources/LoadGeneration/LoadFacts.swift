internal import Essentials
package import Results
package import Telemetry

/// One sample's question and answer; times are nanoseconds since the run's start.
package struct IssuedSample: Equatable, Sendable {
    package var sample: Int32
    package var scheduled: Int64
    package var issued: Int64
    package var start: Int64?
    package var end: Int64?
    package var result: Int32
    package var outputHash: UInt64
    package var flags: SampleFlags

    package init(
        sample: Int32, scheduled: Int64, issued: Int64, start: Int64? = nil, end: Int64? = nil,
        result: Int32 = 0, outputHash: UInt64 = 0, flags: SampleFlags = []
    ) {
        self.sample = sample
        self.scheduled = scheduled
        self.issued = issued
        self.start = start
        self.end = end
        self.result = result
        self.outputHash = outputHash
        self.flags = flags
    }

    /// From the moment it was due, not from when it was sent: a generator that is held up must not flatter.
    package var latency: Int64? { end.map { $0 - scheduled } }
    package var issueSlip: Int64 { issued - scheduled }
}

/// What happened in a run, without any judgement: old facts can be judged again under other rules.
package struct LoadFacts: Equatable, Sendable {
    package var settings: LoadSettings
    package var systemName: String
    package var libraryName: String
    /// How many samples the library has.
    package var librarySize: Int
    /// In the order of issue.
    package var samples: [IssuedSample]
    /// In Server, the rate that the schedule's random draws had before they were fitted to the target.
    package var drawnRate: Double?
    /// From the start to the last answer or the end of waiting.
    package var elapsed: Duration
    /// The same stretch on the system's wall clock.
    package var elapsedOnSystemClock: Duration
    /// Answers beyond the first to one sample.
    package var repeatedAnswers: Int
    /// Answers to questions that were never asked.
    package var unknownAnswers: Int
    package var errorCount: Int
    /// The first few errors' texts.
    package var errors: [String]
    /// Whether the run was stopped from outside.
    package var wasInterrupted: Bool
    package var contention: Reading<HostContention>

    package init(
        settings: LoadSettings, systemName: String, libraryName: String, librarySize: Int,
        samples: [IssuedSample],
        drawnRate: Double? = nil, elapsed: Duration, elapsedOnSystemClock: Duration, repeatedAnswers: Int = 0,
        unknownAnswers: Int = 0, errorCount: Int = 0, errors: [String] = [], wasInterrupted: Bool = false,
        contention: Reading<HostContention> = .unavailable(reason: "not read")
    ) {
        self.settings = settings
        self.systemName = systemName
        self.libraryName = libraryName
        self.librarySize = librarySize
        self.samples = samples
        self.drawnRate = drawnRate
        self.elapsed = elapsed
        self.elapsedOnSystemClock = elapsedOnSystemClock
        self.repeatedAnswers = repeatedAnswers
        self.unknownAnswers = unknownAnswers
        self.errorCount = errorCount
        self.errors = errors
        self.wasInterrupted = wasInterrupted
        self.contention = contention
    }
}

extension LoadFacts {
    package var missingAnswers: Int { samples.count { $0.end == nil } }

    /// The latencies of all answered samples in nanoseconds, in the order of issue.
    package var latencies: [Double] { samples.compactMap { $0.latency.map(Double.init) } }

    /// How long queries were issued, as the scenario counts it: to the last issue, the last moment that was due,
    /// or the last answer.
    package var countedDuration: Duration {
        switch settings.scenario {
        case .singleStream: .nanoseconds(samples.last?.issued ?? 0)
        case .server: .nanoseconds(samples.last?.scheduled ?? 0)
        case .offline: .nanoseconds(samples.lazy.compactMap(\.end).max() ?? 0)
        }
    }

    /// Answered samples per second, by the scenario's own rule.
    package var completedRate: Double? {
        let answered = samples.count { $0.end != nil }
        guard let last = samples.lazy.compactMap(\.end).max(), last > 0 else { return nil }
        let seconds = Double(last) / 1e9
        return switch settings.scenario {
        case .server: answered > 1 ? Double(answered - 1) / seconds : nil
        case .offline, .singleStream: Double(answered) / seconds
        }
    }

    /// The samples as a file keeps them.
    package func records(device: String? = nil) -> [SampleRecord] {
        samples.enumerated().map { index, sample in
            SampleRecord(
                sequence: index, sample: Int(sample.sample), scheduled: sample.scheduled,
                issued: sample.issued, start: sample.start, end: sample.end, device: device,
                flags: sample.flags, outputHash: sample.end == nil ? nil : sample.outputHash,
                result: sample.end == nil ? nil : sample.result)
        }
    }

    /// Facts from a file of raw samples, to judge a run again; what a file cannot know is taken as given.
    package init(
        records: [SampleRecord], settings: LoadSettings, systemName: String, libraryName: String,
        librarySize: Int
    ) {
        let samples = records.map { record in
            IssuedSample(
                sample: Int32(clamping: record.sample), scheduled: record.scheduled, issued: record.issued,
                start: record.start, end: record.end, result: record.result ?? 0,
                outputHash: record.outputHash ?? 0, flags: record.flags)
        }
        let last = Duration.nanoseconds(samples.lazy.compactMap(\.end).max() ?? 0)
        self.init(
            settings: settings, systemName: systemName, libraryName: libraryName,
            librarySize: librarySize, samples: samples,
            elapsed: last, elapsedOnSystemClock: last,
            repeatedAnswers: samples.count { $0.flags.contains(.repeated) },
            errorCount: samples.count { $0.flags.contains(.failed) })
    }
}
