package import Essentials
internal import FoundationEssentials
internal import Results

#if canImport(Glibc)
internal import Glibc
#endif

/// Who takes part in a job of several ranks, and where they meet: one JSON file for all of them.
package struct RankTable: Codable, Hashable, Sendable {
    package struct Rank: Codable, Hashable, Sendable {
        package var rank: Int
        package var cpus: CPUSet
        /// The operating system's number of its node, when it is bound to one.
        package var numaNode: Int?
        /// Where its output goes, when that is a file.
        package var output: String?
        /// The machine it runs on; nil is the reader's own.
        package var machine: String?

        package init(
            rank: Int, cpus: CPUSet, numaNode: Int? = nil, output: String? = nil, machine: String? = nil
        ) {
            self.rank = rank
            self.cpus = cpus
            self.numaNode = numaNode
            self.output = output
            self.machine = machine
        }
    }

    /// How far the ranks of a table have come (R4011-21).
    package enum Status: String, Codable, Sendable {
        case initializing
        /// All ranks have been started.
        case complete
    }

    package static let currentVersion = 1

    package var version = Self.currentVersion
    package var job: JobID
    /// Nil in the table of a job that one command watches over, which is there only once it is complete.
    package var status: Status?
    package var ranks: [Rank]
    /// The region of the ranks' communicator; nil when they do not all run on one machine.
    package var communicator: String?
    /// The region of the job's request queue, when it has one.
    package var requestQueue: String?

    package init(
        job: JobID, status: Status? = nil, ranks: [Rank], communicator: String?, requestQueue: String? = nil
    ) {
        self.job = job
        self.status = status
        self.ranks = ranks
        self.communicator = communicator
        self.requestQueue = requestQueue
    }

    /// Writes the file whole or not at all; throws the `FileFailure` of a full disk or a locked folder.
    package func write(to path: String) throws { try DurableFile.write(encoded(), to: path) }

    /// The content of the file.
    package func encoded() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(self))
    }

    package static func read(from path: String) throws(CollectiveError) -> RankTable {
        let table: RankTable
        do {
            let bytes = try DurableFile.read(path, limit: .mebibytes(64))
            table = try JSONDecoder().decode(RankTable.self, from: Data(bytes))
        } catch let failure as FileFailure {
            throw .rankTable(path: path, reason: "it cannot be read (\(failure.reason)).")
        } catch {
            throw .rankTable(path: path, reason: "it is damaged, or not a rank table.")
        }
        guard table.version == currentVersion else {
            throw .rankTable(
                path: path, reason: "it has version \(table.version), this is \(currentVersion).")
        }
        guard !table.ranks.isEmpty, table.ranks.map(\.rank) == Array(0..<table.ranks.count) else {
            throw .rankTable(path: path, reason: "its ranks are not 0, 1, 2, and so on.")
        }
        return table
    }
}

/// A process's place in a job of several ranks, as its environment says.
package struct RankContext: Hashable, Sendable {
    package var rank: Int
    package var worldSize: Int
    package var table: RankTable

    /// Nil when this process is no rank of a job.
    package static func fromEnvironment() throws(CollectiveError) -> RankContext? {
        guard let path = variable("HENG_RANK_TABLE") else { return nil }
        let table = try RankTable.read(from: path)
        let worldSize = try number("HENG_WORLD_SIZE")
        let rank = try number("HENG_RANK")
        guard worldSize == table.ranks.count else {
            throw .worldMismatch(path: path, expected: worldSize, found: table.ranks.count)
        }
        guard rank < worldSize else { throw .environment(variable: "HENG_RANK", value: "\(rank)") }
        return RankContext(rank: rank, worldSize: worldSize, table: table)
    }

    /// Joins the ranks of the job; every rank has to.
    package func joinCommunicator(
        timeout: Duration = .seconds(60)
    ) throws(CollectiveError) -> SharedCommunicator {
        guard let path = table.communicator else {
            throw .rankTable(
                path: "of the job", reason: "its ranks run on several machines and share no memory.")
        }
        let region = try SharedRegion.open(path: path)
        let communicator = try SharedCommunicator(region: region, rank: rank, timeout: timeout)
        guard communicator.worldSize == worldSize else {
            throw .worldMismatch(
                path: path, expected: worldSize, found: communicator.worldSize)
        }
        return communicator
    }

    private static func variable(_ name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        return unsafe String(cString: value)
    }

    private static func number(_ name: String) throws(CollectiveError) -> Int {
        let text = variable(name)
        guard let number = text.flatMap({ Int($0) }), number >= 0 else {
            throw .environment(variable: name, value: text)
        }
        return number
    }
}
