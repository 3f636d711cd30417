internal import CKernels
internal import ComputeGraph
internal import Essentials
internal import KernelInterface

extension CPUKernelProvider {
    /// 2-D convolutions.
    static let convolutionKernels: [CPUKernel] = ["Conv", "FusedConv"].flatMap { name in
        [
            CPUKernel(name: "depthwise", operatorName: name, refuse: refuseDepthwise) { node in
                try depthwise(node)
            },
            CPUKernel(name: "implicit-gemm", operatorName: name, refuse: refusePackedConvolution) { node in
                try implicitProduct(node, isFrozen: true)
            },
            CPUKernel(name: "implicit-gemm-packing", operatorName: name, refuse: refuseConvolution) { node in
                try implicitProduct(node, isFrozen: false)
            },
        ]
    }

    @Sendable private static func refuseConvolution(_ node: NodeSignature) -> Refusal? { onlyImages(node) }

    @Sendable private static func refusePackedConvolution(_ node: NodeSignature) -> Refusal? {
        if let refusal = onlyImages(node) { return refusal }
        return node.frozenInputs.contains(1)
            ? nil : "It packs the weights once, and they may change between runs."
    }

    @Sendable private static func refuseDepthwise(_ node: NodeSignature) -> Refusal? {
        if let refusal = onlyImages(node) { return refusal }
        return node.inputs[1].shape[1] == 1 && node.inputs[0].shape[1] > 1
            ? nil : "It convolves each channel alone, and here are \(node.inputs[1].shape[1]) per group."
    }

    private static func depthwise(_ node: NodeSignature) throws -> CPUPreparedKernel {
        let convolution = try Convolution(node)
        let shape = convolution.shape
        let planes = node.outputs[0].shape[0] * node.outputs[0].shape[1]
        let cost =
            node.outputs[0].shape[2] * node.outputs[0].shape[3] * node.inputs[1].shape[2]
            * node.inputs[1].shape[3]
        let grain = max(1, Threads.elementGrain / max(cost, 1))
        let split = Phase.split(planes, grain: grain) { operands, part in
            var shape = shape
            var epilogue = unsafe convolution.epilogue(operands)
            unsafe ck_depthwise_conv2d_f32(
                &shape, operands.input(0), operands.input(1), &epilogue, operands.output(0), part.lowerBound,
                part.upperBound)
        }
        return CPUPreparedKernel(split)
    }

    private static func implicitProduct(_ node: NodeSignature, isFrozen: Bool) throws -> CPUPreparedKernel {
        var convolution = try Convolution(node)
        let window = isFrozen ? convolution.dropDeadTaps() : nil
        var shape = convolution.shape
        let packedCount = unsafe ck_conv2d_packed_count_f32(&shape)
        let plan = ConvolutionPlan(convolution)
        let scratch = plan.workspace
        let key = "convolution \(node.inputs[1].shape) in \(convolution.groups)"
        let packing = unsafe Packing(
            key: window.map { "\(key) taps \($0.rows) \($0.columns)" } ?? key,
            size: ByteCount(bytes: packedCount * 4)
        ) { [shape] plain, packed in
            guard let to = packed.baseAddress else { return }
            var shape = shape
            let all = unsafe plain.bindMemory(to: Float.self)
            let live = unsafe window?.weights(from: all) ?? []
            unsafe live.withUnsafeBufferPointer { live in
                unsafe ck_conv2d_pack_f32(
                    &shape, live.isEmpty ? all.baseAddress : live.baseAddress,
                    to.assumingMemoryBound(to: Float.self))
            }
        }
        if isFrozen {
            return unsafe CPUPreparedKernel(
                workspace: scratch, packings: [1: packing], plan.phase { unsafe $0.input(1) })
        }
        let start = scratch.roundedUp(to: 64).bytes
        let packed: @Sendable (Operands) -> UnsafeMutablePointer<Float> = { operands in
            guard let space = unsafe operands.workspaceAddress else {
                preconditionFailure("it has a workspace")
            }
            return unsafe (space + start).assumingMemoryBound(to: Float.self)
        }
        let pack = Phase.once { [shape] operands in
            var shape = shape
            unsafe ck_conv2d_pack_f32(&shape, operands.input(1), packed(operands))
        }
        return unsafe CPUPreparedKernel(
            workspace: ByteCount(bytes: start + packedCount * 4), pack,
            plan.phase { unsafe UnsafePointer(packed($0)) })
    }
}

