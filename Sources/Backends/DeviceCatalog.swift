package import AcceleratorAPI
package import Essentials
internal import FoundationEssentials
internal import Results

/// A device as a list shows it: its name and what its driver says about it.
package struct ListedDevice: Codable, Hashable, Sendable {
    package var id: DeviceID
    package var description: DeviceDescription
    /// The plugin that brings it; nil for a compiled-in backend.
    package var plugin: ListedPlugin?

    package init(id: DeviceID, description: DeviceDescription, plugin: ListedPlugin? = nil) {
        self.id = id
        self.description = description
        self.plugin = plugin
    }
}

/// A plugin as a list shows it.
package struct ListedPlugin: Codable, Hashable, Sendable {
    /// The manifest or library, by the path that it was found under.
    package var path: String
    package var library: String
    package var name: String
    package var vendor: String
    package var version: String
}

/// The list of devices, for those who only want to look: answers of drivers that are slow to wake are kept in a file.
///
/// A quick driver is asked each time, because its answer is then never old. What is kept serves only while the key is
/// the same (see `currentKey`), and is never used for running anything: who computes opens the device itself.
package struct DeviceCatalog: Sendable {
    /// A driver that takes longer than this is slow: half of the 200 ms that the list may take.
    package static let slow = Duration.milliseconds(100)

    /// One driver: its name, and how to ask it.
    package struct Source: Sendable {
        package let name: String
        /// Whether the list goes on without it, with a warning, when it fails.
        package let isOptional: Bool
        package let ask: @Sendable () throws -> [ListedDevice]

        package init(
            name: String, isOptional: Bool = false, ask: @escaping @Sendable () throws -> [ListedDevice]
        ) {
            self.name = name
            self.isOptional = isOptional
            self.ask = ask
        }
    }

    /// Nil keeps nothing.
    private let file: String?
    private let key: [String]
    private let slow: Duration

    package init(file: String?, key: [String], slow: Duration = Self.slow) {
        self.file = file
        self.key = key
        self.slow = slow
    }

    /// The compiled-in backends.
    package static var compiledIn: [Source] {
        Backends.all.map { backend in
            Source(name: backend.name) {
                try DeviceRegistry.shared.devices(of: backend).map {
                    ListedDevice(id: $0.id, description: $0.description)
                }
            }
        }
    }

    /// What a list shows.
    package struct List: Sendable {
        package var devices: [ListedDevice] = []
        package var warnings: [DeviceWarning] = []
    }

    /// The devices of all drivers, in their order; `probe` asks every driver, whatever is kept.
    ///
    /// Throws what a driver throws that is not optional. A file that cannot be read or written is as good as none.
    package func list(_ sources: [Source], probe: Bool = false) throws -> List {
        let known = kept()
        var next = Kept(key: key)
        var list = List()
        var numbering = DeviceNumbering()
        for source in sources {
            guard let answer = try answer(of: source, probe ? nil : known, &next, &list.warnings) else {
                continue
            }
            list.devices += answer.map { device in
                var device = device
                device.id.index = numbering.next(of: device.id.kind)
                return device
            }
        }
        if next != known { keep(next) }
        return list
    }

    private func answer(
        of source: Source, _ known: Kept?, _ next: inout Kept, _ warnings: inout [DeviceWarning]
    ) throws -> [ListedDevice]? {
        if let answer = known?.answers[source.name] {
            next.answers[source.name] = answer
            return answer
        }
        let start = TimePoint.monotonicNow()
        do {
            let answer = try source.ask()
            if TimePoint.monotonicNow() - start > slow { next.answers[source.name] = answer }
            return answer
        } catch  where source.isOptional {
            warnings.append(DeviceWarning(plugin: source.name, error: error))
            return nil
        }
    }
}

// The file.
extension DeviceCatalog {
    private struct Kept: Codable, Hashable {
        var key: [String]
        var answers: [String: [ListedDevice]] = [:]
    }

    /// What was kept under the same key.
    private func kept() -> Kept {
        // No file, one cut short and one of another version all mean that drivers are asked.
        guard let file, let bytes = try? DurableFile.read(file, limit: .mebibytes(16)),
            let kept = try? JSONDecoder().decode(Kept.self, from: Data(bytes)), kept.key == key
        else { return Kept(key: key) }
        return kept
    }

    private func keep(_ next: Kept) {
        guard let file else { return }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        // What cannot be kept is asked again the next time.
        try? DurableFile.makeFolders(
            file.split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" }, mode: 0o700)
        guard let data = try? encoder.encode(next) else { return }
        try? DurableFile.write(Array(data), to: file)
    }
}
