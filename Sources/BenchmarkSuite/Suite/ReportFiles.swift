package import Essentials
package import HardwareTopology
package import Results

/// The files that are derived from a result and can be made again at any time.
package enum ReportFiles {
    /// Writes `report.html`, `table.txt` and `topology.svg` beside the result.
    package static func write(
        _ result: RunResult, in folder: String, topology: Topology?,
        lent: [(label: String, cpus: CPUSet)] = []
    ) throws {
        let drawing = topology.map { TopologyDrawing($0, lent: lent).svg } ?? savedDrawing(in: folder)
        let page = ReportPage.html(result, samples: samples(of: result, in: folder), topologySVG: drawing)
        try DurableFile.write(Array(page.utf8), to: folder + "/report.html")
        try DurableFile.write(Array(ResultTable.text(result).utf8), to: folder + "/table.txt")
        if topology != nil, let drawing {
            try DurableFile.write(Array(drawing.utf8), to: folder + "/topology.svg")
        }
    }

    private static func savedDrawing(in folder: String) -> String? {
        // A run from another machine may come without its drawing.
        (try? DurableFile.read(folder + "/topology.svg")).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The raw samples that are there; a plot without samples is left out.
    private static func samples(of result: RunResult, in folder: String) -> [String: [SampleRecord]] {
        var samples: [String: [SampleRecord]] = [:]
        for file in result.workloads.compactMap(\.samples?.file) {
            // As said above: the page then has one plot less.
            samples[file] = try? SampleFile.read(folder + "/" + file)
        }
        return samples
    }
}
