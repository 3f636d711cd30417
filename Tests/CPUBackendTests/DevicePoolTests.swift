import CPUBackend
import Essentials
import Synchronization
import TestSupport
import Testing

@Suite("Worker pool") struct DevicePoolTests {
    @Test(arguments: propertySeeds) func `every index is visited exactly once`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<20 {
            let count = random.below(5000)
            let grain = 1 + random.below(300)
            var visits = [UInt8](repeating: 0, count: count)

            unsafe visits.withUnsafeMutableBufferPointer { visits in
                let visits = unsafe visits
                WorkerPool.shared.parallelFor(count: count, grain: grain) { range in
                    for index in range { unsafe visits[index] += 1 }
                }
            }

            #expect(visits.allSatisfy { $0 == 1 })
        }
    }
}
