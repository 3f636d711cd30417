// The format: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
// The directory at the end says where each member begins and how large it is; what the members say themselves is
// only skipped. Sizes and offsets that do not fit into 32 bits stand in extra fields (ZIP64).

/// The members of a ZIP archive in memory.
struct ZipArchive {
    struct Member: Hashable {
        var name: String
        var method: Int
        var checksum: UInt32
        var compressedSize: Int
        var size: Int
        var start: Int
    }

    let members: [Member]
    private let bytes: [UInt8]
    private let name: String

    /// Reads the directory; members are read when they are asked for.
    init(_ bytes: [UInt8], named name: String) throws(TensorFileError) {
        self.bytes = bytes
        self.name = name
        members = try ZipDirectory(bytes, name).members()
    }

    /// The bytes of a member; at most `limit` of them.
    func data(of member: Member, limit: Int) throws(TensorFileError) -> [UInt8] {
        let data = try stored(member)
        guard member.size <= limit else {
            throw TensorFileError(
                name, "has a member \(member.name) of \(member.size) bytes, more than the \(limit) allowed")
        }
        let content: [UInt8]?
        switch member.method {
        case 0: content = data.count == member.size ? Array(data) : nil
        // Deflate makes at most 1032 bytes of one: a member that claims more is damaged, or a trap.
        case 8:
            content =
                member.size / 1032 <= data.count ? Deflate.inflated(data, count: member.size) : nil
        default:
            throw TensorFileError(
                name, "has a member \(member.name) compressed by method \(member.method); 0 and 8 are known")
        }
        guard let content, Deflate.checksum(content[...]) == member.checksum else {
            throw TensorFileError(name, "has a damaged member \(member.name)")
        }
        return content
    }

    /// The bytes of a member as they are in the archive.
    private func stored(_ member: Member) throws(TensorFileError) -> ArraySlice<UInt8> {
        var cursor = ByteCursor(bytes.dropFirst(member.start))
        guard member.start <= bytes.count, cursor.word() == 0x0403_4B50, cursor.take(22) != nil,
            let nameLength = cursor.short(), let extraLength = cursor.short(),
            cursor.take(nameLength + extraLength) != nil, let data = cursor.take(member.compressedSize)
        else {
            throw TensorFileError(
                name, "has a member \(member.name) that does not lie where its directory says")
        }
        return data
    }
}

/// The directory at the end of an archive.
private struct ZipDirectory {
    private let bytes: [UInt8]
    private let name: String
    private let start: Int
    private let count: Int

    init(_ bytes: [UInt8], _ name: String) throws(TensorFileError) {
        self.bytes = bytes
        self.name = name
        guard let end = Self.end(of: bytes), let place = Self.place(in: bytes, end: end) else {
            throw TensorFileError(name, "is not a ZIP archive, or was cut short")
        }
        (start, count) = place
    }

    /// Where the last record begins: 22 bytes, and after them a comment of at most 65,535.
    private static func end(of bytes: [UInt8]) -> Int? {
        guard bytes.count >= 22 else { return nil }
        let first = max(0, bytes.count - 22 - 0xFFFF)
        return (first...bytes.count - 22).reversed().first { at in
            bytes[at] == 0x50 && bytes[at + 1] == 0x4B && bytes[at + 2] == 5 && bytes[at + 3] == 6
                && at + 22 + Int(bytes[at + 20]) + Int(bytes[at + 21]) << 8 == bytes.count
        }
    }

    private static func place(in bytes: [UInt8], end: Int) -> (start: Int, count: Int)? {
        var cursor = ByteCursor(bytes[(end + 10)...])
        guard let count = cursor.short(), cursor.word() != nil, let start = cursor.word() else { return nil }
        guard count == 0xFFFF || start == 0xFFFF_FFFF else { return (start, count) }
        // The locator of the ZIP64 record stands right before.
        guard end >= 20 else { return (start, count) }
        var locator = ByteCursor(bytes[(end - 20)...])
        guard locator.word() == 0x0706_4B50 else { return (start, count) }
        guard locator.word() != nil, let at = locator.long(), at <= bytes.count else { return nil }
        var record = ByteCursor(bytes[at...])
        guard record.word() == 0x0606_4B50, record.take(28) != nil, let longCount = record.long(),
            record.long() != nil, let longStart = record.long()
        else { return nil }
        return (longStart, longCount)
    }

    func members() throws(TensorFileError) -> [ZipArchive.Member] {
        // A member takes at least 46 bytes here, so a count that lies about them is known at once.
        guard start <= bytes.count, count <= (bytes.count - start) / 46 else {
            throw TensorFileError(name, "has a directory that does not lie where its end says")
        }
        var cursor = ByteCursor(bytes[start...])
        var members: [ZipArchive.Member] = []
        for _ in 0..<count {
            guard let member = Self.member(&cursor) else {
                throw TensorFileError(name, "has a damaged directory")
            }
            guard member.flags & 1 == 0 else {
                throw TensorFileError(name, "has an encrypted member \(member.member.name)")
            }
            members.append(member.member)
        }
        return members
    }

    private static func member(_ cursor: inout ByteCursor) -> (member: ZipArchive.Member, flags: Int)? {
        guard cursor.word() == 0x0201_4B50, cursor.take(4) != nil, let flags = cursor.short(),
            let method = cursor.short(), cursor.take(4) != nil, let checksum = cursor.word(),
            let compressedSize = cursor.word(), let size = cursor.word(), let nameLength = cursor.short(),
            let extraLength = cursor.short(), let commentLength = cursor.short(), cursor.take(8) != nil,
            let start = cursor.word(), let nameBytes = cursor.take(nameLength),
            let extra = cursor.take(extraLength), cursor.take(commentLength) != nil,
            let name = String(validating: nameBytes, as: UTF8.self)
        else { return nil }
        var member = ZipArchive.Member(
            name: name, method: method, checksum: UInt32(checksum), compressedSize: compressedSize,
            size: size,
            start: start)
        return member.takeLongNumbers(from: extra) ? (member, flags) : nil
    }
}

extension ZipArchive.Member {
    /// Takes what did not fit into 32 bits from the extra field; false where it is not there.
    fileprivate mutating func takeLongNumbers(from extra: ArraySlice<UInt8>) -> Bool {
        var cursor = ByteCursor(extra)
        var long = ByteCursor([])
        while let id = cursor.short(), let length = cursor.short(), let content = cursor.take(length) {
            if id == 1 { long = ByteCursor(content) }
        }
        for field in [\Self.size, \.compressedSize, \.start] where self[keyPath: field] == 0xFFFF_FFFF {
            guard let number = long.long() else { return false }
            self[keyPath: field] = number
        }
        return true
    }
}
