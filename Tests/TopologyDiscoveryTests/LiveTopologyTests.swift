import Essentials
import Glibc
import HardwareTopology
import TestSupport
import Testing
import TopologyDiscovery

@Suite("The live machine")
struct LiveTopologyTests {
    @Test func `the live machine is consistent and holds what this program may use`() throws {
        let topology = try Topology.discover()
        let allowed = try Topology.allowedCPUs()

        expectConsistent(topology)
        #expect(topology.source == .live)
        #expect(!allowed.isEmpty)
        #expect(allowed.isSubset(of: topology.cpus))
        #expect(topology.cpus.count >= sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    }

    @Test func `the memory of a machine with one node is all its memory`() throws {
        let topology = try Topology.discover()
        guard topology.numaNodes.count == 1 else { return }

        #expect(topology.memory.bytes >= sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE)))
    }

    @Test func `distances on the live machine have the node itself closest`() throws {
        let topology = try Topology.discover()

        for (node, row) in topology.distances.enumerated() {
            #expect(row[node] == row.min())
        }
    }

    @Test func `a node's free memory is not more than the machine has`() throws {
        let topology = try Topology.discover()
        let free = try #require(topology.numaNodes[0].liveFreeMemory())

        #expect(free > .zero)
        #expect(free <= topology.memory)
    }

    @Test func `what a process may use follows its affinity`() throws {
        let child = try SleepingChild()
        let one = CPUSet([try #require(try Topology.allowedCPUs().units.last)])

        try Binding.bind(process: child.id, to: one)

        #expect(try Topology.allowedCPUs(process: child.id) == one)
    }

    @Test func `nothing is printed over garbage, nor over the live machine`() async {
        let result = await #expect(
            processExitsWith: .success, observing: [\.standardOutputContent, \.standardErrorContent]
        ) {
            _ = try Topology.discover()
            for text in [
                "/dev/null", "/proc/self/environ", "synthetic:pu:2 core:2", "synthetic:numa:1 numa:1 pu:3",
            ] {
                #expect(throws: TopologyError.self) { try Topology.load(from: text) }
            }
        }

        #expect(result?.standardErrorContent == [])
        #expect(result.map { String(decoding: $0.standardOutputContent, as: UTF8.self) } == "")
    }

    @Test func `a variable that shows hwloc another machine is named, not followed`() async {
        await #expect(processExitsWith: .success) {
            unsafe setenv("HWLOC_SYNTHETIC", "numa:2 core:2 pu:1", 1)

            let error = #expect(throws: TopologyError.self) { try Topology.discover() }

            #expect(error?.summary.contains("HWLOC_SYNTHETIC") == true)
            #expect(error?.exitCode == .setupMissing)
        }
    }
}

/// A process of a test's own that does nothing until it is ended.
final class SleepingChild {
    let id: Int32

    init() throws {
        var id: pid_t = 0
        let words = ["sleep", "1000"]
        let arguments = unsafe words.map { unsafe strdup($0) } + [nil]
        defer { for index in words.indices { unsafe free(arguments[index]) } }
        let status = unsafe posix_spawnp(&id, "sleep", nil, nil, arguments, environ)
        guard status == 0 else { throw BindingError(attempt: "start sleep", code: status) }
        self.id = id
    }

    deinit {
        kill(id, SIGKILL)
        waitpid(id, nil, 0)
    }
}
