import Essentials
import MachineAgent
import Scheduling
import Testing

@Suite("What the trial of a virtual device makes of the kernel's figures")
struct TrialMeasureTests {
    private func slot(_ share: Double?) -> RankSlot { RankSlot(cpus: CPUSet([0]), cpuShare: share) }

    @Test(arguments: [(799, 800), (801, 850), (849, 850), (1, 50)])
    func `a quota is counted in the periods that have begun`(spun: Int, lent: Int) {
        #expect(TrialMeasure.lentTime(in: .milliseconds(spun), slot(0.25)) == .milliseconds(lent))
    }

    @Test func `without a quota the time is what it is`() {
        #expect(TrialMeasure.lentTime(in: .milliseconds(811), slot(nil)) == .milliseconds(811))
        #expect(TrialMeasure.lentTime(in: .zero, slot(nil)) > .zero)
    }

    @Test func `pages of files do not count as memory that is far away`() {
        let maps = """
            00400000 bind:3 file=/bin/busybox dirty=260 mapmax=2 N0=260 kernelpagesize_kB=4
            005db000 bind:3 file=/bin/busybox anon=2 dirty=7 mapmax=4 active=5 N0=5 N3=2 kernelpagesize_kB=4
            04d14000 bind:3 heap anon=2 dirty=2 active=0 N3=2 kernelpagesize_kB=4
            7ffd0d098000 bind:3 stack anon=4 dirty=4 active=1 N0=1 N3=3 kernelpagesize_kB=4
            7ffd0d188000 bind:3
            """

        #expect(TrialMeasure.localPart(of: maps, nodes: [3]) == 5.0 / 6)
        #expect(TrialMeasure.localPart(of: maps, nodes: [0, 3]) == 1)
        #expect(TrialMeasure.localPart(of: "garbage\nN1=x anon=", nodes: [0]) == nil)
    }
}
