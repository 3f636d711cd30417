internal import AcceleratorAPI
internal import ArgumentParser
internal import Backends
internal import Essentials

struct DevicesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "devices", abstract: "Lists the devices that jobs can run on.",
        discussion: "Example: heng devices --json")

    @OptionGroup var output: OutputOptions

    func run() throws {
        let rows = try Backends.devices().map { Row(id: $0.id, description: $0.description) }
        try output.show(rows) { table(rows) }
    }

    private struct Row: Encodable {
        var id: DeviceID
        var description: DeviceDescription
    }

    private func table(_ rows: [Row]) -> String {
        let lines = rows.map { row in
            [
                row.id.description, row.description.name, "\(row.description.computeUnits)",
                row.description.memory?.description ?? "-", row.description.numaNode.map(String.init) ?? "-",
                row.description.cpus?.description ?? "-",
            ]
        }
        return textTable(header: ["DEVICE", "NAME", "UNITS", "MEMORY", "NODE", "CPUS"], lines)
    }
}

/// Columns as wide as their widest cell, two spaces apart.
func textTable(header: [String], _ rows: [[String]]) -> String {
    let all = [header] + rows
    let widths = header.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
    return all.map { row in
        var line = zip(row, widths).map { $0.padded(to: $1) }.joined(separator: "  ")
        while line.last == " " { line.removeLast() }
        return line
    }.joined(separator: "\n")
}
