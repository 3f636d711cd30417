internal import CKernels
internal import ComputeGraph
internal import KernelInterface

extension CPUKernelProvider {
    /// Pools and their gradients.
    static let poolingKernels: [CPUKernel] = [
        CPUKernel(name: "planes", operatorName: "MaxPool", refuse: refusePool) { node in
            unsafe pool(node, input: node.inputs[0].shape, output: node.outputs[0].shape) {
                shape, operands, part in
                unsafe ck_max_pool2d_f32(
                    shape, operands.input(0), operands.output(0), part.lowerBound, part.upperBound)
            }
        },
        CPUKernel(name: "planes", operatorName: "AveragePool", refuse: refusePool) { node in
            unsafe pool(node, input: node.inputs[0].shape, output: node.outputs[0].shape) {
                shape, operands, part in
                unsafe ck_average_pool2d_f32(
                    shape, operands.input(0), operands.output(0), part.lowerBound, part.upperBound)
            }
        },
        CPUKernel(name: "planes", operatorName: "MaxPoolGradient", refuse: refusePool) { node in
            unsafe pool(node, input: node.outputs[0].shape, output: node.inputs[0].shape) {
                shape, operands, part in
                unsafe ck_max_pool2d_gradient_f32(
                    shape, operands.input(0), operands.input(1), operands.output(0), part.lowerBound,
                    part.upperBound)
            }
        },
        CPUKernel(name: "planes", operatorName: "AveragePoolGradient", refuse: refusePool) { node in
            unsafe pool(node, input: node.outputs[0].shape, output: node.inputs[0].shape) {
                shape, operands, part in
                unsafe ck_average_pool2d_gradient_f32(
                    shape, operands.input(0), operands.output(0), part.lowerBound, part.upperBound)
            }
        },
    ]

    @Sendable private static func refusePool(_ node: NodeSignature) -> Refusal? {
        if let refusal = onlyImages(node) { return refusal }
        switch node.operator {
        case let pool as MaxPool where pool.hasIndices: return "It does not tell where elements lie."
        case let pool as AveragePool where !pool.hasPlainDivisor:
            return "It counts all of a window or what is inside."
        case let gradient as AveragePoolGradient where !gradient.pool.hasPlainDivisor:
            return "It counts all of a window or what is inside."
        case let gradient as MaxPoolGradient where gradient.pool.dilations != [1, 1]:
            return "Windows with gaps may hold nothing."
        case let gradient as AveragePoolGradient where gradient.pool.dilations != [1, 1]:
            return "Windows with gaps may hold nothing."
        default: return nil
        }
    }

    private static func pool(
        _ node: NodeSignature, input: Shape, output: Shape,
        _ body: @escaping @Sendable (UnsafePointer<ck_pool2d>, Operands, Range<Int>) -> Void
    ) -> CPUPreparedKernel {
        let shape = poolShape(node.operator, input, output)
        let planes = input[0] * input[1]
        let (_, window) = (0, shape.kernel_height * shape.kernel_width)
        let grain = max(1, Threads.elementGrain / (output[2] * output[3] * window))
        return CPUPreparedKernel(
            .split(planes, grain: grain) { operands, part in
                var shape = shape
                unsafe body(&shape, operands, part)
            })
    }

    private static func poolShape(_ op: any Operator, _ input: Shape, _ output: Shape) -> ck_pool2d {
        let window: Window
        var countsPadding = false
        switch op {
        case let pool as MaxPool: window = pool.window
        case let gradient as MaxPoolGradient: window = gradient.pool.window
        case let pool as AveragePool:
            window = pool.window
            countsPadding = pool.countIncludePad
        case let gradient as AveragePoolGradient:
            window = gradient.pool.window
            countsPadding = gradient.pool.countIncludePad
        default: preconditionFailure("\(op.name) is not a pool")
        }
        return ck_pool2d(
            in_height: input[2], in_width: input[3], out_height: output[2], out_width: output[3],
            kernel_height: window.kernel[0], kernel_width: window.kernel[1], stride_height: window.strides[0],
            stride_width: window.strides[1], dilation_height: window.dilations[0],
            dilation_width: window.dilations[1], pad_top: window.pads[0], pad_left: window.pads[1],
            count_padding: countsPadding ? 1 : 0)
    }
}
