/// Where along an axis the largest element lies; the first of several unless the last is asked for, and a NaN wins.
package struct ArgMax: ExtremeIndexOperator {
    package static let name = "ArgMax"
    package static let findsLargest = true
    package var axis: Int
    package var keepDims: Bool
    package var selectsLast: Bool

    package init(axis: Int = 0, keepDims: Bool = true, selectsLast: Bool = false) {
        self.axis = axis
        self.keepDims = keepDims
        self.selectsLast = selectsLast
    }
}

extension ArgMax: ModelOperator {
    package static let schema = OperatorSchema.extremeIndex("ArgMax", "largest")

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        try buildExtreme(call, in: &graph)
    }
}
