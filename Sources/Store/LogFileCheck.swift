internal import Foundation

/// Looks for damage in the middle of SQLite's log file, which SQLite itself takes for its end.
///
/// The log is read up to the first frame whose sum is wrong, because a power cut leaves one transaction that was being
/// written. But each transaction is on the disk before the next begins. So two ends of transactions behind a wrong
/// frame mean that acknowledged ones would be dropped, and a person must know. The layout is that of
/// <https://www.sqlite.org/fileformat2.html#walformat>.
struct LogFileCheck {
    private let bytes: [UInt8]
    private let pageSize: Int
    private let isBigEndian: Bool

    private static let headerSize = 32
    private static let frameHeaderSize = 24

    /// Nil when the file is too short to hold anything.
    init?(_ path: String) {
        guard let data = FileManager.default.contents(atPath: path),
            data.count > LogFileCheck.headerSize + LogFileCheck.frameHeaderSize
        else { return nil }
        bytes = Array(data)
        let size = Int(LogFileCheck.word(bytes, 8, bigEndian: true))
        // A damaged size is as good as none: ours are always 4096.
        pageSize = size == 4096 ? size : 4096
        isBigEndian = bytes[3] & 1 == 1
    }

    /// Whether transactions lie behind a damaged place.
    var isDamagedInside: Bool {
        var place = LogFileCheck.headerSize
        let frame = LogFileCheck.frameHeaderSize + pageSize
        var sum: (UInt32, UInt32) = (0, 0)
        add(0..<24, to: &sum)
        guard sum == (word(24), word(28)) else { return hasTransactions(from: place) }
        while place + frame <= bytes.count, salts(at: place) == headerSalts {
            add(place..<(place + 8), to: &sum)
            add((place + LogFileCheck.frameHeaderSize)..<(place + frame), to: &sum)
            guard sum == (word(place + 16), word(place + 20)) else { break }
            place += frame
        }
        return hasTransactions(from: place)
    }

    private var headerSalts: [UInt8] { Array(bytes[16..<24]) }
    private func salts(at place: Int) -> [UInt8] { Array(bytes[(place + 8)..<(place + 16)]) }

    /// Whether two transactions of one generation end behind a place.
    ///
    /// Frames of an earlier generation, which the log has overwritten up to here, have other salts than the header.
    private func hasTransactions(from start: Int) -> Bool {
        let frame = LogFileCheck.frameHeaderSize + pageSize
        var place = start
        var ends = 0
        while place + frame <= bytes.count {
            if salts(at: place) == headerSalts, word(place + 4) != 0 { ends += 1 }
            place += frame
        }
        return ends >= 2
    }

    private func word(_ place: Int) -> UInt32 { LogFileCheck.word(bytes, place, bigEndian: true) }

    private static func word(_ bytes: [UInt8], _ place: Int, bigEndian: Bool) -> UInt32 {
        let (a, b) = (UInt32(bytes[place]), UInt32(bytes[place + 1]))
        let (c, d) = (UInt32(bytes[place + 2]), UInt32(bytes[place + 3]))
        return bigEndian ? a << 24 | b << 16 | c << 8 | d : d << 24 | c << 16 | b << 8 | a
    }

    /// SQLite's own sum, over pairs of words.
    private func add(_ range: Range<Int>, to sum: inout (UInt32, UInt32)) {
        var place = range.lowerBound
        while place < range.upperBound {
            sum.0 = sum.0 &+ LogFileCheck.word(bytes, place, bigEndian: isBigEndian) &+ sum.1
            sum.1 = sum.1 &+ LogFileCheck.word(bytes, place + 4, bigEndian: isBigEndian) &+ sum.0
            place += 8
        }
    }
}
