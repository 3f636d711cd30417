internal import CHengAccelerator
internal import Essentials

/// The operators that CUDA devices offer.
enum OperatorCatalog {
    static let entries: [OperatorEntry] =
        (Elementwise.entries + Binary.entries + adding + Movement.entries + Picking.entries)
        .sorted { $0.name < $1.name }

    /// Those whose outputs are sums.
    private static let adding =
        Reduction.entries + Normalization.entries + ImageOperators.entries + Products.entries
    private static let addingNames = Set(adding.map(\.name))

    private static let byName = Dictionary(entries.map { ($0.name, $0) }) { first, _ in first }

    /// How a use of an operator computes, or why it is not taken.
    static func plan(_ request: OperatorRequest) throws(OperatorRefusal) -> OperatorPlan {
        guard request.domain.isEmpty || request.domain == "ai.onnx", let entry = byName[request.name] else {
            throw OperatorRefusal(
                HENG_REFUSAL_OPERATOR,
                "CUDA devices do not offer the operator \(request.domain):\(request.name).")
        }
        guard request.version >= entry.since else {
            throw OperatorRefusal(
                HENG_REFUSAL_VERSION,
                "\(entry.name) is offered from version \(entry.since) of the operator set on.")
        }
        guard request.determinism < HENG_DETERMINISM_DEVICES else {
            throw OperatorRefusal(
                HENG_REFUSAL_DETERMINISM,
                "No operator here gives the same bits on devices of different kinds.")
        }
        var plan = try entry.plan(request)
        if let unknown = request.unknownAttribute {
            throw OperatorRefusal(
                HENG_REFUSAL_ATTRIBUTE, "\(entry.name) is not offered with the attribute \(unknown).")
        }
        if request.accumulation == HENG_ACCUMULATION_FLOAT64, addingNames.contains(entry.name),
            plan.outputs.contains(where: {
                ElementTypes.real.contains($0.type) && $0.type != HENG_TYPE_FLOAT64
            })
        {
            throw OperatorRefusal(
                HENG_REFUSAL_ACCUMULATION, "\(entry.name) adds up in float32 here, and not in float64.")
        }
        plan.kept = request.kept
        for (index, expected) in request.expected.enumerated() {
            guard let expected, plan.outputs.indices.contains(index) else { continue }
            guard expected.type == plan.outputs[index].type, expected.dims == plan.outputs[index].dims else {
                throw OperatorRefusal(
                    HENG_REFUSAL_SHAPE,
                    "Output \(index) of \(entry.name) is of type \(plan.outputs[index].type) and shape "
                        + "\(plan.outputs[index].dims), not \(expected.type) and \(expected.dims).")
            }
        }
        return plan
    }
}
