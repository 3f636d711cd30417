internal import CHengAccelerator
internal import OpenCLKernelSources

/// The operator Pad.
enum Padding {
    static func plan(_ plan: inout Plan, _ use: OperatorUse) throws(Refusal) {
        let x = try use.input(0, of: ElementTypes.movable)
        let given: [Int]
        if let pads = use.integers("pads") { given = pads } else { given = try use.constantIntegers(1) }
        guard let mode = ["constant": 0, "reflect": 1, "edge": 2, "wrap": 3][use.text("mode") ?? "constant"]
        else {
            throw use.refuse(HENG_REFUSAL_ATTRIBUTE, "has no mode \"\(use.text("mode") ?? "")\".")
        }
        var axes = Array(0..<x.rank)
        if use.has(3) {
            axes = []
            for axis in try use.constantIntegers(3) { axes.append(try use.axis(axis, rank: x.rank)) }
        }
        guard given.count == 2 * axes.count, given.allSatisfy({ abs($0) <= Int(Int32.max) }) else {
            throw use.refuse(HENG_REFUSAL_SHAPE, "needs two numbers for each axis.")
        }
        var (before, dims) = ([Int](repeating: 0, count: x.rank), x.dims)
        for (index, axis) in axes.enumerated() {
            before[axis] += given[index]
            dims[axis] += given[index] + given[index + axes.count]
        }
        guard dims.allSatisfy({ $0 >= 0 }) else {
            throw use.refuse(HENG_REFUSAL_SHAPE, "takes away more than there is.")
        }
        _ = try Walk.common(dims, [], use)
        guard mode == 0 || x.dims.indices.allSatisfy({ x.dims[$0] > 0 || dims[$0] == 0 }) else {
            throw use.refuse(HENG_REFUSAL_SHAPE, "has nothing to repeat.")
        }
        plan.add(output: x.type, dims)
        guard x.rank <= Walk.rankLimit else {
            throw use.refuse(HENG_REFUSAL_RANK, "pads at most \(Walk.rankLimit) axes.")
        }
        let count = dims.reduce(1, *)
        plan.run(
            .move, "pad", ["HENG_SIZE=\(x.elementSize)"],
            [
                .tensor(.output(0)), .tensor(.input(0)), .uint(count),
                .bytes(facts(dims, Walk.dense(x.dims), before, x.dims)), .int(mode),
                .ulong(try bits(of: try value(use), x.type, use)),
            ], count: count)
    }

    private static func value(_ use: OperatorUse) throws(Refusal) -> Double {
        if let value = use.real("value") { return value }
        return use.has(2) ? try use.constantReal(2) : 0
    }

    /// A walk whose axes are as they are: each has its own border.
    private static func facts(_ dims: [Int], _ strides: [Int], _ before: [Int], _ extents: [Int]) -> [UInt8] {
        var bytes = StructBytes()
        for axis in 0..<Walk.rankLimit { bytes.uint(axis < dims.count ? dims[axis] : 1) }
        for list in [strides, before, extents] {
            for axis in 0..<Walk.rankLimit { bytes.long(axis < list.count ? list[axis] : 0) }
        }
        bytes.uint(dims.count)
        bytes.uint(0)
        return bytes.bytes
    }

    /// The bits of an element of that value.
    private static func bits(of value: Double, _ type: Int32, _ use: OperatorUse) throws(Refusal) -> UInt64 {
        switch type {
        case 1: return UInt64(Float(value).bitPattern)
        case 11: return value.bitPattern
        case 10, 16:
            guard value == 0 else {
                throw use.refuse(
                    HENG_REFUSAL_TYPE, "fills \(ElementTypes.name(type)) only with 0.", argument: 2)
            }
            return 0
        default: return UInt64(bitPattern: Int64(exactly: value) ?? 0)
        }
    }
}
