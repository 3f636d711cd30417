package import Essentials

/// Who uses how much now, and who has used how much lately.
package struct Accounts: Hashable, Codable, Sendable {
    /// What one holder of a quota has in use.
    package struct Use: Hashable, Codable, Sendable {
        package var runningJobs = 0
        /// In units of `CoreAmount`.
        package var cores = 0
        package var memory = ByteCount.zero
        /// In units of `DeviceShare`.
        package var devices = 0
        /// Jobs that wait or hold resources.
        package var jobs = 0

        var isNothing: Bool { self == Use() }
    }

    /// What an account has used, in core-seconds that lose half of their weight in each half-life.
    package struct History: Hashable, Codable, Sendable {
        package var used = 0.0
        /// Cores in use, whose seconds are not yet in `used`.
        var rate = 0
        var since: TimePoint
    }

    package private(set) var settings: [String: AccountSettings] = [:]
    private var queues: [String: Use] = [:]
    private var users: [String: [String: Use]] = [:]
    private var accounts: [String: Use] = [:]
    package private(set) var history: [String: History] = [:]
    private let halfLife: Duration

    package init(halfLife: Duration) { self.halfLife = halfLife }

    mutating func set(_ new: AccountSettings, for account: String) { settings[account] = new }

    package func use(ofQueue queue: String) -> Use { queues[queue] ?? Use() }
    package func use(of user: String, in queue: String) -> Use { users[queue]?[user] ?? Use() }
    package func use(ofAccount account: String) -> Use { accounts[account] ?? Use() }

    /// Every account that is known, in order.
    var names: [String] { Set(settings.keys).union(accounts.keys).union(history.keys).sorted() }

    /// Counts a job in when it comes, and out when it ends or leaves the queue.
    mutating func count(_ owner: Owner, jobs: Int) {
        change(owner) { $0.jobs += jobs }
    }

    /// Counts what a job got, or gave back.
    mutating func count(_ owner: Owner, _ placement: Placement, sign: Int, at now: TimePoint) {
        let cores = placement.cores.units
        change(owner) { use in
            use.runningJobs += sign
            use.cores += sign * cores
            use.memory.bytes += sign * placement.memory.bytes
            use.devices += sign * placement.attachedShare
        }
        settle(owner.account, at: now)
        history[owner.account]?.rate += sign * cores
    }

    /// Who a job is counted for.
    struct Owner: Hashable {
        var user: String
        var account: String
        var queue: String

        init(_ request: JobRequest, queue: String) {
            user = request.label.user
            account = request.label.account ?? request.label.user
            self.queue = queue
        }
    }

    private mutating func change(_ owner: Owner, _ body: (inout Use) -> Void) {
        body(&queues[owner.queue, default: Use()])
        body(&users[owner.queue, default: [:]][owner.user, default: Use()])
        body(&accounts[owner.account, default: Use()])
        if queues[owner.queue]?.isNothing == true { queues[owner.queue] = nil }
        if users[owner.queue]?[owner.user]?.isNothing == true { users[owner.queue]?[owner.user] = nil }
        if users[owner.queue]?.isEmpty == true { users[owner.queue] = nil }
        if accounts[owner.account]?.isNothing == true { accounts[owner.account] = nil }
    }
}

// Quotas.
extension Accounts {
    /// The quota that a placement of so much would break, or nil.
    func broken(by placement: Placement, of owner: Owner, limits: QueueLimits) -> WaitReason? {
        broken(limits.total, use(ofQueue: owner.queue), .queue(owner.queue), placement)
            ?? broken(
                limits.perUser, use(of: owner.user, in: owner.queue),
                .user(owner.user, queue: owner.queue), placement)
            ?? settings[owner.account].flatMap {
                broken($0.quota, use(ofAccount: owner.account), .account(owner.account), placement)
            }
    }

    /// The quota that is used up already, whatever the next job asks for.
    func exhausted(for owner: Owner, limits: QueueLimits) -> WaitReason? {
        func full(_ quota: Quota, _ use: Use, _ holder: QuotaName.Holder) -> WaitReason? {
            guard let limit = quota.runningJobs, use.runningJobs >= limit else { return nil }
            return .quota(QuotaName(.runningJobs, of: holder), used: use.runningJobs, limit: limit)
        }
        return full(limits.total, use(ofQueue: owner.queue), .queue(owner.queue))
            ?? full(
                limits.perUser, use(of: owner.user, in: owner.queue),
                .user(owner.user, queue: owner.queue))
            ?? settings[owner.account].flatMap {
                full($0.quota, use(ofAccount: owner.account), .account(owner.account))
            }
    }

    private func broken(
        _ quota: Quota, _ use: Use, _ holder: QuotaName.Holder, _ placement: Placement
    ) -> WaitReason? {
        let checks: [(QuotaName.Amount, Int, Int, Int?)] = [
            (.runningJobs, use.runningJobs, 1, quota.runningJobs),
            (.cores, use.cores, placement.cores.units, quota.cores?.units),
            (.memory, use.memory.bytes, placement.memory.bytes, quota.memory?.bytes),
            (.devices, use.devices, placement.attachedShare, quota.devices),
        ]
        for (amount, used, more, limit) in checks {
            if let limit, more > 0, used + more > limit {
                return .quota(QuotaName(amount, of: holder), used: used, limit: limit)
            }
        }
        return nil
    }
}

// Fair share.
extension Accounts {
    /// What an account has used in proportion to its shares; the account with the least goes first.
    ///
    /// A core in use counts as if it had run for a minute more, so that accounts take turns when many jobs start at once.
    func ratio(of account: String, at now: TimePoint) -> Double {
        let shares = Double(max(1, settings[account]?.shares ?? 1))
        guard let past = history[account] else { return 0 }
        let running = Double(past.rate) / Double(CoreAmount.unitsPerCore) * 60
        return (brought(past, to: now).used + running) / shares
    }

    /// The core-seconds of an account that still count.
    func used(by account: String, at now: TimePoint) -> Double {
        history[account].map { brought($0, to: now).used } ?? 0
    }

    private mutating func settle(_ account: String, at now: TimePoint) {
        history[account] = history[account].map { brought($0, to: now) } ?? History(since: now)
    }

    /// A history up to now.
    ///
    /// Time loses its weight in steps of a 64th of a half-life, so that the same events always give the same figures.
    private func brought(_ past: History, to now: TimePoint) -> History {
        guard now > past.since else { return past }
        let tick = max(1, halfLife.nanoseconds / 64)
        let cores = Double(past.rate) / Double(CoreAmount.unitsPerCore)
        var result = past
        var since = past.since.nanoseconds
        // After twenty half-lives less than a millionth is left.
        since = max(since, now.nanoseconds - tick * 64 * 20)
        while since / tick < now.nanoseconds / tick {
            let boundary = (since / tick + 1) * tick
            result.used = (result.used + cores * Double(boundary - since) / 1e9) * 0.989_228_013_193_975_5
            since = boundary
        }
        result.used += cores * Double(now.nanoseconds - since) / 1e9
        result.since = now
        return result
    }
}
