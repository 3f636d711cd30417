package import AcceleratorAPI
package import Essentials
internal import FoundationEssentials
internal import Results

/// A device as a list shows it: its name and what its driver says about it.
package struct ListedDevice: Codable, Hashable, Sendable {
    package var id: DeviceID
    package var description: DeviceDescription

    package init(id: DeviceID, description: DeviceDescription) {
        self.id = id
        self.description = description
    }
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
        package let ask: @Sendable () throws -> [ListedDevice]

        package init(name: String, ask: @escaping @Sendable () throws -> [ListedDevice]) {
            self.name = name
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
    package static var sources: [Source] {
        Backends.all.map { backend in
            Source(name: backend.name) {
                try DeviceRegistry.shared.devices(of: backend).map {
                    ListedDevice(id: $0.id, description: $0.description)
                }
            }
        }
    }

    /// The devices of all drivers, in their order; `probe` asks every driver, whatever is kept.
    ///
    /// Throws what a driver throws. A file that cannot be read or written is as good as none.
    package func devices(of sources: [Source], probe: Bool = false) throws -> [ListedDevice] {
        let known = kept()
        var next = Kept(key: key)
        var devices: [ListedDevice] = []
        for source in sources {
            if !probe, let answer = known.answers[source.name] {
                next.answers[source.name] = answer
                devices += answer
                continue
            }
            let start = TimePoint.monotonicNow()
            let answer = try source.ask()
            if TimePoint.monotonicNow() - start > slow { next.answers[source.name] = answer }
            devices += answer
        }
        if next != known { keep(next) }
        return devices
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
