internal import Essentials
internal import Foundation
internal import Scheduling
internal import Store
internal import Testing

@Suite("Checkpoints")
struct CheckpointTests {
    private func checkpoint(
        _ state: inout ClusterState, ended: [Job] = [], frame: String = "frame"
    ) -> Checkpoint {
        let ids = state.takeChangedJobs()
        return Checkpoint(
            frame: Data(frame.utf8), jobCount: state.jobs.count, changed: ids.compactMap { state.jobs[$0] },
            forgotten: ids.filter { state.jobs[$0] == nil }, ended: ended, time: state.time)
    }

    /// A state in which jobs wait, are held, are tasks of an array, and have ended.
    private func busyState() -> ClusterState {
        var state = stateWithMachine()
        for number in 0..<30 {
            var asked = request("job\(number % 4)")
            asked.isHeld = number % 5 == 0
            if number % 7 == 0 { asked.array = ArrayRequest(indices: [3...9], step: 2) }
            _ = state.on(.submitted(asked), at: TimePoint(nanoseconds: Int64(number)))
        }
        _ = state.on(.cancelRequested(JobID(4)), at: TimePoint(nanoseconds: 99))
        return state
    }

    @Test func `jobs come back as they were`() throws {
        let folder = try StoreFolder()
        var state = busyState()
        let store = try folder.open()
        try store.commit([submission("a", at: 1)])
        try store.write(checkpoint(&state))
        try store.commit([submission("b", at: 2)])
        try store.close()

        let found = try #require(try folder.open().checkpoint())

        #expect(found.jobs == state.jobs.all)
        #expect(found.frame == Data("frame".utf8))
        #expect(found.event == 1)
        #expect(try folder.open().allEvents(after: found.event).count == 1)
    }

    @Test func `ended jobs go to the history and forgotten ones leave the checkpoint`() throws {
        let folder = try StoreFolder()
        var state = stateWithMachine(SchedulingPolicy(endedJobsKept: 2))
        let store = try folder.open()
        var ended: [Job] = []
        for number in 1...5 {
            _ = state.on(.submitted(request("\(number)")), at: TimePoint(nanoseconds: Int64(number)))
            for case .ended(let id, _) in state.on(
                .cancelRequested(JobID(number)), at: TimePoint(nanoseconds: Int64(number)))
            {
                if let job = state.jobs[id] { ended.append(job) }
            }
        }
        try store.write(checkpoint(&state, ended: ended))

        #expect(try store.checkpoint()?.jobs.map(\.id.number) == [4, 5])
        #expect(try store.history().map(\.id.number) == [5, 4, 3, 2, 1])
        #expect(try store.history(user: "ann", limit: 2).map(\.id.number) == [5, 4])
        #expect(try store.history(user: "bob").isEmpty)
        #expect(try store.history(ids: [JobID(3)]).map(\.request.label.name) == ["3"])
    }

    @Test func `old events and histories go by a bound`() throws {
        let folder = try StoreFolder()
        var state = stateWithMachine()
        let store = try folder.open()
        try store.commit((1...50).map { submission("\($0)", at: $0) })
        try store.write(checkpoint(&state), keeping: HistoryLimits(events: 10, jobs: 3))

        let after = try folder.copy().open()
        #expect(try after.allEvents(after: 40).count == 10)
        #expect(throws: StoreError.self) { try after.allEvents(after: 30) }
    }

    @Test func `what no living job runs is removed`() throws {
        let folder = try StoreFolder()
        var state = stateWithMachine()
        let store = try folder.open()
        let payloads = try ["kept", "gone"].map { try store.payload(for: Data($0.utf8)) }
        for payload in payloads {
            let asked = request("\(payload.number)", payload: payload)
            try store.commit([LogEntry(.submitted(asked), at: .zero)])
            _ = state.on(.submitted(asked), at: .zero)
        }
        _ = state.on(.cancelRequested(JobID(2)), at: .zero)
        try store.write(checkpoint(&state))

        #expect(try payloads.map { try store.payload($0) } == [Data("kept".utf8), nil])
        // The number of what is gone is not given to what comes next before that is in the database.
        #expect(try store.payload(for: Data("gone".utf8)) != payloads[0])
    }

    @Test func `a checkpoint in which anything was changed is refused`() throws {
        let folder = try StoreFolder()
        var state = busyState()
        let store = try folder.open()
        try store.commit((1...30).map { submission("\($0)", at: $0) })
        try store.write(checkpoint(&state, frame: String(repeating: "frame", count: 900)))
        try store.close()
        let (jobs, events) = (state.jobs.all, try folder.copy().open().allEvents())
        let whole = try folder.bytes()
        var random = SeededGenerator(seed: 3)

        var refused = 0
        for _ in 0..<150 {
            let copy = try folder.copy()
            var bytes = whole
            bytes[random.below(bytes.count)] ^= UInt8(1 << random.below(8))
            try copy.write(bytes)
            do {
                let damaged = try StateStore(folder: copy.path)
                let found = try damaged.checkpoint()
                // Either it was not in what counts, or it was seen.
                #expect(found?.jobs == jobs)
                #expect(try damaged.allEvents() == events)
            } catch is StoreError {
                refused += 1
            }
        }
        #expect(refused > 10)
    }
}
