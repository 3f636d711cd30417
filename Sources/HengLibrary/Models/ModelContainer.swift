internal import AcceleratorAPI
internal import Crypto
internal import FoundationEssentials

/// A file that `model_save` writes: a few facts, then the prepared model as ONNX.
///
/// Eight bytes `HENGMDL1`, the length of the facts as four little-endian bytes, the facts as JSON, the model.
struct ModelContainer {
    struct Facts: Codable, Equatable {
        /// The version of this layout.
        var format = 1
        /// The library that wrote it.
        var library = LibraryServices.version
        /// The kind of device it was prepared for.
        var device: String
        /// Of the model's bytes, in hexadecimal.
        var sha256: String
    }

    let facts: Facts
    let model: [UInt8]

    private static let mark = Array("HENGMDL1".utf8)

    static func isOne(_ bytes: [UInt8]) -> Bool { bytes.starts(with: mark) }

    init(_ model: [UInt8], device: String) {
        facts = Facts(device: device, sha256: ModelContainer.digest(model))
        self.model = model
    }

    /// Reads a container; throws where it is cut short or damaged, or of a later layout.
    init(reading bytes: [UInt8], _ operation: StaticString) throws {
        func damaged(_ text: String) -> DeviceError { failure(.modelDeserialize, "\(operation)", text) }
        let start = ModelContainer.mark.count + 4
        guard bytes.count >= start else { throw damaged("The saved model is cut short.") }
        let length = (0..<4).reduce(0) { $0 | Int(bytes[ModelContainer.mark.count + $1]) << (8 * $1) }
        guard length <= bytes.count - start,
            let facts = try? JSONDecoder().decode(Facts.self, from: Data(bytes[start..<start + length]))
        else { throw damaged("The facts of the saved model cannot be read.") }
        guard facts.format == 1 else {
            throw failure(.model, "\(operation)", "The saved model has layout \(facts.format); 1 is read.")
        }
        model = Array(bytes[(start + length)...])
        guard ModelContainer.digest(model) == facts.sha256 else {
            throw damaged("The saved model's bytes do not have the SHA-256 that was written with them.")
        }
        self.facts = facts
    }

    var bytes: [UInt8] {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys]
            let text = try encoder.encode(facts)
            let length = (0..<4).map { UInt8(truncatingIfNeeded: text.count >> (8 * $0)) }
            return ModelContainer.mark + length + text + model
        }
    }

    private static func digest(_ bytes: [UInt8]) -> String {
        SHA256.hash(data: bytes).map { byte in
            let text = String(byte, radix: 16)
            return text.count == 1 ? "0\(text)" : text
        }.joined()
    }
}
