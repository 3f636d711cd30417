internal import CHengAccelerator
internal import CUDAKernelSources
internal import Essentials

/// Operators that bring values to one mean and spread.
enum Normalization {
    static let entries = [
        OperatorEntry(name: "LayerNormalization", since: 17, types: ElementTypes.real) {
            request throws(OperatorRefusal) in try rows(request, isRootMeanSquare: false)
        },
        OperatorEntry(name: "RMSNormalization", since: 23, types: ElementTypes.real) {
            request throws(OperatorRefusal) in try rows(request, isRootMeanSquare: true)
        },
        OperatorEntry(name: "BatchNormalization", since: 9, types: ElementTypes.real, plan: batch),
        OperatorEntry(name: "InstanceNormalization", since: 6, types: ElementTypes.real) {
            request throws(OperatorRefusal) in try channels(request, groups: nil)
        },
        OperatorEntry(name: "GroupNormalization", since: 21, types: ElementTypes.real) {
            request throws(OperatorRefusal) in
            try request.require("stash_type", 1)
            return try channels(request, groups: request.int("num_groups", 0))
        },
    ]

    /// An input of the first one's type, with so many elements.
    private static func part(
        _ request: OperatorRequest, _ index: Int, _ type: Int, _ count: Int
    ) throws(OperatorRefusal) {
        let part = try request.input(index)
        guard part.type == type else {
            throw request.refuse(
                HENG_REFUSAL_TYPE, "Input \(index) of \(request.name) has another type than the first.",
                argument: index)
        }
        guard part.count == count else {
            throw request.refuse(
                HENG_REFUSAL_SHAPE, "Input \(index) of \(request.name) must have \(count) elements.",
                argument: index)
        }
    }

    private static func rows(
        _ request: OperatorRequest, isRootMeanSquare: Bool
    ) throws(OperatorRefusal) -> OperatorPlan {
        try request.limit(inputs: isRootMeanSquare ? 2 : 3, outputs: isRootMeanSquare ? 1 : 3)
        let x = try request.input(0, of: ElementTypes.real)
        let axis = try request.axis(request.int("axis", -1), rank: x.rank)
        try request.require("stash_type", 1)
        let width = x.dims.dropFirst(axis).reduce(1, *)
        let count = x.dims.prefix(axis).reduce(1, *)
        try part(request, 1, x.type, width)
        let hasAddend = request.optional(2) != nil
        if hasAddend { try part(request, 2, x.type, width) }
        let short = TensorSpec(
            type: HENG_TYPE_FLOAT32, dims: x.dims.indices.map { $0 < axis ? x.dims[$0] : 1 })
        let outputs = [TensorSpec(type: x.type, dims: x.dims), short, short].prefix(
            max(1, request.outputCount))
        let epsilon = request.float("epsilon", 1e-5)
        let step = KernelStep(.normalization, "rows", type: x.type, groups: min(65536, count)) {
            $0.add(.input(0))
            $0.add(.input(1))
            $0.add(hasAddend ? .input(2) : .none)
            $0.add(.output(0))
            $0.add(outputs.count > 1 ? .output(1) : .none)
            $0.add(outputs.count > 2 ? .output(2) : .none)
            $0.add(count)
            $0.add(width)
            $0.add(epsilon)
            $0.add(small: isRootMeanSquare ? 1 : 0)
        }
        return OperatorPlan(Array(outputs), "a block for each row", [.kernel(step)])
    }

    private static func batch(_ request: OperatorRequest) throws(OperatorRefusal) -> OperatorPlan {
        try request.limit(inputs: 5)
        try request.require("training_mode", 0)
        _ = request.float("momentum", 0.9)
        let x = try request.input(0, of: ElementTypes.real)
        let channelCount = x.rank > 1 ? x.dims[1] : 1
        for index in 1...4 { try part(request, index, x.type, channelCount) }
        let epsilon = request.float("epsilon", 1e-5)
        let step = KernelStep(.normalization, "batch", type: x.type, groups: KernelStep.groups(for: x.count))
        {
            for index in 0...4 { $0.add(.input(index)) }
            $0.add(.output(0))
            $0.add(x.count)
            $0.add(max(1, channelCount))
            $0.add(max(1, x.dims.dropFirst(2).reduce(1, *)))
            $0.add(epsilon)
        }
        return OperatorPlan([TensorSpec(type: x.type, dims: x.dims)], "element by element", [.kernel(step)])
    }

    private static func channels(
        _ request: OperatorRequest, groups: Int?
    ) throws(OperatorRefusal) -> OperatorPlan {
        try request.limit(inputs: 3)
        let x = try request.input(0, of: ElementTypes.real)
        guard x.rank >= 2 else {
            throw request.refuse(
                HENG_REFUSAL_RANK, "\(request.name) needs a rank of at least 2.", argument: 0)
        }
        let channelCount = x.dims[1]
        let groupCount = groups ?? channelCount
        guard groupCount > 0, channelCount % groupCount == 0 else {
            throw request.refuse(
                HENG_REFUSAL_ATTRIBUTE, "\(channelCount) channels do not make \(groupCount) equal groups.")
        }
        for index in 1...2 { try part(request, index, x.type, channelCount) }
        let epsilon = request.float("epsilon", 1e-5)
        let sets = x.dims[0] * groupCount
        let step = KernelStep(.normalization, "channels", type: x.type, groups: min(65536, sets)) {
            for index in 0...2 { $0.add(.input(index)) }
            $0.add(.output(0))
            $0.add(x.dims[0])
            $0.add(channelCount)
            $0.add(groupCount)
            $0.add(x.dims.dropFirst(2).reduce(1, *))
            $0.add(epsilon)
        }
        return OperatorPlan(
            [TensorSpec(type: x.type, dims: x.dims)], "a block for each group", [.kernel(step)])
    }
}
