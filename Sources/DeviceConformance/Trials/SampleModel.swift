internal import CHengAccelerator

/// The model that cases load: two inputs, two outputs, and values that are exact in float32.
///
/// `up = Relu(x * w + z)` and `down = x * w - z`. All its numbers are small integers, so that every order of adding
/// gives the same bits. No two operands have the same name, and exchanging any two changes a result.
enum SampleModel {
    static let (rows, width, columns) = (4, 16, 8)

    static let inputs = [
        ModelBytes.Value(name: "x", dims: [Int64(rows), Int64(width)]),
        ModelBytes.Value(name: "z", dims: [Int64(rows), Int64(columns)]),
    ]
    static let outputs = [
        ModelBytes.Value(name: "up", dims: [Int64(rows), Int64(columns)]),
        ModelBytes.Value(name: "down", dims: [Int64(rows), Int64(columns)]),
    ]
    static let inputSizes = [rows * width * 4, rows * columns * 4]
    static let outputSizes = [rows * columns * 4, rows * columns * 4]

    static let weights = (0..<width * columns).map { Float($0 * 7 % 11) - 5 }

    static let model = ModelBytes(
        inputs: inputs, outputs: outputs,
        nodes: [
            .init(name: "product", operatorName: "MatMul", inputs: ["x", "w"], outputs: ["p"]),
            .init(name: "sum", operatorName: "Add", inputs: ["p", "z"], outputs: ["s"]),
            .init(name: "positive", operatorName: "Relu", inputs: ["s"], outputs: ["up"]),
            .init(name: "difference", operatorName: "Sub", inputs: ["p", "z"], outputs: ["down"]),
        ],
        weights: [.init(name: "w", dims: [Int64(width), Int64(columns)], floats: weights)])

    /// The same with an open number of rows.
    static var open: ModelBytes {
        var open = model
        for index in open.inputs.indices { open.inputs[index].dims[0] = -1 }
        for index in open.outputs.indices { open.outputs[index].dims[0] = -1 }
        return open
    }

    /// A model whose index is wrong at run time when the caller says so.
    static let lookup = ModelBytes(
        inputs: [
            .init(name: "table", dims: [8, 4]), .init(name: "index", type: Int32(HENG_TYPE_INT64), dims: [2]),
        ],
        outputs: [.init(name: "found", dims: [2, 4])],
        nodes: [
            .init(name: "turn", operatorName: "Neg", inputs: ["table"], outputs: ["turned"]),
            .init(name: "pick", operatorName: "Gather", inputs: ["turned", "index"], outputs: ["found"]),
        ])

    /// Operands that differ from round to round.
    static func values(_ round: Int, rows: Int = rows) -> (x: [Float], z: [Float]) {
        (
            (0..<rows * width).map { Float(($0 * 5 + round * 3) % 9) - 4 },
            (0..<rows * columns).map { Float(($0 * 3 + round) % 7) - 3 + Float(round) }
        )
    }

    /// What the model must give for them.
    static func results(_ x: [Float], _ z: [Float]) -> (up: [Float], down: [Float]) {
        let rows = z.count / columns
        var product = [Float](repeating: 0, count: rows * columns)
        for row in 0..<rows {
            for column in 0..<columns {
                for place in 0..<width {
                    product[row * columns + column] +=
                        x[row * width + place] * weights[place * columns + column]
                }
            }
        }
        return (zip(product, z).map { max(0, $0 + $1) }, zip(product, z).map { $0 - $1 })
    }
}
