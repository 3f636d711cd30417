import Essentials
import Scheduling
import Testing

@Suite("Arrays and dependencies")
struct ArrayTests {
    @Test func `an array is one submission, and its tasks have consecutive numbers and their own indices`() {
        var cluster = Cluster(smallMachine(nodes: 1, coresPerNode: 2))
        var request = queued(nil)
        request.array = ArrayRequest(indices: [0...9], step: 3)

        #expect(cluster.on(.submitted(request)).first == .accepted(JobID(1)))

        #expect(cluster.state.jobs.all.map { $0.array?.index } == [0, 3, 6, 9])
        #expect(cluster.state.jobs[JobID(3)]?.name == "1_6")
        #expect(cluster.state.nextJob == JobID(5))
        #expect(cluster.running == [1, 2])
    }

    @Test func `only so many tasks of an array run at once`() {
        var cluster = Cluster(smallMachine(nodes: 1, coresPerNode: 8))
        var request = queued(nil)
        request.array = ArrayRequest(indices: [0...9], limit: 2)
        cluster.submit(request)
        cluster.submit(queued(nil))

        #expect(cluster.running == [1, 2, 11])
        #expect(cluster.reason(of: 3) == .arrayLimit(2))
        _ = cluster.exit(1, at: 1)
        #expect(cluster.running == [2, 3, 11])
    }

    @Test(arguments: [
        (Dependency.Kind.afterok, JobOutcome.exited(code: 0), true), (.afterok, .exited(code: 1), false),
        (.afternotok, .exited(code: 1), true), (.afternotok, .exited(code: 0), false),
        (.afterany, .exited(code: 1), true), (.afterany, .exited(code: 0), true),
    ])
    func `a job waits for what it depends on, and is ended when that can never come`(
        kind: Dependency.Kind, outcome: JobOutcome, starts: Bool
    ) {
        var cluster = Cluster(smallMachine(nodes: 1, coresPerNode: 2))
        cluster.submit(queued(nil))
        var request = queued(nil)
        request.dependencies = [Dependency(kind, [JobID(1)])]
        cluster.submit(request)
        #expect(cluster.running == [1])
        #expect(cluster.reason(of: 2) == .dependency(kind, on: JobID(1)))

        cluster.on(.exited(JobID(1), attempt: 1, outcome), at: 1)

        #expect(cluster.running == (starts ? [2] : []))
        if !starts { #expect(cluster.state.jobs[JobID(2)]?.phase.stateName == "CANCELLED") }
    }

    @Test func `what can never be met cancels a whole chain, however long`() {
        var cluster = Cluster(smallMachine(nodes: 1, coresPerNode: 1))
        cluster.submit(queued(nil))
        for job in 1..<20_000 {
            var request = queued(nil)
            request.dependencies = [Dependency(.afterok, [JobID(job)])]
            cluster.on(.submitted(request))
        }

        cluster.on(.cancelRequested(JobID(1)))
        cluster.on(.exited(JobID(1), attempt: 1, .signalled(15)), at: 1)

        #expect(cluster.state.waitingCount == 0)
        #expect(cluster.running.isEmpty)
    }

    @Test func `afterok on an array waits for all of its tasks`() {
        var cluster = Cluster(smallMachine(nodes: 1, coresPerNode: 4))
        var array = queued(nil)
        array.array = ArrayRequest(indices: [0...2])
        cluster.submit(array)
        var request = queued(nil)
        request.dependencies = [Dependency(.afterok, [JobID(1)])]
        cluster.submit(request)

        for job in 1...2 { _ = cluster.exit(job, at: job) }
        #expect(cluster.running == [3])
        _ = cluster.exit(3, at: 3)
        #expect(cluster.running == [4])
    }

    @Test func `corresponding tasks wait for each other one by one`() {
        var cluster = Cluster(smallMachine(nodes: 1, coresPerNode: 8))
        var first = queued(nil)
        first.array = ArrayRequest(indices: [0...2])
        cluster.submit(first)
        var second = first
        second.dependencies = [Dependency(.aftercorr, [JobID(1)])]
        cluster.submit(second)

        _ = cluster.exit(2, at: 1)

        #expect(cluster.running == [1, 3, 5])
    }

    @Test func `a singleton waits for earlier jobs of its name`() {
        var cluster = Cluster(smallMachine(nodes: 1, coresPerNode: 8))
        cluster.submit(queued(nil))
        var single = queued(nil)
        single.dependencies = [Dependency(.singleton)]
        cluster.submit(single)
        cluster.submit(single)

        #expect(cluster.running == [1])
        _ = cluster.exit(1, at: 1)
        #expect(cluster.running == [2])
        _ = cluster.exit(2, at: 2)
        #expect(cluster.running == [3])
    }

    @Test func `a begin time is kept, and a deadline that cannot be met ends the job`() {
        var cluster = Cluster(smallMachine(nodes: 1, coresPerNode: 1))
        var later = queued(nil)
        later.timing.begin = .zero + .seconds(100)
        cluster.submit(later)
        #expect(cluster.running.isEmpty)
        #expect(cluster.state.nextWakeUp == TimePoint.zero + .seconds(100))
        cluster.on(.timePassed, at: 100)
        #expect(cluster.running == [1])

        var urgent = queued(nil)
        urgent.timeLimit = .seconds(60)
        urgent.timing.deadline = .zero + .seconds(200)
        cluster.submit(urgent, at: 101)
        cluster.on(.timePassed, at: 141)

        #expect(cluster.state.jobs[JobID(2)]?.phase == .ended(.deadline))
        #expect(
            cluster.on(.submitted(urgent), at: 150) == [.refused(.deadlinePassed)])
    }

    @Test func `ten thousand tasks wait in one class and start in order`() {
        var cluster = Cluster(smallMachine(nodes: 1, coresPerNode: 2))
        var request = queued(nil)
        request.array = ArrayRequest(indices: [1...10_000])
        cluster.submit(request)

        #expect(cluster.state.waitingCount == 9998)
        for job in 1...100 { _ = cluster.exit(job, at: job) }
        #expect(cluster.running == [101, 102])
    }
}
