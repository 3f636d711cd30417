internal import Essentials

/// What the trial of a virtual device makes of the kernel's figures.
package enum TrialMeasure {
    /// The time that a device's part is counted from, when its processing units were busy for `wallTime`.
    ///
    /// With a quota these are whole periods, because a period's quota is lent at its beginning.
    package static func lentTime(in wallTime: Duration, _ slot: RankSlot) -> Duration {
        let spun = max(.nanoseconds(1), wallTime)
        guard let share = slot.cpuShare else { return spun }
        let period = 1000 * Int64(Quota(share: share, units: slot.cpus.count).period)
        return .nanoseconds((spun.nanoseconds / period + 1) * period)
    }

    /// The part of the anonymous pages of a process that lies on some nodes; nil when there are none.
    ///
    /// A line that names a file counts the pages of the file too, which lie where they were first read.
    package static func localPart(of maps: String, nodes: Set<Int>) -> Double? {
        var local = 0
        var all = 0
        for line in maps.split(separator: "\n") where line.contains(" anon=") && !line.contains(" file=") {
            for word in line.split(separator: " ") where word.hasPrefix("N") {
                let parts = word.dropFirst().split(separator: "=").map { Int($0) }
                guard parts.count == 2, let node = parts[0], let pages = parts[1] else { continue }
                all += pages
                if nodes.contains(node) { local += pages }
            }
        }
        return all == 0 ? nil : Double(local) / Double(all)
    }
}
