internal import CHengAccelerator
internal import CUDAKernelSources
internal import Essentials

/// Operators of two or more values that broadcast.
enum Binary {
    private static let functions: [(name: String, number: Int, since: Int, types: Set<Int>)] = [
        ("Add", 0, 7, ElementTypes.numbers), ("Sub", 1, 7, ElementTypes.numbers),
        ("Mul", 2, 7, ElementTypes.numbers), ("Div", 3, 7, ElementTypes.numbers),
        ("Pow", 4, 7, ElementTypes.numbers), ("PRelu", 9, 7, ElementTypes.real),
        ("BitwiseAnd", 10, 18, ElementTypes.integers), ("BitwiseOr", 11, 18, ElementTypes.integers),
        ("BitwiseXor", 12, 18, ElementTypes.integers), ("And", 13, 7, ElementTypes.boolean),
        ("Or", 14, 7, ElementTypes.boolean), ("Xor", 15, 7, ElementTypes.boolean),
    ]
    private static let comparisons: [(name: String, number: Int, since: Int, types: Set<Int>)] = [
        ("Equal", 0, 7, ElementTypes.all), ("Less", 1, 7, ElementTypes.numbers),
        ("Greater", 2, 7, ElementTypes.numbers), ("LessOrEqual", 3, 12, ElementTypes.numbers),
        ("GreaterOrEqual", 4, 12, ElementTypes.numbers),
    ]
    private static let variadic: [(name: String, number: Int, since: Int, types: Set<Int>)] = [
        ("Sum", 0, 8, ElementTypes.real), ("Min", 5, 8, ElementTypes.numbers),
        ("Max", 6, 8, ElementTypes.numbers),
    ]

    static let entries: [OperatorEntry] =
        functions.map { name, number, since, types in
            OperatorEntry(name: name, since: since, types: types) { request throws(OperatorRefusal) in
                try request.limit(inputs: 2)
                return try fold(request, number, types)
            }
        }
        + variadic.map { name, number, since, types in
            OperatorEntry(name: name, since: since, types: types) { request throws(OperatorRefusal) in
                try request.limit(inputs: 64)
                return try fold(request, number, types)
            }
        }
        + comparisons.map { name, number, since, types in
            OperatorEntry(name: name, since: since, types: types) { request throws(OperatorRefusal) in
                try compare(request, number, types)
            }
        } + [
            OperatorEntry(name: "Mod", since: 10, types: ElementTypes.numbers) {
                request throws(OperatorRefusal) in
                try request.limit(inputs: 2)
                return try fold(request, request.int("fmod", 0) == 0 ? 7 : 8, ElementTypes.numbers)
            },
            OperatorEntry(name: "Where", since: 9, types: ElementTypes.boolean, plan: choose),
        ]

    /// The first two inputs together, then each further one onto the result.
    private static func fold(
        _ request: OperatorRequest, _ number: Int, _ types: Set<Int>
    ) throws(OperatorRefusal) -> OperatorPlan {
        let count = request.inputs.count
        var inputs: [TensorSpec] = []
        var dims: [Int] = []
        for index in 0..<count {
            let input = try request.input(index, of: types)
            guard input.type == inputs.first?.type ?? input.type else {
                throw request.refuse(
                    HENG_REFUSAL_TYPE, "The inputs of \(request.name) have different types.", argument: index)
            }
            dims = try joined(request, dims, input.dims, index)
            inputs.append(input)
        }
        guard let type = inputs.first?.type else {
            throw request.refuse(HENG_REFUSAL_OTHER, "\(request.name) has no inputs.")
        }
        let output = TensorSpec(type: type, dims: dims)
        if count == 1 {
            return OperatorPlan([output], "copy", [.copy(.input(0), .output(0), bytes: output.bytes)])
        }
        var steps: [OperatorStep] = []
        for index in 1..<count {
            let left: (Operand, [Int]) = index == 1 ? (.input(0), inputs[0].dims) : (.output(0), dims)
            steps.append(
                .kernel(
                    kernel("binary", type, dims, [left, (.input(index), inputs[index].dims)]) {
                        $0.add(small: number)
                    }))
        }
        return OperatorPlan([output], "element by element, with strides", steps)
    }

    private static func joined(
        _ request: OperatorRequest, _ first: [Int], _ second: [Int], _ index: Int
    ) throws(OperatorRefusal) -> [Int] {
        guard let dims = broadcast(first, second), dims.count <= rankLimit else {
            throw request.refuse(
                HENG_REFUSAL_SHAPE, "Shapes \(first) and \(second) of \(request.name) do not fit each other.",
                argument: index)
        }
        return dims
    }

    /// A kernel over broadcast operands; `more` adds the function between the count and the mark of flatness.
    private static func kernel(
        _ name: String, _ type: Int, _ dims: [Int], _ operands: [(Operand, [Int])],
        _ more: (inout KernelArguments) -> Void
    ) -> KernelStep {
        let count = dims.reduce(1, *)
        return KernelStep(.binary, name, type: type, groups: KernelStep.groups(for: count)) { arguments in
            for (operand, _) in operands { arguments.add(operand) }
            arguments.add(.output(0))
            let strides = (0..<3).flatMap { index in
                padded(operands.indices.contains(index) ? broadcastStrides(operands[index].1, to: dims) : [])
            }
            arguments.add([dims.count] + padded(dims, 1) + strides)
            arguments.add(count)
            more(&arguments)
            arguments.add(small: operands.allSatisfy { $0.1 == dims } ? 1 : 0)
        }
    }

    private static func compare(
        _ request: OperatorRequest, _ number: Int, _ types: Set<Int>
    ) throws(OperatorRefusal) -> OperatorPlan {
        try request.limit(inputs: 2)
        let a = try request.input(0, of: types)
        let b = try request.input(1, of: types)
        guard a.type == b.type else {
            throw request.refuse(
                HENG_REFUSAL_TYPE, "The inputs of \(request.name) have different types.", argument: 1)
        }
        let dims = try joined(request, a.dims, b.dims, 1)
        let step = kernel("compare", a.type, dims, [(.input(0), a.dims), (.input(1), b.dims)]) {
            $0.add(small: number)
        }
        return OperatorPlan(
            [TensorSpec(type: HENG_TYPE_BOOL, dims: dims)], "element by element, with strides",
            [.kernel(step)])
    }

    private static func choose(_ request: OperatorRequest) throws(OperatorRefusal) -> OperatorPlan {
        try request.limit(inputs: 3)
        let condition = try request.input(0, of: ElementTypes.boolean)
        let a = try request.input(1, of: ElementTypes.all)
        let b = try request.input(2, of: ElementTypes.all)
        guard a.type == b.type else {
            throw request.refuse(HENG_REFUSAL_TYPE, "The values of Where have different types.", argument: 2)
        }
        let dims = try joined(request, try joined(request, condition.dims, a.dims, 1), b.dims, 2)
        let operands: [(Operand, [Int])] = [
            (.input(0), condition.dims), (.input(1), a.dims), (.input(2), b.dims),
        ]
        let step = kernel("choose", a.type, dims, operands) { _ in }
        return OperatorPlan(
            [TensorSpec(type: a.type, dims: dims)], "element by element, with strides", [.kernel(step)])
    }
}
