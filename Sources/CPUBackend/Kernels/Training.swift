internal import CKernels
internal import ComputeGraph
internal import Essentials
internal import KernelInterface

#if canImport(Glibc)
internal import Glibc
#endif

extension CPUKernelProvider {
    /// Updates of parameters and the gradients of convolution.
    static let trainingKernels: [CPUKernel] = [
        CPUKernel(name: "fused", operatorName: "SGDMomentumUpdate", refuse: onlyFloat32) { descent($0) },
        CPUKernel(name: "fused", operatorName: "AdamUpdate", refuse: refuseAdam) { adam($0) },
        CPUKernel(name: "fused", operatorName: "AdamWUpdate", refuse: refuseAdam) { adam($0) },
        CPUKernel(name: "gemm-columns", operatorName: "ConvWeightGradient", refuse: onlyImages) {
            byWeights($0)
        },
        CPUKernel(name: "gemm-columns", operatorName: "ConvInputGradient", refuse: onlyImages) {
            byInput($0)
        },
        CPUKernel(name: "gemm-columns", operatorName: "ConvTranspose", refuse: onlyImages) { byInput($0) },
    ]

    private static func descent(_ node: NodeSignature) -> CPUPreparedKernel {
        guard let update = node.operator as? SGDMomentumUpdate else {
            preconditionFailure("\(node.operator.name) is not SGDMomentumUpdate")
        }
        let count = node.inputs[0].shape.count
        let pairs = [InPlacePair(input: 0, output: 0), InPlacePair(input: 2, output: 1)]
        return CPUPreparedKernel(
            inPlacePairs: pairs,
            .split(count, grain: Threads.elementGrain / 2) { operands, part in
                var rule = unsafe ck_sgd(
                    rate: operands.input(3).pointee, momentum: update.momentum,
                    weight_decay: update.weightDecay,
                    nesterov: update.usesNesterov ? 1 : 0)
                let (parameter, gradient, velocity) = unsafe (
                    operands.input(0), operands.input(1), operands.input(2)
                )
                let (newParameter, newVelocity) = unsafe (operands.output(0), operands.output(1))
                let first = part.lowerBound
                unsafe ck_sgd_update_f32(
                    part.count, &rule, parameter + first, gradient + first, velocity + first,
                    newParameter + first,
                    newVelocity + first)
            })
    }

    /// The number of the step is the one integer among the inputs.
    @Sendable private static func refuseAdam(_ node: NodeSignature) -> Refusal? {
        var floats = node
        floats.inputs.removeLast()
        return onlyFloat32(floats)
    }

    private static func adam(_ node: NodeSignature) -> CPUPreparedKernel {
        let attributes = AdamAttributes(node.operator)
        let count = node.inputs[0].shape.count
        let pairs = [(0, 0), (2, 1), (3, 2)].map { InPlacePair(input: $0.0, output: $0.1) }
        return CPUPreparedKernel(
            inPlacePairs: pairs,
            .split(count, grain: Threads.elementGrain / 4) { operands, part in
                var rule = unsafe attributes.rule(
                    rate: operands.input(4).pointee, step: operands.integers(5).pointee)
                let (parameter, gradient) = unsafe (operands.input(0), operands.input(1))
                let (first, second) = unsafe (operands.input(2), operands.input(3))
                let (newParameter, newFirst) = unsafe (operands.output(0), operands.output(1))
                let newSecond = unsafe operands.output(2)
                let at = part.lowerBound
                unsafe ck_adam_update_f32(
                    part.count, &rule, parameter + at, gradient + at, first + at, second + at,
                    newParameter + at,
                    newFirst + at, newSecond + at)
            })
    }

    /// What `AdamUpdate` and `AdamWUpdate` share.
    private struct AdamAttributes: Sendable {
        var beta1: Double
        var beta2: Double
        var epsilon: Float
        var weightDecay: Float

        init(_ op: any Operator) {
            switch op {
            case let adam as AdamUpdate:
                (beta1, beta2) = (Double(adam.beta1), Double(adam.beta2))
                (epsilon, weightDecay) = (adam.epsilon, 0)
            case let adam as AdamWUpdate:
                (beta1, beta2) = (Double(adam.beta1), Double(adam.beta2))
                (epsilon, weightDecay) = (adam.epsilon, adam.weightDecay)
            default: preconditionFailure("\(op.name) is not a form of Adam")
            }
        }

        func rule(rate: Float, step: Int64) -> ck_adam {
            ck_adam(
                rate: rate, beta1: Float(beta1), beta2: Float(beta2), rest1: Float(1 - beta1),
                rest2: Float(1 - beta2), epsilon: epsilon, weight_decay: weightDecay,
                first_factor: Float(1 / (1 - pow(beta1, Double(step)))),
                second_factor: Float(1 / (1 - pow(beta2, Double(step)))))
        }
    }

