internal import CHengAccelerator
internal import OpenCLKernelSources

/// Operators on single elements, and on pairs of them.
enum Elementwise {
    /// What a unary operator is called in the kernels, and its two parameters.
    struct Unary: Sendable {
        var kernel: String
        var types: Set<Int32> = ElementTypes.reals
        var makesTruth = false
        var parameters: @Sendable (OperatorUse) -> (Double, Double) = { _ in (0, 0) }
    }

    private static func one(_ key: String, _ standard: Double) -> @Sendable (OperatorUse) -> (Double, Double)
    {
        { use in (use.real(key) ?? standard, 0) }
    }

    private static func two(
        _ first: String, _ standard: Double, _ second: String, _ other: Double
    ) -> @Sendable (OperatorUse) -> (Double, Double) {
        { use in (use.real(first) ?? standard, use.real(second) ?? other) }
    }

    static let signed: Set<Int32> = [3, 5, 6, 7]

    static let unary: [String: Unary] = [
        "Relu": Unary(kernel: "relu", types: ElementTypes.reals.union(signed)),
        "LeakyRelu": Unary(kernel: "leaky_relu", parameters: one("alpha", 0.01)),
        "Sigmoid": Unary(kernel: "sigmoid"), "Tanh": Unary(kernel: "tanh"), "Exp": Unary(kernel: "exp"),
        "Log": Unary(kernel: "log"), "Sqrt": Unary(kernel: "sqrt"),
        "Abs": Unary(kernel: "abs", types: ElementTypes.numbers),
        "Neg": Unary(kernel: "neg", types: ElementTypes.reals.union(signed)),
        "Erf": Unary(kernel: "erf"), "Elu": Unary(kernel: "elu", parameters: one("alpha", 1)),
        "Celu": Unary(kernel: "celu", parameters: one("alpha", 1)),
        "Selu": Unary(
            kernel: "selu",
            parameters: two("alpha", 1.67326319217681884765625, "gamma", 1.05070102214813232421875)),
        "Softplus": Unary(kernel: "softplus"), "Softsign": Unary(kernel: "softsign"),
        "HardSigmoid": Unary(kernel: "hard_sigmoid", parameters: two("alpha", 0.2, "beta", 0.5)),
        "HardSwish": Unary(kernel: "hard_swish"), "Mish": Unary(kernel: "mish"),
        "Swish": Unary(kernel: "swish", parameters: one("alpha", 1)),
        "ThresholdedRelu": Unary(kernel: "thresholded_relu", parameters: one("alpha", 1)),
        "Shrink": Unary(kernel: "shrink", parameters: two("lambd", 0.5, "bias", 0)),
        "Floor": Unary(kernel: "floor"), "Ceil": Unary(kernel: "ceil"), "Round": Unary(kernel: "round"),
        "Sign": Unary(kernel: "sign", types: ElementTypes.numbers),
        "Reciprocal": Unary(kernel: "reciprocal"), "Sin": Unary(kernel: "sin"), "Cos": Unary(kernel: "cos"),
        "Tan": Unary(kernel: "tan"), "Asin": Unary(kernel: "asin"), "Acos": Unary(kernel: "acos"),
        "Atan": Unary(kernel: "atan"), "Sinh": Unary(kernel: "sinh"), "Cosh": Unary(kernel: "cosh"),
        "Asinh": Unary(kernel: "asinh"), "Acosh": Unary(kernel: "acosh"), "Atanh": Unary(kernel: "atanh"),
        "Not": Unary(kernel: "not", types: [ElementTypes.bool]),
        "BitwiseNot": Unary(kernel: "bitwise_not", types: ElementTypes.integers),
        "IsNaN": Unary(kernel: "is_nan", makesTruth: true),
        "IsInf": Unary(
            kernel: "is_inf", makesTruth: true,
            parameters: two("detect_negative", 1, "detect_positive", 1)),
    ]

    static func planUnary(_ plan: inout Plan, _ use: OperatorUse) throws(Refusal) {
        guard let form = unary[use.name] else { return }
        let x = try use.input(0, of: form.types)
        let (a, b) = form.parameters(use)
        plan.add(output: form.makesTruth ? ElementTypes.bool : x.type, x.dims)
        unary(&plan, form.kernel, x, a, b, makesTruth: form.makesTruth)
        if !form.makesTruth { plan.inPlace = 0 }
    }

    static func unary(
        _ plan: inout Plan, _ kernel: String, _ x: TensorFacts, _ a: Double, _ b: Double,
        makesTruth: Bool = false
    ) {
        plan.run(
            .unary, "unary", type: x.type,
            ["HENG_OPERATOR=TO_\(kernel)"] + (makesTruth ? ["HENG_MAKES_TRUTH"] : []),
            [.tensor(.output(0)), .tensor(.input(0)), .uint(x.count), .value(a, x.type), .value(b, x.type)],
            count: x.count)
    }

