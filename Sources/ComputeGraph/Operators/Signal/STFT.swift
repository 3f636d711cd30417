/// Fourier transforms of parts of a signal, each `frameStep` behind the one before.
///
/// Inputs: the signal `[batch, samples, 1 or 2 parts]` and, with `hasWindow`, the factors of the samples of each part;
/// samples beyond the window count as 0. The output is `[batch, parts, frequencies, 2]`.
package struct STFT: Operator {
    package static let name = "STFT"
    package var frameStep: Int
    package var frameLength: Int
    package var isOneSided: Bool
    package var hasWindow: Bool

    package init(frameStep: Int, frameLength: Int, isOneSided: Bool = true, hasWindow: Bool = false) {
        self.frameStep = frameStep
        self.frameLength = frameLength
        self.isOneSided = isOneSided
        self.hasWindow = hasWindow
    }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, hasWindow ? 2 : 1)
        let element = try requireFloating(inputs)
        let signal = inputs[0].shape
        try requireRank(inputs[0], 3, "the signal")
        try require(signal[2] == 1 || signal[2] == 2, "the last axis holds one or two parts, not \(signal)")
        if hasWindow { try requireRank(inputs[1], 1, "the window") }
        try require(
            frameStep >= 1 && frameLength >= 1,
            "steps and parts are at least 1 long, not \(frameStep) and \(frameLength)")
        try require(
            frameLength <= signal[1], "a part of \(frameLength) samples is longer than the signal \(signal)")
        let frames = 1 + (signal[1] - frameLength) / frameStep
        let frequencies = isOneSided ? frameLength / 2 + 1 : frameLength
        return [TensorType(element, try Shape(checking: [signal[0], frames, frequencies, 2]))]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let type = knownOutputTypes(inputs)[0]
        guard type.shape.count > 0 else { return [HostTensor(zeros: type)] }
        let (frames, frequencies) = (type.shape[1], type.shape[2])
        let (samples, parts) = (inputs[0].type.shape[1], inputs[0].type.shape[2])
        let signal = inputs[0].doubles
        let window = hasWindow ? inputs[1].doubles : [Double](repeating: 1, count: frameLength)
        let transform = FourierTransform(length: frameLength)
        var result: [Double] = []
        result.reserveCapacity(type.shape.count)
        for batch in 0..<type.shape[0] {
            for frame in 0..<frames {
                var row = ComplexRow(zeros: frameLength)
                for index in 0..<min(frameLength, window.count) {
                    let place = (batch * samples + frame * frameStep + index) * parts
                    let imaginary = parts == 2 ? window[index] * signal[place + 1] : 0
                    row[index] = (window[index] * signal[place], imaginary)
                }
                let spectrum = transform.forward(row)
                for index in 0..<frequencies { result += [spectrum.real[index], spectrum.imaginary[index]] }
            }
        }
        return [HostTensor(type, doubles: result)]
    }

    package func exactness(for inputs: [TensorType]) -> Exactness { .accumulated(terms: frameLength) }
}

extension STFT: ModelOperator {
    package static let schema = OperatorSchema(
        "STFT", since: 17, "Fourier transforms of overlapping parts of a signal.",
        inputs: [
            .required("signal", .floats, "[batch, samples, 1 or 2 parts of complex numbers]"),
            .required("frame_step", .indices, "one number: the samples from one part to the next"),
            .optional("window", .floats, "the factor of each sample of a part"),
            .optional(
                "frame_length", .indices,
                "one number: the samples of a part; those of the window, else of the signal, if not given"),
        ],
        outputs: [.required("output", .floats, "[batch, parts, frequencies, 2]")],
        attributes: [.int("onesided", 1, "whether only the frequencies up to the half are given")])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let (signal, window) = (try call.input(0), try call.optional(2))
        let shape = graph.type(of: signal).shape
        try call.require(shape.rank == 3, "the signal has three axes, not the shape \(shape)")
        var length = window.map { graph.type(of: $0).shape.count } ?? shape[1]
        if try call.optional(3) != nil { length = try call.integer(3, in: &graph) }
        let transform = STFT(
            frameStep: try call.integer(1, in: &graph), frameLength: length,
            isOneSided: try call.flag("onesided"), hasWindow: window != nil)
        return [.tensor(try graph.add(transform, [signal, window].compactMap { $0 }))]
    }

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        WrittenCall(
            Self.schema, attributes: ["onesided": .int(isOneSided ? 1 : 0)],
            inputs: [
                .operand(0), .integer(frameStep), hasWindow ? .operand(1) : .omitted, .integer(frameLength),
            ])
    }
}