/// The refusal of all but float32 images of two axes.
@Sendable func onlyImages(_ node: NodeSignature) -> Refusal? {
    if let refusal = onlyFloat32(node) { return refusal }
    return node.inputs[0].shape.rank == 4
        ? nil : "It slides along two axes, and \(node.inputs[0].shape) has \(node.inputs[0].shape.rank - 2)."
}

/// A convolution as the kernels see it, from `Conv` or `FusedConv`.
struct Convolution: Sendable {
    private(set) var shape: ck_conv2d
    let groups: Int
    private let bias: Int?
    private let residual: Int?
    private let activation: Activation

    init(_ node: NodeSignature) throws {
        let convolution: Conv
        switch node.operator {
        case let plain as Conv:
            convolution = plain
            bias = node.inputs.count == 3 ? 2 : nil
            residual = nil
            activation = .identity
        case let fused as FusedConv:
            convolution = fused.convolution
            bias = fused.hasBias ? 2 : nil
            residual = fused.hasResidual ? node.inputs.count - 1 : nil
            activation = fused.activation
        default: preconditionFailure("\(node.operator.name) is not a convolution")
        }
        groups = convolution.group
        shape = ck_conv2d(
            convolution, input: node.inputs[0].shape, weights: node.inputs[1].shape,
            output: node.outputs[0].shape)
    }

    func epilogue(_ operands: Operands) -> ck_epilogue {
        var epilogue = unsafe ck_epilogue()
        if let bias { unsafe epilogue.row_bias = operands.input(bias) }
        if let residual { unsafe epilogue.residual = operands.input(residual) }
        unsafe epilogue.activation = activation.inKernels
        return unsafe epilogue
    }
}

extension Convolution {
    /// Leaves out the taps that see nothing but padding, and says which stay; nil when all do.
    ///
    /// On the small images at the end of a network most of a 3x3 kernel can be dead, and its weights need not be
    /// read.
    mutating func dropDeadTaps() -> KernelWindow? {
        let rows = Convolution.liveTaps(
            shape.kernel_height, shape.dilation_height, shape.pad_top, stride: shape.stride_height,
            input: shape.in_height, output: shape.out_height)
        let columns = Convolution.liveTaps(
            shape.kernel_width, shape.dilation_width, shape.pad_left, stride: shape.stride_width,
            input: shape.in_width, output: shape.out_width)
        guard rows.count < shape.kernel_height || columns.count < shape.kernel_width else { return nil }
        let window = KernelWindow(
            rows: rows, columns: columns, height: shape.kernel_height, width: shape.kernel_width)
        shape.pad_top -= rows.lowerBound * shape.dilation_height
        shape.pad_left -= columns.lowerBound * shape.dilation_width
        (shape.kernel_height, shape.kernel_width) = (rows.count, columns.count)
        return window
    }

    private static func liveTaps(
        _ kernel: Int, _ dilation: Int, _ pad: Int, stride: Int, input: Int, output: Int
    ) -> Range<Int> {
        func isLive(_ tap: Int) -> Bool {
            (0..<output).contains { place in
                (0..<input).contains(place * stride + tap * dilation - pad)
            }
        }
        var (first, end) = (0, kernel)
        // The padding that is left in front must not become negative.
        while first < end - 1, !isLive(first), (first + 1) * dilation <= pad { first += 1 }
        while end - 1 > first, !isLive(end - 1) { end -= 1 }
        return first..<end
    }
}

/// The part of a convolution's kernel that is used.
struct KernelWindow: Sendable {
    var rows: Range<Int>
    var columns: Range<Int>
    var height: Int
    var width: Int

    /// The used weights of all channels, in their order.
    func weights(from all: UnsafeBufferPointer<Float>) -> [Float] {
        stride(from: 0, to: all.count, by: height * width).flatMap { kernel in
            rows.flatMap { row in columns.map { unsafe all[kernel + row * width + $0] } }
        }
    }
}

extension ck_conv2d {
    init(_ convolution: Conv, input: Shape, weights: Shape, output: Shape) {
        self.init(
            batch: input[0], groups: convolution.group, in_channels: input[1], in_height: input[2],
            in_width: input[3], out_channels: weights[0], out_height: output[2], out_width: output[3],
            kernel_height: weights[2], kernel_width: weights[3], stride_height: convolution.strides[0],
            stride_width: convolution.strides[1], dilation_height: convolution.dilations[0],
            dilation_width: convolution.dilations[1], pad_top: convolution.pads[0],
            pad_left: convolution.pads[1])
    }
}

