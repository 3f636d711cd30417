package import AcceleratorAPI
internal import ComputeGraph
internal import Essentials

/// A list of simulated devices, from a JSON text.
package struct SimulatedConfiguration: Hashable, Sendable {
    package var devices: [SimulatedSettings]

    package init(devices: [SimulatedSettings]) { self.devices = devices }

    /// Reads a text; its errors name the line and the field.
    package init(parsing bytes: [UInt8], source: String) throws(DeviceError) {
        let root = try ConfigurationField.root(of: bytes, source: source)
        try root.check(only: ["devices"])
        let fields = try root.required("devices").list()
        guard !fields.isEmpty else { throw root.failure("the list of devices is empty") }
        devices = try fields.map { field throws(DeviceError) in try SimulatedConfiguration.device(field) }
    }

    /// Reads a file.
    package init(file: String) throws(DeviceError) {
        try self.init(parsing: ConfigurationFile.read(file), source: file)
    }

    private static let fields = [
        "name", "memory_bytes", "bandwidth_bytes_per_second", "operations_per_second", "launch_nanoseconds",
        "time", "compute_units", "lanes", "streams", "events", "contexts", "buffers", "host_addressable",
        "alignment", "copy_alignment", "operators", "types", "without", "temperature_celsius", "power_watts",
        "faults",
    ]

    private static func device(_ field: ConfigurationField) throws(DeviceError) -> SimulatedSettings {
        try field.check(only: fields)
        var settings = SimulatedSettings()
        if let name = field["name"] { settings.name = try name.text() }
        try readSizes(field, &settings)
        try readLimits(field, &settings)
        if let time = field["time"] {
            settings.time = try time.choice(
                "kind of time", SimulatedSettings.Time.allCases.map { ($0.rawValue, $0) })
        }
        if let value = field["host_addressable"] { settings.isHostAddressable = try value.bool() }
        if let operators = field["operators"] { settings.operators = try selection(operators) }
        if let types = field["types"] { settings.types = Set(try self.types(types)) }
        if let without = field["without"] { settings.without = try capabilities(without) }
        if let value = field["temperature_celsius"] { settings.temperature = try value.number(-273...10_000) }
        if let value = field["power_watts"] { settings.watts = try value.number(0...1e9) }
        if let faults = field["faults"] {
            settings.faults = try faults.list().map { fault throws(DeviceError) in try FaultReader.read(fault)
            }
        }
        return settings
    }

    private static func readSizes(
        _ field: ConfigurationField, _ settings: inout SimulatedSettings
    ) throws(DeviceError) {
        if let value = field["memory_bytes"] {
            settings.memory = ByteCount(bytes: try value.integer(1...(1 << 50)))
        }
        if let value = field["bandwidth_bytes_per_second"] {
            settings.bytesPerSecond = try value.integer(1...(1 << 50))
        }
        if let value = field["operations_per_second"] {
            settings.operationsPerSecond = try value.integer(1...(1 << 60))
        }
        if let value = field["launch_nanoseconds"] {
            settings.launchNanoseconds = try value.integer(0...1_000_000_000_000)
        }
        for (name, path) in [
            ("alignment", \SimulatedSettings.alignment), ("copy_alignment", \.copyAlignment),
        ] {
            guard let value = field[name] else { continue }
            let alignment = try value.integer(1...4096)
            guard alignment.nonzeroBitCount == 1 else {
                throw value.failure("an alignment is a power of two, not \(alignment)")
            }
            settings[keyPath: path] = alignment
        }
    }

    private static func readLimits(
        _ field: ConfigurationField, _ settings: inout SimulatedSettings
    ) throws(DeviceError) {
        let limits: [(String, WritableKeyPath<SimulatedSettings, Int>)] = [
            ("streams", \.streamLimit), ("events", \.eventLimit), ("contexts", \.contextLimit),
            ("buffers", \.bufferLimit), ("lanes", \.lanes),
        ]
        for (name, path) in limits {
            if let value = field[name] { settings[keyPath: path] = try value.integer(0...1_000_000) }
        }
        if let value = field["compute_units"] { settings.computeUnits = try value.integer(1...1_000_000) }
    }
}

// Selections.
extension SimulatedConfiguration {
    private static func selection(
        _ field: ConfigurationField
    ) throws(DeviceError) -> SimulatedSettings.OperatorSelection {
        if field.isObject {
            try field.check(only: ["deny"])
            return .except(try names(field.required("deny")))
        }
        if case .string = field.node.value { return try field.choice("selection", [("all", .all)]) }
        return .only(try names(field))
    }

    private static let operatorNames = Set(ModelOperatorRegistry().schemas.map(\.name))

    private static func names(_ field: ConfigurationField) throws(DeviceError) -> Set<String> {
        var names: Set<String> = []
        for entry in try field.list() {
            let name = try entry.text()
            guard operatorNames.contains(name) else {
                throw entry.failure("there is no operator \"\(name)\"")
            }
            names.insert(name)
        }
        return names
    }

    private static func types(_ field: ConfigurationField) throws(DeviceError) -> [ElementType] {
        let known = ElementType.allCases.map { ("\($0)", $0) }
        return try field.list().map { entry throws(DeviceError) in try entry.choice("element type", known) }
    }

    private static func capabilities(_ field: ConfigurationField) throws(DeviceError) -> DeviceCapabilities {
        let known = DeviceCapabilities.names.map { ($0.name, $0.capability) }
        var set: DeviceCapabilities = []
        for entry in try field.list() { set.insert(try entry.choice("capability", known)) }
        return set
    }
}
