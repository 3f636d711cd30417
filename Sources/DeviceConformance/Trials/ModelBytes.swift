internal import CHengAccelerator

/// The bytes of a small ONNX model, which a case makes field by field.
///
/// The kit writes them itself, so that what a device reads was made by nobody's exporter.
struct ModelBytes: Sendable {
    /// An input or output as the file declares it; a negative extent is open.
    struct Value: Sendable {
        var name: String
        var type = Int32(HENG_TYPE_FLOAT32)
        var dims: [Int64]
    }

    struct Node: Sendable {
        var name: String
        var operatorName: String
        var inputs: [String]
        var outputs: [String]
    }

    /// A weight of float32.
    struct Weight: Sendable {
        var name: String
        var dims: [Int64]
        var floats: [Float]
    }

    var inputs: [Value]
    var outputs: [Value]
    var nodes: [Node]
    var weights: [Weight] = []
    /// The version of ONNX's operator set.
    var version: UInt64 = 13

    var bytes: [UInt8] {
        var set = Message()
        set.add(1, text: "")
        set.add(2, number: version)
        var graph = Message()
        for node in nodes { graph.add(1, Self.message(node)) }
        graph.add(2, text: "kit")
        for weight in weights { graph.add(5, Self.message(weight)) }
        for input in inputs { graph.add(11, Self.message(input)) }
        for output in outputs { graph.add(12, Self.message(output)) }
        var model = Message()
        model.add(1, number: 8)
        model.add(2, text: "conformance kit")
        model.add(7, graph)
        model.add(8, set)
        return model.bytes
    }

    private static func message(_ node: Node) -> Message {
        var message = Message()
        for input in node.inputs { message.add(1, text: input) }
        for output in node.outputs { message.add(2, text: output) }
        message.add(3, text: node.name)
        message.add(4, text: node.operatorName)
        return message
    }

    private static func message(_ weight: Weight) -> Message {
        var message = Message()
        for extent in weight.dims { message.add(1, number: UInt64(bitPattern: extent)) }
        message.add(2, number: UInt64(HENG_TYPE_FLOAT32))
        message.add(8, text: weight.name)
        message.add(9, bytes: bytesOf(weight.floats))
        return message
    }

    private static func message(_ value: Value) -> Message {
        var shape = Message()
        for extent in value.dims {
            var dimension = Message()
            if extent < 0 {
                dimension.add(2, text: "open")
            } else {
                dimension.add(1, number: UInt64(extent))
            }
            shape.add(1, dimension)
        }
        var tensor = Message()
        tensor.add(1, number: UInt64(value.type))
        tensor.add(2, shape)
        var type = Message()
        type.add(1, tensor)
        var message = Message()
        message.add(1, text: value.name)
        message.add(2, type)
        return message
    }
}

/// A message of protocol buffers: numbered fields that are numbers, or bytes with their length.
private struct Message {
    private(set) var bytes: [UInt8] = []

    mutating func add(_ field: UInt64, number: UInt64) {
        append(field << 3)
        append(number)
    }

    mutating func add(_ field: UInt64, bytes content: [UInt8]) {
        append(field << 3 | 2)
        append(UInt64(content.count))
        bytes += content
    }

    mutating func add(_ field: UInt64, text: String) { add(field, bytes: Array(text.utf8)) }
    mutating func add(_ field: UInt64, _ message: Message) { add(field, bytes: message.bytes) }

    /// A number in groups of seven bits, the low ones first.
    private mutating func append(_ number: UInt64) {
        var rest = number
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}

/// The bytes of floats as they lie in memory.
func bytesOf(_ floats: [Float]) -> [UInt8] {
    floats.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> ($0 * 8)) } }
}
