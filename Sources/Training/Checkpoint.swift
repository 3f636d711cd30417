package import ComputeGraph
internal import Essentials
internal import FoundationEssentials

/// The whole state of a training run between two steps: every parameter, the optimizer's state, and the step.
///
/// As a file, all numbers little-endian:
///
///     8 bytes   the text HENGCKP1
///     8 bytes   length of the header in bytes
///     8 bytes   checksum (FNV-1a, 64 bits) of everything after it
///     header    JSON: model, optimizer, seed, step, and for each tensor its name, element, shape and offset
///     spaces    up to the next multiple of 64 bytes
///     tensors   raw, row-major, each at its offset after the spaces, a multiple of 64
///
/// A file is written beside the old one and takes its name only when it is whole on the disk.
package struct Checkpoint: Sendable {
    package var model: String
    /// The optimizer with its numbers, as text: a resumed run must have the same.
    package var optimizer: String
    package var seed: UInt64
    /// Steps done.
    package var step: Int
    package var tensors: [String: HostTensor]

    package init(
        model: String, optimizer: String, seed: UInt64, step: Int, tensors: [String: HostTensor]
    ) {
        self.model = model
        self.optimizer = optimizer
        self.seed = seed
        self.step = step
        self.tensors = tensors
    }

    fileprivate static let magic = Array("HENGCKP1".utf8)
    fileprivate static let preambleSize = 24
    fileprivate static let alignment = 64
}

private struct CheckpointHeader: Codable {
    struct Entry: Codable {
        var name: String
        var element: String
        var shape: [Int]
        var offset: Int
    }

    var model: String
    var optimizer: String
    var seed: UInt64
    var step: Int
    var tensors: [Entry]
}

extension Checkpoint {
    /// Writes the file, replacing one of the same name only when the new one is whole on the disk.
    package func write(to path: String) throws(TrainingError) {
        try WholeFile.replace(path, with: bytes)
    }

    /// The file's content: equal checkpoints give equal bytes.
    package var bytes: [UInt8] {
        let names = tensors.keys.sorted()
        var offset = 0
        var entries: [CheckpointHeader.Entry] = []
        for name in names {
            guard let tensor = tensors[name] else { continue }
            entries.append(
                CheckpointHeader.Entry(
                    name: name, element: "\(tensor.type.element)", shape: tensor.type.shape.extents,
                    offset: offset))
            offset = roundedUp(offset + tensor.type.byteCount)
        }
        let header = encoded(
            CheckpointHeader(model: model, optimizer: optimizer, seed: seed, step: step, tensors: entries))
        // The preamble's 24 bytes are counted in, so that alignment holds from the file's start.
        var body = header
        body += filling(UInt8(ascii: " "), after: Checkpoint.preambleSize + body.count)
        for name in names {
            unsafe tensors[name]?.withBytes { bytes in unsafe body.append(contentsOf: bytes) }
            body += filling(0, after: Checkpoint.preambleSize + body.count)
        }
        return Checkpoint.magic + littleEndian(UInt64(header.count)) + littleEndian(fnv1a(body[...])) + body
    }

    private func encoded(_ header: CheckpointHeader) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        do {
            return Array(try encoder.encode(header))
        } catch {
            preconditionFailure("a checkpoint's header always encodes: \(error)")
        }
    }

    private func filling(_ byte: UInt8, after count: Int) -> [UInt8] {
        [UInt8](repeating: byte, count: roundedUp(count) - count)
    }
}

extension Checkpoint {
    /// Reads a file and checks that it is whole.
    package init(readingFrom path: String) throws(TrainingError) {
        try self.init(bytes: try WholeFile.read(path), path: path)
    }

    /// Reads the content of a file; the path is for error messages.
    package init(bytes: [UInt8], path: String) throws(TrainingError) {
        func broken(_ reason: String) -> TrainingError { .notACheckpoint(path: path, reason: reason) }
        guard bytes.count >= Checkpoint.preambleSize, bytes.starts(with: Checkpoint.magic) else {
            throw broken("it does not begin like one")
        }
        let body = bytes[Checkpoint.preambleSize...]
        guard fnv1a(body) == number(bytes[16..<24]) else {
            throw broken("its checksum does not match its \(bytes.count) bytes, so it was cut off or changed")
        }
        guard let headerSize = Int(exactly: number(bytes[8..<16])), headerSize <= body.count else {
            throw broken("its header is longer than the file")
        }
        let header: CheckpointHeader
        do {
            header = try JSONDecoder().decode(CheckpointHeader.self, from: Data(body.prefix(headerSize)))
        } catch {
            throw broken("its header cannot be read (\(error))")
        }
        let data = bytes[min(bytes.count, roundedUp(Checkpoint.preambleSize + headerSize))...]
        var tensors: [String: HostTensor] = [:]
        for entry in header.tensors {
            guard let tensor = HostTensor(entry, in: data) else {
                throw broken("the tensor \(entry.name) does not lie inside it")
            }
            tensors[entry.name] = tensor
        }
        self.init(
            model: header.model, optimizer: header.optimizer, seed: header.seed, step: header.step,
            tensors: tensors)
    }
}

extension HostTensor {
    /// The tensor that a header names, or nil where it does not fit into the data.
    fileprivate init?(_ entry: CheckpointHeader.Entry, in data: ArraySlice<UInt8>) {
        guard let element = ElementType.allCases.first(where: { "\($0)" == entry.element }),
            entry.offset >= 0, entry.shape.allSatisfy({ $0 >= 0 })
        else { return nil }
        var size = element.size
        for extent in entry.shape {
            let (product, overflow) = size.multipliedReportingOverflow(by: extent)
            guard !overflow else { return nil }
            size = product
        }
        guard size <= data.count, entry.offset <= data.count - size else { return nil }
        self.init(zeros: TensorType(element, Shape(entry.shape)))
        let first = data.startIndex + entry.offset
        let part = data[first..<first + size]
        unsafe withMutableBytes { target in unsafe target.copyBytes(from: part) }
    }
}

private func roundedUp(_ count: Int) -> Int {
    (count + Checkpoint.alignment - 1) / Checkpoint.alignment * Checkpoint.alignment
}

private func littleEndian(_ value: UInt64) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
}

private func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
}

/// The 64-bit FNV-1a hash.
///
/// Reference: http://www.isthe.com/chongo/tech/comp/fnv/
private func fnv1a(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    return hash
}