/// How one convolution is cut into parts: tiles of pixels, and where those are few, ranges of output channels too.
///
/// Every part lays out its pixels itself, so a cut across channels repeats that work. The plan tries the tile widths
/// and the numbers of cuts, reckons when the last thread would be done, and keeps the best.
struct ConvolutionPlan: Sendable {
    private let convolution: Convolution
    private let pixels: Int
    private let pixelsPerTile: Int
    private let tiles: Int
    private let channelParts: Int
    private let channelsPerPart: Int
    private let slots: Int
    private let scratchCount: Int

    init(_ convolution: Convolution) {
        var shape = convolution.shape
        let pixels = shape.batch * shape.out_height * shape.out_width
        let channels = shape.out_channels / shape.groups
        let groups = convolution.groups
        var best = (time: Double.infinity, width: 1, parts: 1)
        for width in 1...Int(CK_CONV_PIXELS) / ProductPlan.panel {
            for parts in [1, Threads.count, 2 * Threads.count] where parts == 1 || channels >= 12 * parts {
                let time = ConvolutionPlan.time(pixels, channels, groups, width: width, parts: parts)
                if time < best.time { best = (time, width, parts) }
            }
        }
        self.convolution = convolution
        self.pixels = pixels
        pixelsPerTile = best.width * ProductPlan.panel
        tiles = (pixels + pixelsPerTile - 1) / pixelsPerTile
        let rowTiles = (channels + ProductPlan.tile - 1) / ProductPlan.tile
        channelsPerPart = (rowTiles + best.parts - 1) / best.parts * ProductPlan.tile
        channelParts = (channels + channelsPerPart - 1) / channelsPerPart
        slots = min(Threads.count, tiles * channelParts * groups)
        scratchCount = unsafe (ck_conv2d_scratch_count_f32(&shape, pixelsPerTile) + 15) / 16 * 16
    }

    var workspace: ByteCount { ByteCount(bytes: Phase.counterSize + slots * scratchCount * 4) }

    /// Cycles per step of the depth until the last thread is done, when parts are handed out one by one.
    private static func time(_ pixels: Int, _ channels: Int, _ groups: Int, width: Int, parts: Int) -> Double
    {
        let perTile = width * ProductPlan.panel
        let (whole, rest) = (pixels / perTile, pixels % perTile)
        func cost(_ pixels: Int) -> Double {
            let half = Double((pixels + 7) / 8)
            let rows = Double((channels + parts * ProductPlan.tile - 1) / (parts * ProductPlan.tile))
            // Three cycles per half panel and six rows, half a cycle to lay out a pixel, and what a part costs at all.
            return 3 * half * rows + 0.5 * Double(pixels) + 1
        }
        var load = [Double](repeating: 0, count: Threads.count)
        func hand(_ cost: Double, times: Int) {
            // Beyond a few rounds the loads are even, and the exact order does not matter.
            let even = max(0, times / load.count - 4)
            for thread in load.indices { load[thread] += Double(even) * cost }
            for _ in 0..<times - even * load.count {
                guard let least = load.indices.min(by: { load[$0] < load[$1] }) else { return }
                load[least] += cost
            }
        }
        hand(cost(perTile), times: whole * parts * groups)
        if rest > 0 { hand(cost(rest), times: parts * groups) }
        return load.max() ?? 0
    }

    /// The work itself; `weights` finds the packed weights among the operands.
    func phase(weights: @escaping @Sendable (Operands) -> UnsafePointer<Float>) -> Phase {
        let perGroup = tiles * channelParts
        let channels = convolution.shape.out_channels / convolution.shape.groups
        return .share(perGroup * convolution.groups, slots: slots) { operands, slot, part in
            let (group, place) = (part / perGroup, part % perGroup)
            let pixel = place / channelParts * pixelsPerTile
            let channel = place % channelParts * channelsPerPart
            var shape = convolution.shape
            var epilogue = unsafe convolution.epilogue(operands)
            unsafe ck_conv2d_f32(
                &shape, operands.input(0), weights(operands), &epilogue, operands.output(0), group, pixel,
                min(pixel + pixelsPerTile, pixels), channel, min(channel + channelsPerPart, channels),
                operands.scratch + slot * scratchCount)
        }
    }
}
