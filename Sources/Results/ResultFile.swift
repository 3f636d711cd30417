package import Essentials
internal import FoundationEssentials

/// Reading and writing `result.json`.
package enum ResultFile {
    /// The record as JSON with sorted keys, so that equal records are equal bytes.
    ///
    /// A number that is not finite is refused: JSON cannot hold it, and readers choke on substitutes.
    package static func encoded(_ result: RunResult) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        do {
            return Array(try encoder.encode(result)) + [UInt8(ascii: "\n")]
        } catch EncodingError.invalidValue(let value, let context) {
            throw ResultFileError.notRepresentable(
                value: "\(value)", place: ResultFile.place(context.codingPath))
        }
    }

    package static func write(_ result: RunResult, to path: String) throws {
        try DurableFile.write(try encoded(result), to: path)
    }

    /// Reads a record; one of another schema or a malformed one is refused with the place of the fault.
    package static func decoded(_ bytes: [UInt8], name: String = "result.json") throws -> RunResult {
        let decoder = JSONDecoder()
        let data = Data(bytes)
        do {
            let header = try decoder.decode(Header.self, from: data)
            guard header.schema == RunResult.currentSchema else {
                throw ResultFileError.otherSchema(name: name, schema: header.schema)
            }
            return try decoder.decode(RunResult.self, from: data)
        } catch let error as DecodingError {
            throw ResultFileError.malformed(name: name, detail: ResultFile.describe(error))
        }
    }

    package static func read(_ path: String) throws -> RunResult {
        try decoded(try DurableFile.read(path), name: path)
    }

    private struct Header: Codable { var schema: String }

    private static func describe(_ error: DecodingError) -> String {
        switch error {
        case .keyNotFound(let key, let context):
            "\(place(context.codingPath + [key])) is missing"
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            "\(place(context.codingPath)) has the wrong kind of value"
        case .dataCorrupted(let context):
            context.codingPath.isEmpty
                ? "it is not JSON" : "\(place(context.codingPath)): \(context.debugDescription)"
        @unknown default:
            "\(error)"
        }
    }

    /// A coding path as people write it: `workloads[2].metrics[0].value`.
    private static func place(_ path: [any CodingKey]) -> String {
        path.reduce("") { text, key in
            if let index = key.intValue { return "\(text)[\(index)]" }
            return text.isEmpty ? key.stringValue : "\(text).\(key.stringValue)"
        }
    }
}

/// A record that cannot be written or read.
package enum ResultFileError: ReportableError, Equatable {
    case notRepresentable(value: String, place: String)
    case otherSchema(name: String, schema: String)
    case malformed(name: String, detail: String)

    package var summary: String {
        switch self {
        case .notRepresentable(let value, let place):
            "The result cannot be written: \(place) is \(value), which is no finite number."
        case .otherSchema(let name, let schema):
            "\(name) has the schema \(schema); this program reads \(RunResult.currentSchema)."
        case .malformed(let name, let detail):
            "\(name) is not a run result: \(detail)."
        }
    }

    package var nextStep: String? {
        switch self {
        case .notRepresentable: "Leave the value out and give the reason instead."
        case .otherSchema: "Read it with the release that wrote it."
        case .malformed: "Name a result.json that `heng bench run` has written."
        }
    }

    package var exitCode: ExitCode {
        switch self {
        case .notRepresentable: .executionFailed
        case .otherSchema, .malformed: .setupMissing
        }
    }
}
