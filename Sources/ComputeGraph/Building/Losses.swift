/// The numbers that training makes small.
extension GraphBuilder {
    /// The mean cross-entropy of scores `[batch, classes]` against int64 labels `[batch]`.
    package mutating func crossEntropy(
        of scores: ValueID, against labels: ValueID
    ) throws(GraphError) -> ValueID {
        try add(SoftmaxCrossEntropyLoss(), [scores, labels], name: "loss")
    }

    /// The mean over all elements of the squared difference of two tensors of one shape.
    package mutating func meanSquaredError(
        of prediction: ValueID, against target: ValueID
    ) throws(GraphError) -> ValueID {
        guard type(of: prediction) == type(of: target) else {
            throw .shapeMismatch(
                operator: "mean squared error",
                reason: "the prediction is \(type(of: prediction)), the target \(type(of: target))")
        }
        let difference = try add(Sub(), [prediction, target])
        let squared = try add(Mul(), [difference, difference])
        return try add(ReduceMean(keepDims: false), [squared], name: "loss")
    }
}
