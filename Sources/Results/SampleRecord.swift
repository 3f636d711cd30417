/// What is known of one sample's way through the system; all times are nanoseconds since the run's start.
package struct SampleRecord: Equatable, Sendable {
    /// The position in the order of issue, from 0.
    package var sequence: Int
    /// The index in the sample library.
    package var sample: Int
    /// When it was due.
    ///
    /// Latency counts from here.
    package var scheduled: Int64
    /// When the generator handed it over.
    package var issued: Int64
    /// When the system began to work on it, if it says.
    package var start: Int64?
    package var firstToken: Int64?
    /// When the answer came; nil when none did.
    package var end: Int64?
    package var tokens: Int?
    package var device: String?
    /// Processor time spent on it, if known.
    package var cpuTime: Int64?
    package var flags: SampleFlags
    package var outputHash: UInt64?
    /// The answer where it is one small number, such as a class.
    package var result: Int32?

    package init(
        sequence: Int, sample: Int, scheduled: Int64, issued: Int64, start: Int64? = nil,
        firstToken: Int64? = nil, end: Int64?, tokens: Int? = nil, device: String? = nil,
        cpuTime: Int64? = nil, flags: SampleFlags = [], outputHash: UInt64? = nil, result: Int32? = nil
    ) {
        self.sequence = sequence
        self.sample = sample
        self.scheduled = scheduled
        self.issued = issued
        self.start = start
        self.firstToken = firstToken
        self.end = end
        self.tokens = tokens
        self.device = device
        self.cpuTime = cpuTime
        self.flags = flags
        self.outputHash = outputHash
        self.result = result
    }

    /// From the moment it was due to the answer.
    package var latency: Int64? { end.map { $0 - scheduled } }
}

/// What is odd about a sample.
///
/// The numbers are part of the file format.
package struct SampleFlags: OptionSet, Hashable, Sendable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The answer holds NaN or infinity.
    package static let notFinite = SampleFlags(rawValue: 1)
    /// The system said that it could not answer.
    package static let failed = SampleFlags(rawValue: 2)
    /// More than one answer came.
    package static let repeated = SampleFlags(rawValue: 4)
}
