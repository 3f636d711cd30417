internal import ControlAPI
internal import Essentials
internal import FoundationEssentials

#if canImport(Glibc)
internal import Glibc
#endif

/// The folder of one attempt: `JOB.ATTEMPT/` with everything that must outlive the agent.
///
/// Nothing here is forced to the disk, because nothing of an attempt outlives the machine's kernel either.
struct AttemptFolder: Hashable, Sendable {
    let path: String
    let attempt: AttemptID

    init(_ attempt: AttemptID, in parent: String) {
        path = "\(parent)/\(attempt)"
        self.attempt = attempt
    }

    static func name(ofRank rank: Int) -> String { "rank-\(rank)" }
    static let recordName = "start.json"
    static let endName = "end.json"

    var scriptPath: String { "\(path)/script" }
    var tablePath: String { "\(path)/ranks.json" }

    func make() throws(Failure) {
        guard unsafe mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw Failure("The folder \(path) cannot be made: \(sentence(errno)).")
        }
    }

    /// Writes a file whole or not at all.
    func write(_ bytes: [UInt8], to name: String, mode: mode_t = 0o600) throws(Failure) {
        let final = "\(path)/\(name)"
        let hidden = "\(path)/.\(name)"
        let descriptor = unsafe open(hidden, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode)
        guard descriptor >= 0 else { throw Self.failure(final) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes {
                unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let code = errno
                close(descriptor)
                unsafe unlink(hidden)
                throw Failure("\(final) cannot be written: \(sentence(code)).")
            }
            rest = rest.dropFirst(count)
        }
        close(descriptor)
        guard unsafe rename(hidden, final) == 0 else { throw Self.failure(final) }
    }

    private static func failure(_ path: String) -> Failure {
        Failure("\(path) cannot be written: \(sentence(errno)).")
    }

    func writeJSON(_ value: some Encodable, to name: String) throws {
        try write(Array(JSONEncoder().encode(value)), to: name)
    }

    /// Nil when the file is not there, or not whole.
    func read<Value: Decodable>(_ type: Value.Type, from name: String) -> Value? {
        guard let text = SmallFile.read("\(path)/\(name)") else { return nil }
        return try? JSONDecoder().decode(type, from: Data(text.utf8))
    }

    /// What a supervisor said last; nil while it has not.
    func end(ofRank rank: Int) -> SupervisorLine? {
        SmallFile.read("\(path)/\(Self.name(ofRank: rank)).end").flatMap {
            SupervisorLine(parsing: String($0.prefix { $0 != "\n" }))
        }
    }

    /// Nil when there is none, or when it says that nothing will start.
    func manifest(ofRank rank: Int) -> SupervisorManifest? {
        SmallFile.read("\(path)/\(Self.name(ofRank: rank)).manifest").flatMap {
            SupervisorManifest(parsing: $0)
        }
    }

    /// Makes sure that a rank without a manifest will never start; false when it has one, maybe since just now.
    ///
    /// The supervisor makes its manifest before it starts anything, and only where none is: whoever makes it first
    /// decides.
    func claim(rank: Int) -> Bool {
        let name = "\(path)/\(Self.name(ofRank: rank)).manifest"
        let descriptor = unsafe open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        if descriptor >= 0 { close(descriptor) }
        return descriptor >= 0 || (errno == EEXIST && manifest(ofRank: rank) == nil)
    }

    /// How many ranks have left something, for a folder whose record is gone.
    var rankCount: Int {
        let ranks = SmallFile.names(in: path).compactMap { name -> Int? in
            guard name.hasPrefix("rank-"), name.hasSuffix(".manifest") || name.hasSuffix(".end") else {
                return nil
            }
            return Int(name.dropFirst(5).prefix { $0 != "." })
        }
        return (ranks.max() ?? -1) + 1
    }

    func remove() {
        for name in SmallFile.names(in: path) { unsafe unlink("\(path)/\(name)") }
        _ = SmallFile.removeFolder(path)
    }
}
