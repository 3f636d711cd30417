internal import CKernels
internal import ComputeGraph
internal import Essentials
internal import KernelInterface

extension CPUKernelProvider {
    /// Operators that work along rows: softmax, normalisation, loss.
    static let rowKernels: [CPUKernel] = [
        CPUKernel(name: "rows", operatorName: "Softmax", refuse: refuseOtherAxes) { node in
            unsafe softmax(node) { unsafe ck_softmax_f32($0, $1, $2, $3) }
        },
        CPUKernel(name: "rows", operatorName: "LogSoftmax", refuse: refuseOtherAxes) { node in
            unsafe softmax(node) { unsafe ck_log_softmax_f32($0, $1, $2, $3) }
        },
        CPUKernel(name: "rows", operatorName: "SoftmaxGradient", refuse: refuseOtherAxes) {
            softmaxGradient($0)
        },
        CPUKernel(name: "rows", operatorName: "LayerNormalization", refuse: onlyFloat32) {
            layerNormalization($0)
        },
        CPUKernel(name: "rows", operatorName: "LayerNormalizationGradient", refuse: onlyFloat32) { node in
            layerNormalizationGradient(node)
        },
        CPUKernel(name: "planes", operatorName: "BatchNormalization", refuse: onlyFloat32) {
            batchNormalization($0)
        },
        CPUKernel(name: "rows", operatorName: "SoftmaxCrossEntropyLoss", refuse: refuseScores) { loss($0) },
        CPUKernel(name: "rows", operatorName: "SoftmaxCrossEntropyLossGradient", refuse: refuseScores) {
            node in
            lossGradient(node)
        },
    ]

    /// A matrix whose rows are what an operator works on.
    private struct RowShape: Sendable {
        var rows: Int
        var columns: Int

        init(_ shape: Shape, columns: Int) {
            self.columns = columns
            rows = shape.count / max(columns, 1)
        }

        /// Rows that take about 10 microseconds, at `cost` copied elements per element.
        func grain(cost: Int) -> Int { max(1, Threads.elementGrain / max(columns * cost, 1)) }
    }

    @Sendable private static func refuseOtherAxes(_ node: NodeSignature) -> Refusal? {
        if let refusal = onlyFloat32(node) { return refusal }
        let axis: Int
        switch node.operator {
        case let softmax as Softmax: axis = softmax.axis
        case let softmax as LogSoftmax: axis = softmax.axis
        case let gradient as SoftmaxGradient: axis = gradient.axis
        default: return "It computes softmax and its gradient only."
        }
        let shape = node.inputs[0].shape
        let inner = shape.extents[((axis < 0 ? axis + shape.rank : axis) + 1)...]
        return inner.allSatisfy { $0 == 1 }
            ? nil : "It works along the last axis, not along axis \(axis) of \(shape)."
    }

    private static func rowShape(alongAxisOf node: NodeSignature) -> RowShape {
        let shape = node.inputs[0].shape
        // All axes behind the softmax's are 1 here, so the rows are those of the last axis that is not.
        let axis: Int
        switch node.operator {
        case let softmax as Softmax: axis = softmax.axis
        case let softmax as LogSoftmax: axis = softmax.axis
        case let gradient as SoftmaxGradient: axis = gradient.axis
        default: preconditionFailure("\(node.operator.name) is not a softmax")
        }
        return RowShape(shape, columns: shape[axis < 0 ? axis + shape.rank : axis])
    }

