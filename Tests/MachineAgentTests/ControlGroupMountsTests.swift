import MachineAgent
import Testing

@Suite("Control groups of a machine")
struct ControlGroupMountsTests {
    @Test func `a hybrid machine has a folder for each version 1 controller`() {
        let mounts = """
            30 25 0:26 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
            31 30 0:27 / /sys/fs/cgroup/cpu rw,relatime shared:5 - cgroup cgroup rw,cpu
            32 30 0:28 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset
            33 30 0:29 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
            34 30 0:30 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
            """
        let memberships = "4:memory:/services/shell\n3:cpuset:/\n1:cpu:/\n0::/\n"

        let found = ControlGroupMounts(mounts: mounts, memberships: memberships)

        #expect(found.legacy[.cpu] == "/sys/fs/cgroup/cpu")
        #expect(found.legacy[.cpuset] == "/sys/fs/cgroup/cpuset")
        #expect(found.legacy[.memory] == "/sys/fs/cgroup/memory/services/shell")
        #expect(found.unified == "/sys/fs/cgroup/unified")
    }

    @Test func `a version 2 machine has one folder`() {
        let found = ControlGroupMounts(
            mounts: "29 24 0:25 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n",
            memberships: "0::/user.slice/user-1000.slice/session-3.scope\n")

        #expect(found.legacy.isEmpty)
        #expect(found.unified == "/sys/fs/cgroup/user.slice/user-1000.slice/session-3.scope")
    }

    @Test func `a container that sees a part of the tree gets a folder inside that part`() {
        let mounts = """
            40 39 0:31 /docker/abc /sys/fs/cgroup/memory ro,nosuid - cgroup cgroup rw,memory
            41 39 0:32 /docker/abc /sys/fs/cgroup/cpu,cpuacct ro,nosuid - cgroup cgroup rw,cpu,cpuacct
            """
        let memberships = "9:memory:/docker/abc/inner\n3:cpu,cpuacct:/docker/abc\n"

        let found = ControlGroupMounts(mounts: mounts, memberships: memberships)

        #expect(found.legacy[.memory] == "/sys/fs/cgroup/memory/inner")
        #expect(found.legacy[.cpu] == "/sys/fs/cgroup/cpu,cpuacct")
        #expect(found.legacy[.cpuset] == nil)
    }

    @Test(arguments: ["", "garbage", "1 2 3 - cgroup", "a b c d e f - cgroup cgroup rw,memory", "::::\n0:"])
    func `garbage is no group`(text: String) {
        let found = ControlGroupMounts(mounts: text, memberships: text)

        #expect(found.legacy.isEmpty)
        #expect(found.unified == nil)
    }

    @Test(arguments: [
        ("/sys/fs/cgroup/a/b", "/sys/fs/cgroup/a/c/d", "/sys/fs/cgroup/a"),
        ("/sys/fs/cgroup/a", "/sys/fs/cgroup/a/x", "/sys/fs/cgroup/a"),
        ("/sys/fs/cgroup/ab", "/sys/fs/cgroup/a", "/sys/fs/cgroup"), ("/x", "/y", "/"), ("", "/y", "/"),
    ]) func `the group around two groups is what their paths have in common`(
        one: String, other: String, around: String
    ) {
        #expect(UnifiedTree.common(one, other) == around)
        #expect(UnifiedTree.common(other, one) == around)
    }
}
