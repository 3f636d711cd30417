package import CHengAccelerator
package import Essentials

/// Memory that belongs to a device: it has one owner, who frees it by letting go of it.
///
/// The owner makes sure that no stream still uses it by then. Others are handed views.
@safe package struct DeviceBuffer: ~Copyable, @unchecked Sendable {
    // Unchecked: the handle and the address never change. Whose turn it is to touch the bytes is for streams,
    // events and the caller to say, as with any memory that a device shares.
    package let handle: OpaquePointer
    package let size: ByteCount
    /// Where host code reaches the bytes; nil on devices it cannot reach.
    package let hostAddress: UnsafeMutableRawPointer?
    let core: ContextCore

    init(in core: ContextCore, size: ByteCount, numaNode: Int?, pages: PagePolicy) throws(DeviceError) {
        let table = core.table
        var arguments = unsafe heng_buffer_arguments()
        unsafe arguments.header = StructCrossing.header(
            HENG_KIND_BUFFER_ARGUMENTS, of: heng_buffer_arguments.self)
        unsafe arguments.size = UInt64(max(0, size.bytes))
        unsafe arguments.numa_node = Int32(numaNode ?? -1)
        unsafe arguments.pages = pages.rawValue
        var handle: OpaquePointer?
        try unsafe table.call(table.functions.pointee.buffer_allocate, "buffer_allocate") {
            unsafe $0(core.handle, &arguments, &handle, $1)
        }
        unsafe self.handle = try unsafe made(handle, "buffer_allocate", table)
        unsafe hostAddress =
            core.device.description.isHostAddressable ? DeviceBuffer.address(of: self.handle, table) : nil
        self.size = size
        self.core = core
    }

    deinit { _ = unsafe core.table.functions.pointee.buffer_free?(handle, nil) }

    /// The whole buffer, or the part of it from `offset` on.
    package borrowing func view(offset: Int = 0, size: Int? = nil) -> DeviceBufferView {
        let size = size ?? self.size.bytes - offset
        precondition(
            offset >= 0 && size >= 0 && offset <= self.size.bytes - size,
            "a view of \(size) bytes from \(offset) leaves its buffer of \(self.size.bytes)")
        return unsafe DeviceBufferView(
            handle: handle, hostAddress: hostAddress.map { unsafe $0 + offset }, offset: offset, size: size)
    }

    private static func address(of handle: OpaquePointer, _ table: DeviceTable) -> UnsafeMutableRawPointer? {
        var address: UnsafeMutableRawPointer?
        // A device that says it is host addressable and then refuses has simply no address to give.
        guard unsafe table.functions.pointee.buffer_host_address?(handle, &address, nil) == 0 else {
            return nil
        }
        return unsafe address
    }
}

/// A part of a buffer, for kernels and copies: it owns nothing, and must not outlive its buffer.
@safe package struct DeviceBufferView: @unchecked Sendable {
    // Unchecked for the same reasons as the buffer.
    package let handle: OpaquePointer
    /// Where host code reaches the first byte of the view; nil on devices it cannot reach.
    package let hostAddress: UnsafeMutableRawPointer?
    package let offset: Int
    package let size: Int
    /// Whether the bytes are ordinary memory of the process, which no buffer holds.
    package let isInHostMemory: Bool

    /// A part of a buffer that somebody else owns, by its handle.
    package init(
        handle: OpaquePointer, hostAddress: UnsafeMutableRawPointer?, offset: Int, size: Int
    ) {
        unsafe self.handle = unsafe handle
        unsafe self.hostAddress = unsafe hostAddress
        self.offset = offset
        self.size = size
        isInHostMemory = false
    }

    /// Ordinary memory, for work on devices whose memory the host reaches, and for copies.
    package init(host address: UnsafeMutableRawPointer, size: Int) {
        unsafe handle = OpaquePointer(address)
        unsafe hostAddress = unsafe address
        offset = 0
        self.size = size
        isInHostMemory = true
    }

    /// A part of this view.
    package func view(offset: Int, size: Int) -> DeviceBufferView {
        precondition(
            offset >= 0 && size >= 0 && offset <= self.size - size,
            "a view of \(size) bytes from \(offset) leaves its view of \(self.size)")
        if isInHostMemory, let address = unsafe hostAddress {
            return unsafe DeviceBufferView(host: address + offset, size: size)
        }
        return unsafe DeviceBufferView(
            handle: handle, hostAddress: hostAddress.map { unsafe $0 + offset }, offset: self.offset + offset,
            size: size)
    }

    /// The view as the table takes it; its size is the capacity.
    package var range: heng_range {
        isInHostMemory
            ? unsafe heng_range(buffer: nil, host: hostAddress, offset: 0, size: UInt64(size))
            : unsafe heng_range(buffer: handle, host: nil, offset: UInt64(offset), size: UInt64(size))
    }
}
