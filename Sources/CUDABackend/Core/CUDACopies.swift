internal import AcceleratorAPI
internal import CCUDA
internal import CHengAccelerator
internal import Essentials

/// Where bytes lie.
enum CUDAPlace {
    case device(UInt64)
    /// Memory of the process; the driver reaches it in the background only where it is pinned.
    case host(UInt, isPinned: Bool)

    func advanced(by bytes: UInt64) -> CUDAPlace {
        switch self {
        case .device(let address): .device(address + bytes)
        case .host(let address, let isPinned): .host(address + UInt(bytes), isPinned: isPinned)
        }
    }
}

/// A block of rows and planes at a place.
struct CUDABlock {
    var place: CUDAPlace
    var row: UInt64
    var plane: UInt64
}

extension CUDAStream {
    /// Where a range starts, after the check that `bytes` fit into its capacity and that into its buffer.
    func place(
        of range: UnsafePointer<heng_range>?, bytes: UInt64, _ operation: StaticString
    ) throws(DeviceError) -> CUDAPlace {
        switch try unsafe RangeMemory(range, bytes: bytes, "\(operation)") {
        case .host(let place):
            let address = UInt(bitPattern: place)
            return .host(address, isPinned: isPinned(address))
        case .buffer(let raw):
            let buffer = try unsafe object(raw, CUDABuffer.self, operation)
            let (offset, size) = unsafe (range?.pointee.offset ?? 0, range?.pointee.size ?? 0)
            return .device(try buffer.address(offset, size, for: self, operation))
        }
    }

    /// Whether the driver knows the host memory as pinned.
    private func isPinned(_ address: UInt) -> Bool {
        var kind: UInt32 = 0
        let result = unsafe device.libraries.driver.pointee.cuPointerGetAttribute(
            &kind, Int32(HCU_POINTER_MEMORY_TYPE), UInt64(address))
        return result == 0 && kind == HCU_MEMORY_HOST
    }

    /// Whether a copy from or to ordinary memory may be the driver's own, which waits for the stream's work.
    private var mayUseOrdinaryMemory: Bool {
        unsafe isRecording || device.libraries.driver.pointee.cuStreamQuery(native) == 0
    }

    private func check(_ result: Int32, _ operation: StaticString) throws(DeviceError) {
        try device.check(result, operation, on: self)
    }

    // MARK: Copies

    func copy(
        to target: CUDAPlace, from source: CUDAPlace, bytes: UInt64, _ operation: StaticString
    ) throws(DeviceError) {
        let driver = unsafe device.libraries.driver
        switch (target, source) {
        case (.device(let target), .device(let source)):
            try check(unsafe driver.pointee.cuMemcpyDtoDAsync(target, source, Int(bytes), native), operation)
        case (.device(let address), .host(let host, let isPinned)):
            guard isPinned || mayUseOrdinaryMemory else {
                return try stage(to: target, from: source, bytes: bytes, operation)
            }
            try check(
                unsafe driver.pointee.cuMemcpyHtoDAsync(
                    address, UnsafeRawPointer(bitPattern: host), Int(bytes), native), operation)
        case (.host(let host, let isPinned), .device(let address)):
            guard isPinned || mayUseOrdinaryMemory else {
                return try stage(to: target, from: source, bytes: bytes, operation)
            }
            try check(
                unsafe driver.pointee.cuMemcpyDtoHAsync(
                    UnsafeMutableRawPointer(bitPattern: host), address, Int(bytes), native), operation)
        case (.host(let to, _), .host(let from, _)):
            try onHost(to, from, bytes, operation)
        }
    }

    /// A copy of plain bytes by the host, in the stream's order.
    private func onHost(_ to: UInt, _ from: UInt, _ bytes: UInt64, _ operation: StaticString)
        throws(DeviceError)
    {
        var work = unsafe hcu_host_work()
        unsafe work.target = UnsafeMutablePointer(bitPattern: to)
        unsafe work.source = UnsafePointer(bitPattern: from)
        unsafe work.width = bytes
        unsafe work.height = 1
        unsafe work.depth = 1
        try unsafe HostWork(self, work).enqueue(operation)
    }

    /// Through pinned memory, piece by piece, without waiting for anything here.
    private func stage(
        to target: CUDAPlace, from source: CUDAPlace, bytes: UInt64, _ operation: StaticString
    ) throws(DeviceError) {
        let middle = unsafe UInt(bitPattern: try staging(operation))
        var offset: UInt64 = 0
        while offset < bytes {
            let piece = min(bytes - offset, UInt64(CUDAStream.stagingBytes))
            let pinned = CUDAPlace.host(middle, isPinned: true)
            try move(to: pinned, from: source.advanced(by: offset), piece, operation)
            try move(to: target.advanced(by: offset), from: pinned, piece, operation)
            offset += piece
        }
    }

    /// One half of a staged copy.
    private func move(
        to target: CUDAPlace, from source: CUDAPlace, _ bytes: UInt64, _ operation: StaticString
    ) throws(DeviceError) {
        try copy(to: target, from: source, bytes: bytes, operation)
    }

    func fill(
        _ target: CUDAPlace, value: UInt8, bytes: UInt64, _ operation: StaticString
    ) throws(DeviceError) {
        switch target {
        case .device(let address):
            try check(
                unsafe device.libraries.driver.pointee.cuMemsetD8Async(address, value, Int(bytes), native),
                operation)
        case .host(let address, _):
            var work = unsafe hcu_host_work()
            unsafe work.target = UnsafeMutablePointer(bitPattern: address)
            unsafe work.width = bytes
            unsafe work.height = 1
            unsafe work.depth = 1
            unsafe work.value = UInt32(value)
            try unsafe HostWork(self, work).enqueue(operation)
        }
    }

