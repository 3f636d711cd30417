/// The product along an axis up to each place; a NaN reaches all that follow it.
package struct CumProd: CumulativeOperator {
    package static let name = "CumProd"
    package static let start = 1
    package var axis: Int
    package var isExclusive: Bool
    package var isReversed: Bool

    package init(axis: Int, isExclusive: Bool = false, isReversed: Bool = false) {
        self.axis = axis
        self.isExclusive = isExclusive
        self.isReversed = isReversed
    }

    package func value(_ sum: Double, _ next: Double) -> Double { sum * next }
    package func value(_ sum: Int128, _ next: Int128) -> Int128 { sum &* next }
}

extension CumProd: ModelOperator {
    package static let schema = OperatorSchema.cumulative("CumProd", since: 26, "product")

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        try buildCumulative(call, in: &graph)
    }
}
