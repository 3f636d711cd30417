/// The attributes that convolutions and pools share.
extension OperatorSchema.AttributeParameter {
    static let autoPad = string(
        "auto_pad", "NOTSET", "NOTSET, SAME_UPPER, SAME_LOWER or VALID: whether pads are given or found")
    static let kernelShape = ints("kernel_shape", nil, "the window's extents; a convolution has its weights'")
    static let strides = ints("strides", nil, "one for each axis, 1 where left out")
    static let pads = ints("pads", nil, "beginnings, then ends; 0 where left out")
    static let dilations = ints("dilations", nil, "one for each axis, 1 where left out")
    static let ceilMode = int(
        "ceil_mode", 0, "whether a last window may reach beyond the padding; it still begins before it")
}

extension OperatorCall {
    /// A list of integers, or nil where it is left out or empty.
    func someInts(_ name: String) throws(GraphError) -> [Int]? {
        guard let list = try optionalInts(name), !list.isEmpty else { return nil }
        return list
    }

    /// The window that the attributes describe over the extents of x behind batch and channels, with the pads that
    /// `auto_pad` asks for.
    func window(kernel: [Int], over extents: [Int]) throws(GraphError) -> Window {
        var window = Window(
            kernel: kernel, strides: try someInts("strides") ?? extents.map { _ in 1 },
            pads: try someInts("pads") ?? [Int](repeating: 0, count: 2 * extents.count),
            dilations: try someInts("dilations") ?? extents.map { _ in 1 })
        let mode = try string("auto_pad")
        if mode != "NOTSET" { window.pads = [Int](repeating: 0, count: 2 * extents.count) }
        if let fault = window.fault(axes: extents.count) { throw error(fault) }
        switch mode {
        case "NOTSET", "VALID": break
        case "SAME_UPPER", "SAME_LOWER":
            for (axis, extent) in extents.enumerated() {
                let stride = window.strides[axis]
                let outputs = (extent + stride - 1) / stride
                let total = max(0, (outputs - 1) * stride + window.reach(along: axis) - extent)
                let smaller = total / 2
                window.pads[axis] = mode == "SAME_UPPER" ? smaller : total - smaller
                window.pads[axis + extents.count] = total - window.pads[axis]
            }
        default: throw error("auto_pad is NOTSET, SAME_UPPER, SAME_LOWER or VALID, not \(mode)")
        }
        return window
    }

    /// How far windows reach behind the padding where `ceil_mode` rounds their number up.
    ///
    /// A window that would begin behind the input holds nothing, and is left out.
    func overhang(of window: Window, over extents: [Int]) throws(GraphError) -> [Int] {
        guard try flag("ceil_mode"), try string("auto_pad") == "NOTSET" else { return extents.map { _ in 0 } }
        return window.overhang(over: extents)
    }
}

extension Window {
    /// How much further the last window along each axis reaches where `ceil_mode` adds one.
    func overhang(over extents: [Int]) -> [Int] {
        var overhang = extents.map { _ in 0 }
        for (axis, extent) in extents.enumerated() {
            let room = extent + pads[axis] + pads[axis + extents.count]
            let (stride, reach) = (strides[axis], reach(along: axis))
            let left = room < reach ? 0 : (room - reach) % stride
            let next = room - reach - left + stride
            if left > 0, next < extent + pads[axis] { overhang[axis] = stride - left }
        }
        return overhang
    }

    /// The same windows without padding behind the last of them, of which runtimes take no more than a kernel.
    func trimmed(over extents: [Int]) -> Window {
        var window = self
        for (axis, extent) in extents.enumerated() {
            let reached = (outputExtent(of: extent, along: axis) - 1) * strides[axis] + reach(along: axis)
            window.pads[axis + extents.count] = max(0, reached - extent - pads[axis])
        }
        return window
    }

    /// The attributes of a pool.
    var attributes: [String: Attribute] {
        [
            "kernel_shape": .ints(kernel), "strides": .ints(strides), "pads": .ints(pads),
            "dilations": .ints(dilations),
        ]
    }
}
