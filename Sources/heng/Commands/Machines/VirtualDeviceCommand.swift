internal import ArgumentParser
internal import ControlAPI
internal import Essentials
internal import JobSubmission
internal import Scheduling

struct VirtualDeviceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vdev",
        abstract: "Makes, lists, resizes and deletes virtual devices, and shows their templates.",
        discussion: """
            Examples: heng vdev templates
                      heng vdev create mine --template cpu-half
                      heng submit --vdev mine -- ./train
            """,
        subcommands: [Create.self, List.self, Resize.self, Delete.self, Templates.self])

    // MARK: Amounts

    /// A template, or numbers, or a template with numbers in place of its own.
    struct AmountOptions: ParsableArguments {
        @Option(name: .shortAndLong, help: "The size of this template; see heng vdev templates.")
        var template: String?

        @Option(help: "The part of one device's compute, over 0 and up to 1.")
        var share: String?

        @Option(name: [.customShort("c"), .long], help: "Cores to oneself.")
        var cores: String?

        @Option(help: "Memory, such as 2GiB.")
        var mem: String?

        @Option(help: "Memory of an accelerator, such as 8GiB.")
        var deviceMem: String?

        func amounts(_ template: DeviceTemplate?) throws -> NamedDeviceRequest.Amounts {
            var amounts = template?.amounts ?? NamedDeviceRequest.Amounts()
            if let share { amounts.share = try Amounts.share(share, option: "--share") }
            if let cores { amounts.cores = try Amounts.cores(cores, option: "--cores") }
            if let mem { amounts.memory = try Amounts.memory(mem, option: "--mem") }
            if let deviceMem { amounts.deviceMemory = try Amounts.memory(deviceMem, option: "--device-mem") }
            return amounts
        }

        func validate() throws {
            if template == nil, share == nil, cores == nil, mem == nil, deviceMem == nil {
                throw ValidationError("Say how large: --template, --share, --cores, --mem or --device-mem.")
            }
        }
    }

    // MARK: Create

    struct Create: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "create", abstract: "Makes a virtual device, whose limits are then tried out.",
            discussion: "Example: heng vdev create half --template cpu-half --mem-bind strict")

        @Argument(help: "Its name.")
        var name: String

        @OptionGroup var size: AmountOptions

        @Option(help: "The kind of device that it is a part of; the template's, or cpu.")
        var device: String?

        @Option(help: "The machine; any when left out.")
        var machine: String?

        @Option(help: "The NUMA node, by its number in heng topology.")
        var numa: String?

        @Option(help: "strict, preferred or interleave.")
        var memBind: String?

        @Flag(help: "Allow it to span NUMA nodes when no single node could hold it.")
        var span = false

        @Option(help: "guaranteed, burstable or best-effort.")
        var qos: String?

        @Option(help: "hard: refuse where no kernel or device enforces the limits.")
        var isolation: String?

        @OptionGroup var display: ListingOptions

        func run() throws {
            var request = try request()
            let client = try DaemonAccess.require(for: "heng vdev")
            request.name = name
            try client.make(request)
            let made = try client.devices().filter { $0.name == name }
            try display.show(made, names: made.map(\.name)) { VirtualDeviceTable.text(made) }
        }

        private func request() throws -> NamedDeviceRequest {
            let name = try NameCheck.name(name, option: "The virtual device")
            let template = try size.template.map(machineTemplate)
            var request = NamedDeviceRequest(
                name: name, machine: try machine.map { try NameCheck.name($0, option: "--machine") },
                deviceKind: device ?? template?.kind ?? ResourceRequest.cpu,
                amounts: try size.amounts(template),
                maySpan: span, template: template?.name)
            if let kind = template?.kind, kind != request.deviceKind {
                throw Failure(
                    "Template '\(template?.name ?? "")' is for \(kind), not for \(request.deviceKind).",
                    nextStep: "Leave --device out, or choose another template.", exitCode: .wrongUse)
            }
            if let numa {
                request.numa = .required(try Amounts.count(numa, in: 0...65_535, option: "--numa"))
            }
            if let memBind { request.memoryMode = try Amounts.choice(memBind, option: "--mem-bind") }
            if let qos { request.quality = try Amounts.choice(qos, option: "--qos") }
            if let isolation { request.isolation = try Amounts.choice(isolation, option: "--isolation") }
            return request
        }
    }

    // MARK: List

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list",
            abstract: "Lists virtual devices: their limits, what holds them, and who uses them.",
            discussion: "Example: heng vdev list --json")

        @OptionGroup var display: ListingOptions

        func run() throws {
            let devices = try DaemonAccess.require(for: "heng vdev").devices().sorted { $0.name < $1.name }
            try display.show(devices, names: devices.map(\.name)) { VirtualDeviceTable.text(devices) }
        }
    }

    // MARK: Resize

    struct Resize: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "resize",
            abstract: "Gives a virtual device another size, also while a job runs in it.",
            discussion: "Example: heng vdev resize half --mem 2GiB")

        @Argument(help: "Its name.")
        var name: String

        @OptionGroup var size: AmountOptions

        @OptionGroup var display: ListingOptions

        func run() throws {
            let template = try size.template.map(machineTemplate)
            let client = try DaemonAccess.require(for: "heng vdev")
            // What is not said stays.
            guard let old = try client.devices().first(where: { $0.name == name }) else {
                throw Failure(
                    "There is no virtual device '\(name)'.", nextStep: "See `heng vdev list`.",
                    exitCode: .negative)
            }
            var amounts = try size.amounts(template)
            if template == nil {
                let before = old.request.amounts
                amounts.share = amounts.share ?? before.share
                amounts.cores = amounts.cores ?? before.cores
                amounts.memory = size.mem == nil ? before.memory : amounts.memory
                amounts.deviceMemory = amounts.deviceMemory ?? before.deviceMemory
            }
            try client.resize(name, to: amounts)
            let resized = try client.devices().filter { $0.name == name }
            try display.show(resized, names: resized.map(\.name)) { VirtualDeviceTable.text(resized) }
        }
    }

    // MARK: Delete

    struct Delete: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "delete", abstract: "Deletes virtual devices that nobody uses.",
            discussion: "Example: heng vdev delete half")

        @Argument(help: "Their names.")
        var names: [String]

        @OptionGroup var display: ListingOptions

        func run() throws {
            let names = try names.map { try NameCheck.name($0, option: "The virtual device") }
            let client = try DaemonAccess.require(for: "heng vdev")
            for name in names { try client.deleteDevice(name) }
            try display.show(names, names: names) { names.map { "Deleted \($0)" }.joined(separator: "\n") }
        }
    }

    // MARK: Templates

    struct Templates: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "templates", abstract: "Lists the templates that virtual devices can be made from.",
            discussion: """
                Example: heng vdev templates

                A file virtual-devices.json in the state folder adds to them; Config/virtual-devices.json shows its form.
                """)

        @OptionGroup var display: ListingOptions

        func run() throws {
            let templates = try machineTemplates().all
            try display.show(templates, names: templates.map(\.name)) {
                textTable(
                    header: [
                        "TEMPLATE", "DEVICE", "SHARE", "CORES", "MEMORY", "DEVICE MEMORY", "WHAT IT IS",
                    ],
                    templates.map(row))
            }
        }

        private func row(_ template: DeviceTemplate) -> [String] {
            let part = template.memoryShare.map { "\(($0 * 100).formatted(digits: 0)) % of a node" }
            let ofDevice = template.kind == ResourceRequest.cpu ? nil : template.share.map { "\($0) of it" }
            return [
                template.name, template.kind, template.share?.description ?? "-",
                template.cores?.description ?? "-",
                template.memory?.description ?? part ?? "-",
                template.deviceMemory?.description ?? ofDevice ?? "-",
                template.note,
            ]
        }
    }
}

