import Essentials
import Scheduling
import Testing

@Suite("Preemption")
struct PreemptionTests {
    /// A machine of two cores with a low queue that gives way, and a high one.
    static func cluster(_ mode: Preemption.Mode, minimumRun: Duration = .zero) -> Cluster {
        var cluster = Cluster(smallMachine(nodes: 1, coresPerNode: 2))
        cluster.on(
            .queueSet(
                Queue(
                    name: "low",
                    preemption: Preemption(mode: mode, grace: .seconds(5), minimumRun: minimumRun))))
        cluster.on(.queueSet(Queue(name: "high", tier: 1)))
        return cluster
    }

    @Test func `the job with least work at risk gives way, and is queued again with its place kept`() {
        var cluster = Self.cluster(.requeue)
        cluster.submit(queued("low"), at: 0)
        cluster.submit(queued("low"), at: 50)
        for job in 1...2 { cluster.on(.started(JobID(job), attempt: 1), at: 50) }

        let actions = cluster.submit(queued("high"), at: 100)

        #expect(actions.first == .stop(JobID(2), attempt: 1, .preempted(by: JobID(3), returns: true)))
        #expect(cluster.state.jobs[JobID(2)]?.phase.stateName == "PREEMPTING")
        #expect(cluster.reason(of: 3) == .preempting([JobID(2)]))
        #expect(cluster.state.stopGrace(of: JobID(2)) == .seconds(5))
        let end = cluster.on(.exited(JobID(2), attempt: 1, .signalled(15)), at: 101)
        #expect(end.contains { if case .start(JobID(3), 1, _) = $0 { true } else { false } })
        #expect(end.contains(.requeued(JobID(2))))
        _ = cluster.exit(3, at: 110)
        #expect(cluster.state.jobs[JobID(2)]?.attempt == 2)
    }

    @Test func `a job that has just saved its work loses least`() {
        var cluster = Self.cluster(.requeue)
        cluster.submit(queued("low"), at: 0)
        cluster.submit(queued("low"), at: 50)
        for job in 1...2 { cluster.on(.started(JobID(job), attempt: 1), at: 50) }
        cluster.on(.checkpointed(JobID(1), attempt: 1), at: 99)

        let actions = cluster.submit(queued("high"), at: 100)

        #expect(actions.first == .stop(JobID(1), attempt: 1, .preempted(by: JobID(3), returns: true)))
    }

    @Test func `a job that ends with the requeue code goes back to the queue and loses nothing`() {
        var cluster = Self.cluster(.off)
        cluster.submit(queued("low"))
        cluster.on(.started(JobID(1), attempt: 1), at: 1)

        let actions = cluster.on(.exited(JobID(1), attempt: 1, .exited(code: 85)), at: 2)

        #expect(actions.first == .requeued(JobID(1)))
        #expect(cluster.running == [1])
        #expect(cluster.state.jobs[JobID(1)]?.failures == 0)
    }

    @Test func `cancelling ends the victim as PREEMPTED`() {
        var cluster = Self.cluster(.cancel)
        for _ in 0..<2 { cluster.submit(queued("low")) }
        cluster.submit(queued("high"), at: 1)
        cluster.on(.exited(JobID(2), attempt: 1, .signalled(15)), at: 2)

        #expect(cluster.state.jobs[JobID(2)]?.phase == .ended(.preempted(by: JobID(3))))
        #expect(cluster.running == [1, 3])
    }

    @Test func `suspending lends the cores and gives them back`() {
        var cluster = Self.cluster(.suspend)
        for _ in 0..<2 {
            cluster.submit(queued("low"))
        }
        for job in 1...2 { cluster.on(.started(JobID(job), attempt: 1), at: 1) }

        #expect(cluster.submit(queued("high"), at: 2).first == .suspend(JobID(2), attempt: 1))
        #expect(cluster.running == [1, 2])
        cluster.on(.suspended(JobID(2), attempt: 1), at: 3)
        #expect(cluster.running == [1, 2, 3])
        #expect(cluster.state.jobs[JobID(2)]?.phase == .suspended)
        let end = cluster.exit(3, at: 4)

        #expect(end.contains(.resume(JobID(2), attempt: 1)))
        #expect(cluster.state.jobs[JobID(2)]?.phase == .running)
    }

    @Test func `nobody gives way before its least run time, and then it does`() {
        var cluster = Self.cluster(.requeue, minimumRun: .seconds(30))
        for _ in 0..<2 { cluster.submit(queued("low")) }

        cluster.submit(queued("high"), at: 10)
        #expect(cluster.state.jobs[JobID(2)]?.phase == .launching)
        #expect(cluster.state.nextWakeUp == TimePoint.zero + .seconds(30))
        let actions = cluster.on(.timePassed, at: 30)

        #expect(actions.first == .stop(JobID(2), attempt: 1, .preempted(by: JobID(3), returns: true)))
    }

    @Test func `jobs that would not make enough room are left alone`() {
        var cluster = Self.cluster(.requeue)
        cluster.submit(queued(nil))
        cluster.submit(queued("low"))
        var large = queued("high")
        large.resources.cores = .cores(2)

        let actions = cluster.submit(large, at: 1)

        #expect(!actions.contains { if case .stop = $0 { true } else { false } })
        #expect(cluster.running == [1, 2])
    }
}
