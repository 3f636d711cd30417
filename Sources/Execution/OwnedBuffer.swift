internal import AcceleratorAPI
internal import ComputeGraph

/// A device buffer that several owners may hold; freed with the last of them.
final class OwnedBuffer: Sendable {
    let buffer: DeviceBuffer

    init(_ buffer: consuming DeviceBuffer) { self.buffer = buffer }

    var view: DeviceBufferView { buffer.view() }
}

extension DeviceBufferView {
    /// Fills the view from host memory and waits for it.
    func write(_ bytes: UnsafeRawBufferPointer, on stream: borrowing DeviceStream) throws(DeviceError) {
        if let address = unsafe hostAddress {
            precondition(bytes.count <= size, "\(bytes.count) bytes do not fit a view of \(size)")
            if let start = bytes.baseAddress {
                unsafe address.copyMemory(from: start, byteCount: bytes.count)
            }
        } else {
            try unsafe stream.copy(from: bytes, to: self)
            try stream.synchronize()
        }
    }

    /// Copies the view into host memory and waits for it.
    func read(into bytes: UnsafeMutableRawBufferPointer, on stream: borrowing DeviceStream)
        throws(DeviceError)
    {
        if let address = unsafe hostAddress {
            precondition(bytes.count >= size, "a view of \(size) bytes does not fit \(bytes.count)")
            if let start = bytes.baseAddress { unsafe start.copyMemory(from: address, byteCount: size) }
        } else {
            try unsafe stream.copy(from: self, to: bytes)
            try stream.synchronize()
        }
    }

    /// The view as a tensor in host memory.
    func tensor(_ type: TensorType, on stream: borrowing DeviceStream) throws -> HostTensor {
        var result = HostTensor(zeros: type)
        let source = view(offset: 0, size: type.byteCount)
        try unsafe result.withMutableBytes { bytes in try unsafe source.read(into: bytes, on: stream) }
        return result
    }
}
