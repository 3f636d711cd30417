internal import AcceleratorAPI

#if canImport(Glibc)
internal import Glibc
#endif

/// Reads the file of a configuration, with the class of error that fits.
enum ConfigurationFile {
    /// More than any configuration needs.
    private static let limit = 1 << 24

    static func read(_ path: String) throws(DeviceError) -> [UInt8] {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(.file, path, "cannot be opened: \(reason())") }
        defer { close(descriptor) }
        var facts = stat()
        guard unsafe fstat(descriptor, &facts) == 0 else {
            throw failure(.fileRead, path, "cannot be examined: \(reason())")
        }
        guard facts.st_mode & S_IFMT == S_IFREG else {
            throw failure(.fileAttribute, path, "is not an ordinary file")
        }
        guard facts.st_size > 0, facts.st_size <= limit else {
            throw failure(.fileSize, path, "has \(facts.st_size) bytes; 1 to \(limit) are allowed")
        }
        return try read(descriptor, count: Int(facts.st_size), path)
    }

    private static func read(
        _ descriptor: Int32, count: Int, _ path: String
    ) throws(DeviceError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let start = filled
            let got = unsafe bytes.withUnsafeMutableBytes { room in
                unsafe Glibc.read(descriptor, room.baseAddress.map { unsafe $0 + start }, count - start)
            }
            if got < 0, errno == EINTR { continue }
            guard got > 0 else { throw failure(.fileRead, path, "cannot be read: \(reason())") }
            filled += got
        }
        return bytes
    }

    private static func reason() -> String { unsafe String(cString: strerror(errno)) }

    private static func failure(_ code: DeviceError.Code, _ path: String, _ text: String) -> DeviceError {
        DeviceError(
            code, operation: "initialize", text: "The configuration of simulated devices \(path) \(text).")
    }
}
