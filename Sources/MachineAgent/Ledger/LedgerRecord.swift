internal import Essentials
internal import FoundationEssentials
internal import Scheduling

/// What the file holds.
struct LedgerRecord: Codable {
    static let currentVersion = 1
    static let formatName = "heng ledger"

    var format = LedgerRecord.formatName
    var version = LedgerRecord.currentVersion
    var clock: LedgerClock
    /// Which owner answers for which living job.
    var claims: [Claim] = []
    var state: ClusterState

    struct Claim: Codable, Hashable {
        var job: JobID
        var owner: String
    }

    /// The owners of living jobs, each once.
    var owners: [String] { Set(claims.map(\.owner)).sorted() }
}

extension LedgerRecord {
    private struct Header: Decodable {
        var format: String
        var version: Int
    }

    enum Unreadable: Error {
        case newer(Int)
        case damaged(String)
    }

    init(reading bytes: [UInt8]) throws(Unreadable) {
        let data = Data(bytes)
        let header: Header
        do {
            header = try JSONDecoder().decode(Header.self, from: data)
        } catch {
            throw .damaged(bytes.isEmpty ? "it is empty" : "it is not such a record")
        }
        guard header.format == LedgerRecord.formatName else { throw .damaged("it is something else") }
        guard header.version <= LedgerRecord.currentVersion else { throw .newer(header.version) }
        do {
            self = try JSONDecoder().decode(LedgerRecord.self, from: data)
        } catch let DecodingError.dataCorrupted(context) where !context.debugDescription.isEmpty {
            // A state says what contradicts itself in it.
            throw .damaged(context.debugDescription)
        } catch {
            throw .damaged("a part of it cannot be read")
        }
        if let problem = state.inconsistency() { throw .damaged(problem) }
    }

    func written() throws -> [UInt8] { Array(try JSONEncoder().encode(self)) }
}

/// A time that is steady while the machine runs, close to the wall clock, and never goes back between restarts.
struct LedgerClock: Codable, Hashable {
    /// Names one run of the kernel.
    var boot: String
    /// What to add to the kernel's monotonic clock.
    var offset: Duration

    /// A clock for this run of the kernel that shows nothing before `earliest`.
    init(notBefore earliest: TimePoint) {
        boot = LedgerClock.currentBoot
        offset = max(earliest, .wallNow()) - .monotonicNow()
    }

    var isCurrent: Bool { boot == LedgerClock.currentBoot }
    func now() -> TimePoint { .monotonicNow() + offset }

    static let currentBoot: String = {
        // Without the file every run of the kernel looks the same, and only the steadiness over restarts is lost.
        guard let file = try? OpenFile("/proc/sys/kernel/random/boot_id", 0), let bytes = try? file.readAll()
        else { return "" }
        return String(decoding: bytes.prefix { $0 > 32 }, as: UTF8.self)
    }()
}
