#if canImport(Glibc)
internal import Glibc
#endif

/// A repeatable source of random numbers: xoshiro256** by Blackman and Vigna, seeded through SplitMix64.
///
/// Same seed, same numbers, on every machine and in every release of Heng: recorded runs, generated models and
/// simulations rely on it, so its output may never change. Not for secrets.
/// Reference: https://prng.di.unimi.it
package struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: (UInt64, UInt64, UInt64, UInt64)

    package init(seed: UInt64) {
        var mixer = seed
        func next() -> UInt64 {
            mixer &+= 0x9E37_79B9_7F4A_7C15
            var z = mixer
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
        state = (next(), next(), next(), next())
    }

    /// An independent stream for a named purpose, so that adding a draw in one place moves no other.
    package init(seed: UInt64, purpose: String) {
        // FNV-1a over the name, then mixed with the seed by the SplitMix64 of the plain initialiser.
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in purpose.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        self.init(seed: seed ^ hash)
    }

    package mutating func next() -> UInt64 {
        func rotate(_ x: UInt64, _ k: UInt64) -> UInt64 { (x << k) | (x >> (64 - k)) }
        let result = rotate(state.1 &* 5, 7) &* 9
        let shifted = state.1 << 17
        state.2 ^= state.0
        state.3 ^= state.1
        state.1 ^= state.2
        state.0 ^= state.3
        state.2 ^= shifted
        state.3 = rotate(state.3, 45)
        return result
    }

    /// A number in [0, 1) with 53 random bits.
    package mutating func uniform() -> Double {
        Double(next() >> 11) * 0x1p-53
    }

    /// A number from the standard normal distribution (Box-Muller, the cosine half only, so one call is two draws).
    package mutating func normal() -> Double {
        let radius = (-2 * log(1 - uniform())).squareRoot()
        return radius * cos(2 * Double.pi * uniform())
    }

    /// A waiting time of a Poisson process with the given rate, in the rate's unit of time.
    package mutating func exponential(rate: Double) -> Double {
        precondition(rate > 0, "an exponential distribution needs a positive rate")
        return -log(1 - uniform()) / rate
    }

    /// A whole number in 0..<bound, by the standard library's unbiased method.
    package mutating func below(_ bound: Int) -> Int {
        Int.random(in: 0..<bound, using: &self)
    }
}
