/// The sum along an axis up to each place; a NaN reaches all that follow it.
package struct CumSum: CumulativeOperator {
    package static let name = "CumSum"
    package static let start = 0
    package var axis: Int
    package var isExclusive: Bool
    package var isReversed: Bool

    package init(axis: Int, isExclusive: Bool = false, isReversed: Bool = false) {
        self.axis = axis
        self.isExclusive = isExclusive
        self.isReversed = isReversed
    }

    package func value(_ sum: Double, _ next: Double) -> Double { sum + next }
    package func value(_ sum: Int128, _ next: Int128) -> Int128 { sum &+ next }

    package static let hasGradient = true

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        guard let gradient = outputGradients[0] else { return [nil] }
        let back = CumSum(axis: axis, isExclusive: isExclusive, isReversed: !isReversed)
        return [try builder.add(back, [gradient])]
    }
}

extension CumSum: ModelOperator {
    package static let schema = OperatorSchema.cumulative("CumSum", since: 11, "sum")

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        try buildCumulative(call, in: &graph)
    }
}
