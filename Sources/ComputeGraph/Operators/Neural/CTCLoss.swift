#if canImport(Glibc)
internal import Glibc
#endif

/// Minus the logarithmic probability that the steps of a sequence spell a target, with any number of blanks between.
///
/// Inputs: logarithmic probabilities `[steps, batch, classes]`, targets `[batch, longest]`, how many steps count in
/// each sequence, and how many labels in each target. The output has one loss for each sequence: infinity where no
/// alignment exists, and NaN where a length or a label lies outside its range. The sum over all alignments goes
/// step by step, as Graves et al. (2006) have it: over the target with blanks around every label.
package struct CTCLoss: Operator {
    package static let name = "CTCLoss"
    /// The class that stands for nothing.
    package var blank: Int

    package init(blank: Int = 0) { self.blank = blank }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 4)
        try requireFloating(inputs[..<1])
        try requireRank(inputs[0], 3, "the input")
        for type in inputs[1...] { try requireIndices(type) }
        let (batch, classes) = (inputs[0].shape[1], inputs[0].shape[2])
        try requireRank(inputs[1], 2, "the target tensor")
        try require(
            inputs[1].shape[0] == batch,
            "there is one target for each of \(batch) sequences, not \(inputs[1])")
        try requireShape(inputs[2], [batch], "the tensor of input lengths")
        try requireShape(inputs[3], [batch], "the tensor of target lengths")
        try require(blank >= 0 && blank < classes, "the blank \(blank) is not one of \(classes) classes")
        return [TensorType(inputs[0].element, [batch])]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let shape = inputs[0].type.shape
        let longest = inputs[1].type.shape[1]
        let logarithms = inputs[0].doubles
        let (targets, steps, lengths) = (inputs[1].indices, inputs[2].indices, inputs[3].indices)
        let losses = (0..<shape[1]).map { sequence -> Double in
            guard (0...shape[0]).contains(steps[sequence]), (0...longest).contains(lengths[sequence]) else {
                return .nan
            }
            let labels = targets[sequence * longest..<sequence * longest + lengths[sequence]]
            guard labels.allSatisfy({ $0 >= 0 && $0 < shape[2] }) else { return .nan }
            return loss(of: Array(labels), steps: steps[sequence]) { step, label in
                logarithms[(step * shape[1] + sequence) * shape[2] + label]
            }
        }
        return [HostTensor(knownOutputTypes(inputs)[0], doubles: losses)]
    }

    private func loss(of labels: [Int], steps: Int, logarithm: (Int, Int) -> Double) -> Double {
        guard steps > 0 else { return labels.isEmpty ? 0 : .infinity }
        let spelled = [blank] + labels.flatMap { [$0, blank] }
        // The logarithmic probability of having spelled so far at this step.
        var reached = [Double](repeating: -.infinity, count: spelled.count)
        for place in spelled.indices.prefix(2) { reached[place] = logarithm(0, spelled[place]) }
        for step in 1..<max(steps, 1) {
            let before = reached
            for place in spelled.indices {
                var ways = [before[place]]
                if place > 0 { ways.append(before[place - 1]) }
                // A blank may only be left out between labels that differ.
                if place > 1, spelled[place] != blank, spelled[place] != spelled[place - 2] {
                    ways.append(before[place - 2])
                }
                reached[place] = logarithmOfSum(ways) + logarithm(step, spelled[place])
            }
        }
        return -logarithmOfSum(Array(reached.suffix(2)))
    }

    /// The logarithm of the sum of numbers given by their logarithms.
    private func logarithmOfSum(_ values: [Double]) -> Double {
        if values.contains(where: \.isNaN) { return .nan }
        guard let largest = values.max(), largest > -.infinity else { return -.infinity }
        return largest + log(values.reduce(0) { $0 + exp($1 - largest) })
    }

    package func exactness(for inputs: [TensorType]) -> Exactness {
        .accumulated(terms: 2 * inputs[0].shape[0])
    }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        let (steps, batch) = (inputs[0].shape[0], inputs[0].shape[1])
        return 8 * steps * batch * (2 * inputs[1].shape[1] + 1)
    }
}

extension CTCLoss: ModelOperator {
    package static let schema = OperatorSchema(
        "CTCLoss", domain: .heng,
        "Minus the logarithmic probability that the steps of a sequence spell a target, with blanks between.",
        inputs: [
            .required("input", .floats, "[steps, batch, classes], logarithmic probabilities"),
            .required("target", .indices, "[batch, longest], labels"),
            .required("input_lengths", .indices, "[batch], the steps that count in each sequence"),
            .required("target_lengths", .indices, "[batch], the labels that count in each target"),
        ],
        outputs: [.required("loss", .floats, "[batch]; infinity where no alignment exists")],
        attributes: [.int("blank", 0, "the class that stands for nothing")])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        [.tensor(try graph.add(CTCLoss(blank: try call.int("blank")), call.allInputs()))]
    }
}
