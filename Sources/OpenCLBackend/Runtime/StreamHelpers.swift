internal import AcceleratorAPI
internal import COpenCL
internal import Essentials
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#endif

/// Numbers that name streams in profiles.
enum StreamNumbers {
    private static let last = Atomic<UInt64>(0)

    static func next() -> UInt64 { last.wrappingAdd(1, ordering: .relaxed).newValue }
}

/// Copies of blocks between two places of the host.
enum HostBlock {
    static func copy(_ block: opencl_block) {
        guard let target = unsafe block.destination_host, let source = unsafe block.source_host else {
            return
        }
        for plane in unsafe 0..<block.depth {
            for row in unsafe 0..<block.height {
                unsafe memmove(
                    target + block.destination_offset + plane * block.destination_plane
                        + row * block.destination_row,
                    source + block.source_offset + plane * block.source_plane + row * block.source_row,
                    block.width)
            }
        }
    }
}

extension OpenCLStatus {
    /// The failure of a stream whose work OpenCL could not run.
    static func failure(_ number: Int32, _ device: String, correlation: UInt64) -> DeviceError {
        var error = error(
            number, "stream", "Work in a stream of \(device) failed", scope: .stream, correlation: correlation
        )
        if error.code != .deviceLost { error.code = .execution }
        error.isRetriable = false
        return error
    }

    static func outOfStreams(_ number: Int32, _ device: String) -> DeviceError {
        var error = error(number, "stream_create", "No further queue on \(device)")
        error.code = .outOfStreams
        return error
    }
}
