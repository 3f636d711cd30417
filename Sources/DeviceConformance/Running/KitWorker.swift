internal import AcceleratorAPI
internal import CHengAccelerator
internal import Essentials
internal import FoundationEssentials

/// What a worker tells of the device before the first case.
package struct KitDescription: Codable, Hashable, Sendable {
    package var device: KitDevice
    /// The name of the compiled-in backend, and the device's place in it.
    package var backend: String?
    package var index: Int
    package var isHostAddressable: Bool
    /// The level of determinism that all its operators meet, by the numbers of HENG_DETERMINISM.
    package var determinism: Int
    /// The other devices of the same library.
    package var peers: [Peer]
    /// Nil where the maker has no operators group.
    package var operators: [OfferedOperator]?

    package init(
        device: KitDevice, index: Int, isHostAddressable: Bool, determinism: Int = 0,
        peers: [Peer] = [], operators: [OfferedOperator]?
    ) {
        self.device = device
        self.index = index
        self.isHostAddressable = isHostAddressable
        self.determinism = determinism
        self.peers = peers
        self.operators = operators
    }

    /// Another device of the same library, by its place there.
    package struct Peer: Codable, Hashable, Sendable {
        package var index: Int
        package var name: String
        package var determinism: Int
    }

    /// The name of the case that asks for it.
    package static let caseName = "kit/describe"

    /// Reads it from the report of that case.
    package init(_ report: KitReport) throws {
        guard report.outcome == .pass, let details = report.details,
            let description = try? JSONDecoder().decode(KitDescription.self, from: Data(details.utf8))
        else { throw Failure(report.outcome.reason ?? "The device does not describe itself.") }
        self = description
    }
}

extension KitReport {
    /// Puts a description into the report.
    package mutating func tell(_ description: KitDescription) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        details = String(decoding: try encoder.encode(description), as: UTF8.self)
    }
}

extension DeviceCaseRunner {
    /// Answers `KitDescription.caseName`.
    package func describe(as id: String) -> KitReport {
        let start = TimePoint.monotonicNow()
        var report = KitReport(outcome: .pass)
        do {
            try report.tell(try kitDescription(as: id))
        } catch {
            report.outcome = .fail((error as? any ReportableError)?.summary ?? "\(error)")
        }
        report.seconds = (TimePoint.monotonicNow() - start).inSeconds
        return report
    }

    private func kitDescription(as id: String) throws -> KitDescription {
        let (facts, operators) = try description()
        let table = try unsafe LoadTrial(target).table()
        func text(_ place: UnsafePointer<CChar>?) -> String? {
            unsafe place.map { unsafe String(cString: $0) }
        }
        let device = unsafe KitDevice(
            id: id, name: facts.name, vendor: facts.vendor, kind: facts.kind,
            backend: text(table.name) ?? "unnamed",
            backendVersion: text(table.version), isSimulated: facts.isSimulated,
            claims: DeviceCapabilities.names.filter { facts.capabilities.contains($0.capability) }.map(
                \.name),
            groups: groupNames(table))
        return KitDescription(
            device: device, index: Int(target.index), isHostAddressable: facts.isHostAddressable,
            determinism: Int(facts.determinism), peers: try peers(),
            operators: operators)
    }

    /// The other devices of the library, as far as they can be described.
    private func peers() throws -> [KitDescription.Peer] {
        let rig = try LoadTrial(target).rig()
        return (0..<min(rig.deviceCount().count, 64)).filter { $0 != target.index }.compactMap { index in
            guard let device = try? rig.deviceGet(index).made() else { return nil }
            var raw = unsafe DeviceCases.emptyDescription()
            guard unsafe rig.describe(&raw, device).code == 0 else { return nil }
            let facts = unsafe DeviceFacts(raw)
            return KitDescription.Peer(
                index: Int(index), name: facts.name, determinism: Int(facts.determinism))
        }
    }

    private func groupNames(_ table: heng_accelerator_table) -> [String] {
        let groups: [(Int, String)] = [
            (HENG_KIND_OPERATOR_TABLE, "operators"), (HENG_KIND_KERNEL_TABLE, "kernels"),
            (HENG_KIND_MODEL_TABLE, "models"), (HENG_KIND_GRAPH_TABLE, "graphs"),
            (HENG_KIND_RECORDING_TABLE, "recordings"), (HENG_KIND_PROFILE_TABLE, "profiling"),
            (HENG_KIND_SELECTION_TABLE, "selection"), (HENG_KIND_CALLBACK_TABLE, "callbacks"),
            (HENG_KIND_INTERCHANGE_TABLE, "interchange"), (HENG_KIND_COLLECTIVE_TABLE, "collectives"),
            (HENG_KIND_MEDIA_TABLE, "media"),
        ]
        guard let function = unsafe table.group else { return [] }
        return groups.filter { kind, _ in
            var place: UnsafePointer<heng_header>?
            return unsafe function(UInt32(kind), &place, nil) == 0 && place != nil
        }.map(\.1)
    }
}

/// Another process that uses the device at the same time.
package enum KitPeer {
    /// Whether a worker process of its own passes a round trip of bytes.
    package static func passes(_ program: WorkerProgram) -> Bool {
        guard let given = DeviceCases.named("runtime/copy/kinds") else { return false }
        let pool = WorkerPool<KitCase, KitReport>(program, count: 1, timeLimit: .seconds(30))
        return (try? pool.run([KitCase(given)]))?.first?.outcome == .pass
    }
}
