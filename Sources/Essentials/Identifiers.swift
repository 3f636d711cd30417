/// The number of a job.
///
/// Numbers of one machine's ledger grow by one and are never used again.
package struct JobID: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    package var number: Int

    package init(_ number: Int) { self.number = number }

    package static func < (left: JobID, right: JobID) -> Bool { left.number < right.number }
    package var description: String { String(number) }

    package init(from decoder: any Decoder) throws {
        number = try decoder.singleValueContainer().decode(Int.self)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(number)
    }
}

/// The name of a device on its machine: its kind and its place in that kind, written `cpu:0`.
package struct DeviceID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package var kind: String
    package var index: Int

    package init(kind: String, index: Int) {
        self.kind = kind
        self.index = index
    }

    /// Reads `cpu:0`; a bare `cpu` is nil, because a kind is not a device.
    package init?(parsing text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, let index = Int(parts[1]), index >= 0 else { return nil }
        self.init(kind: String(parts[0]), index: index)
    }

    package static func < (left: DeviceID, right: DeviceID) -> Bool {
        (left.kind, left.index) < (right.kind, right.index)
    }
    package var description: String { "\(kind):\(index)" }
}

extension DeviceID: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let id = DeviceID(parsing: text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "\(text) is not a device such as cpu:0")
        }
        self = id
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
