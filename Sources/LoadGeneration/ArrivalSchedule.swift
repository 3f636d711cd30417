internal import Essentials

/// The moments at which queries are due, made before the run: same seed, same moments.
package struct ArrivalSchedule: Equatable, Sendable {
    /// Nanoseconds since the run's start, in rising order.
    package let offsets: [Int64]
    package let targetRate: Double
    /// The rate that the random draws had by themselves, 1 to 2 % off the target for a few thousand.
    package let drawnRate: Double

    /// The rate of the schedule as it is: queries over the time to the last one.
    package var realisedRate: Double { ArrivalSchedule.rate(of: offsets) }

    /// Arrivals of a Poisson process, stretched so that the last is due at count / rate exactly.
    ///
    /// Without the stretch two runs at one target rate would load the system differently by a percent or two.
    package static func poisson(count: Int, rate: Double, seed: UInt64) -> ArrivalSchedule {
        precondition(count > 0 && rate.isFinite && rate > 0, "a schedule needs queries and a positive rate")
        var random = SeededGenerator(seed: seed, purpose: "arrival schedule")
        var elapsed = 0.0
        let moments = (0..<count).map { _ in
            elapsed += random.exponential(rate: 1)
            return elapsed
        }
        let length = Double(count) / rate * 1e9
        return ArrivalSchedule(
            offsets: moments.map { Int64(($0 / elapsed * length).rounded()) }, targetRate: rate,
            drawnRate: Double(count) / elapsed * rate)
    }

    /// Queries per second up to the last moment; 0 for moments that are all at the start.
    package static func rate(of offsets: [Int64]) -> Double {
        guard let last = offsets.last, last > 0 else { return 0 }
        return Double(offsets.count) / (Double(last) / 1e9)
    }
}

/// Which samples are asked for, one after the other.
package struct SampleOrder: Sendable {
    private let loaded: [Int32]
    private let picking: SamplePicking
    private var random: SeededGenerator
    private var permutation: [Int32] = []

    /// `loaded` are the samples in memory; at least one.
    package init(picking: SamplePicking, loaded: [Int32], seed: UInt64) {
        precondition(!loaded.isEmpty, "no sample to pick from")
        self.loaded = loaded
        self.picking = picking
        random = SeededGenerator(seed: seed, purpose: "sample order")
    }

    package mutating func next() -> Int32 {
        switch picking {
        case .uniform: return loaded[random.below(loaded.count)]
        case .repeated: return loaded[0]
        case .equalShares:
            if permutation.isEmpty { permutation = loaded.shuffled(using: &random) }
            return permutation.removeLast()
        }
    }

    /// The samples that a run keeps in memory: a random part of the library when not all fit.
    package static func loadedSet(count: Int, loadable: Int, seed: UInt64) -> [Int32] {
        precondition(
            loadable >= 1 && loadable <= count && count <= Int(Int32.max), "part of a library is loadable")
        let all = (0..<Int32(count)).map { $0 }
        guard loadable < count else { return all }
        var random = SeededGenerator(seed: seed, purpose: "sample set")
        return Array(all.shuffled(using: &random).prefix(loadable))
    }
}
