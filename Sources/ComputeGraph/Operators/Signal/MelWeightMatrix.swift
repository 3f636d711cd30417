#if canImport(Glibc)
internal import Glibc
#endif

/// The weights that make bands of the mel scale of the frequencies of a Fourier transform.
///
/// Each band is a triangle with the peak 1 between the middles of its neighbours. On the mel scale, where f hertz lie
/// at `2595 log10(1 + f / 700)`, the corners lie `(upper - lower) / (bands + 2)` apart from the lower edge on, and
/// each is moved down to a frequency of the transform. It takes no inputs.
package struct MelWeightMatrix: Operator {
    package static let name = "MelWeightMatrix"
    package var bandCount: Int
    /// The length of the Fourier transform, of which the frequencies up to the half are weighted.
    package var transformLength: Int
    /// Samples per second.
    package var sampleRate: Int
    /// In hertz.
    package var lowerEdge: Double
    package var upperEdge: Double
    package var element: ElementType

    package init(
        bandCount: Int, transformLength: Int, sampleRate: Int, lowerEdge: Double, upperEdge: Double,
        element: ElementType = .float32
    ) {
        self.bandCount = bandCount
        self.transformLength = transformLength
        self.sampleRate = sampleRate
        self.lowerEdge = lowerEdge
        self.upperEdge = upperEdge
        self.element = element
    }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 0)
        try require(element.isFloating || element.isInteger, "weights are numbers, not \(element)")
        try require(
            transformLength >= 0 && transformLength <= Shape.maximalCount && sampleRate > 0,
            "a transform of \(transformLength) at \(sampleRate) samples per second has no frequencies")
        try require(
            lowerEdge >= 0 && upperEdge >= lowerEdge && upperEdge.isFinite,
            "bands lie between edges of at least 0 hertz that rise, not \(lowerEdge) and \(upperEdge)")
        let shape = try Shape(checking: [transformLength / 2 + 1, bandCount])
        let last = corner(bandCount + 1)
        try require(
            last <= Double(transformLength / 2),
            "the upper edge, \(upperEdge) hertz, lies above the highest frequency")
        return [TensorType(element, shape)]
    }

    /// The frequency of the transform at which a corner lies; triangle i has the corners i, i + 1 and i + 2.
    private func corner(_ index: Int) -> Double {
        let (lower, upper) = (mel(lowerEdge), mel(upperEdge))
        let step = (upper - lower) / Double(bandCount + 2)
        let hertz = 700 * (pow(10, (lower + Double(index) * step) / 2595) - 1)
        return (Double(transformLength + 1) * hertz / Double(sampleRate)).rounded(.down)
    }

    /// Held among the frequencies, and in rising order, whatever the rounding of the logarithms does.
    private func frequency(atCorner index: Int) -> Int {
        let highest = Double(transformLength / 2)
        return Int(min(max(corner(index), index > 0 ? corner(index - 1) : 0, 0), highest))
    }

    private func mel(_ hertz: Double) -> Double { 2595 * log10(1 + hertz / 700) }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let type = knownOutputTypes(inputs)[0]
        var weights = [Double](repeating: 0, count: type.shape.count)
        for band in 0..<bandCount {
            let corners = (band...band + 2).map(frequency(atCorner:))
            if corners[0] == corners[1] { weights[corners[1] * bandCount + band] = 1 }
            for frequency in corners[0]..<corners[1] + (corners[0] == corners[1] ? 0 : 1) {
                weights[frequency * bandCount + band] =
                    Double(frequency - corners[0]) / Double(corners[1] - corners[0])
            }
            for frequency in corners[1]..<corners[2] {
                weights[frequency * bandCount + band] =
                    Double(corners[2] - frequency) / Double(corners[2] - corners[1])
            }
        }
        return [HostTensor(type, doubles: weights)]
    }

    package func exactness(for inputs: [TensorType]) -> Exactness { .rounding }
}

extension MelWeightMatrix: ModelOperator {
    package static let schema = OperatorSchema(
        "MelWeightMatrix", since: 17, "Weights that make bands of the mel scale of frequencies.",
        inputs: [
            .required("num_mel_bins", .indices, "one number: the bands"),
            .required("dft_length", .indices, "one number: the length of the Fourier transform"),
            .required("sample_rate", .indices, "one number: samples per second"),
            .required("lower_edge_hertz", .floats, "one number: where the lowest band begins"),
            .required("upper_edge_hertz", .floats, "one number: where the highest band ends"),
        ],
        outputs: [.required("output", .numbers, "[dft_length / 2 + 1, num_mel_bins]")],
        attributes: [.int("output_datatype", 1, "the element type; to integers values are cut")])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        var edges: [Double] = []
        for index in 3...4 {
            let values = try graph.tensor(call.input(index)).doubles
            try call.require(values.count == 1, "an edge is one number")
            edges.append(values[0])
        }
        let matrix = MelWeightMatrix(
            bandCount: try call.integer(0, in: &graph),
            transformLength: try call.integer(1, in: &graph),
            sampleRate: try call.integer(2, in: &graph),
            lowerEdge: edges[0], upperEdge: edges[1],
            element: try call.optionalElementType("output_datatype") ?? .float32)
        return [.tensor(try graph.add(matrix, []))]
    }

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        WrittenCall(
            Self.schema, attributes: ["output_datatype": .int(Int(element.rawValue))],
            inputs: [
                .integer(bandCount), .integer(transformLength), .integer(sampleRate),
                .constant(.scalar(lowerEdge, .float64)), .constant(.scalar(upperEdge, .float64)),
            ])
    }
}