    static func planGelu(_ plan: inout Plan, _ use: OperatorUse) throws(Refusal) {
        let x = try use.input(0, of: ElementTypes.reals)
        let form = use.text("approximate") ?? "none"
        guard ["none", "tanh"].contains(form) else {
            throw use.refuse(HENG_REFUSAL_ATTRIBUTE, "has no approximation \"\(form)\".")
        }
        plan.add(output: x.type, x.dims)
        unary(&plan, form == "tanh" ? "gelu_tanh" : "gelu", x, 0, 0)
    }

    static func planClip(_ plan: inout Plan, _ use: OperatorUse) throws(Refusal) {
        let x = try use.input(0, of: ElementTypes.numbers)
        let isReal = ElementTypes.reals.contains(x.type)
        let (lowest, highest) = isReal ? (-Double.infinity, .infinity) : integerRange(x.type)
        func limit(_ index: Int, _ key: String, _ standard: Double) throws(Refusal) -> Double {
            if let value = use.real(key) { return value }
            guard use.has(index) else { return standard }
            // Beyond 2^53 a double does not hold every whole number.
            return try use.constantReal(index)
        }
        let (low, high) = (try limit(1, "min", lowest), try limit(2, "max", highest))
        plan.add(output: x.type, x.dims)
        unary(&plan, "clip", x, low, high)
    }

    static func integerRange(_ type: Int32) -> (Double, Double) {
        let bits = ElementTypes.size(type) * 8
        let isSigned = signed.contains(type)
        return isSigned
            ? (
                -Double(sign: .plus, exponent: bits - 1, significand: 1),
                Double(sign: .plus, exponent: bits - 1, significand: 1) - 1
            )
            : (0, Double(sign: .plus, exponent: bits, significand: 1) - 1)
    }

    static func planIdentity(_ plan: inout Plan, _ use: OperatorUse) throws(Refusal) {
        let x = try use.input(0, of: ElementTypes.movable)
        plan.add(output: x.type, x.dims)
        plan.algorithm = "copy"
        plan.copy(.output(0), .input(0), x.bytes)
    }

    static func planCast(_ plan: inout Plan, _ use: OperatorUse) throws(Refusal) {
        let x = try use.input(0, of: ElementTypes.movable)
        let target: Int32
        if use.name == "CastLike" {
            target = try use.input(1).type
        } else {
            guard let to = use.integer("to") else { throw use.refuse(HENG_REFUSAL_ATTRIBUTE, "lacks `to`.") }
            target = Int32(clamping: to)
        }
        guard ElementTypes.movable.contains(target), use.hasDouble || target != ElementTypes.float64 else {
            throw use.refuse(HENG_REFUSAL_TYPE, "does not make \(ElementTypes.name(target)) on this device.")
        }
        plan.add(output: target, x.dims)
        guard target != x.type else {
            plan.copy(.output(0), .input(0), x.bytes)
            return
        }
        plan.run(
            .cast, "cast_elements", type: x.type, ["HENG_TARGET=\(target)"],
            [.tensor(.output(0)), .tensor(.input(0)), .uint(x.count)], count: x.count)
    }
}

// MARK: - Pairs

extension Elementwise {
    struct Binary: Sendable {
        var kernel: String
        var types: Set<Int32> = ElementTypes.numbers
        var makesTruth = false
    }

    static let binary: [String: Binary] = [
        "Add": Binary(kernel: "add"), "Sub": Binary(kernel: "sub"), "Mul": Binary(kernel: "mul"),
        "Div": Binary(kernel: "div"), "Pow": Binary(kernel: "pow"), "PRelu": Binary(kernel: "prelu"),
        "Equal": Binary(kernel: "equal", types: ElementTypes.movable, makesTruth: true),
        "Greater": Binary(kernel: "greater", makesTruth: true),
        "GreaterOrEqual": Binary(kernel: "greater_or_equal", makesTruth: true),
        "Less": Binary(kernel: "less", makesTruth: true),
        "LessOrEqual": Binary(kernel: "less_or_equal", makesTruth: true),
        "And": Binary(kernel: "and", types: [ElementTypes.bool], makesTruth: true),
        "Or": Binary(kernel: "or", types: [ElementTypes.bool], makesTruth: true),
        "Xor": Binary(kernel: "xor", types: [ElementTypes.bool], makesTruth: true),
        "BitwiseAnd": Binary(kernel: "bitwise_and", types: ElementTypes.integers),
        "BitwiseOr": Binary(kernel: "bitwise_or", types: ElementTypes.integers),
        "BitwiseXor": Binary(kernel: "bitwise_xor", types: ElementTypes.integers),
    ]

    static func planBinary(_ plan: inout Plan, _ use: OperatorUse) throws(Refusal) {
        guard let form = binary[use.name] else { return }
        let a = try use.input(0, of: form.types)
        let b = try use.input(1, like: a)
        let dims = try Walk.common(a.dims, b.dims, use)
        if use.name == "PRelu", dims != a.dims {
            throw use.refuse(HENG_REFUSAL_SHAPE, "has a slope that is larger than its input.", argument: 1)
        }
        plan.add(output: form.makesTruth ? ElementTypes.bool : a.type, dims)
        try pair(&plan, form.kernel, use, a, b, .input(0), .input(1), dims, makesTruth: form.makesTruth)
    }

