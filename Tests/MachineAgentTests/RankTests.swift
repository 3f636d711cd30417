import Collectives
import Essentials
import MachineAgent
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// The test program of this build.
private func testProgram() throws -> String {
    try #require(SupervisorProgram.runningProgramFolder()) + "/agent-test-program"
}

@Suite("Ranks as real processes", .timeLimit(.minutes(20)))
struct RankTests {
    private let folder: TemporaryFolder
    private let launcher: RankLauncher

    init() throws {
        folder = try TemporaryFolder()
        launcher = RankLauncher(isolation: noGroups, supervisor: try .locate())
    }

    private func ranks(_ count: Int, _ arguments: [String], requestCapacity: Int? = nil) throws
        -> RankSpecification
    {
        let cpus = try usableCPUs().units
        return RankSpecification(
            job: JobID(7), command: [try testProgram()] + arguments, environment: ["PATH": "/usr/bin:/bin"],
            slots: (0..<count).map { RankSlot(cpus: CPUSet([cpus[$0 % cpus.count]])) },
            runFolder: folder.path, requestCapacity: requestCapacity)
    }

    // MARK: Starting

    @Test func `every rank knows its place, and the table knows all of them`() async throws {
        var specification = try ranks(2, [])
        specification.command = ["/bin/sh", "-c", "env | sort; cat $HENG_RANK_TABLE >&2"]
        specification.slots[1].numa = NUMAPreference(.preferred, nodes: CPUSet([0]))

        let running = try await launcher.start(specification)
        let outcomes = await running.wait()

        #expect(outcomes.isSuccess)
        let cpus = specification.slots.map { "\($0.cpus)" }
        let lines = try folder.text(of: "rank-1.out").split(separator: "\n").filter {
            $0.hasPrefix("HENG_") || $0.contains("THREADS")
        }
        #expect(
            lines == [
                "HENG_JOB_ID=7", "HENG_LOCAL_CPUS=\(cpus[1])", "HENG_NUMA_NODE=0", "HENG_RANK=1",
                "HENG_RANK_TABLE=\(folder.file("ranks.json"))", "HENG_THREADS=1", "HENG_WORLD_SIZE=2",
                "OMP_NUM_THREADS=1", "OPENBLAS_NUM_THREADS=1",
            ])
        let table = try RankTable.read(from: running.tablePath)
        #expect(table == running.table)
        #expect(table.ranks.map { "\($0.cpus)" } == cpus)
        #expect(table.ranks.map(\.numaNode) == [nil, 0])
        #expect(try folder.text(of: "rank-0.err") == readText(running.tablePath))
        #expect(!exists(try #require(table.communicator)))
    }

    @Test func `when one rank cannot start, none runs and nothing is left`() async throws {
        var specification = try ranks(3, ["meet-without-late", "9"])
        specification.slots[2].cpus = CPUSet([4000])

        await #expect(throws: StepError.self) { try await launcher.start(specification) }

        let table = try RankTable.read(from: folder.file("ranks.json"))
        #expect(!exists(try #require(table.communicator)))
        #expect(!exists(folder.file("rank-2.out")))
    }

    @Test func `when one rank fails, the others are ended and it is named`() async throws {
        var specification = try ranks(3, [])
        specification.command = ["/bin/sh", "-c", "test $HENG_RANK = 1 && exit 9; exec sleep 1000"]

        let outcomes = try await launcher.start(specification).wait()

        #expect(outcomes.firstFailure == 1)
        #expect(outcomes.outcomes.map(\.verdict) == [.stopped, .failed(code: 9), .stopped])
    }

    // MARK: Working together

    /// The sum over ranks by the definition: element by element in the order of the ranks.
    private func expectedFingerprints(count: Int, ranks: Int, rounds: Int) -> String {
        (0..<rounds).map { round in
            var generators = (0..<ranks).map { SeededGenerator(seed: UInt64(round), purpose: "rank \($0)") }
            let inputs = generators.indices.map { rank in
                (0..<count).map { _ in Float(generators[rank].normal()) }
            }
            let bits = (0..<count).map { element in
                UInt64(inputs.dropFirst().reduce(inputs[0][element]) { $0 + $1[element] }.bitPattern)
            }
            return String(bits.reduce(UInt64(0xCBF2_9CE4_8422_2325)) { ($0 ^ $1) &* 0x0000_0100_0000_01B3 })
        }.joined(separator: " ")
    }

    @Test(arguments: [(1, 100, 1), (2, 1, 5), (2, 200_000, 2), (3, 70_001, 2), (4, 4096, 4)])
    func `a sum over ranks has the bits of adding in their order`(
        ranks count: Int, elements: Int, rounds: Int
    )
        async throws
    {
        let outcomes = try await launcher.start(ranks(count, ["all-reduce", "\(elements)", "\(rounds)"]))
            .wait()

        #expect(outcomes.isSuccess)
        let expected = expectedFingerprints(count: elements, ranks: count, rounds: rounds)
        for rank in 0..<count { #expect(try folder.text(of: "rank-\(rank).out") == expected + "\n") }
    }

    @Test func `a rank that has ended is named by those who wait for it`() async throws {
        let outcomes = try await launcher.start(ranks(2, ["meet-without-ended", "1"])).wait()

        #expect(outcomes.outcomes.map(\.verdict) == [.failed(code: 4), .completed])
        #expect(
            try folder.text(of: "rank-0.err")
                == "Rank 1 ended while the others wait. See the output of those ranks.\n")
    }

    @Test func `a rank that is late is named by those who wait for it`() async throws {
        let outcomes = try await launcher.start(ranks(2, ["meet-without-late", "0"])).wait()

        #expect(outcomes.firstFailure == 1)
        #expect(
            try folder.text(of: "rank-1.err")
                == "Rank 0 did not come to a common step within 0.1 s. See the output of those ranks.\n")
    }

    // MARK: Requests

    @Test func `replicas in several processes answer every request once`() async throws {
        let running = try await launcher.start(ranks(2, ["serve"], requestCapacity: 16))
        let queue = try RequestQueue(region: try #require(running.requestRegion))
        let total = 2000
        var sent = 0
        var answers: [UInt64: [Int32]] = [:]

        while answers.count < total {
            while sent < total {
                let request = SharedRequest(
                    id: UInt64(sent), created: .monotonicNow(),
                    samples: InlineBatch((0...UInt32(sent % 5)).map { $0 }))
                guard try queue.submit(request, timeout: .zero) else { break }
                sent += 1
            }
            guard case .item(let completion) = queue.nextCompletion(timeout: .seconds(60)) else { break }
            #expect(answers[completion.id] == nil)
            #expect(completion.ended >= completion.started)
            answers[completion.id] = completion.results.elements
        }
        queue.close()
        let outcomes = await running.wait()

        #expect(outcomes.isSuccess)
        #expect(answers.count == total)
        for id in 0..<total {
            #expect(answers[UInt64(id)] == (0...Int32(id % 5)).map { $0 * 2 + Int32(id) })
        }
        #expect((0..<2).reduce(0) { $0 + queue.state(of: $1).completed } == UInt64(total))
    }

    @Test func `the request that a killed replica held is known`() async throws {
        let running = try await launcher.start(ranks(1, ["serve", "3"], requestCapacity: 16))
        let queue = try RequestQueue(region: try #require(running.requestRegion))
        for id in 0..<6 {
            let request = SharedRequest(id: UInt64(id), created: .monotonicNow(), samples: InlineBatch([1]))
            #expect(try queue.submit(request, timeout: .seconds(60)))
        }

        var done: [UInt64] = []
        while queue.deadReplicas().isEmpty || done.count < 3 {
            if case .item(let completion) = queue.nextCompletion(timeout: .milliseconds(1)) {
                done.append(completion.id)
            }
        }
        let outcomes = await running.wait()

        #expect(done == [0, 1, 2])
        #expect(queue.deadReplicas().map(\.request) == [3])
        #expect(queue.waiting == 2)
        #expect(outcomes.outcomes.map(\.verdict) == [.killedExternally])
    }

    // MARK: Killed agents

    @Test func `kill -9 of the agent leaves no process, no group and no file`() async throws {
        let orphan = folder.file("region")
        try writeText("", to: orphan)
        let stray = folder.file("stray")
        let script =
            "trap '' TERM HUP; setsid -f sh -c 'echo $$ > \(stray); exec sleep 1000'; while :; do sleep 1000; done"
        // Not as a step: its supervisor would end what the agent's own one has to.
        let agent = try spawn([try testProgram(), "start", script, orphan], output: folder.file("out"))
        try await until {
            try folder.text(of: "out").hasSuffix("\n") && exists(stray) && readText(stray).hasSuffix("\n")
        }
        let words = try folder.text(of: "out").dropLast().split(separator: " ").map(String.init)
        let victims = [try #require(Int32(words[0])), try #require(Int32(try readText(stray).dropLast()))]
        #expect(victims.allSatisfy(isAlive))

        kill(agent, SIGKILL)

        try await until {
            !victims.contains(where: isAlive) && !words.dropFirst().contains(where: exists) && !exists(orphan)
        }
        var status: Int32 = 0
        #expect(unsafe waitpid(agent, &status, 0) == agent)
    }
}