    /// For each cut of the taps and each image: unroll the input, and add gradient times its transpose.
    ///
    /// A cut's sums stay with one thread and run over the images in order, so threads do not change a bit.
    private static func byWeights(_ node: NodeSignature) -> CPUPreparedKernel {
        guard let op = node.operator as? ConvWeightGradient else {
            preconditionFailure("\(node.operator.name) is not ConvWeightGradient")
        }
        let cut = GradientShape(
            op.convolution, input: node.inputs[1].shape, weights: node.outputs[0].shape,
            output: node.inputs[0].shape)
        let tapsPerPart = min(8, (cut.taps + 16 * 2 * Threads.count - 1) / (16 * 2 * Threads.count)) * 16
        let parts = (cut.taps + tapsPerPart - 1) / tapsPerPart
        let slots = min(Threads.count, parts * cut.groups)
        let (columns, packed) = (tapsPerPart * cut.pixels, ck_gemm_packed_count_f32(cut.pixels, tapsPerPart))
        let scratch = (columns + packed + 15) / 16 * 16
        let share = Phase.share(parts * cut.groups, slots: slots) { operands, slot, part in
            let (gradient, input, to) = unsafe (operands.input(0), operands.input(1), operands.output(0))
            let (group, first) = (part / parts, part % parts * tapsPerPart)
            let end = min(first + tapsPerPart, cut.taps)
            let unrolled = unsafe operands.scratch + slot * scratch
            var shape = cut.shape
            var gemm = unsafe ck_gemm()
            unsafe gemm.depth = cut.pixels
            unsafe gemm.columns = end - first
            unsafe gemm.a_row_stride = cut.pixels
            unsafe gemm.a_depth_stride = 1
            unsafe gemm.packed_b = UnsafePointer(unrolled + columns)
            unsafe gemm.c = to + group * cut.filters * cut.taps + first
            unsafe gemm.c_stride = cut.taps
            for image in 0..<cut.images {
                unsafe ck_conv2d_columns_f32(&shape, input, image, group, first, end, unrolled)
                unsafe ck_gemm_pack_f32(
                    cut.pixels, end - first, unrolled, 1, cut.pixels, 0, end - first, unrolled + columns)
                unsafe gemm.a = gradient + (image * cut.groups + group) * cut.filters * cut.pixels
                unsafe gemm.accumulate = image > 0 ? 1 : 0
                unsafe ck_gemm_f32(&gemm, 0, cut.filters, 0, end - first)
            }
        }
        return CPUPreparedKernel(
            workspace: ByteCount(bytes: Phase.counterSize + slots * scratch * 4), share)
    }

    /// For each image and group: weights' transpose times the gradient, folded back onto the input.
    private static func byInput(_ node: NodeSignature) -> CPUPreparedKernel {
        let convolution: Conv
        switch node.operator {
        case let gradient as ConvInputGradient: convolution = gradient.convolution
        case let transposed as ConvTranspose: convolution = transposed.convolution
        default: preconditionFailure("\(node.operator.name) is no convolution read backwards")
        }
        let cut = GradientShape(
            convolution, input: node.outputs[0].shape, weights: node.inputs[1].shape,
            output: node.inputs[0].shape)
        let parts = cut.images * cut.groups
        let slots = min(Threads.count, parts)
        let (columns, packed) = (cut.taps * cut.pixels, ck_gemm_packed_count_f32(cut.filters, cut.pixels))
        let scratch = (columns + packed + 15) / 16 * 16
        let share = Phase.share(parts, slots: slots) { operands, slot, part in
            let (gradient, weights, to) = unsafe (operands.input(0), operands.input(1), operands.output(0))
            let (image, group) = (part / cut.groups, part % cut.groups)
            let unrolled = unsafe operands.scratch + slot * scratch
            var shape = cut.shape
            var gemm = unsafe ck_gemm()
            unsafe gemm.depth = cut.filters
            unsafe gemm.columns = cut.pixels
            unsafe gemm.a = weights + group * cut.filters * cut.taps
            unsafe gemm.a_row_stride = 1
            unsafe gemm.a_depth_stride = cut.taps
            unsafe gemm.packed_b = UnsafePointer(unrolled + columns)
            unsafe gemm.c = unrolled
            unsafe gemm.c_stride = cut.pixels
            unsafe ck_gemm_pack_f32(
                cut.filters, cut.pixels, gradient + part * cut.filters * cut.pixels, cut.pixels, 1, 0,
                cut.pixels,
                unrolled + columns)
            unsafe ck_gemm_f32(&gemm, 0, cut.taps, 0, cut.pixels)
            unsafe ck_conv2d_add_columns_f32(&shape, unrolled, image, group, 0, cut.channels, to)
        }
        return CPUPreparedKernel(
            workspace: ByteCount(bytes: Phase.counterSize + slots * scratch * 4), share)
    }

    /// The sizes of a convolution's gradients, per group.
    private struct GradientShape: Sendable {
        let shape: ck_conv2d
        let images: Int
        let groups: Int
        let channels: Int
        let filters: Int
        let taps: Int
        let pixels: Int

        init(_ convolution: Conv, input: Shape, weights: Shape, output: Shape) {
            shape = ck_conv2d(convolution, input: input, weights: weights, output: output)
            images = input[0]
            groups = convolution.group
            channels = weights[1]
            filters = weights[0] / convolution.group
            taps = weights.extents.dropFirst().reduce(1, *)
            pixels = output[2] * output[3]
        }
    }
}
