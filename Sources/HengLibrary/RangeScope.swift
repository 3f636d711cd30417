internal import AcceleratorAPI
internal import CHengAccelerator
internal import CHengForwarding
internal import ComputeGraph

/// Turns a caller's ranges into views of one device, with the checks that tensors need.
@safe struct RangeScope {
    private let device: UnsafeMutableRawPointer?
    private let operation: StaticString

    init(device: UnsafeMutableRawPointer?, operation: StaticString) {
        unsafe self.device = unsafe device
        self.operation = operation
    }

    /// The view of one range, with all its bytes.
    func view(_ range: heng_range) throws -> DeviceBufferView {
        var given = unsafe range
        var inner = unsafe heng_range()
        var address: UnsafeMutableRawPointer?
        var error: OpaquePointer?
        let status = unsafe heng_forwarding_range(
            device, &given, &inner, &address, "\(operation)", &error)
        if status != 0 { throw unsafe LibraryFailure(status: status, error: error) }
        let size = Int(clamping: unsafe range.size)
        if let buffer = unsafe inner.buffer {
            return unsafe DeviceBufferView(
                handle: buffer, hostAddress: address, offset: Int(clamping: inner.offset), size: size)
        }
        guard let address = unsafe address else {
            throw failure(.invalidArgument, "\(operation)", "A range names no memory.")
        }
        return unsafe DeviceBufferView(host: address, size: size)
    }

    /// The views of tensors that stand at the given places of the caller's list.
    func views(
        _ ranges: UnsafeBufferPointer<heng_range>, at places: [Int], types: [TensorType],
        code: DeviceError.Code
    ) throws -> [DeviceBufferView] {
        try zip(places, types).map { place, type in
            guard place < ranges.count else {
                throw failure(
                    code, "\(operation)", "\(ranges.count) ranges are given, and tensor \(place) needs one.")
            }
            return try unsafe tensor(ranges[place], type, "Tensor \(place)", code)
        }
    }

    /// The view of one tensor: as large as it, and aligned to its elements.
    func tensor(
        _ range: heng_range, _ type: TensorType, _ what: String, _ code: DeviceError.Code
    ) throws -> DeviceBufferView {
        if type.byteCount == 0, unsafe range.buffer == nil, unsafe range.host == nil {
            return unsafe DeviceBufferView(host: UnsafeMutableRawPointer(RangeScope.nothing), size: 0)
        }
        guard unsafe range.size >= UInt64(type.byteCount) else {
            throw failure(
                code, "\(operation)",
                "\(what) is \(type), \(type.byteCount) bytes, and its range has \(unsafe range.size).")
        }
        let view = try unsafe view(range)
        let start = unsafe view.hostAddress.map { UInt(bitPattern: $0) } ?? UInt(view.offset)
        guard start % UInt(max(1, type.element.size)) == 0 else {
            throw failure(
                .alignment, "\(operation)", "\(what) does not start at a multiple of its elements' size.")
        }
        return view.view(offset: 0, size: type.byteCount)
    }

    /// The scratch memory of a run, which must have `bytes`.
    func scratch(_ range: UnsafePointer<heng_range>?, _ bytes: Int) throws -> DeviceBufferView? {
        guard bytes > 0 else { return nil }
        guard let range = unsafe range?.pointee, unsafe range.size >= UInt64(bytes) else {
            throw failure(.operatorLoad, "\(operation)", "A workspace of \(bytes) bytes is needed.")
        }
        return try unsafe view(range)
    }

    /// An address for tensors without elements.
    nonisolated(unsafe) private static let nothing = UnsafeMutablePointer<UInt64>.allocate(capacity: 1)
}
