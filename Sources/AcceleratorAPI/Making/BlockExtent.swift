package import CHengAccelerator
internal import Essentials

extension heng_block {
    /// The bytes from the block's first to behind its last one; 0 for a block without bytes.
    ///
    /// Throws where rows or planes overlap, or where the numbers are beyond all memory. The distance of rows does not
    /// count where there is one row, nor that of planes where there is one plane; these become those without gaps.
    package mutating func settle(width: UInt64, height: UInt64, depth: UInt64) throws(DeviceError) -> UInt64 {
        guard width > 0, height > 0, depth > 0 else { return 0 }
        let bytes = try unsafe extent(width, height, depth)
        if height == 1 { unsafe row_pitch = width }
        if depth == 1 { unsafe plane_pitch = row_pitch &* height }
        return bytes
    }

    private func extent(_ width: UInt64, _ height: UInt64, _ depth: UInt64) throws(DeviceError) -> UInt64 {
        guard unsafe height == 1 || row_pitch >= width else {
            throw invalid(
                "stream_copy_block",
                "The rows of a block overlap: they are \(width) bytes long and \(unsafe row_pitch) apart.")
        }
        let rows = unsafe row_pitch.multipliedReportingOverflow(by: height)
        guard unsafe depth == 1 || (!rows.overflow && plane_pitch >= rows.partialValue) else {
            throw invalid(
                "stream_copy_block",
                "The planes of a block overlap: they are \(height) rows of \(unsafe row_pitch) bytes and "
                    + "\(unsafe plane_pitch) bytes apart.")
        }
        var total = width
        for (distance, count) in unsafe [(row_pitch, height - 1), (plane_pitch, depth - 1)] {
            let part = distance.multipliedReportingOverflow(by: count)
            let sum = total.addingReportingOverflow(part.partialValue)
            guard !part.overflow, !sum.overflow else {
                throw DeviceError(
                    .outOfRange, operation: "stream_copy_block", text: "A block is larger than memory can be."
                )
            }
            total = sum.partialValue
        }
        return total
    }
}
