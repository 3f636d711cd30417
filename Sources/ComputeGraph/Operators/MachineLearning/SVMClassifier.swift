/// The class with the most votes of the machines that decide between each two classes.
///
/// The scores are the decision values of the pairs, `[N, C(C-1)/2]`, in the order (0,1), (0,2) ... (1,2) ...; the one
/// value s of two classes stands for the scores -s and s. With `calibration` they are the probabilities of the
/// classes, `[N, C]`, as libsvm couples them. Without support vectors each class has a linear score of its own.
package struct SVMClassifier: Operator {
    package static let name = "SVMClassifier"
    package var kernel: SupportVectorKernel
    /// One behind the other, class by class.
    package var vectors: [Double]
    package var vectorsPerClass: [Int]
    /// `[C - 1, vectors]`, as libsvm has them; `[C, F]` without support vectors.
    package var coefficients: [Double]
    package var rho: [Double]
    package var calibration: Calibration?
    package var classes: ClassLabels
    package var transform: ScoreTransform

    /// The sigmoids that make probabilities of the pairs' decision values.
    package struct Calibration: Hashable, Sendable {
        package var a: [Double]
        package var b: [Double]

        package init(a: [Double], b: [Double]) {
            self.a = a
            self.b = b
        }
    }

    package init(
        _ kernel: SupportVectorKernel, vectors: [Double], vectorsPerClass: [Int], coefficients: [Double],
        rho: [Double], calibration: Calibration? = nil, classes: ClassLabels,
        transform: ScoreTransform = .none
    ) {
        self.kernel = kernel
        self.vectors = vectors
        self.vectorsPerClass = vectorsPerClass
        self.coefficients = coefficients
        self.rho = rho
        self.calibration = calibration
        self.classes = classes
        self.transform = transform
    }

    private var isLinear: Bool { vectorsPerClass.allSatisfy { $0 == 0 } }
    private var pairCount: Int { classes.count * (classes.count - 1) / 2 }
    private var columns: Int {
        isLinear || calibration != nil || pairCount == 1 ? classes.count : pairCount
    }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        let rows = try requireFeatureRows(inputs)
        try require(classes.count > 0, "there is at least one class")
        if isLinear {
            try requireVectors(
                coefficients, count: classes.count, features: rows.features, "the coefficients")
            try require(!rho.isEmpty, "rho is missing")
        } else {
            try requirePairs(features: rows.features)
        }
        return try Classification.outputTypes(rows: rows.count, columns: columns)
    }

    private func requirePairs(features: Int) throws(GraphError) {
        try require(
            classes.count >= 2 && vectorsPerClass.count == classes.count,
            "there are \(classes.count) classes and \(vectorsPerClass.count) numbers of support vectors")
        var count = 0
        for own in vectorsPerClass {
            try require(own >= 0 && own <= vectors.count, "a class has \(own) support vectors")
            count += own
        }
        try requireVectors(vectors, count: count, features: features, "the support vectors")
        try requireVectors(coefficients, count: classes.count - 1, features: count, "the coefficients")
        try require(rho.count == pairCount, "there are \(pairCount) pairs of classes and \(rho.count) of rho")
        guard let calibration else { return }
        try require(
            calibration.a.count == pairCount && calibration.b.count == pairCount,
            "there are \(pairCount) pairs of classes, \(calibration.a.count) of prob_a and "
                + "\(calibration.b.count) of prob_b")
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        var result = Classification(columns: columns)
        for example in inputs[0].featureRows() {
            if isLinear {
                let sums = linearScores(example, coefficients, [], count: classes.count)
                result.add(sums.map { $0 + rho[0] }, transform, classes)
            } else {
                let decisions = decisions(example)
                result.labels.append(classes.labels[winner(decisions)])
                result.scores += transform.apply(to: scores(decisions))
            }
        }
        return result.tensors
    }

    /// The decision value of each pair: positive for the first class.
    private func decisions(_ example: ArraySlice<Double>) -> [Double] {
        let count = vectorsPerClass.reduce(0, +)
        let values = (0..<count).map { place in
            kernel.value(example, vectors[place * example.count..<(place + 1) * example.count])
        }
        var starts = [0]
        for own in vectorsPerClass { starts.append(starts[starts.count - 1] + own) }
        func sum(_ row: Int, _ group: Int) -> Double {
            (starts[group]..<starts[group + 1]).reduce(0) { $0 + coefficients[row * count + $1] * values[$1] }
        }
        var decisions: [Double] = []
        for first in 0..<classes.count {
            for second in (first + 1)..<classes.count {
                decisions.append(rho[decisions.count] + sum(second - 1, first) + sum(first, second))
            }
        }
        return decisions
    }

    private func winner(_ decisions: [Double]) -> Int {
        var votes = [Int](repeating: 0, count: classes.count)
        forEachPair { pair, first, second in votes[decisions[pair] > 0 ? first : second] += 1 }
        return votes.indices.reduce(0) { votes[$1] > votes[$0] ? $1 : $0 }
    }

    private func scores(_ decisions: [Double]) -> [Double] {
        guard let calibration else {
            return decisions.count == 1 ? [-decisions[0], decisions[0]] : decisions
        }
        var pairs = [[Double]](repeating: [Double](repeating: 0, count: classes.count), count: classes.count)
        forEachPair { pair, first, second in
            let score = calibration.a[pair] * decisions[pair] + calibration.b[pair]
            let probability = min(max(ScoreTransform.logistic(-score), 1e-7), 1 - 1e-7)
            pairs[first][second] = probability
            pairs[second][first] = 1 - probability
        }
        return coupledProbabilities(pairs)
    }

    private func forEachPair(_ body: (_ pair: Int, _ first: Int, _ second: Int) -> Void) {
        var pair = 0
        for first in 0..<classes.count {
            for second in (first + 1)..<classes.count {
                body(pair, first, second)
                pair += 1
            }
        }
    }

    package func exactness(for inputs: [TensorType]) -> Exactness {
        .accumulated(terms: max(vectors.count, coefficients.count))
    }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        operationCount(2, outputs[0].shape.count, vectors.count + coefficients.count)
    }
}

