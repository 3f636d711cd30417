internal import Essentials
internal import Foundation
internal import ONNXFormat

/// Changes to a tensor as a file holds it: lies about its form, and honest changes of form and values.
enum TensorMutation: CaseIterable {
    case extent, extents, rank, elementType, dataCut, dataGrown, listCut, external
    case value, allValues, resized, retyped, emptied, reshaped, stringsGiven

    /// The changes after which the tensor still says the truth about itself.
    static let honest: [TensorMutation] = [.value, .allValues, .resized, .retyped, .emptied, .reshaped]

    func apply(to tensor: inout ProtoTensor, _ random: inout SeededGenerator) {
        switch self {
        case .extent:
            if tensor.dims.isEmpty { tensor.dims = [1] }
            tensor.dims[random.below(tensor.dims.count)] = random.integer()
        case .extents:
            tensor.dims = (0..<1 + random.below(6)).map { _ in random.integer() }
        case .rank:
            let rank = random.pick([0, 1, 9, 65, 1000, 100_000]) ?? 0
            tensor.dims = [Int64](repeating: random.isOne(in: 2) ? 1 : 2, count: rank)
        case .elementType: tensor.dataType = random.pick(Extremes.elementTypes) ?? 0
        case .dataCut: tensor.rawData = tensor.rawData.prefix(random.below(tensor.rawData.count + 1))
        case .dataGrown: tensor.rawData += Data(count: 1 + random.below(100))
        case .listCut:
            tensor.floatData = Array(tensor.floatData.dropLast())
            tensor.int64Data = Array(tensor.int64Data.dropLast())
            tensor.int32Data.append(random.isOne(in: 2) ? .max : .min)
        case .external: point(&tensor, &random)
        case .value: setValue(&tensor, onlyOne: true, &random)
        case .allValues: setValue(&tensor, onlyOne: false, &random)
        case .resized:
            let most = random.isOne(in: 20) ? 300 : 4
            let dims = (0..<random.below(5)).map { _ in Int64(random.below(most)) }
            if dims.reduce(1, *) <= 1_000_000 { resize(&tensor, to: dims) }
        case .retyped:
            tensor.dataType = Int32(1 + random.below(26))
            resize(&tensor, to: tensor.dims)
        case .emptied:
            if tensor.dims.isEmpty { tensor.dims = [0] }
            var dims = tensor.dims
            dims[random.below(dims.count)] = 0
            resize(&tensor, to: dims)
        case .reshaped:
            if random.isOne(in: 3) { tensor.dims.reverse() }
            if random.isOne(in: 2) { tensor.dims.insert(1, at: random.below(tensor.dims.count + 1)) }
            if random.isOne(in: 3) { tensor.dims = [tensor.dims.reduce(1) { $0 &* $1 }] }
            if let one = tensor.dims.firstIndex(of: 1), random.isOne(in: 2) { tensor.dims.remove(at: one) }
        case .stringsGiven:
            tensor.dataType = 8
            tensor.rawData = Data()
            tensor.clearRawData()
            let count = tensor.dims.reduce(1) { $0 &* $1 }
            let words = [
                "", "a", "nan", "-1", "1e999", "\u{0}", String(repeating: "x", count: 1000), "Ünï", "a b,c",
            ]
            tensor.stringData = (0..<max(0, min(count, 1000))).map { _ in
                Data((random.pick(words) ?? "").utf8)
            }
        }
    }

    private func point(_ tensor: inout ProtoTensor, _ random: inout SeededGenerator) {
        tensor.dataLocation = 1
        let places = [
            "/etc/passwd", "../../etc/passwd", "data.bin", "", ".", "a/../../b", "model.onnx", "\u{0}x",
            "/dev/zero",
            String(repeating: "a/", count: 3000),
        ]
        let numbers = ["0", "1", "-1", "4096", "18446744073709551616", "9223372036854775807", "x", "", "1e3"]
        tensor.externalData = [
            ("location", random.pick(places)), ("offset", random.pick(numbers)),
            ("length", random.pick(numbers)),
        ].map { key, value in
            var entry = ProtoKeyValue()
            entry.key = key
            entry.value = value ?? ""
            return entry
        }
    }

    /// Puts one extreme number into one place, or into all.
    private func setValue(
        _ tensor: inout ProtoTensor, onlyOne: Bool, _ random: inout SeededGenerator
    ) {
        let (integer, float) = (random.integer(), random.float())
        func change<Value>(_ list: inout [Value], to value: Value) {
            guard !list.isEmpty else { return }
            if onlyOne {
                list[random.below(list.count)] = value
            } else {
                for i in list.indices { list[i] = value }
            }
        }
        change(&tensor.floatData, to: Float(float))
        change(&tensor.doubleData, to: float)
        change(&tensor.int64Data, to: integer)
        change(&tensor.int32Data, to: Int32(truncatingIfNeeded: integer))
        change(&tensor.uint64Data, to: UInt64(truncatingIfNeeded: integer))
        change(&tensor.stringData, to: Data("-1".utf8))
        let pattern = Self.bytes(of: tensor.dataType, integer, float)
        let count = tensor.rawData.count / max(pattern.count, 1)
        guard count > 0 else { return }
        var raw = [UInt8](tensor.rawData)
        for place in onlyOne ? [random.below(count)] : Array(0..<count) {
            raw.replaceSubrange(place * pattern.count..<(place + 1) * pattern.count, with: pattern)
        }
        tensor.rawData = Data(raw)
    }

    private static func bytes(of type: Int32, _ integer: Int64, _ float: Double) -> [UInt8] {
        func little(_ bits: some FixedWidthInteger, _ count: Int) -> [UInt8] {
            (0..<count).map { UInt8(truncatingIfNeeded: bits >> (8 * $0)) }
        }
        return switch type {
        case 1: little(Float(float).bitPattern, 4)
        case 11: little(float.bitPattern, 8)
        case 10: little(Float16(float).bitPattern, 2)
        case 16: little(Float(float).bitPattern >> 16, 2)
        default: little(integer, elementSize(type))
        }
    }

    /// Another shape with data of its size: that which is there, again and again.
    private func resize(_ tensor: inout ProtoTensor, to dims: [Int64]) {
        let count = dims.reduce(1) { $0 &* $1 }
        guard count >= 0, count <= 1_000_000 else { return }
        tensor.dims = dims
        if tensor.dataType == 8 {
            let given = tensor.stringData.isEmpty ? [Data("a".utf8)] : tensor.stringData
            tensor.clearRawData()
            tensor.stringData = (0..<Int(count)).map { given[$0 % given.count] }
            return
        }
        let byteCount = (Int(count) * Self.elementBits(tensor.dataType) + 7) / 8
        var given = [UInt8](tensor.rawData)
        if given.isEmpty { given = [0, 0, 0, 64, 0, 0, 128, 63, 1, 2, 3] }
        (tensor.floatData, tensor.doubleData, tensor.stringData) = ([], [], [])
        (tensor.int32Data, tensor.int64Data, tensor.uint64Data) = ([], [], [])
        tensor.rawData = Data((0..<byteCount).map { given[$0 % given.count] })
    }

    private static func elementSize(_ type: Int32) -> Int { max(1, elementBits(type) / 8) }

    private static func elementBits(_ type: Int32) -> Int {
        switch type {
        case 15: 128
        case 7, 11, 13, 14: 64
        case 1, 6, 12: 32
        case 4, 5, 10, 16: 16
        case 21, 22, 23: 4
        case 25, 26: 2
        default: 8
        }
    }
}