/// Virtual devices as a table.
enum VirtualDeviceTable {
    static func text(_ devices: [NamedDevice]) -> String {
        textTable(
            header: [
                "NAME", "MACHINE", "OF", "SHARE", "CORES", "MEMORY", "QOS", "USED BY", "LEVEL",
                "LIMITS, MEASURED",
            ],
            devices.map { device in
                [
                    device.name, device.machine, "\(device.device.device)", "\(device.device.share)",
                    "\(device.device.cores)", device.device.memory == .zero ? "-" : "\(device.device.memory)",
                    device.request.quality.rawValue, device.holder.map { "job \($0)" } ?? "-",
                    level(device.test), limits(device.test),
                ]
            })
    }

    /// How strongly it is held as a whole.
    private static func level(_ test: DeviceTest?) -> String {
        guard let test, let strength = test.strength else { return "-" }
        return strength.rawValue + (test.acceleratorLevel.map { ", accelerator \($0)" } ?? "")
    }

    private static func limits(_ test: DeviceTest?) -> String {
        guard let test else { return "not tried out yet" }
        return test.limits.map { limit in
            let failed = limit.isHeld || limit.strength == .none ? "" : " (did not hold)"
            return "\(limit.name) \(limit.strength.rawValue)\(measured(limit))\(failed)"
        }.joined(separator: ", ")
    }

    /// What was measured against what was asked.
    private static func measured(_ limit: DeviceTest.Limit) -> String {
        guard let measured = limit.measured else { return "" }
        guard limit.unit == "bytes" else {
            return
                " \(measured.formatted(significant: 3)) of \(limit.asked.formatted(significant: 3)) \(limit.unit)"
        }
        return " \(ByteCount(bytes: Int(measured))) of \(ByteCount(bytes: Int(limit.asked)))"
    }
}
