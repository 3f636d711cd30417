internal import ComputeGraph

/// About how many bytes a model's messages take once they are decoded, told before they are.
///
/// An empty message is two bytes in a file and some hundred in memory, so that the size of a file says nothing. The
/// walk looks only at the lengths of fields; where they make no sense it stops, and the decoder says what is wrong.
struct DecodedSize {
    private(set) var bytes = 0

    init(of file: [UInt8]) { add(.model, file.span, depth: 0) }

    private static let message = 600
    private static let listEntry = 64
    /// The decoder goes no deeper than this either.
    private static let maximalDepth = 100

    private mutating func add(_ kind: Message, _ span: Span<UInt8>, depth: Int) {
        bytes += Self.message
        var place = 0
        while let key = number(span, &place) {
            switch key & 7 {
            case 0:
                guard number(span, &place) != nil else { return }
                bytes += 16
            case 1: place += 8
            case 5: place += 4
            case 2:
                guard let length = number(span, &place), length <= UInt64(span.count - place) else { return }
                let end = place + Int(length)
                if let inner = kind.message(in: key >> 3) {
                    guard depth < Self.maximalDepth else { return }
                    add(inner, span.extracting(place..<end), depth: depth + 1)
                } else {
                    // A number in a list may be one byte here and takes eight, twice while it is converted.
                    bytes += Self.listEntry + Int(length) * (kind.isList(key >> 3) ? 16 : 2)
                }
                place = end
            default: return
            }
            guard place <= span.count else { return }
        }
    }

    /// The next variable-length number; nil at the end, and where there is none.
    private func number(_ span: Span<UInt8>, _ place: inout Int) -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            guard place < span.count else { return nil }
            value |= UInt64(span[place] & 0x7F) << shift
            place += 1
            if span[place - 1] < 0x80 { return value }
        }
        return nil
    }
}

/// The messages of the format, as far as others lie in them.
private enum Message {
    case model, graph, node, attribute, function, tensor, sparseTensor, value
    case type, tensorType, shape, wrappedType, mapType, leaf

    /// The message in a field; nil where the field holds something else.
    func message(in field: UInt64) -> Message? {
        switch (self, field) {
        case (.model, 7), (.attribute, 6), (.attribute, 11): .graph
        case (.model, 25): .function
        case (.model, 8), (.model, 14), (.function, 9), (.tensor, 13), (.shape, 1): .leaf
        case (.graph, 1), (.function, 7): .node
        case (.graph, 5), (.attribute, 5), (.attribute, 10), (.sparseTensor, 1), (.sparseTensor, 2): .tensor
        case (.graph, 15), (.attribute, 22): .sparseTensor
        case (.graph, 11), (.graph, 12), (.graph, 13): .value
        case (.node, 5), (.function, 11): .attribute
        case (.value, 2), (.attribute, 14), (.wrappedType, 1), (.mapType, 2): .type
        case (.type, 1), (.type, 8): .tensorType
        case (.type, 4), (.type, 9): .wrappedType
        case (.type, 5): .mapType
        case (.tensorType, 2): .shape
        default: nil
        }
    }

    /// Whether a field is a packed list of numbers of variable length.
    func isList(_ field: UInt64) -> Bool {
        switch self {
        case .attribute: field == 8
        case .tensor: [1, 5, 7, 11].contains(field)
        case .sparseTensor: field == 3
        default: false
        }
    }
}