    /// One kernel over a pair of tensors, repeated to the shape of output 0.
    static func pair(
        _ plan: inout Plan, _ kernel: String, _ use: OperatorUse, _ a: TensorFacts, _ b: TensorFacts,
        _ first: Place, _ second: Place, _ dims: [Int], makesTruth: Bool = false
    ) throws(Refusal) {
        let count = dims.reduce(1, *)
        guard count > 0 else { return }
        let walk = try Walk(
            dims, [Walk.repeated(a.dims, to: dims), Walk.repeated(b.dims, to: dims)], use)
        let defines = ["HENG_OPERATOR=OF_\(kernel)"] + (makesTruth ? ["HENG_MAKES_TRUTH"] : [])
        let arguments: [StepArgument] = [
            .tensor(.output(0)), .tensor(first), .tensor(second), .uint(count),
        ]
        if walk.isPlain {
            plan.run(.binary, "binary", type: a.type, defines, arguments, count: count)
        } else {
            plan.run(
                .binary, "binary_walk", type: a.type, defines, arguments + [.bytes(walk.bytes)], count: count)
        }
    }

    static func planMod(_ plan: inout Plan, _ use: OperatorUse) throws(Refusal) {
        let a = try use.input(0, of: ElementTypes.numbers)
        let b = try use.input(1, like: a)
        let isC = use.integer("fmod") ?? 0 != 0
        if ElementTypes.reals.contains(a.type), !isC {
            throw use.refuse(HENG_REFUSAL_ATTRIBUTE, "needs fmod = 1 for real numbers.")
        }
        let dims = try Walk.common(a.dims, b.dims, use)
        plan.add(output: a.type, dims)
        try pair(&plan, isC ? "fmod" : "mod", use, a, b, .input(0), .input(1), dims)
    }

    static func planBitShift(_ plan: inout Plan, _ use: OperatorUse) throws(Refusal) {
        let a = try use.input(0, of: [2, 4, 12, 13])
        let b = try use.input(1, like: a)
        guard let direction = use.text("direction"), ["LEFT", "RIGHT"].contains(direction) else {
            throw use.refuse(HENG_REFUSAL_ATTRIBUTE, "needs the direction LEFT or RIGHT.")
        }
        let dims = try Walk.common(a.dims, b.dims, use)
        plan.add(output: a.type, dims)
        try pair(
            &plan, direction == "LEFT" ? "shift_left" : "shift_right", use, a, b, .input(0), .input(1), dims)
    }

    /// Sum, Mean, Max and Min of any number of tensors: pair after pair, over the output.
    static func planVariadic(_ plan: inout Plan, _ use: OperatorUse) throws(Refusal) {
        let isWhole = use.name == "Max" || use.name == "Min"
        let first = try use.input(0, of: isWhole ? ElementTypes.numbers : ElementTypes.reals)
        var dims = first.dims
        for index in use.inputs.indices.dropFirst() {
            dims = try Walk.common(dims, try use.input(index, like: first).dims, use)
        }
        plan.add(output: first.type, dims)
        let kernel = ["Max": "max", "Min": "min"][use.name] ?? "add"
        if use.inputs.count == 1 {
            plan.copy(.output(0), .input(0), first.bytes)
            return
        }
        var sum = first
        var place = Place.input(0)
        for index in use.inputs.indices.dropFirst() {
            try pair(
                &plan, kernel, use, sum, try use.input(index), place, .input(index), dims)
            sum = TensorFacts(type: first.type, dims: dims)
            place = .output(0)
        }
        guard use.name == "Mean", sum.count > 0 else { return }
        plan.run(
            .binary, "binary_scalar", type: first.type, ["HENG_OPERATOR=OF_mul"],
            [
                .tensor(.output(0)), .tensor(.output(0)), .uint(sum.count),
                .value(1 / Double(use.inputs.count), first.type),
            ], count: sum.count)
    }

    static func planWhere(_ plan: inout Plan, _ use: OperatorUse) throws(Refusal) {
        let condition = try use.input(0, of: [ElementTypes.bool])
        let x = try use.input(1, of: ElementTypes.movable)
        let y = try use.input(2, like: x)
        let dims = try Walk.common(try Walk.common(condition.dims, x.dims, use), y.dims, use)
        plan.add(output: x.type, dims)
        let count = dims.reduce(1, *)
        guard count > 0 else { return }
        let walk = try Walk(dims, [condition, x, y].map { Walk.repeated($0.dims, to: dims) }, use)
        plan.run(
            .where, "where_elements", ["HENG_SIZE=\(x.elementSize)"],
            [
                .tensor(.output(0)), .tensor(.input(0)), .tensor(.input(1)), .tensor(.input(2)), .uint(count),
                .bytes(walk.bytes),
            ], count: count)
    }
}
