extension ZipArchive {
    /// An archive of the given members, compressed or as they are.
    static func bytes(
        of members: [(name: String, content: [UInt8])], compressed: Bool
    ) throws(TensorFileError) -> [UInt8] {
        var bytes: [UInt8] = []
        var directory: [UInt8] = []
        for (name, content) in members {
            guard let stored = compressed ? Deflate.deflated(content[...]) : content,
                stored.count < 0xFFFF_FFFF, content.count < 0xFFFF_FFFF, bytes.count < 0xFFFF_FFFF,
                name.utf8.count <= 0xFFFF, members.count < 0xFFFF
            else { throw TensorFileError("A .npz file", "cannot hold \(name): it is too large") }
            let facts = facts(name, content, stored, compressed)
            let start = UInt32(bytes.count)
            bytes += .littleEndian(UInt32(0x0403_4B50)) + facts + .littleEndian(UInt16(0)) + Array(name.utf8)
            bytes += stored
            // No extra field, comment, disk or attributes; the two bytes in front are the version of the maker.
            directory += .littleEndian(UInt32(0x0201_4B50)) + [20, 0] + facts
            directory += [UInt8](repeating: 0, count: 12) + .littleEndian(start) + Array(name.utf8)
        }
        let start = bytes.count
        let count = UInt16(members.count)
        bytes += directory + .littleEndian(UInt32(0x0605_4B50)) + .littleEndian(UInt32(0))
        bytes += .littleEndian(count) + .littleEndian(count)
        bytes += .littleEndian(UInt32(directory.count)) + .littleEndian(UInt32(start))
        return bytes + .littleEndian(UInt16(0))
    }

    /// What both headers of a member say: from the version needed to the length of the name.
    private static func facts(
        _ name: String, _ content: [UInt8], _ stored: [UInt8], _ compressed: Bool
    ) -> [UInt8] {
        // Flag 11: the name is UTF-8. The date is the first that the format knows, so that equal tensors give
        // equal files.
        var facts: [UInt8] = [20, 0, 0, 8] + .littleEndian(UInt16(compressed ? 8 : 0)) + [0, 0, 0x21, 0]
        facts += .littleEndian(Deflate.checksum(content[...]))
        facts += .littleEndian(UInt32(stored.count)) + .littleEndian(UInt32(content.count))
        return facts + .littleEndian(UInt16(name.utf8.count))
    }
}
