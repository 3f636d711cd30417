internal import ArgumentParser
internal import HardwareTopology
internal import Results
internal import TopologyDiscovery

struct TopologyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "topology",
        abstract:
            "Shows packages, NUMA nodes, caches, cores and devices of this machine or of a description.",
        discussion: """
            Examples: heng topology
                      heng topology --from synthetic:"numa:4 core:8 pu:2" --svg machine.svg
            """)

    @Option(help: "An hwloc XML file, or synthetic:DESCRIPTION, instead of this machine.")
    var from: String?

    @Option(help: "Also write a drawing to this file.")
    var svg: String?

    @OptionGroup var output: OutputOptions

    func run() throws {
        let topology = try from.map { try Topology.load(from: $0) } ?? Topology.discover()
        if let svg {
            try DurableFile.write(Array(TopologyDrawing(topology).svg.utf8), to: svg)
        }
        try output.show(topology) { TopologyText(topology).description }
    }
}
