import Essentials
import Scheduling
import Testing

@Suite("Checks at submission")
struct RequestCheckTests {
    let cluster = Cluster(smallMachine(nodes: 2, coresPerNode: 4, gpusOn: [1]))

    @Test func `an ordinary request is fine`() {
        #expect(cluster.state.firstError(request(cores: 4, memory: .gibibytes(4))) == nil)
    }

    @Test(arguments: [
        (request(share: 1.5), "A share of 1.5 of a device was asked for, but a device has only 1."),
        (request(share: 0), "A share of 0 of a device was asked for, which is nothing."),
        (request(cores: 0), "A job needs more than 0 cores."),
        (request(cores: 5), "The job asks for 5 cores per rank, but the largest NUMA node has 4."),
        (
            request(cores: 9, span: true),
            "The job asks for 9 cores per rank, but the whole machine has 8."
        ),
        (
            request(cores: 5, numa: .required(1)),
            "The job asks for 5 cores per rank, but NUMA node 1 has 4."
        ),
        (
            request(memory: .gibibytes(5)),
            "The job asks for 5 GiB per rank, but the largest NUMA node has 4 GiB."
        ),
        (request(memory: .bytes(-1)), "A job cannot ask for -1 B of memory."),
        (request(kind: "tpu"), "There is no device of kind 'tpu' here."),
        (request(numa: .required(2)), "There is no NUMA node 2 with usable cores."),
        (request(numa: .preferred(-1)), "There is no NUMA node -1 with usable cores."),
        (request(ranks: 0), "A job cannot have 0 ranks."),
        (request(cores: 3, ranks: 3), "3 ranks never fit at the same time; at most 2 do."),
        (
            request(cores: 1, ranks: 5, spread: .packed),
            "5 ranks never fit at the same time; at most 4 do."
        ),
        (request(kind: "gpu", ranks: 2), "2 ranks never fit at the same time; at most 1 do."),
        (
            request(ranks: .max, spread: .perNUMANode),
            "\(Int.max) ranks never fit at the same time; at most 8 do."
        ),
        (request(limit: .zero), "A time limit of 0 or less leaves the job no time."),
        (request(""), "There is no command to run."),
    ])
    func `what can never run is refused with a sentence and a next step`(wrong: JobRequest, sentence: String)
    {
        let error = cluster.state.firstError(wrong)

        #expect(error?.summary == sentence)
        #expect(error?.nextStep?.hasSuffix(".") == true)
        #expect(error?.exitCode == .wrongUse)
    }

    @Test func `unknown kinds and nodes are answered with what exists`() {
        #expect(
            cluster.state.firstError(request(kind: "tpu"))?.nextStep == "This machine has: cpu, gpu.")
        #expect(
            cluster.state.firstError(request(numa: .required(2)))?.nextStep
                == "Nodes with usable cores: 0, 1.")
    }

    @Test func `cores that may not be lent do not count`() {
        var machine = smallMachine(nodes: 2, coresPerNode: 4)
        machine.lendable = CPUSet([0, 1])
        let cluster = Cluster(machine)

        #expect(cluster.state.firstError(request(cores: 2)) == nil)
        #expect(
            cluster.state.firstError(request(cores: 3))
                == .tooManyCores(.cores(3), most: .cores(2), place: .anyNode))
        #expect(cluster.state.firstError(request(numa: .required(1))) == .unknownNode(1, machineNodes: [0]))
    }

    @Test func `without a machine nothing can run`() {
        #expect(ClusterState().firstError(request()) == .noMachine)
    }
}
