internal import Essentials
internal import HeapModule

/// Which jobs wait for which: follows from the jobs, and is kept so that the end of a job finds those that waited.
struct JobLinks: Sendable {
    struct Name: Hashable, Sendable {
        var user: String
        var name: String
    }

    /// By the job, or the first task of the array, that they depend on.
    var dependents: [JobID: Set<JobID>] = [:]
    /// Jobs of a name that have not ended; ended ones stay until they come to the top.
    var living: [Name: Heap<JobID>] = [:]
    /// Names for which a singleton was ever submitted.
    var singletons: Set<Name> = []
    /// Tasks of an array that have not ended.
    var livingTasks: [JobID: Int] = [:]
    /// The first task of an array that ended otherwise than completed.
    var failedTasks: [JobID: JobID] = [:]
    /// Tasks that hold resources, of arrays with a limit.
    var arrayUse: [JobID: Int] = [:]
    /// Jobs that started or ended, whose dependents have not been looked at yet.
    var moved: [JobID] = []
}

/// How it stands with a dependency.
enum DependencyState {
    case met
    case unmet(on: JobID?)
    case never(because: JobID)
}

extension ClusterState {
    /// Notes what a job that has not ended depends on, and what may come to depend on it.
    mutating func link(_ job: Job) {
        let request = job.request
        for dependency in request.dependencies {
            if dependency.kind == .singleton { links.value.singletons.insert(name(of: request)) }
            for other in dependency.jobs { links.value.dependents[other, default: []].insert(job.id) }
        }
        links.value.living[name(of: request), default: Heap()].insert(job.id)
        if let array = job.array {
            links.value.livingTasks[array.first, default: 0] += 1
            if job.phase.holdsResources, request.array?.limit != nil {
                links.value.arrayUse[array.first, default: 0] += 1
            }
        }
    }

    private func name(of request: JobRequest) -> JobLinks.Name {
        JobLinks.Name(user: request.label.user, name: request.label.name)
    }

    func isDependedOn(_ id: JobID) -> Bool {
        guard !links.value.dependents.isEmpty else { return false }
        if links.value.dependents[id] != nil { return true }
        return jobs[id]?.array.map { links.value.dependents[$0.first] != nil } ?? false
    }

    /// Looks at the jobs that waited for those that have started or ended.
    mutating func settleLinks() -> [Action] {
        var actions: [Action] = []
        while let id = links.value.moved.popLast() {
            guard let job = jobs[id] else { continue }
            if job.phase.isEnded { unlink(job) }
            for dependent in dependents(of: job) {
                actions += endIfImpossible(dependent)
                if let waiter = jobs[dependent] { enqueueIfReady(waiter) }
            }
        }
        forgetOldJobs()
        return actions
    }

    private mutating func dependents(of job: Job) -> [JobID] {
        var found = links.value.dependents[job.id] ?? []
        if let array = job.array, array.first != job.id {
            found.formUnion(links.value.dependents[array.first] ?? [])
        }
        if job.phase.isEnded, let next = nextSingleton(after: job) { found.insert(next) }
        return found.sorted()
    }

    /// The oldest living job of the name, if singletons of that name exist.
    private mutating func nextSingleton(after job: Job) -> JobID? {
        let name = name(of: job.request)
        while let top = links.value.living[name]?.min, jobs[top]?.phase.isEnded ?? true {
            _ = links.value.living[name]?.popMin()
        }
        if links.value.living[name]?.isEmpty == true { links.value.living[name] = nil }
        return links.value.singletons.contains(name) ? links.value.living[name]?.min : nil
    }

    private mutating func unlink(_ job: Job) {
        for other in job.request.dependencies.flatMap(\.jobs) {
            links.value.dependents[other]?.remove(job.id)
            if links.value.dependents[other]?.isEmpty == true { links.value.dependents[other] = nil }
        }
        guard let array = job.array else { return }
        noteFailure(of: job)
        links.value.livingTasks[array.first, default: 0] -= 1
        if links.value.livingTasks[array.first] == 0 { links.value.livingTasks[array.first] = nil }
    }

