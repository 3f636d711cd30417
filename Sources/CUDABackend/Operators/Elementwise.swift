internal import CHengAccelerator
internal import CUDAKernelSources
internal import Essentials

/// Sets of element types.
enum ElementTypes {
    static let real: Set<Int> = [HENG_TYPE_FLOAT32, HENG_TYPE_FLOAT16, HENG_TYPE_BFLOAT16, HENG_TYPE_FLOAT64]
    static let signed: Set<Int> = [HENG_TYPE_INT8, HENG_TYPE_INT16, HENG_TYPE_INT32, HENG_TYPE_INT64]
    static let unsigned: Set<Int> = [HENG_TYPE_UINT8, HENG_TYPE_UINT16, HENG_TYPE_UINT32, HENG_TYPE_UINT64]
    static let integers = signed.union(unsigned)
    static let numbers = integers.union(real)
    static let boolean: Set<Int> = [HENG_TYPE_BOOL]
    static let all = numbers.union(boolean)
    static let indices: Set<Int> = [HENG_TYPE_INT32, HENG_TYPE_INT64]

    static func mask(_ types: Set<Int>) -> UInt64 { types.reduce(0) { $0 | 1 << UInt64($1) } }
}

/// An operator that is offered.
struct OperatorEntry: Sendable {
    var name: String
    var since: Int
    var types: Set<Int>
    var plan: @Sendable (OperatorRequest) throws(OperatorRefusal) -> OperatorPlan
}

/// Operators with one value in and one out.
enum Elementwise {
    /// The kernel's number of a function, its attributes with their defaults, and the types beyond real numbers.
    private struct Function {
        var number: Int
        var since = 1
        var a: (key: String, normal: Double)?
        var b: (key: String, normal: Double)?
        var types = ElementTypes.real
    }

    private static let functions: [String: Function] = [
        "Abs": Function(number: 0, since: 6, types: ElementTypes.numbers),
        "Neg": Function(number: 1, since: 6, types: ElementTypes.real.union(ElementTypes.signed)),
        "Exp": Function(number: 2, since: 6), "Log": Function(number: 3, since: 6),
        "Sqrt": Function(number: 4, since: 6), "Reciprocal": Function(number: 5, since: 6),
        "Relu": Function(number: 6, since: 6, types: ElementTypes.real.union(ElementTypes.signed)),
        "Sigmoid": Function(number: 7, since: 6), "Tanh": Function(number: 8, since: 6),
        "Erf": Function(number: 9, since: 9), "Sin": Function(number: 10, since: 7),
        "Cos": Function(number: 11, since: 7), "Floor": Function(number: 12, since: 6),
        "Ceil": Function(number: 13, since: 6), "Round": Function(number: 14, since: 11),
        "Sign": Function(number: 15, since: 9, types: ElementTypes.numbers),
        "Softplus": Function(number: 16), "Softsign": Function(number: 17),
        "LeakyRelu": Function(number: 18, since: 6, a: ("alpha", 0.01)),
        "Elu": Function(number: 19, since: 6, a: ("alpha", 1)),
        "HardSigmoid": Function(number: 20, since: 6, a: ("alpha", 0.2), b: ("beta", 0.5)),
        "HardSwish": Function(number: 21, since: 14),
        "Selu": Function(
            number: 24, since: 6, a: ("alpha", 1.67326319217681884765625),
            b: ("gamma", 1.05070102214813232421875)),
        "ThresholdedRelu": Function(number: 25, since: 10, a: ("alpha", 1)),
        "Celu": Function(number: 26, since: 12, a: ("alpha", 1)), "Mish": Function(number: 27, since: 18),
        "Tan": Function(number: 28, since: 7), "Asin": Function(number: 29, since: 7),
        "Acos": Function(number: 30, since: 7), "Atan": Function(number: 31, since: 7),
        "Sinh": Function(number: 32, since: 9), "Cosh": Function(number: 33, since: 9),
        "Asinh": Function(number: 34, since: 9), "Acosh": Function(number: 35, since: 9),
        "Atanh": Function(number: 36, since: 9), "Swish": Function(number: 37, since: 24, a: ("alpha", 1)),
        "Not": Function(number: 38, types: ElementTypes.boolean),
        "BitwiseNot": Function(number: 39, since: 18, types: ElementTypes.integers),
    ]

