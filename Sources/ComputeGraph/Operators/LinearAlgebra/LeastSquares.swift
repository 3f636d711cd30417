/// The X of the smallest length for which A X is closest to B, column by column.
///
/// Singular values up to `tolerance` times the largest count as zero. NaN where A or B is not finite.
package struct LeastSquares: MatrixPairReference {
    package static let name = "LeastSquares"
    /// nil means the larger extent of A times the element type's rounding unit.
    package var tolerance: Double?

    package init(tolerance: Double? = nil) { self.tolerance = tolerance }

    package func resultRows(rows: Int, columns: Int) throws(GraphError) -> Int { columns }

    func values(_ a: Matrix, _ b: Matrix, element: ElementType) -> Matrix {
        let factors = JacobiSVD(a)
        var right = factors.u.transposed.times(b)
        let inverse = factors.inverseValues(
            tolerance: singularTolerance(tolerance, a.rows, a.columns, element))
        for (row, factor) in inverse.enumerated() { right.scaleRow(row, by: factor) }
        return factors.vh.transposed.times(right)
    }
}

/// The tolerance that an operator was given, or the larger extent times the element type's rounding unit.
package func singularTolerance(_ given: Double?, _ rows: Int, _ columns: Int, _ element: ElementType)
    -> Double
{
    given ?? Double(max(rows, columns)) * element.ulpOfOne
}

extension OperatorSchema.AttributeParameter {
    static let tolerance = OperatorSchema.AttributeParameter.float(
        "rtol", nil,
        "singular values up to rtol times the largest count as 0; else the larger extent times the rounding unit"
    )
}

extension LeastSquares: ModelOperator {
    package static let schema = OperatorSchema(
        "LeastSquares", domain: .heng, "The solution of linear equations that leaves the smallest squares.",
        inputs: [
            .required("A", .realFields, "[..., m, n] of any rank"),
            .required(
                "B", .realFields, "[..., m, k], or [m] for one right side; leading axes broadcast with A's"),
        ],
        outputs: [.required("X", .realFields, "[..., n, k]; of several solutions the shortest")],
        attributes: [.tolerance])

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        WrittenCall(Self.schema, tolerance.map { ["rtol": .float($0)] } ?? [:], operands: inputs)
    }

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let squares = LeastSquares(tolerance: try call.optionalFloat("rtol"))
        return [.tensor(try call.solution(squares, in: &graph))]
    }
}
