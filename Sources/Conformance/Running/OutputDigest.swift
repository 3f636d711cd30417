internal import ComputeGraph
internal import ONNXImport

/// A number that is the same for the same bits, made of values piece by piece (FNV-1a).
struct OutputDigest {
    private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

    mutating func add(_ value: HostValue) {
        switch value {
        case .tensor(let tensor): add(tensor)
        case .sequence(let elements, _):
            add(UInt64(elements.count))
            for element in elements { add(element) }
        case .optional(let element, _):
            add(element == nil ? 0 : 1)
            if let element { add(element) }
        case .map(let map):
            add(map.keys)
            for value in map.values { add(value) }
        }
    }

    private mutating func add(_ tensor: HostTensor) {
        for extent in tensor.type.shape.extents { add(UInt64(extent)) }
        for string in tensor.strings { add(bytes: string.utf8) }
        unsafe tensor.withBytes { bytes in unsafe add(bytes: bytes) }
    }

    private mutating func add(_ number: UInt64) {
        add(bytes: (0..<8).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) })
    }

    private mutating func add(bytes: some Sequence<UInt8>) {
        for byte in bytes { value = (value ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    }
}
