package import ComputeGraph
package import Essentials

/// A tensor of a file that holds several.
package struct NamedTensor: Sendable {
    package var name: String
    package var tensor: HostTensor

    package init(_ name: String, _ tensor: HostTensor) {
        self.name = name
        self.tensor = tensor
    }
}

/// Files of several tensors as numpy writes them: .npz, a ZIP archive of .npy files.
package enum NumpyArchive {
    /// The tensors in the order of the archive's directory; together they take at most `limit`.
    package static func tensors(
        from bytes: [UInt8], named name: String, limit: ByteCount
    ) throws(TensorFileError) -> [NamedTensor] {
        let archive = try ZipArchive(bytes, named: name)
        var tensors: [NamedTensor] = []
        var names: Set<String> = []
        var left = limit.bytes
        for member in archive.members {
            guard member.name.hasSuffix(".npy") else {
                throw TensorFileError(name, "has a member \(member.name), and all should end in .npy")
            }
            let short = String(member.name.dropLast(4))
            guard names.insert(short).inserted else {
                throw TensorFileError(name, "has two members \(member.name)")
            }
            // A header takes no more than this; the tensor itself is held against the limit when it is read.
            let (room, isUnlimited) = left.addingReportingOverflow(1 << 20)
            let content = try archive.data(of: member, limit: isUnlimited ? .max : room)
            let tensor = try NumpyFile.tensor(
                from: content, named: "\(member.name) in \(name)", limit: ByteCount(bytes: left))
            left -= tensor.takenBytes
            tensors.append(NamedTensor(short, tensor))
        }
        return tensors
    }

    /// The tensors as an archive; names should differ.
    package static func bytes(
        of tensors: [NamedTensor], compressed: Bool = false
    ) throws(TensorFileError) -> [UInt8] {
        var members: [(name: String, content: [UInt8])] = []
        for entry in tensors {
            members.append((entry.name + ".npy", try NumpyFile.bytes(of: entry.tensor)))
        }
        return try ZipArchive.bytes(of: members, compressed: compressed)
    }
}

extension HostTensor {
    /// What the elements take in memory, about.
    fileprivate var takenBytes: Int {
        guard type.element == .string else { return type.byteCount }
        return strings.reduce(0) { $0 + MemoryLayout<String>.stride + $1.utf8.count }
    }
}
