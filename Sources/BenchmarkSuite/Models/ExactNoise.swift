internal import Essentials

/// Random numbers and waves made of whole numbers only, so that they are the same bits on every machine.
///
/// No function of the C library takes part, whose last bit differs between processors.
extension SeededGenerator {
    /// A generator for one sample of a set, so that samples can be made in any order.
    init(seed: UInt64, purpose: String, index: Int) {
        self.init(seed: seed &+ UInt64(index) &* 0xD134_2543_DE82_EF95, purpose: purpose)
    }

    /// A number of mean 0 and variance 1 whose distribution is close to the normal one.
    ///
    /// It is the sum of eight uniform numbers of 16 bits; the largest magnitude is 4.9.
    mutating func bell() -> Float {
        let (a, b) = (next(), next())
        var sum = 0
        for part in 0..<4 {
            sum += Int(a >> (16 * part) & 0xFFFF) + Int(b >> (16 * part) & 0xFFFF)
        }
        // Eight uniform numbers on 0...65535 have the variance 8 * (65536² - 1) / 12.
        return Float(sum - 4 * 65535) * Float(1.8688e-5)
    }

    /// Two noises at once: sums of four bytes about 0, of standard deviation 148 and at most 510.
    mutating func noisePair() -> (Int, Int) {
        let bits = next()
        // Adds neighbouring bytes, then neighbouring pairs.
        let pairs = (bits & 0x00FF_00FF_00FF_00FF) + (bits >> 8 & 0x00FF_00FF_00FF_00FF)
        let fours = (pairs & 0x0000_FFFF_0000_FFFF) + (pairs >> 16 & 0x0000_FFFF_0000_FFFF)
        return (Int(fours & 0xFFFF) - 510, Int(fours >> 32) - 510)
    }
}

/// A wave close to the sine: two parabolas over one turn of 65536, between -32768 and 32768.
func parabolicWave(_ phase: Int) -> Int {
    let half = phase & 0x7FFF
    let height = (half * (0x8000 - half)) >> 13
    return phase & 0x8000 == 0 ? height : -height
}
