internal import ComputeGraph
internal import ONNXFormat

#if canImport(Glibc)
internal import Glibc
#endif

/// Files beside a model that hold its large tensors.
///
/// A model may only name files inside its own folder: neither by `..` nor by a symbolic link does it reach another.
struct ExternalData: Sendable {
    /// The model's folder, with symbolic links resolved.
    private let folder: String

    init(besideModelAt path: String) throws {
        let folder = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        guard let resolved = resolvedPath(folder) else {
            throw ONNXError.malformed(what: path, reason: "its folder cannot be read")
        }
        self.folder = resolved
    }

    func tensor(_ proto: ProtoTensor, _ type: TensorType) throws -> HostTensor {
        func refuse(_ reason: String) -> ONNXError { .externalData(tensor: proto.name, reason: reason) }
        let entries = Dictionary(proto.externalData.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 })
        guard let location = entries["location"], !location.isEmpty else {
            throw refuse("its location is missing")
        }
        guard !location.hasPrefix("/"), !location.split(separator: "/").contains("..") else {
            throw refuse("\(location) is not inside the model's folder")
        }
        guard let path = resolvedPath("\(folder)/\(location)") else {
            throw refuse("there is no \(location)")
        }
        guard path.hasPrefix(folder == "/" ? "/" : folder + "/") else {
            throw refuse("\(location) leads outside the model's folder")
        }
        guard type.element != .string else { throw refuse("strings cannot lie there") }
        let wanted = (type.shape.count * type.element.bitWidth + 7) / 8
        let offset = try number(entries["offset"], else: 0, refuse)
        let length = try number(entries["length"], else: wanted, refuse)
        guard length == wanted else { throw refuse("\(type) takes \(wanted) bytes, not \(length)") }
        guard length > 0 else { return HostTensor(zeros: type) }
        let mapping = try MappedFile(path, refuse)
        guard offset <= mapping.byteCount, length <= mapping.byteCount - offset else {
            throw refuse(
                "\(location) ends at \(mapping.byteCount), and bytes \(offset) to \(offset + length) are named"
            )
        }
        return try mapping.tensor(type, at: offset, name: proto.name)
    }

    private func number(_ text: String?, else other: Int, _ refuse: (String) -> ONNXError) throws -> Int {
        guard let text else { return other }
        guard let number = Int(text), number >= 0, number < Shape.maximalCount else {
            throw refuse("\(text) is no number of bytes")
        }
        return number
    }
}

/// A file in memory, read as it is used.
///
/// Unchecked because the memory is only read.
@safe private final class MappedFile: @unchecked Sendable {
    private let base: UnsafeMutableRawPointer
    let byteCount: Int

    init(_ path: String, _ refuse: (String) -> ONNXError) throws {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw refuse("\(path) cannot be opened") }
        defer { close(descriptor) }
        var facts = stat()
        guard unsafe fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG, facts.st_size > 0
        else {
            throw refuse("\(path) is no file with content")
        }
        byteCount = Int(facts.st_size)
        guard let base = unsafe mmap(nil, byteCount, PROT_READ, MAP_PRIVATE, descriptor, 0),
            unsafe base != MAP_FAILED
        else { throw refuse("\(path) cannot be mapped") }
        unsafe self.base = base
    }

    deinit { _ = unsafe munmap(base, byteCount) }

    /// The tensor of the bytes from an offset on, which lie inside.
    ///
    /// Where the offset suits the element type, the tensor is the file's own memory and is read when it is used.
    func tensor(_ type: TensorType, at offset: Int, name: String) throws -> HostTensor {
        let start = unsafe UnsafeRawPointer(base + offset)
        if type.element.bitWidth >= 8 && offset % type.element.size == 0 {
            return unsafe HostTensor(type, sharing: start, ownedBy: self)
        }
        let bytes = unsafe UnsafeRawBufferPointer(
            start: start, count: (type.shape.count * type.element.bitWidth + 7) / 8)
        return try unsafe TensorDecoder(externalData: nil, budget: ByteBudget(.max)).decoded(
            bytes, type, name)
    }
}

private func resolvedPath(_ path: String) -> String? {
    guard let resolved = unsafe realpath(path, nil) else { return nil }
    defer { unsafe free(resolved) }
    return unsafe String(cString: resolved)
}
