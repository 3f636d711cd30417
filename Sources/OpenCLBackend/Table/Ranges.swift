internal import AcceleratorAPI
internal import CHengAccelerator
internal import COpenCL
internal import Essentials

/// Where a range lies, after all checks.
@safe enum RangePlace {
    case buffer(OpenCLBuffer, offset: Int)
    case host(UnsafeMutableRawPointer)

    /// Checks that `bytes` fit into the range's capacity, and that into its buffer, which is the context's own.
    init(
        _ range: heng_range, bytes: UInt64, in context: OpenCLContext, _ operation: StaticString
    ) throws(DeviceError) {
        switch try unsafe RangeMemory(range, bytes: bytes, "\(operation)") {
        case .host(let address): unsafe self = .host(address)
        case .buffer(let raw):
            let buffer = try unsafe object(raw, OpenCLBuffer.self, operation)
            guard buffer.context.device === context.device else {
                throw DeviceError(
                    .wrongOwner, operation: "\(operation)",
                    text: "A buffer belongs to another device than the stream.")
            }
            try RangeMemory.checkFits(
                offset: unsafe range.offset, size: unsafe range.size, in: UInt64(buffer.size), "\(operation)")
            self = .buffer(buffer, offset: unsafe Int(range.offset))
        }
    }

    init(
        _ range: UnsafePointer<heng_range>?, bytes: UInt64, in context: OpenCLContext,
        _ operation: StaticString
    ) throws(DeviceError) {
        guard let range = unsafe range else { throw invalid("\(operation)", "A range is null.") }
        try unsafe self.init(range.pointee, bytes: bytes, in: context, operation)
    }
}

/// The commands for copies and fills.
enum CopyCommands {
    static func copy(_ target: RangePlace, _ source: RangePlace, _ bytes: Int) throws(DeviceError)
        -> StreamCommand
    {
        switch (target, source) {
        case (.buffer(let to, let toOffset), .buffer(let from, let fromOffset)):
            if to === from, toOffset < fromOffset + bytes, fromOffset < toOffset + bytes {
                throw invalid("stream_copy", "The two ranges of a copy overlap.")
            }
            return .copy(to: to.raw, toOffset: toOffset, from: from.raw, fromOffset: fromOffset, bytes: bytes)
        case (.buffer(let to, let offset), .host(let from)):
            return unsafe .write(UnsafeRawPointer(from), to: to.raw, offset: offset, bytes: bytes)
        case (.host(let to), .buffer(let from, let offset)):
            return unsafe .read(to, from: from.raw, offset: offset, bytes: bytes)
        case (.host(let to), .host(let from)):
            return unsafe .hostCopy(to: to, from: UnsafeRawPointer(from), bytes: bytes)
        }
    }

    static func fill(_ target: RangePlace, _ bytes: Int, _ value: UInt8) -> StreamCommand {
        switch target {
        case .buffer(let buffer, let offset): .fill(buffer.raw, offset: offset, bytes: bytes, value: value)
        case .host(let address): unsafe .hostFill(address, bytes: bytes, value: value)
        }
    }

    /// Usually one command; OpenCL wants planes to be whole rows apart, so others are copied plane by plane.
    static func blocks(
        _ target: RangePlace, _ to: heng_block, _ source: RangePlace, _ from: heng_block, _ size: BlockSize,
        _ toBytes: UInt64, _ fromBytes: UInt64
    ) throws(DeviceError) -> [StreamCommand] {
        if case .buffer(let a, let aOffset) = target, case .buffer(let b, let bOffset) = source, a === b,
            aOffset < bOffset + Int(fromBytes), bOffset < aOffset + Int(toBytes)
        {
            throw invalid("stream_copy_block", "The two ranges of a copy overlap.")
        }
        let isEven = unsafe to.plane_pitch % to.row_pitch == 0 && from.plane_pitch % from.row_pitch == 0
        if isEven, size.depth > 1 { return unsafe [block(target, to, source, from, size, plane: nil)] }
        return (0..<size.depth).map { plane in
            unsafe block(target, to, source, from, size, plane: plane)
        }
    }

    /// How many bytes in a row, rows in a plane, and planes.
    struct BlockSize {
        var width: Int
        var height: Int
        var depth: Int
    }

    /// The command for one plane, or for all.
    private static func block(
        _ target: RangePlace, _ to: heng_block, _ source: RangePlace, _ from: heng_block, _ size: BlockSize,
        plane: Int?
    ) -> StreamCommand {
        var block = unsafe opencl_block()
        unsafe block.width = size.width
        unsafe block.height = size.height
        unsafe block.depth = plane == nil ? size.depth : 1
        unsafe block.destination_row = Int(to.row_pitch)
        unsafe block.source_row = Int(from.row_pitch)
        // One plane needs no distance to the next.
        unsafe block.destination_plane = plane == nil ? Int(to.plane_pitch) : Int(to.row_pitch) * size.height
        unsafe block.source_plane = plane == nil ? Int(from.plane_pitch) : Int(from.row_pitch) * size.height
        let (toOffset, fromOffset) = unsafe (
            (plane ?? 0) * Int(to.plane_pitch), (plane ?? 0) * Int(from.plane_pitch)
        )
        switch target {
        case .buffer(let buffer, let offset):
            unsafe block.destination = buffer.raw
            unsafe block.destination_offset = offset + toOffset
        case .host(let address): unsafe block.destination_host = unsafe address + toOffset
        }
        switch source {
        case .buffer(let buffer, let offset):
            unsafe block.source = buffer.raw
            unsafe block.source_offset = offset + fromOffset
        case .host(let address): unsafe block.source_host = unsafe UnsafeRawPointer(address) + fromOffset
        }
        if case .host = target, case .host = source { return unsafe .hostBlock(block) }
        return unsafe .block(block)
    }
}
