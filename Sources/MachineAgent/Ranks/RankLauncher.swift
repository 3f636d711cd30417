package import Collectives
package import Essentials
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#endif

/// A command to be run once in each slot.
package struct RankSpecification: Sendable {
    package var job: JobID
    package var command: [String]
    /// What every rank gets; the variables of `RankEnvironment` are added and win.
    package var environment: [String: String]
    package var workingDirectory: String?
    package var slots: [RankSlot]
    /// A folder that exists, for the rank table and the outputs.
    package var runFolder: String
    package var output: RankOutput
    package var grace: Duration
    package var chunk: ByteCount
    /// The records of a request queue that the ranks serve; nil is no queue.
    package var requestCapacity: Int?

    package init(
        job: JobID, command: [String], environment: [String: String] = [:], workingDirectory: String? = nil,
        slots: [RankSlot], runFolder: String, output: RankOutput = .files, grace: Duration = .seconds(5),
        chunk: ByteCount = SharedCommunicator.usualChunk, requestCapacity: Int? = nil
    ) {
        self.job = job
        self.command = command
        self.environment = environment
        self.workingDirectory = workingDirectory
        self.slots = slots
        self.runFolder = runFolder
        self.output = output
        self.grace = grace
        self.chunk = chunk
        self.requestCapacity = requestCapacity
    }
}

/// Starts all ranks of a job or none.
package struct RankLauncher: Sendable {
    package var isolation: Isolation
    package var supervisor: SupervisorProgram

    package init(isolation: Isolation, supervisor: SupervisorProgram) {
        self.isolation = isolation
        self.supervisor = supervisor
    }

    /// Starts a rank in each slot; when one cannot start, those before it are ended and the error is thrown.
    package func start(_ specification: RankSpecification) async throws -> RunningRanks {
        precondition(!specification.slots.isEmpty, "a job has at least one rank")
        let meeting = try MeetingPlace(specification)
        var steps: [RunningStep] = []
        let relay: RankRelay?
        do {
            try meeting.table.write(to: meeting.tablePath)
            relay = try RankRelay(specification)
            for rank in specification.slots.indices {
                let step = meeting.step(rank, of: specification)
                let start = { try RunningStep.start(step, isolation: isolation, supervisor: supervisor) }
                steps.append(try relay?.whileNamed(rank, start) ?? start())
            }
            try relay?.start()
        } catch {
            for step in steps { step.terminate(grace: .zero) }
            for step in steps { _ = await step.wait() }
            meeting.remove()
            throw error
        }
        return RunningRanks(steps, meeting: meeting, relay: relay)
    }
}

/// The regions and the table through which ranks find each other.
struct MeetingPlace: Sendable {
    let table: RankTable
    let tablePath: String
    let communicator: SharedRegion
    let requests: SharedRegion?
    /// What else goes when the job ends: with labelled output, the table and the folder, empty by then.
    private let leftovers: [String]

    init(_ specification: RankSpecification) throws {
        let count = specification.slots.count
        communicator = try SharedCommunicator.createRegion(
            path: SharedRegion.freshPath(purpose: "ranks"), worldSize: count, chunk: specification.chunk)
        do {
            requests = try specification.requestCapacity.map {
                try RequestQueue.createRegion(
                    path: SharedRegion.freshPath(purpose: "requests"), capacity: $0, replicas: count)
            }
        } catch {
            communicator.unlink()
            throw error
        }
        tablePath = "\(specification.runFolder)/ranks.json"
        table = RankTable(
            job: specification.job,
            ranks: specification.slots.enumerated().map { rank, slot in
                RankTable.Rank(
                    rank: rank, cpus: slot.cpus, numaNode: slot.numa?.nodes.first,
                    output: specification.output == .files ? specification.file(rank, .output) : nil)
            }, communicator: communicator.path, requestQueue: requests?.path)
        leftovers = specification.output.isLabelled ? [tablePath, specification.runFolder] : []
    }

    func remove() {
        communicator.unlink()
        requests?.unlink()
        for path in leftovers { unsafe Glibc.remove(path) }
    }

    func step(_ rank: Int, of specification: RankSpecification) -> StepSpecification {
        let slot = specification.slots[rank]
        let pipes =
            specification.output.isLabelled
            ? [RankEnd.output, .error].map { specification.file(rank, $0) } : []
        let variables = RankEnvironment(
            job: specification.job, rank: rank, worldSize: specification.slots.count, slot: slot,
            tablePath: tablePath)
        func output(_ end: RankEnd) -> StepOutput {
            specification.output == .inherited ? .inherited : .file(specification.file(rank, end))
        }
        return StepSpecification(
            name: "\(specification.job).\(rank)", command: specification.command,
            environment: specification.environment.merging(variables.variables) { $1 },
            workingDirectory: specification.workingDirectory, cpus: slot.cpus, numa: slot.numa,
            memory: slot.memory, cpuShare: slot.cpuShare, output: output(.output),
            errorOutput: output(.error), cpuWeight: slot.cpuWeight, grace: specification.grace,
            orphanFiles: [communicator.path] + (requests.map { [$0.path] } ?? []) + pipes + leftovers)
    }
}

/// The ranks of one job while they run.
package final class RunningRanks: Sendable {
    package let steps: [RunningStep]
    package let table: RankTable
    package let tablePath: String
    /// The region of the job's request queue, for the side that asks.
    package let requestRegion: SharedRegion?

    private let meeting: MeetingPlace
    private let relay: RankRelay?
    private let firstFailure = Mutex<Int?>(nil)

    init(_ steps: [RunningStep], meeting: MeetingPlace, relay: RankRelay?) {
        self.steps = steps
        self.meeting = meeting
        self.relay = relay
        table = meeting.table
        tablePath = meeting.tablePath
        requestRegion = meeting.requests
        for (rank, step) in steps.enumerated() {
            step.whenEnded { outcome in
                if !outcome.verdict.isSuccess { self.rankFailed(rank) }
            }
        }
    }

    /// One rank alone cannot finish what was begun together.
    private func rankFailed(_ rank: Int) {
        let isFirst = firstFailure.withLock { first in
            defer { first = first ?? rank }
            return first == nil
        }
        if isFirst { terminate() }
    }

    /// Asks all ranks to end; see `RunningStep.terminate`.
    package func terminate(grace: Duration? = nil) {
        for step in steps { step.terminate(grace: grace) }
    }

    /// Waits for all ranks.
    package func wait() async -> RankOutcomes {
        var outcomes: [StepOutcome] = []
        for step in steps { outcomes.append(await step.wait()) }
        let outputFailure = relay?.finish()
        meeting.remove()
        return RankOutcomes(
            outcomes: outcomes, firstFailure: firstFailure.withLock { $0 }, outputFailure: outputFailure)
    }
}

/// How the ranks of a job ended.
package struct RankOutcomes: Sendable {
    package var outcomes: [StepOutcome]
    /// The rank whose failure ended the others; nil when all completed.
    package var firstFailure: Int?
    /// Why labelled output did not all arrive; nil when it did.
    package var outputFailure: Failure?

    package var isSuccess: Bool { firstFailure == nil && outcomes.allSatisfy(\.verdict.isSuccess) }
}
