internal import Essentials

/// Changes to bytes whatever they mean.
enum ByteMutation: CaseIterable {
    case truncated, bitsFlipped, byteSet, chunkRepeated, chunkRemoved, chunkMoved, spliced, numberMadeHuge,
        grown

    func apply(to bytes: inout [UInt8], other: [UInt8], _ random: inout SeededGenerator) {
        guard !bytes.isEmpty else { return }
        let place = random.below(bytes.count)
        let length = min(1 + random.below(64), bytes.count - place)
        switch self {
        case .truncated: bytes.removeLast(bytes.count - place)
        case .bitsFlipped:
            for _ in 0...random.below(4) { bytes[random.below(bytes.count)] ^= 1 << UInt8(random.below(8)) }
        case .byteSet: bytes[place] = random.pick([0, 1, 0x7F, 0x80, 0xFF, UInt8(random.below(256))]) ?? 0
        case .chunkRepeated:
            let chunk = Array(bytes[place..<place + length])
            for _ in 0...random.below(8) { bytes.insert(contentsOf: chunk, at: place) }
        case .chunkRemoved: bytes.removeSubrange(place..<place + length)
        case .chunkMoved:
            let chunk = Array(bytes[place..<place + length])
            bytes.removeSubrange(place..<place + length)
            bytes.insert(contentsOf: chunk, at: random.below(bytes.count + 1))
        case .spliced:
            guard !other.isEmpty else { return }
            bytes = Array(bytes[..<place]) + Array(other[random.below(other.count)...])
        case .numberMadeHuge:
            // The longest form of a variable-length number, in place of whatever begins here.
            bytes.replaceSubrange(
                place..<place + 1, with: [UInt8](repeating: 0xFF, count: 1 + random.below(9)) + [1])
        case .grown:
            bytes.insert(
                contentsOf: (0..<1 + random.below(16)).map { _ in UInt8(random.below(256)) }, at: place)
        }
    }
}
