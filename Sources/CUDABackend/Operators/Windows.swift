internal import CHengAccelerator
internal import CUDAKernelSources
internal import Essentials

/// The windows that convolution and pooling move over an image, along up to three axes.
struct Windows {
    var kernel: [Int]
    var strides: [Int]
    var dilations: [Int]
    var before: [Int]
    var after: [Int]
    var results: [Int]

    init(
        _ request: OperatorRequest, image: [Int], kernel given: [Int]?, roundsUp: Bool
    ) throws(OperatorRefusal) {
        let rank = image.count
        guard let kernel = given, kernel.count == rank, kernel.allSatisfy({ $0 > 0 }) else {
            throw request.refuse(
                HENG_REFUSAL_ATTRIBUTE, "\(request.name) needs a kernel_shape of \(rank) extents.")
        }
        self.kernel = kernel
        let ones = Array(repeating: 1, count: rank)
        strides = request.ints("strides") ?? ones
        dilations = request.ints("dilations") ?? ones
        let pads = request.ints("pads") ?? Array(repeating: 0, count: rank * 2)
        guard strides.count == rank, dilations.count == rank, pads.count == rank * 2,
            (strides + dilations).allSatisfy({ $0 > 0 }), pads.allSatisfy({ $0 >= 0 })
        else {
            throw request.refuse(
                HENG_REFUSAL_ATTRIBUTE,
                "The strides, dilations or pads of \(request.name) do not fit its image.")
        }
        (before, after, results) = (Array(pads.prefix(rank)), Array(pads.suffix(rank)), [])
        let automatic = request.string("auto_pad", "NOTSET")
        for axis in 0..<rank {
            let reach = (kernel[axis] - 1) * dilations[axis] + 1
            switch automatic {
            case "NOTSET": break
            case "VALID": (before[axis], after[axis]) = (0, 0)
            case "SAME_UPPER", "SAME_LOWER":
                let wanted = (image[axis] + strides[axis] - 1) / strides[axis]
                let total = max(0, (wanted - 1) * strides[axis] + reach - image[axis])
                let small = total / 2
                before[axis] = automatic == "SAME_UPPER" ? small : total - small
                after[axis] = total - before[axis]
            default:
                throw request.refuse(HENG_REFUSAL_ATTRIBUTE, "There is no padding \(automatic).")
            }
            let room = image[axis] + before[axis] + after[axis] - reach
            guard room >= 0 else {
                throw request.refuse(
                    HENG_REFUSAL_SHAPE, "The windows of \(request.name) are larger than the image.")
            }
            var count = (room + (roundsUp ? strides[axis] - 1 : 0)) / strides[axis] + 1
            // A window that would start behind the image and its first padding is left out.
            if roundsUp, (count - 1) * strides[axis] >= image[axis] + before[axis] { count -= 1 }
            results.append(count)
        }
    }

    /// Values for three axes, where the first ones are filled up.
    static func three(_ values: [Int], _ value: Int) -> [Int] {
        Array(repeating: value, count: max(0, 3 - values.count)) + values
    }
}

/// Convolution and pooling.
enum ImageOperators {
    static let entries = [
        OperatorEntry(name: "Conv", since: 1, types: ElementTypes.real, plan: convolution),
        OperatorEntry(name: "MaxPool", since: 1, types: ElementTypes.real) {
            request throws(OperatorRefusal) in
            try request.require("storage_order", 0)
            return try pool(request, 0)
        },
        OperatorEntry(name: "AveragePool", since: 7, types: ElementTypes.real) {
            request throws(OperatorRefusal) in
            try pool(request, request.int("count_include_pad", 0) == 0 ? 1 : 2)
        },
        OperatorEntry(name: "GlobalMaxPool", since: 1, types: ElementTypes.real) {
            request throws(OperatorRefusal) in
            try global(request, 0)
        },
        OperatorEntry(name: "GlobalAveragePool", since: 1, types: ElementTypes.real) {
            request throws(OperatorRefusal) in try global(request, 1)
        },
    ]

    /// An image with one to three axes behind batch and channels.
    private static func image(_ request: OperatorRequest) throws(OperatorRefusal) -> TensorSpec {
        let x = try request.input(0, of: ElementTypes.real)
        guard (3...5).contains(x.rank) else {
            throw request.refuse(
                HENG_REFUSAL_RANK, "\(request.name) takes images of 1 to 3 axes.", argument: 0)
        }
        return x
    }

