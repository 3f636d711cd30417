internal import CHengAccelerator
internal import OpenCLKernelSources

/// Convolutions.
enum Convolutions {
    private static func facts(
        _ batches: Int, _ channels: Int, _ filters: Int, _ groups: Int, _ window: Window, hasBias: Bool
    ) -> [UInt8] {
        var bytes = StructBytes()
        bytes.uint(batches)
        bytes.uint(channels)
        for number in window.spatial { bytes.uint(number) }
        bytes.uint(filters)
        for number in window.output { bytes.uint(number) }
        bytes.uint(groups)
        for list in [window.kernel, window.strides, window.dilations, window.begin] {
            for number in list { bytes.uint(number) }
        }
        bytes.uint(hasBias ? 1 : 0)
        bytes.uint(0)
        return bytes.bytes
    }

    static func plan(_ plan: inout Plan, _ use: OperatorUse) throws(Refusal) {
        let x = try use.input(0, of: ElementTypes.reals)
        let weights = try use.input(1, like: x)
        guard x.rank >= 3, weights.rank == x.rank else {
            throw use.refuse(HENG_REFUSAL_RANK, "needs spatial axes, and weights of its input's rank.")
        }
        let (groups, channels, filters) = (use.integer("group") ?? 1, x.dims[1], weights.dims[0])
        guard groups > 0, channels == weights.dims[1] * groups, filters % groups == 0 else {
            throw use.refuse(
                HENG_REFUSAL_SHAPE, "has \(channels) channels and weights of shape \(weights.dims).")
        }
        let kernel = Array(weights.dims[2...])
        if let given = use.integers("kernel_shape"), given != kernel {
            throw use.refuse(HENG_REFUSAL_ATTRIBUTE, "has a kernel_shape that is not its weights'.")
        }
        let window = try Window(use, spatial: Array(x.dims[2...]), kernel: kernel)
        if use.has(2), try use.input(2, like: x).dims != [filters] {
            throw use.refuse(
                HENG_REFUSAL_SHAPE, "needs one bias for each of \(filters) filters.", argument: 2)
        }
        let dims = [x.dims[0], filters] + window.outputDims(rank: x.rank - 2)
        _ = try Walk.common(dims, [], use)
        plan.add(output: x.type, dims)
        guard dims.reduce(1, *) > 0 else { return }
        let plane = window.output[0] * window.output[1]
        let depth = weights.dims[1] * kernel.reduce(1, *)
        let columns = depth.multipliedReportingOverflow(by: plane)
        let bytes = facts(x.dims[0], channels, filters, groups, window, hasBias: use.has(2))
        let isProduct =
            Products.types.contains(x.type) && filters / groups >= 4 && x.dims[0] * groups <= 64
            && !columns.overflow && columns.partialValue < 1 << 27
        guard isProduct else {
            plan.algorithm = "direct, one work item for each element"
            plan.run(
                .convolve, "convolve_direct", type: x.type,
                [
                    .tensor(.output(0)), .tensor(.input(0)), .tensor(.input(1)),
                    .tensor(use.has(2) ? .input(2) : .output(0)), .uint(dims.reduce(1, *)), .bytes(bytes),
                ], count: dims.reduce(1, *))
            return
        }
        try products(&plan, use, x, weights, window, groups)
    }

    /// Each image and group as a product of the weights and the image's columns.
    private static func products(
        _ plan: inout Plan, _ use: OperatorUse, _ x: TensorFacts, _ weights: TensorFacts, _ window: Window,
        _ groups: Int
    ) throws(Refusal) {
        let (channels, filters) = (weights.dims[1], weights.dims[0] / groups)
        let plane = window.output[0] * window.output[1]
        let depth = channels * window.kernel[0] * window.kernel[1]
        // Where each tap is one pixel, the image is its own columns.
        let isPlain =
            window.kernel == [1, 1] && window.strides == [1, 1] && window.begin == [0, 0]
            && window.end == [0, 0]
        let scratch = isPlain ? nil : plan.scratch(depth * plane * x.elementSize)
        let size = x.elementSize
        let image = channels * window.spatial[0] * window.spatial[1]
        let bytes = facts(1, channels, filters, 1, window, hasBias: false)
        // All images share the memory of the panels that a product makes.
        let before = plan.workspace
        var after = before
        for index in 0..<x.dims[0] * groups {
            let group = index % groups
            let source = Place.input(0, offset: index * image * size)
            if let scratch {
                plan.run(
                    .convolve, "columns_of_image", type: x.type,
                    [.tensor(scratch), .tensor(source), .uint(depth * plane), .bytes(bytes)],
                    count: depth * plane)
            }
            let bias =
                use.has(2)
                ? Products.Added(
                    place: .input(2, offset: group * filters * size), row: 1, column: 0, factor: 1)
                : nil
            plan.workspace = before
            try Products.product(
                &plan, use, type: x.type, rows: filters, columns: plane, depth: depth, batch: [],
                a: Products.Operand(place: .input(1, offset: group * filters * depth * size), strides: []),
                b: Products.Operand(place: scratch ?? source, strides: []),
                to: .output(0, offset: index * filters * plane * size), added: bias)
            after = max(after, plan.workspace)
        }
        plan.workspace = after
        plan.algorithm =
            (isPlain ? "product with the image: " : "product with the image's columns: ") + plan.algorithm
    }

