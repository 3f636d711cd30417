internal import Essentials
internal import Foundation
internal import Scheduling
internal import TestSupport

/// The library that records what a program does to its files, and the record it leaves.
enum RecordedDisk {
    /// Compiled once for all tests; nil when there is no C compiler.
    static let library: String? = {
        guard let compiler = PluginBuild.compilers.first else { return nil }
        let path = NSTemporaryDirectory() + "/heng-recording-disk-\(getpid()).so"
        let arguments = [
            "-std=c11", "-Wall", "-Wextra", "-Werror", "-O1", "-shared", "-fPIC", "-pthread", "-o", path,
            fixturePath("disk/recording_disk.c"),
        ]
        guard let end = try? ChildProgram.run(compiler, arguments), end.status == 0, end.signal == nil else {
            return nil
        }
        return path
    }()

    struct Entry {
        enum Kind: UInt32 { case create = 1, write, sync, truncate, unlink, rename, syncFolder }
        var kind: Kind
        var path: String
        var offset: Int
        var data: Data
        /// Where the record ends in the file of records.
        var end: Int
    }

    static func read(_ path: String) throws -> [Entry] {
        let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        var entries: [Entry] = []
        var place = 0
        func number(_ offset: Int, _ size: Int) -> Int {
            (0..<size).reduce(0) { $0 | Int(bytes[place + offset + $1]) << (8 * $1) }
        }
        while place + 24 <= bytes.count {
            let (kind, name) = (number(0, 4), number(4, 4))
            let (offset, length) = (number(8, 8), number(16, 8))
            guard let kind = Entry.Kind(rawValue: UInt32(kind)) else {
                throw Failure("a record is unreadable")
            }
            let hasData = kind == .write || kind == .rename
            let body = place + 24 + name
            let end = body + (hasData ? length : 0)
            guard end <= bytes.count else { break }
            entries.append(
                Entry(
                    kind: kind, path: String(decoding: bytes[place + 24..<body], as: UTF8.self),
                    offset: offset, data: bytes[body..<end], end: end))
            place = end
        }
        return entries
    }

    /// The files of the folder after a power cut behind so many bytes of the record.
    ///
    /// What was synced is there. Of each file's later changes either none are, or those that the dice choose, because a
    /// disk may write what it likes of what nobody waited for; a chosen write may be torn at a sector.
    static func files(
        after entries: [Entry], cutAt cut: Int, keeping random: SeededGenerator?
    ) -> [String: Data] {
        var files: [String: File] = [:]
        var durableNames: Set<String> = []
        for entry in entries where entry.end <= cut {
            switch entry.kind {
            case .create: files[entry.path] = File()
            case .write, .truncate: files[entry.path, default: File()].pending.append(entry)
            case .sync: files[entry.path]?.settle()
            case .unlink: files[entry.path] = nil
            case .rename:
                files[String(decoding: entry.data, as: UTF8.self)] = files.removeValue(forKey: entry.path)
            case .syncFolder: durableNames.formUnion(files.keys)
            }
        }
        var random = random
        return files.compactMapValues { file in
            var file = file
            if random != nil { file.keepSome(&random) }
            return file.data
        }.filter { durableNames.contains($0.key) }
    }

    private struct File {
        var data = Data()
        var pending: [Entry] = []

        mutating func settle() {
            for entry in pending { apply(entry, entry.data.count) }
            pending = []
        }

        mutating func keepSome(_ random: inout SeededGenerator?) {
            for entry in pending {
                let dice = random?.below(4) ?? 0
                if dice == 0 { continue }
                apply(entry, dice == 1 ? entry.data.count / 512 * 512 / 2 : entry.data.count)
            }
        }

        private mutating func apply(_ entry: Entry, _ length: Int) {
            if entry.kind == .truncate {
                if entry.offset < data.count {
                    data = Data(data.prefix(entry.offset))
                } else {
                    data.append(Data(count: entry.offset - data.count))
                }
                return
            }
            let end = entry.offset + length
            if data.count < end { data.append(Data(count: end - data.count)) }
            data.replaceSubrange(entry.offset..<end, with: entry.data.prefix(length))
        }
    }
}
