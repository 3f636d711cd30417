internal import CHengAccelerator
internal import OpenCLKernelSources

/// What a window that slides over two spatial axes does: sizes, distances and borders; one axis is two, the first of
/// extent 1.
struct Window {
    var kernel: [Int]
    var strides: [Int]
    var dilations: [Int]
    var begin: [Int]
    var end: [Int]
    var spatial: [Int]
    var output: [Int]

    init(
        _ use: OperatorUse, spatial: [Int], kernel: [Int], roundsUp: Bool = false
    ) throws(Refusal) {
        let rank = spatial.count
        guard rank == 1 || rank == 2 else {
            throw use.refuse(HENG_REFUSAL_RANK, "slides over one or two axes, not \(rank).")
        }
        func list(_ key: String, _ standard: Int) throws(Refusal) -> [Int] {
            let values = use.integers(key) ?? [Int](repeating: standard, count: rank)
            guard values.count == rank, values.allSatisfy({ $0 > 0 && $0 < 1 << 20 }) else {
                throw use.refuse(HENG_REFUSAL_ATTRIBUTE, "has \(key) that do not fit its axes.")
            }
            return values
        }
        let strides = try list("strides", 1)
        let dilations = try list("dilations", 1)
        guard kernel.count == rank, kernel.allSatisfy({ $0 > 0 && $0 < 1 << 20 }) else {
            throw use.refuse(HENG_REFUSAL_ATTRIBUTE, "has a kernel that does not fit its axes.")
        }
        let reach = (0..<rank).map { (kernel[$0] - 1) * dilations[$0] + 1 }
        var pads = use.integers("pads") ?? [Int](repeating: 0, count: 2 * rank)
        guard pads.count == 2 * rank, pads.allSatisfy({ abs($0) < 1 << 20 }) else {
            throw use.refuse(HENG_REFUSAL_ATTRIBUTE, "has pads that do not fit its axes.")
        }
        let automatic = use.text("auto_pad") ?? "NOTSET"
        guard ["NOTSET", "", "VALID", "SAME_UPPER", "SAME_LOWER"].contains(automatic) else {
            throw use.refuse(HENG_REFUSAL_ATTRIBUTE, "has no auto_pad \"\(automatic)\".")
        }
        if automatic == "VALID" { pads = [Int](repeating: 0, count: 2 * rank) }
        var output: [Int] = []
        for axis in 0..<rank {
            if automatic.hasPrefix("SAME") {
                let extent = (spatial[axis] + strides[axis] - 1) / strides[axis]
                let total = max(0, (extent - 1) * strides[axis] + reach[axis] - spatial[axis])
                pads[axis] = automatic == "SAME_UPPER" ? total / 2 : total - total / 2
                pads[axis + rank] = total - pads[axis]
            }
            let room = spatial[axis] + pads[axis] + pads[axis + rank] - reach[axis]
            guard room >= 0 else {
                throw use.refuse(HENG_REFUSAL_SHAPE, "has a window that is larger than its input.")
            }
            var extent = (roundsUp ? room + strides[axis] - 1 : room) / strides[axis] + 1
            // A window that would begin behind the input and its first border is none.
            if roundsUp, (extent - 1) * strides[axis] >= spatial[axis] + pads[axis] { extent -= 1 }
            output.append(extent)
        }
        func two(_ values: [Int], _ first: Int) -> [Int] { rank == 1 ? [first] + values : values }
        self.kernel = two(kernel, 1)
        self.strides = two(strides, 1)
        self.dilations = two(dilations, 1)
        begin = two(Array(pads[..<rank]), 0)
        end = two(Array(pads[rank...]), 0)
        self.spatial = two(spatial, 1)
        self.output = two(output, 1)
    }

    /// The output's extents along as many axes as there were.
    func outputDims(rank: Int) -> [Int] { Array(output.suffix(rank)) }
}

/// Pools.
enum Pools {
    static func plan(_ plan: inout Plan, _ use: OperatorUse) throws(Refusal) {
        let isMax = use.name == "MaxPool"
        let x = try use.input(0, of: isMax ? ElementTypes.reals.union([2, 3]) : ElementTypes.reals)
        guard x.rank >= 3 else { throw use.refuse(HENG_REFUSAL_RANK, "needs spatial axes.") }
        guard let kernel = use.integers("kernel_shape") else {
            throw use.refuse(HENG_REFUSAL_ATTRIBUTE, "needs a kernel_shape.")
        }
        let spatial = Array(x.dims[2...])
        let window = try Window(
            use, spatial: spatial, kernel: kernel, roundsUp: use.integer("ceil_mode") ?? 0 != 0)
        let dims = x.dims[..<2] + window.outputDims(rank: spatial.count)
        _ = try Walk.common(Array(dims), [], use)
        plan.add(output: x.type, Array(dims))
        var facts = StructBytes()
        for number in [x.dims[0] * x.dims[1]] + window.spatial + window.output { facts.uint(number) }
        for list in [window.kernel, window.strides, window.dilations, window.begin, window.end] {
            for number in list { facts.uint(number) }
        }
        facts.uint(use.integer("count_include_pad") ?? 0)
        facts.uint(use.integer("storage_order") ?? 0)
        facts.uint(0)
        let count = dims.reduce(1, *)
        func run(_ kernel: String, _ output: Int) {
            plan.run(
                .pool, kernel, type: x.type,
                [.tensor(.output(output)), .tensor(.input(0)), .uint(count), .bytes(facts.bytes)],
                count: count)
        }
        run(isMax ? "pool_max" : "pool_average", 0)
        if isMax, use.wants(1) {
            plan.add(output: ElementTypes.int64, Array(dims))
            run("pool_max_index", 1)
        }
    }

    static func planGlobal(_ plan: inout Plan, _ use: OperatorUse) throws(Refusal) {
        let x = try use.input(0, of: ElementTypes.reals)
        guard x.rank >= 2 else { throw use.refuse(HENG_REFUSAL_RANK, "needs a batch and channels.") }
        plan.add(output: x.type, x.dims[..<2] + [Int](repeating: 1, count: x.rank - 2))
        try Reductions.reduce(
            &plan, use, use.name == "GlobalMaxPool" ? "max" : "mean", x, Set(2..<max(2, x.rank)),
            from: .input(0),
            to: .output(0))
    }
}