    private static func convolution(_ request: OperatorRequest) throws(OperatorRefusal) -> OperatorPlan {
        try request.limit(inputs: 3)
        let x = try image(request)
        let weights = try request.input(1)
        let group = request.int("group", 1)
        guard weights.type == x.type else {
            throw request.refuse(
                HENG_REFUSAL_TYPE, "Image and weights of Conv have different types.", argument: 1)
        }
        guard weights.rank == x.rank, group > 0, x.dims[1] % group == 0, weights.dims[0] % group == 0,
            weights.dims[1] == x.dims[1] / group
        else {
            throw request.refuse(HENG_REFUSAL_SHAPE, "The weights of Conv do not fit the image.", argument: 1)
        }
        let shape = Array(weights.dims.dropFirst(2))
        guard request.ints("kernel_shape") ?? shape == shape else {
            throw request.refuse(
                HENG_REFUSAL_ATTRIBUTE, "The kernel_shape of Conv is not that of its weights.")
        }
        let hasBias = request.optional(2) != nil
        if hasBias {
            let bias = try request.input(2)
            guard bias.type == x.type, bias.dims == [weights.dims[0]] else {
                throw request.refuse(
                    HENG_REFUSAL_SHAPE, "The bias of Conv does not fit its weights.", argument: 2)
            }
        }
        let space = Array(x.dims.dropFirst(2))
        let windows = try Windows(request, image: space, kernel: shape, roundsUp: false)
        let output = TensorSpec(type: x.type, dims: [x.dims[0], weights.dims[0]] + windows.results)
        let places = windows.results.reduce(1, *)
        let channels = weights.dims[0] / group
        var step = KernelStep(.convolution, "convolution", type: x.type, groups: (places + 63) / 64) {
            $0.add(.input(0))
            $0.add(.input(1))
            $0.add(hasBias ? .input(2) : .none)
            $0.add(.output(0))
            let image = [group, x.dims[1] / group, channels] + Windows.three(space, 1)
            let steps = Windows.three(windows.strides, 1) + Windows.three(windows.dilations, 1)
            $0.add(
                image + Windows.three(shape, 1) + Windows.three(windows.results, 1) + steps
                    + Windows.three(windows.before, 0))
            $0.add(x.dims[0])
        }
        step.groups.y = min(65535, (channels + 63) / 64)
        step.groups.z = max(1, min(65535, x.dims[0] * group))
        guard channels <= 65535 * 64, places <= 1 << 36 else {
            throw request.refuse(HENG_REFUSAL_SIZE, "This Conv has too many channels.", argument: 1)
        }
        return OperatorPlan([output], "product of tiles over the image", [.kernel(step)])
    }

    private static func pool(_ request: OperatorRequest, _ function: Int) throws(OperatorRefusal)
        -> OperatorPlan
    {
        try request.limit(inputs: 1)
        let x = try image(request)
        let windows = try Windows(
            request, image: Array(x.dims.dropFirst(2)), kernel: request.ints("kernel_shape"),
            roundsUp: request.int("ceil_mode", 0) != 0)
        return pool(x, windows, function)
    }

    private static func pool(_ x: TensorSpec, _ windows: Windows, _ function: Int) -> OperatorPlan {
        let output = TensorSpec(type: x.type, dims: x.dims.prefix(2) + windows.results)
        let step = KernelStep(.pooling, "pool", type: x.type, groups: KernelStep.groups(for: output.count)) {
            $0.add(.input(0))
            $0.add(.output(0))
            let image = Windows.three(Array(x.dims.dropFirst(2)), 1) + Windows.three(windows.kernel, 1)
            let steps = Windows.three(windows.strides, 1) + Windows.three(windows.dilations, 1)
            let pads = Windows.three(windows.before, 0) + Windows.three(windows.after, 0)
            $0.add(image + Windows.three(windows.results, 1) + steps + pads)
            $0.add(output.count)
            $0.add(small: function)
        }
        return OperatorPlan([output], "a thread for each window", [.kernel(step)])
    }

    /// One window over the whole image, as a reduction.
    private static func global(_ request: OperatorRequest, _ function: Int) throws(OperatorRefusal)
        -> OperatorPlan
    {
        try request.limit(inputs: 1)
        let x = try image(request)
        let inner = x.dims.dropFirst(2).reduce(1, *)
        guard inner > 0 else {
            throw request.refuse(
                HENG_REFUSAL_SHAPE, "\(request.name) over no values is not offered.", argument: 0)
        }
        let output = TensorSpec(type: x.type, dims: x.dims.prefix(2) + x.dims.dropFirst(2).map { _ in 1 })
        let step = KernelStep(.reduce, "reduce", type: x.type, groups: min(65536, output.count)) {
            $0.add(.input(0))
            $0.add(.output(0))
            $0.add([1, 1] + padded([output.count], 1) + padded([inner]) + padded([inner], 1) + padded([1]))
            $0.add(output.count)
            $0.add(inner)
            $0.add(small: function == 0 ? 2 : 1)
        }
        return OperatorPlan([output], "a block for each result, in a fixed tree", [.kernel(step)])
    }
}
