/// The generator MT19937 by Matsumoto and Nishimura, seeded by one number of 32 bits.
///
/// It is here for operators whose results others compare with NumPy's `RandomState`; what is ours draws from
/// `SeededGenerator`. Reference: http://www.math.sci.hiroshima-u.ac.jp/m-mat/MT/emt.html
struct MersenneTwister {
    private static let size = 624
    private var state: [UInt32] = []
    private var place = MersenneTwister.size

    init(seed: UInt32) {
        var value = seed
        for index in 1...UInt32(Self.size) {
            state.append(value)
            value = 1_812_433_253 &* (value ^ (value >> 30)) &+ index
        }
    }

    mutating func next() -> UInt32 {
        if place == Self.size { refill() }
        var y = state[place]
        place += 1
        y ^= y >> 11
        y ^= (y << 7) & 0x9D2C_5680
        y ^= (y << 15) & 0xEFC6_0000
        return y ^ (y >> 18)
    }

    private mutating func refill() {
        for index in 0..<Self.size {
            let joined =
                (state[index] & 0x8000_0000) | (state[(index + 1) % Self.size] & 0x7FFF_FFFF)
            let twist: UInt32 = joined & 1 == 0 ? 0 : 0x9908_B0DF
            state[index] = state[(index + 397) % Self.size] ^ (joined >> 1) ^ twist
        }
        place = 0
    }

    /// A number in [0, 1) with 53 random bits.
    mutating func uniform() -> Double {
        let (high, low) = (next() >> 5, next() >> 6)
        return (Double(high) * 0x1p26 + Double(low)) * 0x1p-53
    }
}
