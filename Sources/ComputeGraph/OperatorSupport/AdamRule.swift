#if canImport(Glibc)
internal import Glibc
#endif

/// The arithmetic that `AdamUpdate` and `AdamWUpdate` share.
///
/// Reference: Kingma and Ba, https://arxiv.org/abs/1412.6980; Loshchilov and Hutter, https://arxiv.org/abs/1711.05101
struct AdamRule {
    var beta1: Double
    var beta2: Double
    var epsilon: Double
    /// Taken from the parameter itself, times the learning rate; 0 for plain Adam.
    var weightDecay: Double

    func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        var parameter = inputs[0].doubles
        let gradient = inputs[1].doubles
        var first = inputs[2].doubles
        var second = inputs[3].doubles
        let rate = inputs[4].doubles[0]
        let step = inputs[5].doubles[0]
        let firstCorrection = 1 - pow(beta1, step)
        let secondCorrection = 1 - pow(beta2, step)
        for index in parameter.indices {
            let g = gradient[index]
            first[index] = beta1 * first[index] + (1 - beta1) * g
            second[index] = beta2 * second[index] + (1 - beta2) * g * g
            let direction =
                first[index] / firstCorrection / ((second[index] / secondCorrection).squareRoot() + epsilon)
            parameter[index] -= rate * (direction + weightDecay * parameter[index])
        }
        return [parameter, first, second].map { HostTensor(inputs[0].type, doubles: $0) }
    }
}

extension Operator {
    func adamOutputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 6)
        try requireFloating(inputs[..<5])
        try requireShape(inputs[1], inputs[0].shape, "the gradient")
        try requireShape(inputs[2], inputs[0].shape, "the first moment")
        try requireShape(inputs[3], inputs[0].shape, "the second moment")
        try requireScalar(inputs[4], "the learning rate")
        try requireScalar(inputs[5], "the number of the step")
        try require(inputs[5].element == .int64, "the number of the step is int64, not \(inputs[5])")
        return [inputs[0], inputs[0], inputs[0]]
    }
}
