package import Essentials
internal import Results

/// How one case ended, as reports keep it.
package struct KitCaseResult: Codable, Hashable, Sendable {
    package var name: String
    package var level: Level
    package var title: String
    package var clauses: [Int]
    package var verdict: Verdict = .notRun
    package var reason: String?
    package var seconds = 0.0
    package var worst: WorstErrors?
    package var seed: UInt64?
    package var threads: [Int]?
    /// The other devices that it was compared with.
    package var devices: [String]?
    package var cells: [OperatorCell]?
    package var measurements: [MeasuredRate]?
    package var exclusion: ProfileExclusion?
    package var isUnexpectedPass: Bool?
    /// The line that runs it again.
    package var command: String

    init(_ given: KitCase, command: String) {
        name = given.name
        level = given.level
        title = given.title
        clauses = given.clauses
        threads = given.threads.isEmpty ? nil : given.threads
        devices = given.devices.isEmpty ? nil : given.devices
        cells = given.cells.isEmpty ? nil : given.cells
        self.command = command
    }

    mutating func take(_ report: KitReport) {
        seconds = report.seconds
        worst = report.worst
        seed = report.seed
        measurements = report.measurements.isEmpty ? nil : report.measurements
        if !report.cells.isEmpty { cells = report.cells }
    }

    private enum CodingKeys: String, CodingKey {
        case name = "case"
        case level, title, clauses, verdict, reason, seconds, worst, seed, threads, devices, cells,
            measurements
        case exclusion, command
        case isUnexpectedPass = "unexpected_pass"
    }
}

/// The SHA-256 of what a run consisted of, so that two laboratories know whether theirs can be compared.
package struct KitHashes: Codable, Hashable, Sendable {
    /// The names, levels and titles of all cases that were selected.
    package var suite: String
    /// The profile as it was applied.
    package var profile: String
    /// The file of the plugin; for a compiled-in backend that of the host.
    package var plugin: String
    /// The program that ran the cases.
    package var host: String

    package init(suite: String, profile: String, plugin: String, host: String) {
        self.suite = suite
        self.profile = profile
        self.plugin = plugin
        self.host = host
    }
}

/// The device as the report names it.
package struct KitDevice: Codable, Hashable, Sendable {
    package var id: String
    package var name: String
    package var vendor: String
    package var kind: String
    package var backend: String
    package var backendVersion: String?
    package var isSimulated: Bool
    package var claims: [String]
    package var groups: [String]

    package init(
        id: String, name: String, vendor: String, kind: String, backend: String, backendVersion: String?,
        isSimulated: Bool, claims: [String], groups: [String]
    ) {
        self.id = id
        self.name = name
        self.vendor = vendor
        self.kind = kind
        self.backend = backend
        self.backendVersion = backendVersion
        self.isSimulated = isSimulated
        self.claims = claims
        self.groups = groups
    }

    private enum CodingKeys: String, CodingKey {
        case id, name, vendor, kind, backend, claims, groups
        case backendVersion = "backend_version"
        case isSimulated = "simulated"
    }
}

/// A whole run of the kit, as its JSON keeps it.
package struct KitResult: Codable, Hashable, Sendable {
    package static let schema = "heng/device-conformance/1"

    package var schema = KitResult.schema
    package var version: String
    package var device: KitDevice
    package var profile: Profile
    package var hashes: KitHashes
    package var environment: [String: String]
    /// The levels that were asked for: each must have a case that was executed.
    package var levels: [Level]
    package var isVerified: Bool
    /// When it began, in the form of ISO 8601.
    package var started: String
    package var seconds: Double
    package var results: [KitCaseResult]

    package init(
        version: String, device: KitDevice, profile: Profile, hashes: KitHashes,
        environment: [String: String],
        levels: [Level], isVerified: Bool, started: String, seconds: Double, results: [KitCaseResult]
    ) {
        self.version = version
        self.device = device
        self.profile = profile
        self.hashes = hashes
        self.environment = environment
        self.levels = levels
        self.isVerified = isVerified
        self.started = started
        self.seconds = seconds
        self.results = results
    }

    private enum CodingKeys: String, CodingKey {
        case schema, version, device, profile, hashes, environment, levels, started, seconds, results
        case isVerified = "verified"
    }
}

extension KitResult {
    /// What says something against the device, the worst first.
    package var failures: [KitCaseResult] {
        let order: [Verdict] = [.crashed, .timedOut, .fail, .notRun]
        return order.flatMap { verdict in results.filter { $0.verdict == verdict } }
    }

    package var unexpectedPasses: [KitCaseResult] { results.filter { $0.isUnexpectedPass == true } }

    package func count(_ level: Level, _ verdict: Verdict) -> Int {
        results.count { $0.level == level && $0.verdict == verdict }
    }

    /// The selected levels in which nothing was executed: a run of nothing is no success.
    package var emptyLevels: [Level] {
        levels.filter { level in !results.contains { $0.level == level && $0.verdict.isExecuted } }
    }

    package var isConforming: Bool { failures.isEmpty && emptyLevels.isEmpty && !levels.isEmpty }

    package var exitCode: ExitCode { isConforming ? .done : .negative }

    /// One row of words for each level, under `headlineColumns`.
    package var headline: [[String]] {
        levels.map { level in
            let own = results.filter { $0.level == level }
            return ["\(level.rawValue) \(level.title)", "\(own.count)"]
                + Verdict.allCases.map { verdict in "\(own.count { $0.verdict == verdict })" }
                + ["\(own.reduce(0) { $0 + $1.seconds }.formatted(digits: 1))"]
        }
    }

    package static let headlineColumns =
        ["LEVEL", "CASES"]
        + ["PASS", "FAIL", "OUTSIDE", "EXCLUDED", "NOT-RUN", "CRASHED", "TIMED-OUT"] + ["SECONDS"]
}
