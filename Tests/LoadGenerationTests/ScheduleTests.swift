import Essentials
import LoadGeneration
import TestSupport
import Testing

@Suite("Arrival schedule")
struct ArrivalScheduleTests {
    @Test func `the last query is due at count over rate, and both rates are kept`() {
        let schedule = ArrivalSchedule.poisson(count: 2000, rate: 50, seed: 7)

        #expect(schedule.offsets.last == 40_000_000_000)
        #expect(schedule.realisedRate == 50)
        #expect(schedule.drawnRate != 50)
        #expect(abs(schedule.drawnRate - 50) < 5)
    }

    @Test(arguments: propertySeeds) func `is a rising function of its arguments alone`(seed: UInt64) {
        let schedule = ArrivalSchedule.poisson(count: 300, rate: 1000, seed: seed)

        #expect(schedule == ArrivalSchedule.poisson(count: 300, rate: 1000, seed: seed))
        #expect(schedule.offsets != ArrivalSchedule.poisson(count: 300, rate: 1000, seed: seed + 1).offsets)
        #expect(zip(schedule.offsets, schedule.offsets.dropFirst()).allSatisfy { $0 <= $1 })
        #expect((schedule.offsets.first ?? -1) >= 0)
    }

    @Test func `gaps are exponential: as wide as they vary, and a third of them above the mean`() {
        let schedule = ArrivalSchedule.poisson(count: 100_000, rate: 1, seed: 1)
        let gaps = zip(schedule.offsets.dropFirst(), schedule.offsets).map { Double($0 - $1) / 1e9 }

        let mean = gaps.reduce(0, +) / Double(gaps.count)
        let variance = gaps.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(gaps.count)
        let above = Double(gaps.count { $0 > mean }) / Double(gaps.count)

        #expect(abs(mean - 1) < 0.01)
        #expect(abs(variance - 1) < 0.03)
        #expect(abs(above - 0.3679) < 0.01)
    }
}

@Suite("Sample order")
struct SampleOrderTests {
    @Test func `equal shares ask for every sample once before any comes again`() {
        var order = SampleOrder(picking: .equalShares, loaded: [3, 5, 9], seed: 1)
        let asked = (0..<6).map { _ in order.next() }

        #expect(asked[..<3].sorted() == [3, 5, 9])
        #expect(asked[3...].sorted() == [3, 5, 9])
    }

    @Test func `the repeated order asks for one sample only`() {
        var order = SampleOrder(picking: .repeated, loaded: [3, 5, 9], seed: 1)
        #expect(Set((0..<20).map { _ in order.next() }).count == 1)
    }

    @Test(arguments: propertySeeds) func `a loaded set is a part of the library without repetition`(
        seed: UInt64
    ) {
        var random = SeededGenerator(seed: seed)
        let count = 1 + random.below(200)
        let loadable = 1 + random.below(count)

        let set = SampleOrder.loadedSet(count: count, loadable: loadable, seed: seed)

        #expect(set.count == loadable)
        #expect(Set(set).count == loadable)
        #expect(set.allSatisfy { (0..<Int32(count)).contains($0) })
        #expect(set == SampleOrder.loadedSet(count: count, loadable: loadable, seed: seed))
    }
}

@Suite("Peak search")
struct PeakSearchTests {
    @Test func `widens until a run fails, then closes in`() {
        var tried: [Double] = []
        let search = findPeak(startingAt: 10, precision: 0.05, runs: 20) { rate in
            tried.append(rate)
            return rate <= 70
        }

        #expect(tried.prefix(5) == [10, 20, 40, 80, 60])
        #expect(search.lowest.map { $0 <= 70 && $0 > 66 } == true)
        #expect(search.highest.map { $0 > 70 && $0 < 74 } == true)
    }

    @Test func `starts downwards when the first rate fails, and gives up in the end`() {
        let search = findPeak(startingAt: 16, runs: 4) { _ in false }

        #expect(search.lowest == nil)
        #expect(search.highest == 2)
    }

    @Test(arguments: propertySeeds) func `always encloses the true peak`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let peak = 1 + 1000 * random.uniform()
        let search = findPeak(startingAt: 1 + 500 * random.uniform(), runs: 30) { $0 <= peak }

        #expect(search.lowest.map { $0 <= peak } == true)
        #expect(search.highest.map { $0 > peak } == true)
        #expect(search.nextRate == nil)
    }
}