    private static func softmax(
        _ node: NodeSignature,
        _ function: @escaping @Sendable (Int, Int, UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Void
    ) -> CPUPreparedKernel {
        let shape = rowShape(alongAxisOf: node)
        return CPUPreparedKernel(
            inPlacePairs: [InPlacePair(input: 0, output: 0)],
            .split(shape.rows, grain: shape.grain(cost: 8)) { operands, part in
                let (from, to) = unsafe (operands.input(0), operands.output(0))
                let first = part.lowerBound * shape.columns
                unsafe function(part.count, shape.columns, from + first, to + first)
            })
    }

    private static func softmaxGradient(_ node: NodeSignature) -> CPUPreparedKernel {
        let shape = rowShape(alongAxisOf: node)
        let pairs = [InPlacePair(input: 0, output: 0), InPlacePair(input: 1, output: 0)]
        return CPUPreparedKernel(
            inPlacePairs: pairs,
            .split(shape.rows, grain: shape.grain(cost: 2)) { operands, part in
                let (gradient, softmax, to) = unsafe (
                    operands.input(0), operands.input(1), operands.output(0)
                )
                let first = part.lowerBound * shape.columns
                unsafe ck_softmax_gradient_f32(
                    part.count, shape.columns, gradient + first, softmax + first, to + first)
            })
    }

    private static func layerNormalization(_ node: NodeSignature) -> CPUPreparedKernel {
        let shape = RowShape(node.inputs[0].shape, columns: node.inputs[1].shape.count)
        let epsilon = (node.operator as? LayerNormalization)?.epsilon ?? 0
        let hasBias = node.inputs.count == 3
        return CPUPreparedKernel(
            inPlacePairs: [InPlacePair(input: 0, output: 0)],
            .split(shape.rows, grain: shape.grain(cost: 2)) { operands, part in
                let (from, scale, to) = unsafe (operands.input(0), operands.input(1), operands.output(0))
                let bias = unsafe hasBias ? operands.input(2) : nil
                let first = part.lowerBound * shape.columns
                unsafe ck_layer_norm_f32(
                    part.count, shape.columns, epsilon, from + first, scale, bias, to + first)
            })
    }

    private static func layerNormalizationGradient(_ node: NodeSignature) -> CPUPreparedKernel {
        let shape = RowShape(node.inputs[1].shape, columns: node.inputs[2].shape.count)
        let epsilon = (node.operator as? LayerNormalizationGradient)?.epsilon ?? 0
        let rows = Phase.split(shape.rows, grain: shape.grain(cost: 4)) { operands, part in
            let first = part.lowerBound * shape.columns
            unsafe ck_layer_norm_gradient_f32(
                part.count, shape.columns, epsilon, operands.input(0) + first, operands.input(1) + first,
                operands.input(2), operands.output(0) + first, operands.workspace + 2 * part.lowerBound)
        }
        let grain = max(16, Threads.elementGrain / max(shape.rows, 1))
        let columns = Phase.split(shape.columns, grain: grain) { operands, part in
            unsafe ck_layer_norm_sums_f32(
                shape.rows, shape.columns, part.lowerBound, part.upperBound, operands.input(0),
                operands.input(1), UnsafePointer(operands.workspace), operands.output(1), operands.output(2))
        }
        return CPUPreparedKernel(workspace: ByteCount(bytes: shape.rows * 8), rows, columns)
    }

    private static func batchNormalization(_ node: NodeSignature) -> CPUPreparedKernel {
        let shape = node.inputs[0].shape
        let channels = shape[1]
        let size = shape.count / (shape[0] * channels)
        let epsilon = (node.operator as? BatchNormalization)?.epsilon ?? 0
        return CPUPreparedKernel(
            inPlacePairs: [InPlacePair(input: 0, output: 0)],
            .split(shape[0] * channels, grain: max(1, Threads.elementGrain / size)) { operands, part in
                let (from, to) = unsafe (operands.input(0), operands.output(0))
                let (scale, bias) = unsafe (operands.input(1), operands.input(2))
                let (mean, variance) = unsafe (operands.input(3), operands.input(4))
                unsafe ck_batch_norm_f32(
                    channels, size, epsilon, from, scale, bias, mean, variance, to, part.lowerBound,
                    part.upperBound)
            })
    }

    @Sendable private static func refuseScores(_ node: NodeSignature) -> Refusal? {
        let labels = node.inputs.count - 1
        var floats = node
        floats.inputs.remove(at: labels)
        if let refusal = onlyFloat32(floats) { return refusal }
        return node.inputs[labels].element == .int64 ? nil : "Labels are int64, not \(node.inputs[labels])."
    }

    private static func loss(_ node: NodeSignature) -> CPUPreparedKernel {
        let shape = node.inputs[0].shape
        return CPUPreparedKernel(
            .once { operands in
                unsafe operands.output(0).pointee = ck_cross_entropy_f32(
                    shape[0], shape[1], operands.input(0), operands.integers(1))
            })
    }

    private static func lossGradient(_ node: NodeSignature) -> CPUPreparedKernel {
        let shape = RowShape(node.inputs[1].shape, columns: node.inputs[1].shape[1])
        return CPUPreparedKernel(
            inPlacePairs: [InPlacePair(input: 1, output: 0)],
            .split(shape.rows, grain: shape.grain(cost: 8)) { operands, part in
                let (scores, labels, to) = unsafe (
                    operands.input(1), operands.integers(2), operands.output(0)
                )
                let factor = unsafe operands.input(0).pointee / Float(shape.rows)
                let first = part.lowerBound * shape.columns
                unsafe ck_cross_entropy_gradient_f32(
                    part.count, shape.columns, factor, scores + first, labels + part.lowerBound, to + first)
            })
    }
}
