internal import AcceleratorAPI
internal import ArgumentParser
internal import Backends
internal import Essentials
internal import Foundation

struct DevicesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "devices", abstract: "Lists the devices that jobs can run on.",
        discussion: """
            The answer of a driver that is slow to wake is kept in ~/.cache/heng and used again, until the machine
            restarts or what can change the answer changes. --probe asks again.

            Vendors' plugins come after the compiled-in backends. HENG_PLUGINS=a.json:b.so names them; otherwise they
            are looked for in the folders of HENG_PLUGIN_PATH, in /usr/local/lib/heng/plugins and in
            /usr/lib/heng/plugins. Each is asked in a process of its own; one that fails is named on standard error,
            and the list goes on.

            Example: heng devices --json
            """)

    @Flag(help: "Ask every driver again, and keep nothing that an earlier call kept.")
    var probe = false

    @Option(help: ArgumentHelp("How long a plugin may take to answer.", valueName: "seconds"))
    var pluginLimit = 10.0

    @OptionGroup var output: OutputOptions

    func run() throws {
        let environment = ProcessInfo.processInfo.environment
        let catalog = DeviceCatalog(
            file: CacheFolder.path(environment: environment).map {
                DeviceCatalog.file(in: $0, machine: thisMachine())
            },
            key: DeviceCatalog.currentKey(version: hengVersion, environment: environment))
        let limit = pluginLimit
        let plugins = DeviceCatalog.plugins { path in try PluginQuestion.devices(of: path, seconds: limit) }
        let list = try catalog.list(DeviceCatalog.compiledIn + plugins, probe: probe)
        try output.show(list.devices) { table(list.devices) }
        for warning in list.warnings { report("heng: warning: \(warning)") }
    }

    private func table(_ rows: [ListedDevice]) -> String {
        let lines = rows.map { row in
            [
                row.id.description,
                row.description.name + (row.description.isSimulated ? " (simulated)" : ""),
                row.plugin?.vendor ?? row.description.vendor,
                "\(row.description.computeUnits)",
                row.description.memory?.description ?? "-", row.description.numaNode.map(String.init) ?? "-",
                row.description.cpus?.description ?? "-",
            ]
        }
        return textTable(header: ["DEVICE", "NAME", "VENDOR", "UNITS", "MEMORY", "NODE", "CPUS"], lines)
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
