import Testing
import TopologyDiscovery

@Suite("Where the kernel keeps cpusets")
struct CPUSetFilesTests {
    private let versionOne =
        "33 32 0:27 / /sys/fs/cgroup/cpuset rw,relatime shared:9 - cgroup cgroup rw,cpuset"
    private let versionTwo = "30 24 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate"

    @Test func `one hierarchy for all`() {
        let files = CPUSetFiles(cgroups: "0::/user.slice/job-7\n", mounts: versionTwo)

        #expect(
            files.candidates == [
                "/sys/fs/cgroup/user.slice/job-7/cpuset.cpus.effective",
                "/sys/fs/cgroup/cpuset.cpus.effective",
            ])
    }

    @Test func `a hierarchy of its own for cpusets`() {
        let files = CPUSetFiles(cgroups: "5:cpu,cpuacct:/a\n4:cpuset:/b\n", mounts: versionOne)

        #expect(
            files.candidates == [
                "/sys/fs/cgroup/cpuset/b/cpuset.effective_cpus",
                "/sys/fs/cgroup/cpuset/cpuset.effective_cpus",
            ])
    }

    @Test func `both kinds side by side`() {
        let files = CPUSetFiles(cgroups: "4:cpuset:/b\n0::/c\n", mounts: versionOne + "\n" + versionTwo)

        #expect(files.candidates.count == 4)
        #expect(files.candidates[2] == "/sys/fs/cgroup/c/cpuset.cpus.effective")
    }

    @Test func `a container that sees only its own part`() {
        let mount = "33 32 0:27 /docker/abc /sys/fs/cgroup/cpuset ro - cgroup cgroup rw,cpuset"

        let files = CPUSetFiles(cgroups: "4:cpuset:/docker/abc\n", mounts: mount)

        #expect(files.candidates.first == "/sys/fs/cgroup/cpuset/cpuset.effective_cpus")
    }

    @Test(arguments: ["", "x", "0:", "::::", "0::/a", "- - - - - - cgroup2 - -"])
    func `texts that are not the kernel's name no files`(text: String) {
        #expect(CPUSetFiles(cgroups: text, mounts: text).candidates.isEmpty)
    }
}
