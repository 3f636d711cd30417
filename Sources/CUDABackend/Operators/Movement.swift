internal import CHengAccelerator
internal import CUDAKernelSources
internal import Essentials

/// Operators that change only the place, the shape or the type of values.
enum Movement {
    static let entries = [
        OperatorEntry(name: "Identity", since: 1, types: ElementTypes.all) {
            request throws(OperatorRefusal) in
            try reshape(request) { _, x in x.dims }
        },
        OperatorEntry(name: "Reshape", since: 5, types: ElementTypes.all) { request throws(OperatorRefusal) in
            try reshape(request, inputs: 2, newDims)
        },
        OperatorEntry(name: "Flatten", since: 1, types: ElementTypes.all) { request throws(OperatorRefusal) in
            try reshape(request) { request, x throws(OperatorRefusal) in
                let given = request.int("axis", 1)
                let axis = given == x.rank ? x.rank : try request.axis(given, rank: x.rank)
                return [x.dims.prefix(axis).reduce(1, *), x.dims.dropFirst(axis).reduce(1, *)]
            }
        },
        OperatorEntry(name: "Squeeze", since: 1, types: ElementTypes.all) { request throws(OperatorRefusal) in
            try reshape(request, inputs: 2, squeezed)
        },
        OperatorEntry(name: "Unsqueeze", since: 1, types: ElementTypes.all) {
            request throws(OperatorRefusal) in
            try reshape(request, inputs: 2, unsqueezed)
        },
        OperatorEntry(name: "Transpose", since: 1, types: ElementTypes.all, plan: transpose),
        OperatorEntry(name: "Expand", since: 8, types: ElementTypes.all, plan: expand),
        OperatorEntry(name: "Slice", since: 1, types: ElementTypes.all, plan: slice),
        OperatorEntry(name: "Concat", since: 4, types: ElementTypes.all, plan: concat),
        OperatorEntry(name: "Split", since: 2, types: ElementTypes.all, plan: split),
        OperatorEntry(name: "Cast", since: 6, types: ElementTypes.all, plan: cast),
    ]

    // MARK: Shapes

    /// The same bytes under another shape.
    private static func reshape(
        _ request: OperatorRequest, inputs: Int = 1,
        _ dims: (OperatorRequest, TensorSpec) throws(OperatorRefusal) -> [Int]
    ) throws(OperatorRefusal) -> OperatorPlan {
        try request.limit(inputs: inputs)
        let x = try request.input(0, of: ElementTypes.all)
        let output = TensorSpec(type: x.type, dims: try dims(request, x))
        guard output.count == x.count else {
            throw request.refuse(
                HENG_REFUSAL_SHAPE, "\(request.name) cannot make \(output.dims) of \(x.dims).", argument: 0)
        }
        return OperatorPlan([output], "copy", [.copy(.input(0), .output(0), bytes: x.bytes)])
    }

    private static func newDims(_ request: OperatorRequest, _ x: TensorSpec) throws(OperatorRefusal) -> [Int]
    {
        guard var dims = try request.integers(1) else {
            throw request.refuse(HENG_REFUSAL_OTHER, "Reshape needs a shape.", argument: 1)
        }
        let allowsZero = request.int("allowzero", 0) != 0
        for axis in dims.indices where dims[axis] == 0 && !allowsZero {
            guard axis < x.rank else {
                throw request.refuse(
                    HENG_REFUSAL_SHAPE, "Reshape has no extent to keep at axis \(axis).", argument: 1)
            }
            dims[axis] = x.dims[axis]
        }
        if let open = dims.firstIndex(of: -1) {
            dims[open] = 1
            let known = dims.reduce(1, *)
            dims[open] = known > 0 ? x.count / known : 0
        }
        guard dims.allSatisfy({ $0 >= 0 }) else {
            throw request.refuse(HENG_REFUSAL_SHAPE, "Reshape was given the shape \(dims).", argument: 1)
        }
        return dims
    }

    private static func squeezed(_ request: OperatorRequest, _ x: TensorSpec) throws(OperatorRefusal) -> [Int]
    {
        let given = try request.integers(1) ?? request.ints("axes")
        var axes: Set<Int> = given == nil ? Set(x.dims.indices.filter { x.dims[$0] == 1 }) : []
        for axis in given ?? [] { axes.insert(try request.axis(axis, rank: x.rank)) }
        return x.dims.indices.filter { !axes.contains($0) }.map { x.dims[$0] }
    }

