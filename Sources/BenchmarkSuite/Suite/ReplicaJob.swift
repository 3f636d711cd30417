internal import Collectives
internal import Essentials
internal import MachineAgent
internal import Scheduling
internal import Synchronization

/// The replicas of one model as a running job: several processes that share one request queue.
final class ReplicaJob {
    let system: ReplicaSystem
    private let job: Task<JobReport, any Error>

    private init(_ system: ReplicaSystem, _ job: Task<JobReport, any Error>) {
        self.system = system
        self.job = job
    }

    /// Requests that may wait in the queue; the generator holds back the rest.
    private static let queueCapacity = 1024

    /// Starts the job, and returns when every replica has its weights and waits for requests.
    static func start(_ worker: Worker, model: String, batch: Int, in run: BenchmarkRun) async throws
        -> ReplicaJob
    {
        let plan = run.replicaPlan
        let resources = ResourceRequest(
            cores: .cores(plan.coresPerRank), ranks: plan.ranks, spread: plan.spread, within: run.allowed)
        let name = "\(model)-replicas"
        let specification = run.specification(
            worker, name: name, resources, requestCapacity: queueCapacity)
        let progress = Progress()
        let announce = run.announce(name)
        let job = Task.detached { [jobs = run.jobs, stop = run.stopper.jobs] in
            defer { progress.isOver.store(true, ordering: .releasing) }
            return try await jobs.run(specification, interrupt: stop) { news in
                if case .serving(let region) = news { progress.region.withLock { $0 = region } }
                announce(news)
            }
        }
        let region = try await progress.regionWithAllReplicas()
        guard let region else {
            // The job is over, and a replica that ends before it is asked anything has failed.
            let report = try await job.value
            try run.require(report, name: name, ranks: plan.ranks)
            throw Failure("The replicas of \(model) ended before they were asked anything.")
        }
        return ReplicaJob(
            try ReplicaSystem(
                name: "\(plan.ranks) replicas of \(model)", region: region, batch: batch,
                stop: run.stopper.load), job)
    }

    /// Lets the replicas work off what is left, and waits for their end.
    func end() async throws -> JobReport {
        system.close()
        return try await job.value
    }

    /// What the starting job has told so far.
    private final class Progress: Sendable {
        let region = Mutex<SharedRegion?>(nil)
        let isOver = Atomic<Bool>(false)

        /// The region once every replica has attached; nil when the job ended before.
        func regionWithAllReplicas() async throws -> SharedRegion? {
            while !isOver.load(ordering: .acquiring) {
                if let region = region.withLock({ $0 }) {
                    let queue = try RequestQueue(region: region)
                    if (0..<queue.replicas).allSatisfy({ queue.state(of: $0).process != nil }) {
                        return region
                    }
                }
                try await Task.sleep(for: .milliseconds(5))
            }
            return nil
        }
    }
}
