import Essentials
import Scheduling
import Testing

@Suite("The queue")
struct QueueTests {
    @Test func `a big job in front is not starved by small ones without a limit`() {
        var cluster = Cluster(smallMachine(nodes: 1, coresPerNode: 2))
        cluster.submit(request("first", cores: 1, limit: .seconds(100)))
        cluster.submit(request("big", cores: 2))

        cluster.submit(request("small", cores: 1), at: 1)

        #expect(cluster.running == [1])
        #expect(cluster.reason(of: 2) == .coresBusy(needed: .cores(2), free: .cores(1), node: 0))
        #expect(
            cluster.reason(of: 3)
                == .behind(JobID(2), expectedStart: TimePoint.zero + .seconds(100)))
    }

    @Test func `a job that ends before the big one can start goes first`() {
        var cluster = Cluster(smallMachine(nodes: 1, coresPerNode: 2))
        cluster.submit(request("first", cores: 1, limit: .seconds(100)))
        cluster.submit(request("big", cores: 2))

        cluster.submit(request("just in time", cores: 1, limit: .seconds(99)), at: 1)
        cluster.submit(request("too long", cores: 1, limit: .seconds(99)), at: 2)

        #expect(cluster.running == [1, 3])
        #expect(cluster.state.promise?.start == TimePoint.zero + .seconds(100))
    }

    @Test func `a job without a limit starts where it stays out of the way`() {
        var cluster = Cluster(smallMachine(nodes: 2, coresPerNode: 2))
        cluster.submit(request("first", cores: 1, limit: .seconds(100), numa: .required(0)))
        cluster.submit(request("big", cores: 2, numa: .required(0)))

        cluster.submit(request("beside", cores: 1))

        #expect(cluster.running == [1, 3])
        #expect(cluster.node(of: 3) == 1)
    }

    @Test func `under strict order nobody overtakes`() {
        var cluster = Cluster(
            smallMachine(nodes: 1, coresPerNode: 2), policy: SchedulingPolicy(queue: .strictOrder))
        cluster.submit(request("first", cores: 1, limit: .seconds(100)))
        cluster.submit(request("big", cores: 2))

        cluster.submit(request("short", cores: 1, limit: .seconds(1)))

        #expect(cluster.running == [1])
    }

    @Test func `higher priority starts first, equal priority in the order of submission`() {
        var cluster = Cluster(smallMachine(nodes: 1, coresPerNode: 1))
        cluster.submit(request("running"))
        cluster.submit(request("plain"))
        cluster.submit(request("urgent", priority: 5))
        cluster.submit(request("later urgent", priority: 5))

        var order: [Int] = []
        for second in 1...4 {
            order += cluster.running
            _ = cluster.exit(cluster.running[0], at: second)
        }

        #expect(order == [1, 3, 4, 2])
    }

    @Test func `a thousand equal jobs wait for one reason and run one after the other`() {
        var cluster = Cluster(smallMachine(nodes: 1, coresPerNode: 1))
        for _ in 0..<1000 { cluster.submit(request()) }

        for job in 1...1000 {
            #expect(cluster.running == [job])
            _ = cluster.exit(job, at: job)
        }

        #expect(cluster.running.isEmpty)
    }

    @Test func `a held job lets others pass until it is released`() {
        var cluster = Cluster(smallMachine(nodes: 1, coresPerNode: 1))
        cluster.submit(request())
        cluster.submit(request())
        cluster.submit(request())

        cluster.on(.held(JobID(2)))
        _ = cluster.exit(1, at: 1)
        cluster.on(.released(JobID(2)), at: 2)

        #expect(cluster.running == [3])
        #expect(
            cluster.exit(3, at: 3).contains { if case .start(JobID(2), 1, _) = $0 { true } else { false } })
    }
}

@Suite("The life of a job")
struct JobLifeTests {
    @Test func `a job goes from pending through running to completed`() {
        var cluster = Cluster(smallMachine(nodes: 1, coresPerNode: 1))

        let start = cluster.submit(request())
        #expect(cluster.state.jobs[JobID(1)]?.phase == .launching)
        cluster.on(.started(JobID(1), attempt: 1), at: 1)
        #expect(cluster.state.jobs[JobID(1)]?.phase == .running)
        let end = cluster.exit(1, at: 2)

        #expect(start.count == 1)
        #expect(end == [.ended(JobID(1), .completed)])
        #expect(cluster.state.jobs[JobID(1)]?.elapsed(at: .zero) == .seconds(2))
    }

    @Test(arguments: [
        (JobOutcome.exited(code: 3), JobEnd.failed(.exited(code: 3))),
        (.signalled(9), .failed(.signalled(9))),
        (.outOfMemory(MemoryDeath(.host)), .outOfMemory(MemoryDeath(.host))),
        (.launchFailed("no such file"), .launchFailed("no such file")), (.exited(code: 0), .completed),
    ])
    func `how the processes ended decides how the job ended`(outcome: JobOutcome, end: JobEnd) {
        #expect(JobPhase.running.next(after: .exited(outcome)) == .ended(end))
        #expect(JobPhase.completing(.cancelled).next(after: .exited(outcome)) == .ended(.cancelled))
        #expect(JobPhase.completing(.timeLimit).next(after: .exited(outcome)) == .ended(.timeout))
        #expect(JobPhase.completing(.requeue).next(after: .exited(outcome)) == .pending)
    }

