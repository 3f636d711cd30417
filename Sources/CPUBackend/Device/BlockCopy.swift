#if canImport(Glibc)
internal import Glibc
#endif

/// A copy of rows and planes that lie apart: plain numbers, so that it fits a stream's slot.
@safe struct BlockCopy: BitwiseCopyable {
    var destination: UnsafeMutableRawPointer
    var source: UnsafeRawPointer
    var destinationPitch: (row: Int, plane: Int)
    var sourcePitch: (row: Int, plane: Int)
    var width: Int
    var height: Int
    var depth: Int

    var byteCount: Int { width * height * depth }

    func run() {
        for plane in 0..<depth {
            for row in 0..<height {
                unsafe memmove(
                    destination + plane * destinationPitch.plane + row * destinationPitch.row,
                    source + plane * sourcePitch.plane + row * sourcePitch.row, width)
            }
        }
    }
}