    private static func unsqueezed(_ request: OperatorRequest, _ x: TensorSpec) throws(OperatorRefusal)
        -> [Int]
    {
        let given = try request.integers(1) ?? request.ints("axes") ?? []
        var axes: Set<Int> = []
        for axis in given { axes.insert(try request.axis(axis, rank: x.rank + given.count)) }
        var rest = x.dims[...]
        return (0..<(x.rank + axes.count)).map { axes.contains($0) ? 1 : rest.popFirst() ?? 1 }
    }

    // MARK: Views

    /// The kernel's type for elements of a size.
    static func unit(_ type: Int) -> Int {
        switch TensorSpec.size(type) {
        case 1: HENG_TYPE_UINT8
        case 2: HENG_TYPE_UINT16
        case 4: HENG_TYPE_UINT32
        default: HENG_TYPE_UINT64
        }
    }

    /// Between dense memory and a view with an offset and strides in elements.
    static func view(
        _ name: String, _ type: Int, from: Operand, to: Operand, dims: [Int], strides: [Int], offset: Int
    ) -> OperatorStep {
        let count = dims.reduce(1, *)
        return .kernel(
            KernelStep(.movement, name, type: unit(type), groups: KernelStep.groups(for: count)) {
                $0.add(from)
                $0.add(to)
                $0.add([dims.count, offset] + padded(dims, 1) + padded(strides))
                $0.add(count)
            })
    }

    /// A result that is read from a view of the input.
    private static func read(
        _ request: OperatorRequest, _ x: TensorSpec, _ dims: [Int], strides: [Int], offset: Int = 0
    ) throws(OperatorRefusal) -> OperatorPlan {
        guard dims.count <= rankLimit else {
            throw request.refuse(
                HENG_REFUSAL_RANK, "\(request.name) takes ranks up to \(rankLimit).", argument: 0)
        }
        let step = view(
            "read_view", x.type, from: .input(0), to: .output(0), dims: dims, strides: strides, offset: offset
        )
        return OperatorPlan(
            [TensorSpec(type: x.type, dims: dims)], "element by element, with strides", [step])
    }

    private static func transpose(_ request: OperatorRequest) throws(OperatorRefusal) -> OperatorPlan {
        try request.limit(inputs: 1)
        let x = try request.input(0, of: ElementTypes.all)
        let order = request.ints("perm") ?? x.dims.indices.reversed()
        guard order.sorted() == Array(x.dims.indices) else {
            throw request.refuse(HENG_REFUSAL_ATTRIBUTE, "\(order) is no order of \(x.rank) axes.")
        }
        let strides = denseStrides(x.dims)
        return try read(request, x, order.map { x.dims[$0] }, strides: order.map { strides[$0] })
    }

    private static func expand(_ request: OperatorRequest) throws(OperatorRefusal) -> OperatorPlan {
        try request.limit(inputs: 2)
        let x = try request.input(0, of: ElementTypes.all)
        guard let shape = try request.integers(1), let dims = broadcast(x.dims, shape) else {
            throw request.refuse(
                HENG_REFUSAL_SHAPE, "Expand cannot bring \(x.dims) to its shape.", argument: 1)
        }
        return try read(request, x, dims, strides: broadcastStrides(x.dims, to: dims))
    }

    private static func slice(_ request: OperatorRequest) throws(OperatorRefusal) -> OperatorPlan {
        try request.limit(inputs: 5)
        let x = try request.input(0, of: ElementTypes.all)
        guard let starts = try request.integers(1) ?? request.ints("starts"),
            let ends = try request.integers(2) ?? request.ints("ends"), starts.count == ends.count
        else { throw request.refuse(HENG_REFUSAL_OTHER, "Slice needs starts and as many ends.", argument: 1) }
        let axes = try request.integers(3) ?? request.ints("axes") ?? Array(starts.indices)
        let steps = try request.integers(4) ?? Array(repeating: 1, count: starts.count)
        guard axes.count == starts.count, steps.count == starts.count, steps.allSatisfy({ $0 != 0 }) else {
            throw request.refuse(
                HENG_REFUSAL_SHAPE, "Slice needs as many axes and steps as starts.", argument: 3)
        }
        var dims = x.dims
        var strides = denseStrides(x.dims)
        var offset = 0
        for index in starts.indices {
            let axis = try request.axis(axes[index], rank: x.rank)
            let (extent, step) = (x.dims[axis], steps[index])
            func place(_ given: Int) -> Int {
                given < 0 ? max(given, -extent - 1) + extent : min(given, extent)
            }
            let isUp = step > 0
            let start = isUp ? max(0, place(starts[index])) : min(extent - 1, max(-1, place(starts[index])))
            let end = isUp ? max(0, place(ends[index])) : max(-1, place(ends[index]))
            let span = isUp ? end - start : start - end
            let size = step.magnitude > UInt(Int32.max) ? Int(Int32.max) : Int(step.magnitude)
            dims[axis] = span > 0 ? (span + size - 1) / size : 0
            offset += dims[axis] > 0 ? start * strides[axis] : 0
            strides[axis] *= isUp ? size : -size
        }
        return try read(request, x, dims, strides: strides, offset: offset)
    }

