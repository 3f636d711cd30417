// The format: https://huggingface.co/docs/safetensors
// Eight bytes with the length of a header, the header as JSON, and all bytes of all tensors without gaps.

package import ComputeGraph
internal import FoundationEssentials

/// A file of named tensors in the format safetensors; only read.
package struct SafetensorsFile: Sendable {
    /// The names and types, in the order of the bytes.
    package let entries: [Entry]
    /// What the maker wrote about the file.
    package let metadata: [String: String]

    private let data: ArraySlice<UInt8>
    private let name: String

    /// What the header says about a tensor.
    package struct Entry: Hashable, Sendable {
        package var name: String
        package var type: TensorType
        fileprivate var range: Range<Int>
    }

    /// Headers are far smaller; the bound is the format's own.
    private static let maximalHeader = 100_000_000

    /// Reads the header, and checks all of it against the bytes that are there.
    package init(_ bytes: [UInt8], named name: String) throws(TensorFileError) {
        var cursor = ByteCursor(bytes[...])
        guard let length = cursor.long(), length <= Self.maximalHeader, let text = cursor.take(length) else {
            throw TensorFileError(name, "is not a safetensors file, or was cut short within its header")
        }
        guard let header = try? JSONDecoder().decode(Header.self, from: Data(text)) else {
            throw TensorFileError(name, "has a header that is not what safetensors asks for")
        }
        self.name = name
        metadata = header.metadata
        data = cursor.rest
        var entries: [Entry] = []
        for (tensor, description) in header.tensors {
            entries.append(try Self.entry(tensor, description, name))
        }
        self.entries = entries.sorted { ($0.range.lowerBound, $0.name) < ($1.range.lowerBound, $1.name) }
        try requireWholeCover()
    }

    private static func entry(
        _ tensor: String, _ description: Header.Tensor, _ name: String
    ) throws(TensorFileError) -> Entry {
        guard let element = elements[description.dtype] else {
            throw TensorFileError(
                name, "holds \(tensor) of the type \(description.dtype), which is none of ours")
        }
        guard let shape = try? Shape(checking: description.shape) else {
            throw TensorFileError(name, "gives \(tensor) the impossible shape \(description.shape)")
        }
        let offsets = description.offsets
        // A shape has at most 2^44 elements, so this does not overflow.
        let size = (shape.count * element.bitWidth + 7) / 8
        guard offsets.count == 2, offsets[0] >= 0, offsets[0] <= offsets[1], offsets[1] - offsets[0] == size
        else { throw TensorFileError(name, "gives \(tensor) other bytes than its type and shape take") }
        return Entry(name: tensor, type: TensorType(element, shape), range: offsets[0]..<offsets[1])
    }

    /// The tensors must lie side by side and take all bytes, as the format asks: nothing is hidden between them.
    private func requireWholeCover() throws(TensorFileError) {
        var end = 0
        for entry in entries {
            guard entry.range.lowerBound == end else {
                throw TensorFileError(name, "has a gap or an overlap in front of \(entry.name)")
            }
            end = entry.range.upperBound
        }
        guard end == data.count else {
            throw TensorFileError(name, "has \(data.count) bytes of data, and its header tells of \(end)")
        }
    }

    /// A tensor by its name; nil where the file has none of that name.
    package func tensor(_ wanted: String) -> HostTensor? {
        guard let entry = entries.first(where: { $0.name == wanted }) else { return nil }
        var tensor = HostTensor(zeros: entry.type)
        let bytes = data.dropFirst(entry.range.lowerBound).prefix(entry.range.count)
        if entry.type.element.bitWidth < 8 {
            tensor.unpack(bytes)
        } else {
            unsafe tensor.withMutableBytes { target in unsafe target.copyBytes(from: bytes) }
        }
        if entry.type.element == .bool { tensor.makeBoolsOneOrZero() }
        return tensor
    }

    private static let elements: [String: ElementType] = [
        "BOOL": .bool, "U8": .uint8, "I8": .int8, "U16": .uint16, "I16": .int16, "U32": .uint32,
        "I32": .int32, "U64": .uint64, "I64": .int64, "F16": .float16, "BF16": .bfloat16, "F32": .float32,
        "F64": .float64, "C64": .complex64, "F4": .float4e2m1, "F8_E4M3": .float8e4m3fn,
        "F8_E4M3FNUZ": .float8e4m3fnuz, "F8_E5M2": .float8e5m2, "F8_E5M2FNUZ": .float8e5m2fnuz,
        "F8_E8M0": .float8e8m0,
    ]
}

/// The header of the file as JSON has it.
private struct Header: Decodable {
    struct Tensor: Decodable {
        var dtype: String
        var shape: [Int]
        var offsets: [Int]

        enum CodingKeys: String, CodingKey {
            case dtype, shape
            case offsets = "data_offsets"
        }
    }

    var tensors: [String: Tensor] = [:]
    var metadata: [String: String] = [:]

    private struct Key: CodingKey {
        let stringValue: String
        let intValue: Int? = nil

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { return nil }
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        for key in container.allKeys {
            if key.stringValue == "__metadata__" {
                metadata = try container.decode([String: String].self, forKey: key)
            } else {
                tensors[key.stringValue] = try container.decode(Tensor.self, forKey: key)
            }
        }
    }
}

extension HostTensor {
    /// Fills the tensor from two elements of 4 bits in each byte, the lower bits first.
    fileprivate mutating func unpack(_ bytes: ArraySlice<UInt8>) {
        let start = bytes.startIndex
        withMutableElements(UInt8.self) { span in
            for index in span.indices {
                span[index] = bytes[start + index / 2] >> UInt8(index % 2 * 4) & 15
            }
        }
    }
}
