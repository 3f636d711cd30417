/// The Moore-Penrose inverse of each matrix.
///
/// Singular values up to `tolerance` times the largest count as zero. NaN where A is not finite.
package struct Pinverse: MatrixOperator {
    package static let name = "Pinverse"
    /// nil means the larger extent times the element type's rounding unit.
    package var tolerance: Double?

    package init(tolerance: Double? = nil) { self.tolerance = tolerance }

    package func outputs(
        rows: Int, columns: Int
    ) throws(GraphError) -> [(element: ElementType?, extents: [Int])] { [(nil, [columns, rows])] }

    package func values(_ a: [Double], rows: Int, columns: Int, element: ElementType) -> [[Double]] {
        let factors = JacobiSVD(Matrix(rows, columns, a))
        var right = factors.vh
        let inverse = factors.inverseValues(
            tolerance: singularTolerance(tolerance, rows, columns, element))
        for (row, factor) in inverse.enumerated() { right.scaleRow(row, by: factor) }
        return [right.transposed.times(factors.u.transposed).elements]
    }

    package func multiplications(rows: Int, columns: Int) -> Int { 11 * rows * columns * min(rows, columns) }
}

extension Pinverse: ModelOperator {
    package static let schema = OperatorSchema(
        "Pinverse", domain: .heng, "The Moore-Penrose inverse of each matrix.",
        inputs: [.required("A", .realFields, "[..., m, n]")],
        outputs: [.required("X", .realFields, "[..., n, m]")], attributes: [.tolerance])

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        WrittenCall(Self.schema, tolerance.map { ["rtol": .float($0)] } ?? [:], operands: inputs)
    }

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let inverse = Pinverse(tolerance: try call.optionalFloat("rtol"))
        return [.tensor(try graph.add(inverse, [call.input(0)]))]
    }
}
