#if canImport(Glibc)
internal import Glibc
#endif

/// What this machine offers to hold steps to their limits, found out by trying.
package struct Isolation: Hashable, Sendable {
    /// Where groups with a controller can be made.
    package enum Home: Hashable, Sendable {
        case unified(folder: String)
        case legacy(folder: String)
        /// The sentence says why not.
        case missing(String)
    }

    package var homes: [Controller: Home]
    /// The homes are the groups of a virtual device, so that a job can run into the device's memory limit too.
    package var isInsideDevice = false

    package init(homes: [Controller: Home]) { self.homes = homes }

    /// No control groups: affinity, memory policy and resource limits only.
    package static func soft(because reason: String) -> Isolation {
        Isolation(homes: Dictionary(uniqueKeysWithValues: Controller.allCases.map { ($0, .missing(reason)) }))
    }

    package func home(of controller: Controller) -> Home {
        homes[controller] ?? .missing("this kernel has no \(controller.rawValue) controller")
    }

    /// Asks the kernel: makes an empty group in each tree and removes it again.
    ///
    /// Groups are only ever made below the group of this process, or below the folder that `HENG_CGROUP` names.
    /// Groups of ours whose agent has died are removed on the way. In version 2 a process that is alone in its
    /// group, as one under `systemd-run --scope -p Delegate=yes` is, moves into a group below it, because a group
    /// with processes of its own may not pass controllers on.
    package static func detect() -> Isolation {
        guard let mounts = SmallFile.read("/proc/self/mountinfo"),
            let memberships = SmallFile.read("/proc/self/cgroup")
        else { return .soft(because: "/proc does not show control groups here") }
        var places = ControlGroupMounts(mounts: mounts, memberships: memberships)
        let own = places.unified
        if let given = unsafe getenv("HENG_CGROUP") { places.unified = unsafe String(cString: given) }
        return Isolation(
            homes: Dictionary(
                uniqueKeysWithValues: Controller.allCases.map { ($0, home(of: $0, in: places, from: own)) }))
    }

    /// `own` is the version 2 group that this process is in.
    private static func home(
        of controller: Controller, in places: ControlGroupMounts, from own: String?
    ) -> Home {
        if let folder = places.legacy[controller] {
            return refusal(of: folder).map { .missing($0) } ?? .legacy(folder: folder)
        }
        guard let folder = places.unified else {
            return .missing("this kernel has no \(controller.rawValue) controller mounted")
        }
        let tree = UnifiedTree(group: folder)
        // Every group can be frozen in version 2.
        if controller != .freezer, let reason = tree.passOn(controller) { return .missing(reason) }
        let reason = refusal(of: tree.home) ?? own.flatMap(tree.refusalToEnter)
        return reason.map { .missing($0) } ?? .unified(folder: tree.home)
    }

    /// Why no group can be made in a folder, or nil when one can.
    private static func refusal(of folder: String) -> String? {
        GroupName.removeAbandoned(in: folder)
        let probe = folder + "/" + GroupName.next()
        var failure = SmallFile.makeFolder(probe)
        guard failure == 0 else { return "no group can be made in \(folder) (\(describe(failure)))" }
        // Version 2 only. The other types let in no process, or only threads.
        let type = SmallFile.value("\(probe)/cgroup.type") ?? "domain"
        failure = SmallFile.removeFolder(probe)
        guard type == "domain" else { return "groups made in \(folder) are of the type \(type)" }
        return failure == 0 ? nil : "groups made in \(folder) cannot be removed (\(describe(failure)))"
    }
}
