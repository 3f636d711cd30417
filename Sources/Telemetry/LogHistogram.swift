/// Counts of durations in buckets whose width grows with the value: 3 % of it, exact below 32.
///
/// Recording costs a few instructions and never allocates, so it suits places that cannot keep every sample.
/// Where samples are kept, `SortedSamples` is exact and better.
package struct LogHistogram: Sendable {
    /// Each power of two is cut into 2^5 buckets, hence the 3 %.
    private static let precisionBits = 5
    private static let bucketCount = (64 - precisionBits) << precisionBits

    private var counts = [UInt64](repeating: 0, count: bucketCount)
    package private(set) var count: UInt64 = 0
    package private(set) var minimum: Int64 = .max
    package private(set) var maximum: Int64 = .min

    package init() {}

    /// Adds one value; negative ones (clocks that ran backwards) count as zero.
    package mutating func record(_ value: Int64) {
        let value = max(0, value)
        counts[LogHistogram.bucket(of: value)] += 1
        count += 1
        minimum = min(minimum, value)
        maximum = max(maximum, value)
    }

    package mutating func merge(_ other: LogHistogram) {
        for index in counts.indices { counts[index] += other.counts[index] }
        count += other.count
        minimum = min(minimum, other.minimum)
        maximum = max(maximum, other.maximum)
    }

    /// The largest value that the bucket of the given rank can hold, never above the maximum seen.
    package func percentile(_ fraction: Double) -> Int64? {
        guard count > 0 else { return nil }
        let rank = min(UInt64(SortedSamples.rank(of: fraction, in: Int(count))), count - 1)
        var seen: UInt64 = 0
        for (index, bucketCount) in counts.enumerated() {
            seen += bucketCount
            if seen > rank { return min(maximum, LogHistogram.upperEdge(of: index)) }
        }
        return maximum
    }

    /// The buckets that hold something, in rising order.
    package var buckets: [(upperEdge: Int64, count: UInt64)] {
        counts.indices.compactMap { index in
            counts[index] == 0 ? nil : (LogHistogram.upperEdge(of: index), counts[index])
        }
    }

    private static func bucket(of value: Int64) -> Int {
        guard value >= 1 << precisionBits else { return Int(value) }
        let exponent = 63 - value.leadingZeroBitCount
        let part = Int(value >> Int64(exponent - precisionBits)) & (1 << precisionBits - 1)
        return (exponent - precisionBits + 1) << precisionBits + part
    }

    private static func upperEdge(of bucket: Int) -> Int64 {
        guard bucket >= 1 << precisionBits else { return Int64(bucket) }
        let exponent = bucket >> precisionBits + precisionBits - 1
        let part = Int64(bucket & (1 << precisionBits - 1))
        let width = Int64(1) << Int64(exponent - precisionBits)
        return (Int64(1) << Int64(exponent) + part * width) + (width - 1)
    }
}
