/// The classes of a classifier.
///
/// Where labels are strings a node computes their places, and `strings` turns these into labels beside the graph.
package struct ClassLabels: Hashable, Sendable {
    package var labels: [Int64]
    /// What an example is labelled that does not belong to the only class there is.
    package var otherLabel: Int64

    package init(labels: [Int64], otherLabel: Int64 = 0) {
        self.labels = labels
        self.otherLabel = otherLabel
    }

    var count: Int { labels.count }

    /// Whether a file can say it by integers: the label beside the only class is 0 there.
    var isWritable: Bool { count > 1 || otherLabel == 0 }

    /// The label of the class with the largest score after the transform; the first of equal ones.
    ///
    /// Where the transform saturates the scores before it decide. The only class is taken where its score is
    /// above 0.
    func label(of raw: [Double], transformed: [Double]) -> Int64 {
        if raw.count == 1 { return raw[0] > 0 ? labels[0] : otherLabel }
        var best = 0
        for place in transformed.indices.dropFirst()
        where (transformed[place], raw[place]) > (transformed[best], raw[best]) {
            best = place
        }
        return labels[best]
    }
}

/// The two outputs of a classifier: labels `[N]` and scores `[N, E]`.
struct Classification {
    var labels: [Int64] = []
    var scores: [Double] = []
    let columns: Int

    init(columns: Int) { self.columns = columns }

    static func outputTypes(rows: Int, columns: Int) throws(GraphError) -> [TensorType] {
        [.int64(rows), TensorType(.float32, try Shape(checking: [rows, columns]))]
    }

    /// Adds one example by its scores before the transform.
    mutating func add(_ raw: [Double], _ transform: ScoreTransform, _ classes: ClassLabels) {
        let transformed = transform.apply(to: raw)
        labels.append(classes.label(of: raw, transformed: transformed))
        scores += transformed
    }

    var tensors: [HostTensor] {
        [
            HostTensor(.int64(labels.count), integers: labels),
            HostTensor(.float32(labels.count, columns), doubles: scores),
        ]
    }
}

extension OperatorCall {
    /// The classes that a call names by integers or by strings, or nil where it names none.
    func classLabels(
        integers: String, strings: String
    ) throws(GraphError) -> (classes: ClassLabels, strings: [String]?)? {
        let numbers = try optionalInts(integers) ?? []
        let names = try optionalStrings(strings) ?? []
        try require(numbers.isEmpty || names.isEmpty, "\(integers) and \(strings) are both given")
        if !names.isEmpty {
            return (ClassLabels(labels: names.indices.map(Int64.init), otherLabel: -1), names)
        }
        return numbers.isEmpty ? nil : (ClassLabels(labels: numbers.map(Int64.init)), nil)
    }

    /// The outputs of a classifier's node, with its labels as strings where they are.
    func classification(
        _ outputs: [ValueID], strings: [String]?, in graph: inout GraphBuilder
    ) throws -> [GraphValue] {
        guard let strings, wantsOutput(0) else { return outputs.map { .tensor($0) } }
        let places = try graph.tensor(outputs[0])
        let labels = places.integers.map { strings.indices.contains(Int($0)) ? strings[Int($0)] : "" }
        let named = graph.constant(HostTensor(TensorType(.string, places.type.shape), strings: labels))
        return [.tensor(named), .tensor(outputs[1])]
    }
}
