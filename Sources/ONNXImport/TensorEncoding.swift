internal import ComputeGraph
internal import FoundationEssentials
internal import ONNXFormat

extension ProtoTensor {
    /// A tensor as files hold it: raw little-endian bytes, those of 2 and 4 bits packed, and strings as a list.
    init(_ tensor: HostTensor, named name: String = "") {
        self.init()
        if !name.isEmpty { self.name = name }
        dims = tensor.type.shape.extents.map(Int64.init)
        dataType = tensor.type.element.rawValue
        if tensor.type.element == .string {
            stringData = tensor.strings.map { Data($0.utf8) }
        } else if tensor.type.element.bitWidth < 8 {
            rawData = Data(tensor.packedBytes)
        } else {
            rawData = unsafe tensor.withBytes { unsafe Data($0) }
        }
    }
}

extension HostTensor {
    fileprivate var packedBytes: [UInt8] {
        let bits = type.element.bitWidth
        let perByte = 8 / bits
        var bytes = [UInt8](repeating: 0, count: (type.shape.count * bits + 7) / 8)
        for (index, element) in elements(UInt8.self).enumerated() {
            bytes[index / perByte] |= (element & UInt8(1 << bits - 1)) << UInt8(index % perByte * bits)
        }
        return bytes
    }
}