    private static func concat(_ request: OperatorRequest) throws(OperatorRefusal) -> OperatorPlan {
        try request.limit(inputs: 64)
        let first = try request.input(0, of: ElementTypes.all)
        let axis = try request.axis(request.int("axis", 0), rank: first.rank)
        var dims = first.dims
        guard !dims.isEmpty, dims.count <= rankLimit else {
            throw request.refuse(HENG_REFUSAL_RANK, "Concat takes ranks from 1 to \(rankLimit).", argument: 0)
        }
        dims[axis] = 0
        var parts: [TensorSpec] = []
        for index in request.inputs.indices {
            let part = try request.input(index)
            var same = part.dims
            if same.count == dims.count { same[axis] = first.dims[axis] }
            guard part.type == first.type, same == first.dims else {
                throw request.refuse(
                    HENG_REFUSAL_SHAPE, "Input \(index) of Concat does not fit the first.", argument: index)
            }
            dims[axis] += part.dims[axis]
            parts.append(part)
        }
        let strides = denseStrides(dims)
        var offset = 0
        var steps: [OperatorStep] = []
        for (index, part) in parts.enumerated() where part.count > 0 {
            steps.append(
                view(
                    "write_view", part.type, from: .input(index), to: .output(0), dims: part.dims,
                    strides: strides,
                    offset: offset))
            offset += part.dims[axis] * strides[axis]
        }
        return OperatorPlan(
            [TensorSpec(type: first.type, dims: dims)], "element by element, with strides", steps)
    }

    private static func split(_ request: OperatorRequest) throws(OperatorRefusal) -> OperatorPlan {
        try request.limit(inputs: 2, outputs: 64)
        let x = try request.input(0, of: ElementTypes.all)
        let axis = try request.axis(request.int("axis", 0), rank: x.rank)
        guard (1...rankLimit).contains(x.rank) else {
            throw request.refuse(HENG_REFUSAL_RANK, "Split takes ranks from 1 to \(rankLimit).", argument: 0)
        }
        let count = request.int("num_outputs", max(1, request.outputCount))
        guard count > 0, count <= 64 else {
            throw request.refuse(HENG_REFUSAL_ATTRIBUTE, "Split cannot make \(count) parts.")
        }
        let even = (x.dims[axis] + count - 1) / count
        let sizes =
            try request.integers(1) ?? request.ints("split")
            ?? (0..<count).map { min(even, max(0, x.dims[axis] - $0 * even)) }
        guard sizes.reduce(0, +) == x.dims[axis], sizes.allSatisfy({ $0 >= 0 }), sizes.count <= 64,
            request.outputCount <= sizes.count
        else {
            throw request.refuse(
                HENG_REFUSAL_SHAPE, "The parts of Split do not make up the input.", argument: 1)
        }
        let strides = denseStrides(x.dims)
        var (outputs, steps, offset): ([TensorSpec], [OperatorStep], Int) = ([], [], 0)
        for (index, size) in sizes.enumerated() {
            var dims = x.dims
            dims[axis] = size
            outputs.append(TensorSpec(type: x.type, dims: dims))
            if outputs[index].count > 0, index < max(1, request.outputCount) {
                steps.append(
                    view(
                        "read_view", x.type, from: .input(0), to: .output(index), dims: dims,
                        strides: strides,
                        offset: offset))
            }
            offset += size * strides[axis]
        }
        return OperatorPlan(outputs, "element by element, with strides", steps)
    }

    private static func cast(_ request: OperatorRequest) throws(OperatorRefusal) -> OperatorPlan {
        try request.limit(inputs: 1)
        let x = try request.input(0, of: ElementTypes.all)
        let type = request.int("to", 0)
        _ = (request.int("saturate", 1), request.string("round_mode", "up"))
        guard ElementTypes.all.contains(type) else {
            throw request.refuse(HENG_REFUSAL_TYPE, "Cast to elements of type \(type) is not offered.")
        }
        let output = TensorSpec(type: type, dims: x.dims)
        if type == x.type {
            return OperatorPlan([output], "copy", [.copy(.input(0), .output(0), bytes: x.bytes)])
        }
        var step = KernelStep(.cast, "cast", type: x.type, groups: KernelStep.groups(for: x.count)) {
            $0.add(.input(0))
            $0.add(.output(0))
            $0.add(x.count)
        }
        step.defines.append("-DTO=\(type)")
        return OperatorPlan([output], "element by element", [.kernel(step)])
    }
}
