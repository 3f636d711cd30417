internal import Essentials
internal import FoundationEssentials
internal import Scheduling

#if canImport(Glibc)
internal import Glibc
#endif

/// Ended jobs, one per line, oldest first.
///
/// They lie beside the state and not in it, so that starting a job does not read and write a thousand old ones.
struct LedgerHistory {
    let folder: String
    /// Jobs that are kept when the file is shortened.
    static let kept = 1000
    /// The file is shortened when it has grown over this.
    static let sizeLimit = 4 << 20

    private var path: String { folder + "/history.jsonl" }

    /// Adds jobs, all or none; needs the ledger's lock.
    func append(_ jobs: [Job]) throws {
        guard !jobs.isEmpty else { return }
        var bytes: [UInt8] = []
        for job in jobs { bytes += try JSONEncoder().encode(job) + [newline] }
        do throws(FileFailure) {
            try append(bytes)
        } catch {
            throw LedgerError.cannotWrite(path, code: error.code)
        }
    }

    private func append(_ bytes: [UInt8]) throws(FileFailure) {
        let file = try OpenFile(path, O_RDWR | O_CREAT | O_APPEND)
        let size = try file.size
        do {
            try file.writeAll(bytes)
            try file.synchronize()
        } catch {
            // If even this fails, a torn line stays, which readers leave out.
            try? file.truncate(to: size)
            throw error
        }
        if size > LedgerHistory.sizeLimit { try shorten() }
    }

    /// The last jobs; a line that cannot be read, such as the last one after a crash, is left out.
    func lastJobs(_ count: Int) throws(LedgerError) -> [Job] {
        let lines = try lastLines(count)
        return lines.compactMap { line in
            // A torn line belongs to a job that is still in the state, since the state is written after it.
            try? JSONDecoder().decode(Job.self, from: Data(line))
        }
    }

    private func lastLines(_ count: Int) throws(LedgerError) -> [ArraySlice<UInt8>] {
        do {
            return try OpenFile(path, O_RDONLY).readAll().split(separator: newline).suffix(count)
        } catch {
            if error.code == ENOENT { return [] }
            throw .cannotRead(path, code: error.code)
        }
    }

    private func shorten() throws(FileFailure) {
        let all = try OpenFile(path, O_RDONLY).readAll().split(separator: newline)
        var size = 0
        // Long command lines must not make the shortened file too long again.
        let kept = all.suffix(LedgerHistory.kept).reversed().prefix { line in
            size += line.count
            return size < LedgerHistory.sizeLimit / 2
        }
        try Files.replace(path, in: folder, with: Array(kept.reversed().map { $0 + [newline] }.joined()))
    }
}

private let newline = UInt8(ascii: "\n")
