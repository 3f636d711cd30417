package import Essentials

/// Raw samples as CSV: every figure of a result can be computed again from them.
///
/// The first line names the columns; a missing value is an empty field; hashes are 16 hexadecimal digits.
package enum SampleFile {
    package static let columns = [
        "seq", "sample", "scheduled_ns", "issued_ns", "start_ns", "first_token_ns", "end_ns", "tokens",
        "device", "cpu_ns", "flags", "output_hash", "result",
    ]

    package static func encoded(_ records: [SampleRecord]) -> [UInt8] {
        var text = LineWriter()
        text.bytes.reserveCapacity(64 + records.count * 80)
        text.bytes += Array(columns.joined(separator: ",").utf8)
        text.endLine()
        for record in records { text.append(record) }
        return text.bytes
    }

    package static func write(_ records: [SampleRecord], to path: String) throws {
        try DurableFile.write(encoded(records), to: path)
    }

    package static func read(_ path: String) throws -> [SampleRecord] {
        try decoded(try DurableFile.read(path), name: path)
    }

    package static func decoded(_ bytes: [UInt8], name: String = "samples.csv") throws -> [SampleRecord] {
        var lines = bytes.split(separator: UInt8(ascii: "\n"))[...]
        guard let header = lines.popFirst(),
            String(decoding: header, as: UTF8.self) == columns.joined(separator: ",")
        else {
            throw SampleFileError(name: name, line: 1, detail: "the columns are not those of raw samples")
        }
        return try lines.enumerated().map { index, line in
            do {
                return try record(line)
            } catch let error as FieldError {
                throw SampleFileError(name: name, line: index + 2, detail: error.detail)
            }
        }
    }

    private static func record(_ line: ArraySlice<UInt8>) throws -> SampleRecord {
        let fields = line.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
        guard fields.count == columns.count else {
            throw FieldError(detail: "\(fields.count) fields instead of \(columns.count)")
        }
        func text(_ index: Int) -> String? {
            fields[index].isEmpty ? nil : String(decoding: fields[index], as: UTF8.self)
        }
        func optional<Number: FixedWidthInteger>(_ index: Int, radix: Int = 10) throws -> Number? {
            guard let text = text(index) else { return nil }
            guard let value = Number(text, radix: radix) else {
                throw FieldError(detail: "\(columns[index]) is \(text)")
            }
            return value
        }
        func required<Number: FixedWidthInteger>(_ index: Int) throws -> Number {
            guard let value: Number = try optional(index) else {
                throw FieldError(detail: "\(columns[index]) is empty")
            }
            return value
        }
        guard !fields[8].contains(where: { $0 < 0x20 }) else {
            throw FieldError(detail: "device holds a control character")
        }
        return SampleRecord(
            sequence: try required(0), sample: try required(1), scheduled: try required(2),
            issued: try required(3), start: try optional(4), firstToken: try optional(5),
            end: try optional(6), tokens: try optional(7), device: text(8), cpuTime: try optional(9),
            flags: SampleFlags(rawValue: try required(10)), outputHash: try optional(11, radix: 16),
            result: try optional(12))
    }

    private struct FieldError: Error { var detail: String }
}

/// Appends records as lines, without making a string of each number.
private struct LineWriter {
    var bytes: [UInt8] = []

    mutating func append(_ record: SampleRecord) {
        append(Int64(record.sequence))
        separate()
        append(Int64(record.sample))
        separate()
        append(record.scheduled)
        separate()
        append(record.issued)
        separate()
        append(record.start)
        separate()
        append(record.firstToken)
        separate()
        append(record.end)
        separate()
        append(record.tokens.map(Int64.init))
        separate()
        bytes += Array((record.device ?? "").utf8.filter { $0 != UInt8(ascii: ",") && $0 >= 0x20 })
        separate()
        append(record.cpuTime)
        separate()
        append(Int64(record.flags.rawValue))
        separate()
        if let hash = record.outputHash { appendHexadecimal(hash) }
        separate()
        append(record.result.map(Int64.init))
        endLine()
    }

    mutating func separate() { bytes.append(UInt8(ascii: ",")) }
    mutating func endLine() { bytes.append(UInt8(ascii: "\n")) }

    private mutating func append(_ value: Int64?) {
        guard let value else { return }
        if value < 0 { bytes.append(UInt8(ascii: "-")) }
        let start = bytes.count
        var rest = value.magnitude
        repeat {
            bytes.append(UInt8(ascii: "0") + UInt8(rest % 10))
            rest /= 10
        } while rest > 0
        bytes[start...].reverse()
    }

    private mutating func appendHexadecimal(_ value: UInt64) {
        for shift in stride(from: 60, through: 0, by: -4) {
            let digit = UInt8(value >> UInt64(shift) & 0xF)
            bytes.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        }
    }
}

/// A file of raw samples that cannot be read.
package struct SampleFileError: ReportableError, Equatable {
    package var name: String
    package var line: Int
    package var detail: String

    package var summary: String { "\(name), line \(line): \(detail)." }
    package var nextStep: String? { "The file was changed or cut off; measure again." }
    package var exitCode: ExitCode { .setupMissing }

    package init(name: String, line: Int, detail: String) {
        self.name = name
        self.line = line
        self.detail = detail
    }
}