    static func planTransposed(_ plan: inout Plan, _ use: OperatorUse) throws(Refusal) {
        let x = try use.input(0, of: ElementTypes.reals)
        let weights = try use.input(1, like: x)
        guard x.rank == 3 || x.rank == 4, weights.rank == x.rank else {
            throw use.refuse(
                HENG_REFUSAL_RANK, "slides over one or two axes, with weights of its input's rank.")
        }
        let rank = x.rank - 2
        let groups = use.integer("group") ?? 1
        guard groups > 0, x.dims[1] == weights.dims[0], x.dims[1] % groups == 0 else {
            throw use.refuse(
                HENG_REFUSAL_SHAPE, "has \(x.dims[1]) channels and weights of shape \(weights.dims).")
        }
        let filters = weights.dims[1] * groups
        func list(_ key: String, _ standard: Int, _ low: Int) throws(Refusal) -> [Int] {
            let values = use.integers(key) ?? [Int](repeating: standard, count: rank)
            guard values.count == rank, values.allSatisfy({ $0 >= low && $0 < 1 << 20 }) else {
                throw use.refuse(HENG_REFUSAL_ATTRIBUTE, "has \(key) that do not fit its axes.")
            }
            return values
        }
        let (strides, dilations) = (try list("strides", 1, 1), try list("dilations", 1, 1))
        let extra = try list("output_padding", 0, 0)
        let kernel = Array(weights.dims[2...])
        let automatic = use.text("auto_pad") ?? "NOTSET"
        guard ["NOTSET", "", "VALID", "SAME_UPPER", "SAME_LOWER"].contains(automatic) else {
            throw use.refuse(HENG_REFUSAL_ATTRIBUTE, "has no auto_pad \"\(automatic)\".")
        }
        var pads = automatic == "VALID" ? nil : use.integers("pads")
        guard (pads?.count ?? 2 * rank) == 2 * rank, pads?.allSatisfy({ $0 >= 0 && $0 < 1 << 20 }) ?? true
        else {
            throw use.refuse(HENG_REFUSAL_ATTRIBUTE, "has pads that do not fit its axes.")
        }
        var full: [Int] = []
        for axis in 0..<rank {
            let reach = (kernel[axis] - 1) * dilations[axis] + 1
            full.append(strides[axis] * (x.dims[axis + 2] - 1) + extra[axis] + reach)
        }
        var wanted = use.integers("output_shape").map { Array($0.suffix(rank)) }
        if automatic.hasPrefix("SAME"), wanted == nil {
            wanted = (0..<rank).map { x.dims[$0 + 2] * strides[$0] }
        }
        var begin = [Int](repeating: 0, count: rank)
        var output = full
        if let wanted, wanted.count == rank {
            for axis in 0..<rank {
                let total = max(0, full[axis] - wanted[axis])
                begin[axis] = automatic == "SAME_UPPER" ? total / 2 : total - total / 2
            }
            output = wanted
        } else if let pads {
            for axis in 0..<rank {
                begin[axis] = pads[axis]
                output[axis] -= pads[axis] + pads[axis + rank]
            }
        }
        pads = nil
        guard output.allSatisfy({ $0 >= 0 && $0 <= Int(Int32.max) }), !x.dims.contains(0) else {
            throw use.refuse(HENG_REFUSAL_SHAPE, "would make nothing, or too much.")
        }
        if use.has(2), try use.input(2, like: x).dims != [filters] {
            throw use.refuse(
                HENG_REFUSAL_SHAPE, "needs one bias for each of \(filters) filters.", argument: 2)
        }
        let dims = [x.dims[0], filters] + output
        _ = try Walk.common(dims, [], use)
        plan.add(output: x.type, dims)
        func two(_ values: [Int], _ first: Int) -> [Int] { rank == 1 ? [first] + values : values }
        var bytes = StructBytes()
        bytes.uint(x.dims[0])
        bytes.uint(x.dims[1])
        for number in two(Array(x.dims[2...]), 1) { bytes.uint(number) }
        bytes.uint(filters)
        for number in two(output, 1) { bytes.uint(number) }
        bytes.uint(groups)
        for list in [two(kernel, 1), two(strides, 1), two(dilations, 1), two(begin, 0)] {
            for number in list { bytes.uint(number) }
        }
        bytes.uint(use.has(2) ? 1 : 0)
        bytes.uint(0)
        let count = dims.reduce(1, *)
        plan.run(
            .convolve, "convolve_transposed", type: x.type,
            [
                .tensor(.output(0)), .tensor(.input(0)), .tensor(.input(1)),
                .tensor(use.has(2) ? .input(2) : .output(0)), .uint(count), .bytes(bytes.bytes),
            ], count: count)
    }
}
