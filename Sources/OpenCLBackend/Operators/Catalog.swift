internal import CHengAccelerator

/// The operators that OpenCL devices offer: names and versions of ONNX, and who plans them.
struct OperatorEntry: Sendable {
    var name: String
    var since: Int
    /// The element types of the first input.
    var types: Set<Int32>
    /// The attributes that are understood; another one is a reason to refuse.
    var attributes: Set<String>
    var plan: @Sendable (inout Plan, OperatorUse) throws(Refusal) -> Void
}

enum Catalog {
    /// In the order of their names.
    static let all: [OperatorEntry] = (elements + products + shapes + reductions + windows + normalizations)
        .sorted { $0.name < $1.name }

    static let byName: [String: OperatorEntry] = Dictionary(
        all.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })

    /// Those whose outputs are sums.
    private static let adding = Set((products + reductions + windows + normalizations).map(\.name))

    /// The newest version of ONNX's operator set that the entries were written for.
    static let newest = 27

    private static func entry(
        _ name: String, _ since: Int, _ types: Set<Int32>, _ attributes: Set<String>,
        _ plan: @escaping @Sendable (inout Plan, OperatorUse) throws(Refusal) -> Void
    ) -> OperatorEntry {
        OperatorEntry(name: name, since: since, types: types, attributes: attributes, plan: plan)
    }

    /// The versions that brought operators of one and two elements, where it is not 6 and 7.
    private static let firstVersions: [String: Int] = [
        "Not": 1, "Softplus": 1, "Softsign": 1, "Sin": 7, "Cos": 7, "Tan": 7, "Asin": 7, "Acos": 7, "Atan": 7,
        "Sinh": 9, "Cosh": 9, "Asinh": 9, "Acosh": 9, "Atanh": 9, "Erf": 9, "IsNaN": 9, "Shrink": 9,
        "Sign": 9,
        "IsInf": 10, "ThresholdedRelu": 10, "Round": 11, "Celu": 12, "HardSwish": 14, "Mish": 18,
        "BitwiseNot": 18, "Swish": 24, "GreaterOrEqual": 12, "LessOrEqual": 12, "BitwiseAnd": 18,
        "BitwiseOr": 18, "BitwiseXor": 18,
    ]

    private static let elements: [OperatorEntry] =
        Elementwise.unary.map { name, form in
            entry(
                name, firstVersions[name] ?? 6, form.types,
                ["alpha", "beta", "gamma", "lambd", "bias", "detect_negative", "detect_positive"],
                Elementwise.planUnary)
        }
        + Elementwise.binary.map { name, form in
            entry(name, firstVersions[name] ?? 7, form.types, [], Elementwise.planBinary)
        }
        + ["Sum", "Mean", "Max", "Min"].map {
            entry(
                $0, 8, $0.hasPrefix("M") && $0 != "Mean" ? ElementTypes.numbers : ElementTypes.reals, [],
                Elementwise.planVariadic)
        } + [
            entry("Gelu", 20, ElementTypes.reals, ["approximate"], Elementwise.planGelu),
            entry("Clip", 6, ElementTypes.numbers, ["min", "max"], Elementwise.planClip),
            entry("Identity", 1, ElementTypes.movable, [], Elementwise.planIdentity),
            entry("Cast", 6, ElementTypes.movable, ["to", "saturate", "round_mode"], Elementwise.planCast),
            entry("CastLike", 15, ElementTypes.movable, ["saturate", "round_mode"], Elementwise.planCast),
            entry("Mod", 10, ElementTypes.numbers, ["fmod"], Elementwise.planMod),
            entry("BitShift", 11, [2, 4, 12, 13], ["direction"], Elementwise.planBitShift),
            entry("Where", 9, [ElementTypes.bool], [], Elementwise.planWhere),
        ]

    private static let products = [
        entry("MatMul", 1, Products.types, [], Products.planMatMul),
        entry("Gemm", 7, Products.types, ["alpha", "beta", "transA", "transB"], Products.planGemm),
        entry(
            "Attention", 23, ElementTypes.reals,
            [
                "is_causal", "kv_num_heads", "q_num_heads", "qk_matmul_output_mode", "scale", "softcap",
                "softmax_precision",
            ],
            Attentions.plan),
    ]

    private static let shapes = [
        entry("Transpose", 1, ElementTypes.movable, ["perm"], Movements.planTranspose),
        entry("Concat", 4, ElementTypes.movable, ["axis"], Movements.planConcat),
        entry("Split", 2, ElementTypes.movable, ["axis", "split", "num_outputs"], Movements.planSplit),
        entry("Slice", 1, ElementTypes.movable, ["starts", "ends", "axes"], Movements.planSlice),
        entry("Expand", 8, ElementTypes.movable, [], Movements.planExpand),
        entry("Tile", 6, ElementTypes.movable, [], Movements.planTile),
        entry("Reshape", 1, ElementTypes.movable, ["shape", "allowzero"], Movements.planShape),
        entry("Flatten", 1, ElementTypes.movable, ["axis"], Movements.planShape),
        entry("Squeeze", 1, ElementTypes.movable, ["axes"], Movements.planShape),
        entry("Unsqueeze", 1, ElementTypes.movable, ["axes"], Movements.planShape),
        entry("Gather", 1, ElementTypes.movable, ["axis"], Movements.planGather),
        entry("GatherElements", 11, ElementTypes.movable, ["axis"], Movements.planGatherElements),
        entry("Pad", 2, ElementTypes.movable, ["mode", "pads", "value"], Padding.plan),
    ]

    private static let reductions: [OperatorEntry] =
        Reductions.forms.map { name, form in
            entry(name, 1, form.types, ["axes", "keepdims", "noop_with_empty_axes"], Reductions.plan)
        }
        + ["ArgMax", "ArgMin"].map {
            entry(
                $0, 1, ElementTypes.numbers, ["axis", "keepdims", "select_last_index"],
                Reductions.planArgument)
        }
        + ["Softmax", "LogSoftmax"].map { entry($0, 1, ElementTypes.reals, ["axis"], Reductions.planSoftmax) }

    private static let slide: Set<String> = ["auto_pad", "dilations", "kernel_shape", "pads", "strides"]

    private static let windows = [
        entry("Conv", 1, ElementTypes.reals, slide.union(["group"]), Convolutions.plan),
        entry(
            "ConvTranspose", 1, ElementTypes.reals, slide.union(["group", "output_padding", "output_shape"]),
            Convolutions.planTransposed),
        entry(
            "MaxPool", 1, ElementTypes.reals.union([2, 3]), slide.union(["ceil_mode", "storage_order"]),
            Pools.plan),
        entry(
            "AveragePool", 1, ElementTypes.reals, slide.union(["ceil_mode", "count_include_pad"]), Pools.plan),
        entry("GlobalAveragePool", 1, ElementTypes.reals, [], Pools.planGlobal),
        entry("GlobalMaxPool", 1, ElementTypes.reals, [], Pools.planGlobal),
    ]

    private static let normalizations = [
        entry(
            "BatchNormalization", 7, ElementTypes.reals, ["epsilon", "momentum", "training_mode", "spatial"],
            Normalizations.planBatch),
        entry(
            "LayerNormalization", 17, ElementTypes.reals, ["axis", "epsilon", "stash_type"],
            Normalizations.planLayer),
        entry(
            "RMSNormalization", 23, ElementTypes.reals, ["axis", "epsilon", "stash_type"],
            Normalizations.planLayer),
        entry("InstanceNormalization", 6, ElementTypes.reals, ["epsilon"], Normalizations.planGroup),
        entry(
            "GroupNormalization", 18, ElementTypes.reals, ["epsilon", "num_groups", "stash_type"],
            Normalizations.planGroup),
        entry(
            "LRN", 1, ElementTypes.reals, ["alpha", "beta", "bias", "size"], Normalizations.planLocalResponse),
    ]

    /// The plan for a use, or why there is none.
    static func plan(_ use: OperatorUse) throws(Refusal) -> Plan {
        guard let entry = byName[use.name] else {
            throw Refusal(reason: HENG_REFUSAL_OPERATOR, text: "OpenCL devices do not offer \(use.name).")
        }
        guard use.isVersion(entry.since), use.version <= newest else {
            throw use.refuse(
                HENG_REFUSAL_VERSION,
                "is offered from version \(entry.since) to \(newest), not \(use.version).")
        }
        guard use.determinism <= HENG_DETERMINISM_THREADS else {
            throw use.refuse(
                HENG_REFUSAL_DETERMINISM, "gives the same bits on any number of compute units, but no more.")
        }
        for key in use.attributes.keys.sorted() where !entry.attributes.contains(key) {
            throw use.refuse(HENG_REFUSAL_ATTRIBUTE, "has the attribute \(key), which is not understood.")
        }
        var plan = Plan(isCPU: use.isCPU)
        try entry.plan(&plan, use)
        if use.accumulation == HENG_ACCUMULATION_FLOAT64, adding.contains(use.name),
            plan.outputs.contains(where: {
                ElementTypes.reals.contains($0.type) && $0.type != ElementTypes.float64
            })
        {
            throw use.refuse(
                HENG_REFUSAL_ACCUMULATION, "adds up in the type of its output, not in float64.")
        }
        return plan
    }

    /// The same, held against the outputs that the caller knows.
    static func checkedPlan(_ use: OperatorUse) throws(Refusal) -> Plan {
        let plan = try plan(use)
        guard use.outputs.count <= plan.outputs.count else {
            throw use.refuse(
                HENG_REFUSAL_OTHER,
                "has \(plan.outputs.count) outputs here, and \(use.outputs.count) are asked for.")
        }
        for (index, given) in use.outputs.enumerated() {
            guard let given else { continue }
            let own = plan.outputs[index]
            guard own.type == given.type else {
                throw use.refuse(
                    HENG_REFUSAL_TYPE,
                    "makes \(ElementTypes.name(own.type)) as output \(index), not \(ElementTypes.name(given.type))."
                )
            }
            guard own.dims == given.dims else {
                throw use.refuse(
                    HENG_REFUSAL_SHAPE, "makes a shape \(own.dims) as output \(index), not \(given.dims).")
            }
        }
        return plan
    }
}
