import AllocationCounter
import ComputeGraph
import Essentials
import Execution
import TestSupport
import Testing

#if canImport(Glibc)
import Glibc
#endif

@Suite("Running")
struct RunningTests {
    @Test(
        .enabled(
            if: ac_is_available() != 0, "allocations can be counted with glibc only, and without a sanitizer")
    )
    func `a run allocates nothing`() async {
        await #expect(processExitsWith: .success) {
            for graph in [try GraphSamples.residualNetwork(batch: 2), try GraphSamples.encoder(batch: 2)] {
                let session = try Session(try TestBed().executable(graph))
                for _ in 0..<3 { try session.run() }

                ac_start()
                for _ in 0..<10 { try session.run() }
                let allocations = ac_stop()

                precondition(allocations == 0, "\(allocations) allocations in 10 runs")
            }
        }
    }

    @Test func `one thread gives the same bits as the pool`() async throws {
        let pooled = try RunningTests.bits()

        await #expect(processExitsWith: .success) { [pooled = pooled as UInt64] in
            // Read once, when the pool is first used, which in this process is below.
            unsafe setenv("HENG_THREADS", "1", 1)
            let alone = try RunningTests.bits()
            precondition(alone == pooled, "the numbers depend on the threads")
        }
    }

    /// A digest of all output bits of networks that are large enough to be split among threads.
    private static func bits() throws -> UInt64 {
        var random = SeededGenerator(seed: 11)
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        let graphs = [
            try GraphSamples.residualNetwork(batch: 2, size: 60),
            try GraphSamples.encoder(batch: 2, length: 60, heads: 4, width: 128),
            // The product that OpenBLAS gets, with odd edges.
            try GraphSamples.product(rows: 37, terms: 811, columns: 613),
            try GraphSamples.product(rows: 1, terms: 1031, columns: 1021),
        ]
        for graph in graphs {
            let sample = GraphSample(graph, &random)
            let bed = try TestBed()
            let parameters = try ParameterSet(for: graph, on: bed.device, loading: sample.parameters)
            let session = try Session(bed.executable(graph), parameters: parameters)
            for output in try session.run(inputs: sample.inputs) {
                for value in output.floats {
                    hash = (hash ^ UInt64(value.bitPattern)) &* 0x0000_0100_0000_01B3
                }
            }
        }
        return hash
    }

    @Test func `a profile names every step that ran`() throws {
        let graph = try GraphSamples.encoder(batch: 1)
        let executable = try TestBed().executable(graph)

        let times = try Session(executable).profile()

        let views: Set<String> = ["Reshape", "Flatten"]
        #expect(
            times.map(\.node)
                == executable.graph.nodes.filter { !views.contains($0.operator.name) }.map(\.name))
        #expect(times.allSatisfy { $0.seconds > 0 })
    }
}
