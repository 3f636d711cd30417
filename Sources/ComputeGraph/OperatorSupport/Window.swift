/// How a window slides over the two last axes of `[batch, channels, height, width]`, shared by convolution and
/// pooling.
package struct Window: Hashable, Sendable {
    /// Height and width.
    package var kernel: [Int]
    package var strides: [Int]
    /// ONNX's order: top, left, bottom, right.
    package var pads: [Int]
    package var dilations: [Int]

    package init(kernel: [Int], strides: [Int], pads: [Int], dilations: [Int] = [1, 1]) {
        self.kernel = kernel
        self.strides = strides
        self.pads = pads
        self.dilations = dilations
    }

    /// The first rule that the numbers break, as the end of a sentence.
    var fault: String? {
        if kernel.count != 2 || kernel.contains(where: { $0 < 1 }) {
            "the kernel has a height and a width of at least 1, not \(kernel)"
        } else if strides.count != 2 || strides.contains(where: { $0 < 1 }) {
            "there are two strides of at least 1, not \(strides)"
        } else if dilations.count != 2 || dilations.contains(where: { $0 < 1 }) {
            "there are two dilations of at least 1, not \(dilations)"
        } else if pads.count != 4 || pads.contains(where: { $0 < 0 }) {
            "there are four pads (top, left, bottom, right) of at least 0, not \(pads)"
        } else {
            nil
        }
    }

    /// The extent of the output along spatial axis 0 (height) or 1 (width); less than 1 where the window does
    /// not fit.
    package func outputExtent(of input: Int, along axis: Int) -> Int {
        let reach = dilations[axis] * (kernel[axis] - 1) + 1
        let room = input + pads[axis] + pads[axis + 2] - reach
        return room < 0 ? 0 : room / strides[axis] + 1
    }

    /// Where in the input the given tap of the window lies, or nil when it lies in the padding.
    func position(output: Int, tap: Int, along axis: Int, extent: Int) -> Int? {
        let position = output * strides[axis] - pads[axis] + tap * dilations[axis]
        return position >= 0 && position < extent ? position : nil
    }
}

extension Operator {
    /// The height and width of the output for an input `[batch, channels, height, width]`.
    func outputExtents(of shape: Shape, window: Window) throws(GraphError) -> [Int] {
        if let fault = window.fault { throw mismatch(fault) }
        let height = window.outputExtent(of: shape[2], along: 0)
        let width = window.outputExtent(of: shape[3], along: 1)
        try require(
            height > 0 && width > 0,
            "a window of \(window.kernel) with dilations \(window.dilations) does not fit into \(shape) "
                + "padded by \(window.pads)")
        return [height, width]
    }
}
