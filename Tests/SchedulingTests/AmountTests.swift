import Essentials
import Scheduling
import TestSupport
import Testing

@Suite("Fixed-point amounts")
struct AmountTests {
    @Test(arguments: [("0.5", 5000), ("1", 10_000), ("0.0001", 1), (".25", 2500), ("1.5", 15_000)])
    func `shares are read to the ten-thousandth`(text: String, units: Int) {
        #expect(DeviceShare(parsing: text)?.units == units)
    }

    @Test(arguments: ["", ".", "-1", "0.00001", "1e3", "half", "1.2.3", "99999999999999999999"])
    func `what is not a plain number is refused`(text: String) {
        #expect(DeviceShare(parsing: text) == nil)
        #expect(CoreAmount(parsing: text) == nil)
    }

    @Test func `amounts print without trailing zeros`() {
        #expect(CoreAmount.thousandths(2500).phrase == "2.5 cores")
        #expect(CoreAmount.cores(1).phrase == "1 core")
        #expect(CoreAmount.cores(20).description == "20")
        #expect(DeviceShare(units: 1).description == "0.0001")
    }

    @Test(arguments: propertySeeds.prefix(20)) func `what is printed is read back`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let share = DeviceShare(units: random.below(10_001))
        let cores = CoreAmount.thousandths(random.below(200_000))

        #expect(DeviceShare(parsing: share.description) == share)
        #expect(CoreAmount(parsing: cores.description) == cores)
    }
}
