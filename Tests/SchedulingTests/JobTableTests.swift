import Essentials
import Scheduling
import Testing

@Suite("Jobs as people read them")
struct JobTableTests {
    static func cluster() -> Cluster {
        var cluster = Cluster(smallMachine(nodes: 1, coresPerNode: 2))
        cluster.submit(request("/bin/train", cores: 2, memory: .gibibytes(1), limit: .seconds(3600)))
        cluster.submit(request("infer", cores: 1), at: 10)
        return cluster
    }

    @Test func `the table has a line per job with its state, place, age and reason`() {
        let table = JobTable(Self.cluster().state, at: TimePoint.zero + .seconds(75))

        #expect(
            table.description == """
                JOB  STATE      USER  NAME   CPUS  CORES  MEMORY  WAITED  RAN    REMARK
                1    LAUNCHING  u     train  0-1   2      1 GiB   0s      1m15s  On node 0, the only one with room.
                2    PENDING    u     infer  -     -      -       1m05s   -      \
                needs 1 core on one NUMA node; the most free is 0, on node 0
                """)
    }

    @Test func `the next job in line has an expected start`() {
        let table = JobTable(Self.cluster().state, at: TimePoint.zero + .seconds(75))

        #expect(table.rows.map(\.expectedStart) == [nil, "1970-01-01T01:00:00.000Z"])
    }

    @Test func `an explanation says who holds the resources and when it can start`() {
        let cluster = Self.cluster()

        #expect(
            cluster.state.explain(JobID(2))?.description == """
                Job 2 is PENDING.
                It waits: needs 1 core on one NUMA node; the most free is 0, on node 0.
                It is next in line and starts by 1970-01-01T01:00:00.000Z if time limits hold.
                Resources are held by job 1.
                """)
        #expect(cluster.state.explain(JobID(9)) == nil)
    }

    @Test func `ended jobs are shown with how they ended, or left out`() {
        var cluster = Self.cluster()
        _ = cluster.exit(1, at: 20)

        #expect(JobTable(cluster.state, at: .zero).rows.first?.remark == "exit code 0")
        #expect(JobTable(cluster.state, at: .zero, includingEnded: false).rows.map(\.job) == [JobID(2)])
    }
}
