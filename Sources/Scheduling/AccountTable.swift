package import Essentials

/// The accounts of a cluster: what each may have, has, and has had lately.
package struct AccountRow: Hashable, Codable, Sendable {
    package var name: String
    package var settings: AccountSettings
    package var runningJobs: Int
    package var cores: Double
    package var memory: ByteCount
    /// Whole accelerators and parts of them, together.
    package var devices: Double
    /// Jobs that wait or hold resources.
    package var jobs: Int
    /// Core-seconds, of which each half-life takes half.
    package var usedCoreSeconds: Double
    /// What fair share compares: that, and what is in use, for each share; the least goes first.
    package var usedPerShare: Double
}

extension ClusterState {
    /// Every account that has settings, jobs or a history, by name.
    package func accountRows(at now: TimePoint) -> [AccountRow] {
        accounts.names.map { name in
            let use = accounts.use(ofAccount: name)
            return AccountRow(
                name: name, settings: accounts.settings[name] ?? AccountSettings(),
                runningJobs: use.runningJobs, cores: CoreAmount(units: use.cores).inCores, memory: use.memory,
                devices: DeviceShare(units: use.devices).fraction, jobs: use.jobs,
                usedCoreSeconds: accounts.used(by: name, at: now),
                usedPerShare: accounts.ratio(of: name, at: now))
        }
    }
}