    @Test func `at its time limit a job is told to stop, and its resources come back when it has`() {
        var cluster = Cluster(smallMachine(nodes: 1, coresPerNode: 1))
        cluster.submit(request(limit: .seconds(10)))
        cluster.submit(request())

        #expect(cluster.state.nextWakeUp == TimePoint.zero + .seconds(10))
        #expect(cluster.on(.timePassed, at: 9).isEmpty)
        #expect(cluster.on(.timePassed, at: 10) == [.stop(JobID(1), attempt: 1, .timeLimit)])
        #expect(cluster.running == [1])
        _ = cluster.exit(1, at: 11)

        #expect(cluster.state.jobs[JobID(1)]?.phase == .ended(.timeout))
        #expect(cluster.running == [2])
    }

    @Test func `cancelling ends a waiting job at once and stops a running one`() {
        var cluster = Cluster(smallMachine(nodes: 1, coresPerNode: 1))
        cluster.submit(request())
        cluster.submit(request())

        #expect(cluster.on(.cancelRequested(JobID(2))) == [.ended(JobID(2), .cancelled)])
        #expect(cluster.on(.cancelRequested(JobID(1))) == [.stop(JobID(1), attempt: 1, .cancelled)])
        #expect(cluster.on(.cancelRequested(JobID(1))).isEmpty)
    }

    @Test func `a requeued job keeps its place and gets a new attempt, and old reports are ignored`() {
        var cluster = Cluster(smallMachine(nodes: 1, coresPerNode: 1))
        cluster.submit(request())
        cluster.submit(request())

        cluster.on(.requeueRequested(JobID(1)))
        let actions = cluster.exit(1, at: 1)

        #expect(actions.first == .requeued(JobID(1)))
        #expect(cluster.running == [1])
        #expect(cluster.state.jobs[JobID(1)]?.attempt == 2)
        #expect(
            cluster.on(.exited(JobID(1), attempt: 1, .exited(code: 0)))
                == [.ignored(.oldAttempt(JobID(1), reported: 1, current: 2))])
    }

    @Test func `a job whose owner is gone is lost and gives its resources back`() {
        var cluster = Cluster(smallMachine(nodes: 1, coresPerNode: 1))
        cluster.submit(request())
        cluster.submit(request())

        cluster.on(.ownerLost(JobID(1)))

        #expect(cluster.state.jobs[JobID(1)]?.phase.stateName == "NODE_FAIL")
        #expect(cluster.running == [2])
    }

    @Test func `a job that its command runs is neither suspended nor queued again`() {
        var cluster = Cluster(smallMachine(nodes: 1, coresPerNode: 1))
        var attached = request()
        attached.isAttached = true
        cluster.submit(attached)
        cluster.on(.started(JobID(1), attempt: 1))

        for event in [Event.suspendRequested(JobID(1)), .requeueRequested(JobID(1))] {
            guard case .ignored(.notAllowed(JobID(1), _))? = cluster.on(event).first else {
                Issue.record("\(event) was not refused")
                continue
            }
        }

        #expect(cluster.running == [1])
    }

    @Test func `a machine that leaves takes its jobs along, and the waiting ones know`() {
        var cluster = Cluster(smallMachine(nodes: 1, coresPerNode: 1))
        var once = request()
        once.rerun.mayRequeue = false
        cluster.submit(once)
        cluster.submit(request())

        cluster.on(.machineLost("m"))

        #expect(cluster.state.jobs[JobID(1)]?.phase == .ended(.lost))
        #expect(cluster.reason(of: 2) == .neverFits(.noMachine))
        cluster.on(.machineJoined(smallMachine(nodes: 1, coresPerNode: 2)))
        #expect(cluster.running == [2])
    }

    @Test func `a job whose machine left runs again, after a pause, when it may`() {
        var cluster = Cluster(smallMachine(nodes: 1, coresPerNode: 1))
        cluster.submit(request())

        let actions = cluster.on(.machineLost("m"))
        cluster.on(.machineJoined(smallMachine(nodes: 1, coresPerNode: 1)), at: 1)

        #expect(actions == [.requeued(JobID(1))])
        #expect(cluster.reason(of: 1) == .retryAfter(TimePoint.zero + .seconds(10), attempt: 1))
        #expect(cluster.state.nextWakeUp == TimePoint.zero + .seconds(10))
        cluster.on(.timePassed, at: 10)
        #expect(cluster.running == [1])
        #expect(cluster.state.jobs[JobID(1)]?.attempt == 2)
    }

    @Test func `a machine describes itself anew only while nothing of it is lent`() {
        var cluster = Cluster(smallMachine(nodes: 1, coresPerNode: 1))
        let grown = smallMachine(nodes: 1, coresPerNode: 1, memoryPerNode: .gibibytes(8))
        cluster.submit(request())

        #expect(cluster.on(.machineJoined(grown)) == [.ignored(.machineBusy("m"))])
        _ = cluster.exit(1, at: 1)
        cluster.on(.machineJoined(grown))

        #expect(cluster.state.firstError(request(memory: .gibibytes(8))) == nil)
    }

    @Test func `only so many ended jobs are remembered, and numbers are never used again`() {
        var cluster = Cluster(
            smallMachine(nodes: 1, coresPerNode: 1), policy: SchedulingPolicy(endedJobsKept: 3))
        for job in 1...5 {
            cluster.submit(request())
            _ = cluster.exit(job, at: job)
        }

        #expect(cluster.state.jobs.all.map(\.id.number) == [3, 4, 5])
        #expect(cluster.on(.submitted(request())).first == .accepted(JobID(6)))
        #expect(cluster.on(.cancelRequested(JobID(1))) == [.ignored(.unknownJob(JobID(1)))])
    }
}
