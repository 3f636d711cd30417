import Essentials
import TestSupport
import Testing

@Suite("Byte counts")
struct ByteCountTests {
    @Test(arguments: [
        ("512", 512), ("64KiB", 65_536), ("2GiB", 2 << 30), ("1.5G", 3 << 29), ("2 MB", 2_000_000), ("0", 0),
    ])
    func `sizes are read as people write them`(text: String, bytes: Int) {
        #expect(ByteCount(parsing: text) == ByteCount(bytes: bytes))
    }

    @Test(arguments: ["", "-1", "2XB", "GiB", "1e3", "99999999999999TiB", "1..2"])
    func `what is not a size is refused`(text: String) {
        #expect(ByteCount(parsing: text) == nil)
    }

    @Test func `a size prints with the largest unit that keeps it at or above one`() {
        #expect(ByteCount.bytes(640).description == "640 B")
        #expect(ByteCount.gibibytes(24).description == "24 GiB")
        #expect(ByteCount.mebibytes(1536).description == "1.5 GiB")
    }
}

@Suite("CPU sets")
struct CPUSetTests {
    @Test func `a set prints and reads the kernel's list form`() {
        let set = CPUSet([0, 1, 2, 3, 8, 130])

        #expect(set.description == "0-3,8,130")
        #expect(CPUSet(parsing: "0-3,8,130") == set)
        #expect(CPUSet(parsing: "") == CPUSet())
    }

    @Test(arguments: ["a", "3-1", "1-", "-1", "1,,2", "0-99999999", "1-2-3"])
    func `a malformed list is refused`(text: String) {
        #expect(CPUSet(parsing: text) == nil)
    }

    @Test(arguments: propertySeeds) func `set algebra agrees with the standard library's sets`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let a = Set((0..<random.below(20)).map { _ in random.below(200) })
        let b = Set((0..<random.below(20)).map { _ in random.below(200) })

        #expect(CPUSet(a).union(CPUSet(b)) == CPUSet(a.union(b)))
        #expect(CPUSet(a).intersection(CPUSet(b)) == CPUSet(a.intersection(b)))
        #expect(CPUSet(a).subtracting(CPUSet(b)) == CPUSet(a.subtracting(b)))
        #expect(CPUSet(a).isSubset(of: CPUSet(b)) == a.isSubset(of: b))
        #expect(CPUSet(a).units == a.sorted())
        #expect(CPUSet(parsing: CPUSet(a).description) == CPUSet(a))
    }
}

@Suite("Seeded random numbers")
struct SeededGeneratorTests {
    @Test func `the sequence of a seed is fixed for ever`() {
        var random = SeededGenerator(seed: 42)

        // SplitMix64(42) then xoshiro256**, as the authors' C code prints them.
        #expect(
            [random.next(), random.next(), random.next()] == [
                1_546_998_764_402_558_742, 6_990_951_692_964_543_102, 12_544_586_762_248_559_009,
            ])
    }

    @Test func `normal numbers have mean 0 and variance 1`() {
        var random = SeededGenerator(seed: 1)
        let values = (0..<20_000).map { _ in random.normal() }
        let mean = values.reduce(0, +) / 20_000
        let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 20_000

        #expect(abs(mean) < 0.03)
        #expect(abs(variance - 1) < 0.05)
    }

    @Test func `purposes give independent streams`() {
        var a = SeededGenerator(seed: 7, purpose: "weights")
        var b = SeededGenerator(seed: 7, purpose: "inputs")

        #expect(a.next() != b.next())
    }
}

@Suite("Formatting and time")
struct FormattingTests {
    @Test func `numbers print with fixed and with significant digits`() {
        #expect(3.14159.formatted(digits: 2) == "3.14")
        #expect((-0.05).formatted(digits: 1) == "-0.1")
        #expect(2.0.formatted(digits: 0) == "2")
        #expect(1.005.formatted(digits: 3) == "1.005")
        #expect(0.001234.formatted(significant: 3) == "0.00123")
        #expect(1234.5.formatted(significant: 3) == "1235")
    }

    @Test func `a wall-clock point prints as ISO 8601`() {
        #expect(TimePoint(nanoseconds: 1_700_000_000_123_000_000).iso8601 == "2023-11-14T22:13:20.123Z")
    }

    @Test func `devices are read as kind and index`() {
        #expect(DeviceID(parsing: "cpu:0") == DeviceID(kind: "cpu", index: 0))
        #expect(DeviceID(parsing: "cpu") == nil)
        #expect(DeviceID(parsing: "cpu:-1") == nil)
    }
}
