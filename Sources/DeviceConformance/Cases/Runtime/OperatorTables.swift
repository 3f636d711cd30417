internal import AcceleratorAPI
internal import CHengAccelerator
internal import Essentials

/// The first of these simple operators that the device takes, with what it computes of two numbers.
private let simple: [(name: String, of: @Sendable (Float, Float) -> Float)] = [
    ("Add", { $0 + $1 }), ("Mul", { $0 * $1 }), ("Sub", { $0 - $1 }), ("Max", { max($0, $1) }),
]

extension Trial {
    func simpleUse(
        _ table: heng_operator_table, _ dims: [Int64]
    ) throws -> (use: OperatorUse, of: @Sendable (Float, Float) -> Float) {
        var shape = TensorShape(1)
        shape.dims = dims
        for (name, of) in simple {
            let use = OperatorUse(name, inputs: [shape, shape], outputs: [shape])
            if unsafe rig.supports(table, use).answer.code == 0 { return (use, of) }
        }
        throw CaseEnd.outside("The device takes none of Add, Mul, Sub and Max on float32.")
    }
}

func bytes(_ floats: [Float]) -> [UInt8] {
    floats.flatMap { value in (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> ($0 * 8)) } }
}

extension DeviceCases {
    static let operatorTables: [DeviceCase] = [
        .table("list", "the list of operators ends, and its entries make sense", 43) { trial in
            _ = try unsafe trial.operatorTable()
            guard let listed = try trial.rig.operators() else { throw CaseEnd.outside("There is no list.") }
            try trial.require(!listed.isEmpty, "A group of operators without an operator.")
            for entry in listed {
                try trial.require(
                    entry.until == 0 || entry.until >= entry.since, "\(entry.name) ends before it begins.")
                try trial.require(entry.types != 0, "\(entry.name) takes no type.")
                try trial.require(
                    entry.types >> UInt64(HENG_TYPE_INT2 + 1) == 0 && entry.types & 1 == 0,
                    "\(entry.name) takes types that there are not: \(entry.types).")
            }
            try trial.require(
                try trial.rig.operators() == listed, "The list changes from one reading to the next.")
        },
        .table("unknown", "an operator that is none is refused, with a reason and a sentence", 49, 62) {
            trial in
            let table = try unsafe trial.operatorTable()
            let use = OperatorUse("NoSuchOperator", inputs: [TensorShape(4)], outputs: [TensorShape(4)])
            let (answer, reason, text) = unsafe trial.rig.supports(table, use)
            try answer.gives(.unsupported, .operatorName, when: "for an operator that is none")
            try trial.require(
                reason == Int32(HENG_REFUSAL_OPERATOR), "The reason is \(reason), and not the operator.")
            try trial.require(!text.isEmpty, "The refusal has no sentence.")
            let context = try trial.context()
            let (made, _) = unsafe trial.rig.prepare(table, use, in: context)
            try made.gives(.unsupported, .operatorName, when: "for an operator that is none")
        },
        .table("type", "an element type that is none is refused", 37, 49) { trial in
            let table = try unsafe trial.operatorTable()
            let (use, _) = try unsafe trial.simpleUse(table, [4])
            var wrong = use
            wrong.inputs = [TensorShape(4, type: 99), TensorShape(4, type: 99)]
            let (answer, _, text) = unsafe trial.rig.supports(table, wrong)
            try answer.gives(.unsupported, .dataType, when: "for the element type 99")
            try trial.require(
                answer.code != DeviceError.Code.unsupported.rawValue || !text.isEmpty,
                "The refusal has no sentence.")
        },
        .table("format", "axes may be named by any layout that there is, and by no other", 38) { trial in
            let table = try unsafe trial.operatorTable()
            let (use, _) = try unsafe trial.simpleUse(table, [1, 2, 3, 4])
            for format in [HENG_FORMAT_UNDEFINED, HENG_FORMAT_ND, HENG_FORMAT_NCHW, HENG_FORMAT_NHWC] {
                var other = use
                for index in 0..<2 { other.inputs[index].format = Int32(format) }
                let (answer, reason, text) = unsafe trial.rig.supports(table, other)
                guard answer.code != 0 else { continue }
                try answer.gives(.unsupported, .format, when: "for the layout \(format)")
                try trial.require(
                    format != HENG_FORMAT_ND && reason == Int32(HENG_REFUSAL_LAYOUT) && !text.isEmpty,
                    "The layout \(format) is refused for the reason \(reason): \(text)")
            }
        },
        .table(
            "rank", "a tensor of too many axes, or of unknown ones, is refused and read no further", 39, 41,
            49
        ) {
            trial in
            let table = try unsafe trial.operatorTable()
            var (use, _) = try unsafe trial.simpleUse(table, [2, 3])
            use.inputs[0].name = String(repeating: "n", count: Int(HENG_NAME_LIMIT))
            try unsafe trial.rig.supports(table, use).answer.done("for a tensor with a name of 128 letters")
            var wrong = use
            wrong.inputs[0].dims = [Int64](repeating: 1, count: Int(HENG_RANK_LIMIT) + 1)
            try unsafe trial.rig.supports(table, wrong).answer.fails(when: "for a tensor of 129 axes")
            wrong = use
            wrong.inputs[1].rank = HENG_RANK_UNKNOWN
            try unsafe trial.rig.supports(table, wrong).answer.fails(when: "for a tensor of unknown rank")
            wrong = use
            wrong.inputs[1].dims = [-5, 3]
            try unsafe trial.rig.supports(table, wrong).answer.fails(when: "for an extent of -5")
        },
        .table("infer", "the shape of an output is inferred, with broadcasting", 48) { trial in
            let table = try unsafe trial.operatorTable()
            var (use, _) = try unsafe trial.simpleUse(table, [4])
            use.inputs = [TensorShape(2, 1, 4), TensorShape(3, 4)]
            let (answer, type, dims) = unsafe trial.rig.infer(table, use)
            if answer.isMissing { throw CaseEnd.outside("The maker infers no shapes.") }
            try answer.done()
            try trial.require(type == Int32(HENG_TYPE_FLOAT32), "The inferred type is \(type).")
            try trial.require(
                dims == [2, 3, 4], "The inferred extents are \(dims), and should be [2, 3, 4].")
        },
        .table("execute", "a prepared operator runs many times, with different memory", 44, 46, 47) { trial in
            let table = try unsafe trial.operatorTable()
            let count = 1000
            let (use, of) = try unsafe trial.simpleUse(table, [Int64(count)])
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let (made, info) = unsafe trial.rig.prepare(table, use, in: context)
            let prepared = try made.made()
            trial.atEnd { [rig = trial.rig] in unsafe rig.destroy(table, prepared) }
            let scratch = unsafe Int(info.workspace_bytes)
            let workspace =
                scratch == 0 ? nil : Place.buffer(try trial.buffer(in: context, scratch), size: scratch)
            let size = count * 4
            for round in 0..<5 {
                let first = (0..<count).map { Float($0 % 97) - 40 + Float(round) }
                let second = (0..<count).map { Float($0 % 13) * 0.5 }
                let buffers = try (0..<3).map { _ in try trial.buffer(in: context, size) }
                try trial.write(bytes(first), to: buffers[0], of: size, stream)
                try trial.write(bytes(second), to: buffers[1], of: size, stream)
                try unsafe trial.rig.execute(
                    table, prepared, in: stream, inputs: buffers[..<2].map { .buffer($0, size: size) },
                    outputs: [.buffer(buffers[2], size: size)], workspace: workspace, correlation: 5
                ).done("in round \(round)")
                try trial.require(
                    trial.read(size, from: buffers[2], of: size, stream),
                    is: bytes(zip(first, second).map(of)),
                    "\(use.name) in round \(round)")
            }
        },
        .table("capacity", "an operand that is too small is refused", 49) { trial in
            let table = try unsafe trial.operatorTable()
            let (use, _) = try unsafe trial.simpleUse(table, [100])
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let (made, info) = unsafe trial.rig.prepare(table, use, in: context)
            let prepared = try made.made()
            trial.atEnd { [rig = trial.rig] in unsafe rig.destroy(table, prepared) }
            let scratch = unsafe Int(info.workspace_bytes)
            let workspace =
                scratch == 0 ? nil : Place.buffer(try trial.buffer(in: context, scratch), size: scratch)
            let buffer = try trial.buffer(in: context, 1200)
            let places = [Place.buffer(buffer, size: 400), .buffer(buffer, 400, size: 400)]
            try unsafe trial.rig.execute(
                table, prepared, in: stream, inputs: places, outputs: [.buffer(buffer, 800, size: 399)],
                workspace: workspace
            ).gives(
                .outOfRange, .operatorOutput, .invalidArgument, when: "with an output of 399 of 400 bytes")
            try unsafe trial.rig.execute(
                table, prepared, in: stream, inputs: Array(places.prefix(1)),
                outputs: [.buffer(buffer, 800, size: 400)],
                workspace: workspace
            ).gives(.operatorInput, .invalidArgument, when: "with one of two inputs")
        },
        .table(
            "claims", "each operator that is listed is taken in some use, or refused with a sentence", 43, 62
        ) { trial in
            let table = try unsafe trial.operatorTable()
            for entry in try trial.rig.operators() ?? [] where !entry.isPattern {
                let type = entry.types.trailingZeroBitCount
                let shape = TensorShape(2, 3, 4, 4, type: type)
                let use = OperatorUse(entry.name, inputs: [shape], outputs: [shape], domain: entry.domain)
                let (answer, _, text) = unsafe trial.rig.supports(table, use)
                guard answer.code != 0 else { continue }
                try trial.require(
                    !text.isEmpty || answer.error != nil, "\(entry.name) is refused without a sentence.")
            }
        },
        .table("supports-cost", "asking whether an operator is taken is cheap") { trial in
            let table = try unsafe trial.operatorTable()
            let (use, _) = try unsafe trial.simpleUse(table, [64])
            try unsafe use.withDescription { description in
                try trial.price("operator_supports", per: 200) {
                    try unsafe trial.rig.call(table.operator_supports, "operator_supports") {
                        unsafe $0(trial.rig.device.raw, description, nil, $1)
                    }.done()
                } between: {
                }
            }
        },
    ]
}

extension DeviceCase {
    static func table(
        _ name: String, _ title: String, _ clauses: Int..., body: @escaping @Sendable (Trial) throws -> Void
    ) -> DeviceCase {
        DeviceCase(
            id: "operators/table/\(name)", level: .operators, title: title, clauses: clauses, needs: [],
            group: HENG_KIND_OPERATOR_TABLE, isOptional: false, body: .device(body))
    }
}