    // MARK: Blocks

    /// Copies rows and planes; the driver does it in one piece where its terms allow.
    func copyBlock(
        to target: CUDABlock, from source: CUDABlock, width: UInt64, height: UInt64, depth: UInt64,
        _ operation: StaticString
    ) throws(DeviceError) {
        if case .host(let to, _) = target.place, case .host(let from, _) = source.place {
            var work = unsafe hcu_host_work()
            unsafe work.target = UnsafeMutablePointer(bitPattern: to)
            unsafe work.source = UnsafePointer(bitPattern: from)
            unsafe (work.width, work.height, work.depth) = (width, height, depth)
            unsafe (work.target_row, work.target_plane) = (target.row, target.plane)
            unsafe (work.source_row, work.source_plane) = (source.row, source.plane)
            return try unsafe HostWork(self, work).enqueue(operation)
        }
        guard isReachable(target.place), isReachable(source.place) else {
            return try stageRows(to: target, from: source, width, height, depth, operation)
        }
        // The driver counts planes in rows, so a plane must be a whole number of them.
        guard target.plane % target.row == 0, source.plane % source.row == 0 else {
            for plane in 0..<depth {
                try copyVolume(
                    to: target.moved(plane: plane), from: source.moved(plane: plane), width, height, 1,
                    operation)
            }
            return
        }
        try copyVolume(to: target, from: source, width, height, depth, operation)
    }

    private func isReachable(_ place: CUDAPlace) -> Bool {
        if case .host(_, isPinned: false) = place { mayUseOrdinaryMemory } else { true }
    }

    private func copyVolume(
        to target: CUDABlock, from source: CUDABlock, _ width: UInt64, _ height: UInt64, _ depth: UInt64,
        _ operation: StaticString
    ) throws(DeviceError) {
        var copy = unsafe hcu_copy3d()
        switch source.place {
        case .device(let address):
            unsafe copy.source_type = UInt32(HCU_MEMORY_DEVICE)
            unsafe copy.source_device = address
        case .host(let address, _):
            unsafe copy.source_type = UInt32(HCU_MEMORY_HOST)
            unsafe copy.source_host = UnsafeRawPointer(bitPattern: address)
        }
        switch target.place {
        case .device(let address):
            unsafe copy.target_type = UInt32(HCU_MEMORY_DEVICE)
            unsafe copy.target_device = address
        case .host(let address, _):
            unsafe copy.target_type = UInt32(HCU_MEMORY_HOST)
            unsafe copy.target_host = UnsafeMutableRawPointer(bitPattern: address)
        }
        unsafe copy.source_pitch = Int(source.row)
        unsafe copy.source_height = Int(depth == 1 ? height : source.plane / source.row)
        unsafe copy.target_pitch = Int(target.row)
        unsafe copy.target_height = Int(depth == 1 ? height : target.plane / target.row)
        unsafe copy.width_bytes = Int(width)
        unsafe copy.height = Int(height)
        unsafe copy.depth = Int(depth)
        try check(unsafe device.libraries.driver.pointee.cuMemcpy3DAsync(&copy, native), operation)
    }

    /// Rows through pinned memory: as many at a time as fit.
    private func stageRows(
        to target: CUDABlock, from source: CUDABlock, _ width: UInt64, _ height: UInt64, _ depth: UInt64,
        _ operation: StaticString
    ) throws(DeviceError) {
        guard width <= CUDAStream.stagingBytes else {
            for plane in 0..<depth {
                for row in 0..<height {
                    try stage(
                        to: target.moved(plane: plane, row: row).place,
                        from: source.moved(plane: plane, row: row).place, bytes: width, operation)
                }
            }
            return
        }
        let middle = unsafe UInt(bitPattern: try staging(operation))
        let rows = max(1, UInt64(CUDAStream.stagingBytes) / width)
        let pinned = CUDABlock(place: .host(middle, isPinned: true), row: width, plane: width * rows)
        for plane in 0..<depth {
            for first in stride(from: 0, to: height, by: Int(rows)) {
                let count = min(rows, height - first)
                let from = source.moved(plane: plane, row: first)
                let to = target.moved(plane: plane, row: first)
                try copyBlock(to: pinned, from: from, width: width, height: count, depth: 1, operation)
                try copyBlock(to: to, from: pinned, width: width, height: count, depth: 1, operation)
            }
        }
    }
}

extension CUDABlock {
    fileprivate func moved(plane: UInt64, row: UInt64 = 0) -> CUDABlock {
        CUDABlock(
            place: place.advanced(by: plane * self.plane + row * self.row), row: self.row, plane: self.plane)
    }
}

extension CUDABuffer {
    /// The address of a part, for work in a stream of the same context.
    func address(
        _ offset: UInt64, _ length: UInt64, for stream: CUDAStream, _ operation: StaticString
    ) throws(DeviceError) -> UInt64 {
        guard context.device === stream.context.device else {
            throw DeviceError(
                .wrongOwner, operation: "\(operation)",
                text: "A buffer and a stream belong to different devices.")
        }
        guard generation == stream.generation else {
            throw context.device.deadError(operation, generation: generation, isContext: false)
        }
        try RangeMemory.checkFits(offset: offset, size: length, in: size, "\(operation)")
        return address + offset
    }
}