    /// Remembers that an array has a task that did not complete.
    mutating func noteFailure(of job: Job) {
        guard let array = job.array, job.phase.isEnded, job.phase != .ended(.completed) else { return }
        links.value.failedTasks[array.first] = min(links.value.failedTasks[array.first] ?? job.id, job.id)
    }

    /// Ends a waiting job that depends on what can never happen any more.
    mutating func endIfImpossible(_ id: JobID) -> [Action] {
        guard let job = jobs[id], job.phase.isWaiting else { return [] }
        for dependency in job.request.dependencies {
            guard case .never(let other) = state(of: dependency, for: job) else { continue }
            let how = jobs[other]?.phase.stateName ?? "ended"
            return apply(
                .impossible("job \(other), on which it depended (\(dependency.kind.rawValue)), is \(how)"),
                to: id)
        }
        return []
    }

    func state(of dependency: Dependency, for job: Job) -> DependencyState {
        if dependency.kind == .singleton { return singletonState(for: job) }
        for id in dependency.jobs {
            let found = dependency.kind == .aftercorr ? corresponding(id, job) : stateOf(id, dependency.kind)
            if case .met = found { continue }
            return found
        }
        return .met
    }

    private func singletonState(for job: Job) -> DependencyState {
        guard var living = links.value.living[name(of: job.request)] else { return .met }
        while let top = living.min, top < job.id {
            if jobs[top]?.phase.isEnded == false { return .unmet(on: top) }
            _ = living.popMin()
        }
        return .met
    }

    private func corresponding(_ id: JobID, _ job: Job) -> DependencyState {
        guard let index = job.array?.index, let place = jobs[id]?.request.array?.place(of: index) else {
            return .met
        }
        return stateOfOne(JobID(id.number + place), .afterok)
    }

    /// The number of an array's first task stands for all of its tasks.
    private func stateOf(_ id: JobID, _ kind: Dependency.Kind) -> DependencyState {
        guard let job = jobs[id], let array = job.request.array, job.array?.first == id else {
            return stateOfOne(id, kind)
        }
        let isLiving = links.value.livingTasks[id] ?? 0 > 0
        let failed = links.value.failedTasks[id]
        switch kind {
        case .afterok:
            if let failed { return .never(because: failed) }
            return isLiving ? .unmet(on: id) : .met
        case .afternotok:
            // One that failed is enough.
            guard !isLiving else { return .unmet(on: id) }
            return failed == nil ? .never(because: id) : .met
        case .afterany: return isLiving ? .unmet(on: id) : .met
        case .after:
            let tasks = (0..<array.count).lazy.map { JobID(id.number + $0) }
            let unstarted = tasks.first {
                self.jobs[$0].map { $0.attempt == 0 && !$0.phase.isEnded } ?? false
            }
            return unstarted.map { .unmet(on: $0) } ?? .met
        case .aftercorr, .singleton: return .met
        }
    }

    private func stateOfOne(_ id: JobID, _ kind: Dependency.Kind) -> DependencyState {
        // Forgotten jobs ended long ago, and those that others depend on are not forgotten.
        guard let job = jobs[id] else { return .met }
        switch kind {
        case .after: return job.attempt > 0 || job.phase.isEnded ? .met : .unmet(on: id)
        case .afterany: return job.phase.isEnded ? .met : .unmet(on: id)
        case .afterok, .aftercorr:
            guard job.phase.isEnded else { return .unmet(on: id) }
            return job.phase == .ended(.completed) ? .met : .never(because: id)
        case .afternotok:
            guard job.phase.isEnded else { return .unmet(on: id) }
            return job.phase == .ended(.completed) ? .never(because: id) : .met
        case .singleton: return .met
        }
    }

    /// What is wrong with a request's dependencies, or nil.
    func dependencyError(_ request: JobRequest) -> RequestError? {
        for dependency in request.dependencies {
            for id in dependency.jobs {
                guard id.number > 0, id < nextJob else { return .unknownDependency(id) }
                let mayBeOld = dependency.kind == .after || dependency.kind == .afterany
                guard let job = jobs[id] else {
                    if mayBeOld { continue }
                    return .unknownDependency(id)
                }
                if dependency.kind == .aftercorr, request.array == nil || job.request.array == nil {
                    return .dependencyWithoutArray(id)
                }
            }
        }
        return nil
    }
}
