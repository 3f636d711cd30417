internal import AcceleratorAPI
internal import CHengAccelerator

/// What callers may ask of an operator's results beyond its meaning: it is met, or refused with that reason.
extension DeviceCases {
    static let operatorDemands: [DeviceCase] = [
        .table("determinism", "a level of determinism is met or refused as such", 44, 49) { trial in
            let table = try unsafe trial.operatorTable()
            var (use, _) = try unsafe trial.simpleUse(table, [16])
            let context = try trial.context()
            for level in Int32(HENG_DETERMINISM_NONE)...Int32(HENG_DETERMINISM_DEVICES) {
                use.determinism = level
                let (answer, reason, text) = unsafe trial.rig.supports(table, use)
                let (made, info) = unsafe trial.rig.prepare(table, use, in: context)
                guard answer.code == 0 else {
                    try answer.gives(.unsupported, when: "for the level \(level)")
                    try trial.require(
                        level > trial.facts.determinism,
                        "The device claims level \(trial.facts.determinism), and \(use.name) refuses level \(level)."
                    )
                    try trial.require(
                        reason == Int32(HENG_REFUSAL_DETERMINISM) && !text.isEmpty,
                        "The level \(level) is refused with the reason \(reason) and the sentence “\(text)”.")
                    try made.gives(.unsupported, when: "for the level \(level), which is refused")
                    continue
                }
                let prepared = try made.made()
                try unsafe trial.rig.destroy(table, prepared).done()
                try trial.require(
                    unsafe info.determinism >= level,
                    unsafe "Level \(level) is taken, and what is prepared meets level \(info.determinism).")
            }
        },
        .table("determinism-unknown", "a level of determinism that is none is not met", 49) { trial in
            let table = try unsafe trial.operatorTable()
            var (use, _) = try unsafe trial.simpleUse(table, [16])
            for level in [Int32(HENG_DETERMINISM_DEVICES) + 1, .max] {
                use.determinism = level
                try unsafe trial.rig.supports(table, use).answer.gives(
                    .unsupported, .invalidArgument, when: "for the level \(level)")
            }
        },
        .table("accumulation", "sums in float64 are exact, or refused as such", 44, 49) { trial in
            let table = try unsafe trial.operatorTable()
            var use = OperatorUse(
                "MatMul", inputs: [TensorShape(1, 3), TensorShape(3, 1)], outputs: [TensorShape(1, 1)])
            guard unsafe trial.rig.supports(table, use).answer.code == 0 else {
                throw CaseEnd.outside("The device takes no MatMul on float32.")
            }
            use.accumulation = Int32(HENG_ACCUMULATION_FLOAT64)
            let (answer, reason, text) = unsafe trial.rig.supports(table, use)
            guard answer.code == 0 else {
                try answer.gives(.unsupported, when: "for sums in float64")
                return try trial.require(
                    reason == Int32(HENG_REFUSAL_ACCUMULATION) && !text.isEmpty,
                    "Sums in float64 are refused with the reason \(reason) and the sentence “\(text)”.")
            }
            // In float32 the middle term is lost.
            let result = try unsafe trial.product(table, use, [1e8, 1, -1e8], [1, 1, 1])
            try trial.require(result, is: bytes([1]), "1e8 + 1 - 1e8 in float64")
        },
    ]
}

extension Trial {
    /// What a prepared operator of two small tensors and one number writes.
    fileprivate func product(
        _ table: heng_operator_table, _ use: OperatorUse, _ first: [Float], _ second: [Float]
    ) throws -> [UInt8] {
        let context = try context()
        let stream = try stream(in: context)
        let (made, info) = unsafe rig.prepare(table, use, in: context)
        let prepared = try made.made()
        atEnd { [rig] in unsafe rig.destroy(table, prepared) }
        let scratch = unsafe Int(info.workspace_bytes)
        let workspace = scratch == 0 ? nil : Place.buffer(try buffer(in: context, scratch), size: scratch)
        let operands = try [first, second].map { values in
            let place = try buffer(in: context, values.count * 4)
            try write(bytes(values), to: place, of: values.count * 4, stream)
            return Place.buffer(place, size: values.count * 4)
        }
        let output = try buffer(in: context, 4)
        try unsafe rig.execute(
            table, prepared, in: stream, inputs: operands, outputs: [.buffer(output, size: 4)],
            workspace: workspace
        ).done()
        return try read(4, from: output, of: 4, stream)
    }
}