    static let entries: [OperatorEntry] =
        functions.map { name, function in
            OperatorEntry(name: name, since: function.since, types: function.types) {
                request throws(OperatorRefusal) in try plan(request, function)
            }
        } + [
            OperatorEntry(name: "Gelu", since: 20, types: ElementTypes.real, plan: gelu),
            OperatorEntry(name: "Clip", since: 11, types: ElementTypes.numbers, plan: clip),
            OperatorEntry(name: "IsNaN", since: 9, types: ElementTypes.real) {
                request throws(OperatorRefusal) in
                try classify(request, 0)
            },
            OperatorEntry(name: "IsInf", since: 10, types: ElementTypes.real) {
                request throws(OperatorRefusal) in
                try request.require("detect_negative", 1)
                try request.require("detect_positive", 1)
                return try classify(request, 1)
            },
        ]

    private static func plan(
        _ request: OperatorRequest, _ function: Function
    ) throws(OperatorRefusal) -> OperatorPlan {
        try request.limit(inputs: 1)
        let x = try request.input(0, of: function.types)
        let a = function.a.map { request.float($0.key, $0.normal) } ?? 0
        let b = function.b.map { request.float($0.key, $0.normal) } ?? 0
        return unary(x, function.number, a, b)
    }

    private static func unary(_ x: TensorSpec, _ number: Int, _ a: Double, _ b: Double) -> OperatorPlan {
        let step = KernelStep(.elementwise, "unary", type: x.type, groups: KernelStep.groups(for: x.count)) {
            $0.add(.input(0))
            $0.add(.output(0))
            $0.add(x.count)
            $0.add(small: number)
            $0.add(a)
            $0.add(b)
        }
        var plan = OperatorPlan(
            [TensorSpec(type: x.type, dims: x.dims)], "element by element", [.kernel(step)])
        plan.inPlaceInput = 0
        return plan
    }

    private static func gelu(_ request: OperatorRequest) throws(OperatorRefusal) -> OperatorPlan {
        try request.limit(inputs: 1)
        let x = try request.input(0, of: ElementTypes.real)
        switch request.string("approximate", "none") {
        case "none": return unary(x, 22, 0, 0)
        case "tanh": return unary(x, 23, 0, 0)
        case let other: throw request.refuse(HENG_REFUSAL_ATTRIBUTE, "Gelu has no approximation \(other).")
        }
    }

    private static func clip(_ request: OperatorRequest) throws(OperatorRefusal) -> OperatorPlan {
        try request.limit(inputs: 3)
        let x = try request.input(0, of: ElementTypes.numbers)
        for index in 1...2 where request.optional(index) != nil {
            let bound = try request.input(index)
            guard bound.type == x.type, bound.count == 1 else {
                throw request.refuse(
                    HENG_REFUSAL_SHAPE, "The bounds of Clip are single numbers of the input's type.",
                    argument: index)
            }
        }
        let step = KernelStep(.elementwise, "clip", type: x.type, groups: KernelStep.groups(for: x.count)) {
            $0.add(.input(0))
            $0.add(request.optional(1) == nil ? .none : .input(1))
            $0.add(request.optional(2) == nil ? .none : .input(2))
            $0.add(.output(0))
            $0.add(x.count)
        }
        return OperatorPlan([TensorSpec(type: x.type, dims: x.dims)], "element by element", [.kernel(step)])
    }

    private static func classify(
        _ request: OperatorRequest, _ function: Int
    ) throws(OperatorRefusal) -> OperatorPlan {
        try request.limit(inputs: 1)
        let x = try request.input(0, of: ElementTypes.real)
        let step = KernelStep(.elementwise, "classify", type: x.type, groups: KernelStep.groups(for: x.count))
        {
            $0.add(.input(0))
            $0.add(.output(0))
            $0.add(x.count)
            $0.add(small: function)
        }
        return OperatorPlan(
            [TensorSpec(type: HENG_TYPE_BOOL, dims: x.dims)], "element by element", [.kernel(step)])
    }
}