extension SVMClassifier: ModelOperator {
    package static let schema = OperatorSchema(
        "SVMClassifier", domain: .machineLearning, "The class that a support vector machine finds.",
        inputs: [.required("X", .features, "[N, F], or [F] for one example")],
        outputs: [
            .required("Y", [.int64, .string], "[N]: the label of each example"),
            .required(
                "Z", .float32,
                "[N, C] probabilities with prob_a and prob_b; else the value of each pair of classes, [N, C(C-1)/2], "
                    + "or of two classes -s and s"),
        ],
        attributes: OperatorSchema.AttributeParameter.supportVectorKernel + [
            .ints("vectors_per_class", nil, "the support vectors of each class; none means a linear model"),
            .floats("prob_a", nil, "the steepness of each pair's sigmoid"),
            .floats("prob_b", nil, "the offset of each pair's sigmoid"),
            .ints("classlabels_ints", nil, "the labels, where they are integers"),
            .strings("classlabels_strings", nil, "the labels, where they are strings"),
            ScoreTransform.attribute,
        ])

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        guard classes.isWritable else { return nil }
        var attributes = kernel.attributes
        attributes["support_vectors"] = .floats(vectors)
        attributes["vectors_per_class"] = .ints(vectorsPerClass)
        attributes["coefficients"] = .floats(coefficients)
        attributes["rho"] = .floats(rho)
        attributes["prob_a"] = calibration.map { .floats($0.a) }
        attributes["prob_b"] = calibration.map { .floats($0.b) }
        attributes["classlabels_ints"] = .ints(classes.labels.map(Int.init))
        attributes["post_transform"] = .string(transform.rawValue)
        return WrittenCall(Self.schema, attributes, operands: inputs)
    }

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let named = try call.classLabels(integers: "classlabels_ints", strings: "classlabels_strings")
        let a = try call.optionalFloats("prob_a") ?? []
        let calibration = a.isEmpty ? nil : Calibration(a: a, b: try call.floats("prob_b"))
        let perClass = try call.optionalInts("vectors_per_class") ?? []
        let isLinear = perClass.allSatisfy { $0 == 0 }
        let classifier = SVMClassifier(
            try call.supportVectorKernel(), vectors: isLinear ? [] : try call.floats("support_vectors"),
            vectorsPerClass: perClass, coefficients: try call.floats("coefficients"),
            rho: try call.floats("rho"), calibration: isLinear ? nil : calibration,
            classes: named?.classes ?? ClassLabels(labels: [1]), transform: try call.scoreTransform())
        let outputs = try graph.addNode(classifier, [call.input(0)])
        return try call.classification(outputs, strings: named?.strings, in: &graph)
    }
}
