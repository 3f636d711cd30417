import DeviceConformance
import Essentials
import Foundation
import Testing

/// Results made by hand.
enum Samples {
    static let device = KitDevice(
        id: "tiny:0", name: "Small <device>", vendor: "Tests", kind: "tiny", backend: "small",
        backendVersion: "1.0",
        isSimulated: false, claims: ["abort"], groups: ["operators"])

    static func given(_ name: String, clauses: [Int] = [], cells: [OperatorCell] = [], work: String? = nil)
        -> KitCase
    {
        let level = Level.allCases.first { name.hasPrefix("\($0.prefix)/") } ?? .runtime
        return KitCase(
            name: name, level: level, title: "something is so", clauses: clauses, work: work, cells: cells)
    }

    static func `case`(
        _ name: String, _ word: CaseOutcome.Word, profile: Profile = Profile(name: "all"),
        verify: Bool = false,
        clauses: [Int] = [], cells: [OperatorCell] = [], measurements: [MeasuredRate] = [],
        work: String? = nil
    ) -> KitCaseResult {
        let judge = Judge(profile: profile, isVerifying: verify)
        let given = given(name, clauses: clauses, cells: cells, work: work)
        guard judge.runs(given) else { return judge.judge(given, nil, command: "again") }
        var report = KitReport(
            outcome: CaseOutcome(word, reason: word == .pass ? nil : "It is <so>."), seconds: 0.5)
        report.measurements = measurements
        report.worst = WorstErrors(absolute: 1e-7, relative: 2e-6, ulp: 3, nmse: 1e-12)
        report.seed = 42
        return judge.judge(given, report, command: "heng conform device --filter '^\(name)$'")
    }

    static func result(
        _ results: [KitCaseResult], profile: Profile = Profile(name: "all"), levels: [Level] = [.runtime]
    ) -> KitResult {
        KitResult(
            version: "0.1.0", device: device, profile: profile,
            hashes: KitHashes(suite: "sha256:1", profile: "sha256:2", plugin: "sha256:3", host: "sha256:4"),
            environment: ["kernel": "6.1"], levels: levels, isVerified: false,
            started: "2026-01-01T00:00:00Z",
            seconds: 1.5, results: results)
    }
}

@Suite("Judging")
struct JudgeTests {
    private let add = OperatorCell(operatorName: "Add", type: "float32")
    private let profile = Profile(
        name: "small", operators: [ProfileOperator(name: "Add", types: ["float32"])],
        exclusions: [
            ProfileExclusion(pattern: "runtime/never/*", reason: "No such thing.", kind: .never),
            ProfileExclusion(
                pattern: "runtime/later", reason: "Next year.", kind: .notYet, link: "https://example.org/1"),
        ])

    @Test(arguments: [
        (CaseOutcome.Word.pass, Verdict.pass), (.fail, .fail), (.crashed, .crashed), (.timedOut, .timedOut),
        (.notRun, .notRun), (.unsupported, .unsupportedOutsideProfile),
    ])
    func `each outcome has its verdict`(word: CaseOutcome.Word, verdict: Verdict) {
        #expect(Samples.case("runtime/a", word, profile: profile).verdict == verdict)
    }

    @Test func `unsupported inside the profile is a failure, outside it is told apart`() {
        let inside = Samples.case("operators/x", .unsupported, profile: profile, cells: [add])
        let outside = Samples.case(
            "operators/x", .unsupported, profile: profile,
            cells: [OperatorCell(operatorName: "Add", type: "int8")])
        let everything = Samples.case("operators/x", .unsupported, cells: [add], work: "{}")
        #expect(inside.verdict == .fail)
        #expect(inside.reason?.hasPrefix("The profile has Add on float32.") == true)
        #expect(outside.verdict == .unsupportedOutsideProfile)
        #expect(everything.verdict == .fail)
    }

    @Test(arguments: [
        (7, nil, CaseOutcome.Word.pass, Verdict.unsupportedOutsideProfile),
        (7, nil, .fail, .unsupportedOutsideProfile), (7, nil, .crashed, .crashed),
        (13, nil, .pass, .pass), (13, nil, .fail, .fail), (22, nil, .pass, .pass),
        (22, 21, .pass, .unsupportedOutsideProfile),
        (21, 21, .fail, .fail),
    ])
    func `a version that the device is not listed for is outside its profile`(
        version: Int, until: Int?, word: CaseOutcome.Word, verdict: Verdict
    ) {
        let listed = Profile(
            name: "listed",
            operators: [ProfileOperator(name: "Add", types: ["float32"], since: 13, until: until)])
        var report = KitReport(outcome: CaseOutcome(word, reason: "It is so."))
        report.versions = [
            OperatorVersion(name: "Unlisted", version: 1), OperatorVersion(name: "Add", version: version),
        ]
        let found = Judge(profile: listed, isVerifying: false).judge(
            Samples.given("operators/onnx/as-is/x", cells: [add], work: "{}"), report, command: "again")

        #expect(found.verdict == verdict)
        if verdict == .unsupportedOutsideProfile {
            #expect(
                found.reason
                    == "The device serves Add from version 13 \(until.map { "to \($0)" } ?? "on") of the "
                    + "operator set, and the case uses version \(version).")
        }
    }

    @Test func `one listing among several that has the version is enough`() {
        let twice = Profile(
            name: "twice",
            operators: [
                ProfileOperator(name: "Add", types: ["int8"], since: 14),
                ProfileOperator(name: "Add", types: ["float32"], since: 7, until: 13),
            ])
        #expect(twice.refusal(of: [OperatorVersion(name: "Add", version: 7)]) == nil)
        #expect(twice.refusal(of: [OperatorVersion(name: "Add", version: 20)]) == nil)
        #expect(twice.refusal(of: [OperatorVersion(name: "Add", version: 6)]) != nil)
        #expect(Profile(name: "all").refusal(of: [OperatorVersion(name: "Add", version: 1)]) == nil)
    }

    @Test func `a list of operators that ends keeps its ends`() throws {
        let offered = OfferedOperator(
            domain: "", name: "Add", since: 13, until: 0, types: 2, isTrainable: false, isPattern: false)
        var closed = offered
        closed.until = 20
        let profile = Profile(of: [offered, closed], name: "x")
        #expect(profile.operators?.map(\.since) == [13, 13])
        #expect(profile.operators?.map(\.until) == [nil, 20])
        let again = try JSONDecoder().decode(Profile.self, from: JSONEncoder().encode(profile))
        #expect(again == profile)
    }

    @Test func `reports are compared by their bits, and a refusal is none of them`() {
        func report(_ digest: UInt64?, _ outcome: CaseOutcome = .pass) -> KitReport {
            var report = KitReport(outcome: outcome, seconds: 1)
            report.digest = digest
            return report
        }
        let same = KitRun.merged([("this device", report(5)), ("other:1", report(5))])
        #expect(same.outcome == .pass && same.seconds == 2)
        #expect(
            KitRun.merged([("this device", report(5)), ("other:1", report(6))]).outcome
                == .fail("The outputs on other:1 have not the same bits as those on this device."))
        #expect(
            KitRun.merged([("this device", report(nil)), ("other:1", report(nil))]).outcome.word == .fail)
        #expect(
            KitRun.compared([("this device", report(5)), ("other:1", report(nil, .fail("No.")))]).outcome
                == .unsupported("No other device could be compared. other:1: No."))
        #expect(
            KitRun.compared([
                ("this device", report(5)), ("other:1", report(nil, .fail("No."))), ("other:2", report(6)),
            ]).outcome == .fail("The outputs on other:2 have not the same bits as those on this device."))
        #expect(
            KitRun.compared([("this device", report(nil, .fail("Bad."))), ("other:1", report(6))]).outcome
                == .fail("Bad."))
        #expect(KitRun.compared([("this device", report(5))]).outcome.word == .notRun)
    }

    @Test func `what can never be is not run, what is not yet there is run and excluded`() {
        let never = Samples.case("runtime/never/ever", .pass, profile: profile)
        let later = Samples.case("runtime/later", .fail, profile: profile)
        #expect(never.verdict == .excluded && never.exclusion?.kind == .never && never.seconds == 0)
        #expect(later.verdict == .excluded && later.isUnexpectedPass == nil && later.seconds == 0.5)
        #expect(later.exclusion?.link == "https://example.org/1")
    }

    @Test func `an unexpected pass is told, and fails when verifying`() {
        let told = Samples.case("runtime/later", .pass, profile: profile)
        let failed = Samples.case("runtime/later", .pass, profile: profile, verify: true)
        let verified = Samples.case("runtime/never/x", .pass, profile: profile, verify: true)
        #expect(told.verdict == .excluded && told.isUnexpectedPass == true)
        #expect(failed.verdict == .fail && failed.reason?.contains("Next year.") == true)
        #expect(verified.verdict == .fail)
    }

    @Test func `only budgets judge what is measured`() {
        let slow = [MeasuredRate(name: "launch", value: 900, unit: "ns")]
        var strict = Profile(name: "strict", budgets: [ProfileBudget(measurement: "launch", most: 500)])
        #expect(Samples.case("performance/x", .pass, measurements: slow).verdict == .pass)
        #expect(Samples.case("performance/x", .pass, profile: strict, measurements: slow).verdict == .fail)
        strict.budgets = [ProfileBudget(measurement: "launch", least: 500)]
        #expect(Samples.case("performance/x", .pass, profile: strict, measurements: slow).verdict == .pass)
    }

    @Test(arguments: [
        ("runtime/copy/x", "runtime/copy/*", true), ("runtime/copy/x", "*", true), ("a/b/c", "a/*/c", true),
        ("a/b/d", "a/*/c", false), ("abc", "abc", true), ("abc", "ab", false), ("abc", "*c", true),
        ("", "*", true), ("a/b/c", "a/{b,d}/c", true), ("a/d/c", "a/{b,d}/*", true),
        ("a/e/c", "a/{b,d}/c", false),
        ("a/b/c", "*{b,d}/{c,e}", true), ("a{b", "a{b", true),
        ("abab", "*ab", true), ("x", "", false),
    ])
    func `patterns take any text for a star`(text: String, pattern: String, matches: Bool) {
        #expect(Glob.matches(text, pattern) == matches)
    }
}

@Suite("Reports of the kit")
struct KitReportTests {
    private let mixed = Samples.result(
        [
            Samples.case("runtime/a", .pass), Samples.case("runtime/b", .fail),
            Samples.case("runtime/c", .crashed),
            Samples.case("runtime/d", .unsupported),
            Samples.case(
                "performance/e", .pass,
                measurements: [MeasuredRate(name: "launch", value: 33, unit: "ns", low: 30, high: 40)]),
            Samples.case("operators/f", .pass, cells: [OperatorCell(operatorName: "Add", type: "float32")]),
            Samples.case("operators/g", .fail, cells: [OperatorCell(operatorName: "Mul", type: "int64")]),
        ], levels: [.runtime, .operators, .performance])

    @Test func `a report can be read back as it was`() throws {
        let path = "/tmp/heng-kit-\(UUID().uuidString).json"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data(try mixed.canonicalJSON()).write(to: URL(fileURLWithPath: path))
        let again = try KitResult.read(path)
        #expect(again == mixed)
        #expect(try again.canonicalJSON() == mixed.canonicalJSON())
        let text = String(decoding: try mixed.canonicalJSON(), as: UTF8.self)
        #expect(text.contains("\"schema\" : \"heng/device-conformance/1\""))
        #expect(text.contains("unsupported-outside-profile"))
        #expect(text.contains("\"ulp\" : 3"))
    }

    @Test func `another file is refused with a sentence`() throws {
        let path = "/tmp/heng-kit-\(UUID().uuidString).json"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data("{}".utf8).write(to: URL(fileURLWithPath: path))
        #expect(throws: Failure.self) { try KitResult.read(path) }
    }

    @Test func `zero executed cases are a failure, also of one level`() {
        #expect(!Samples.result([]).isConforming)
        #expect(!Samples.result([Samples.case("runtime/a", .unsupported)]).isConforming)
        #expect(Samples.result([Samples.case("runtime/a", .pass)]).isConforming)
        let half = Samples.result([Samples.case("runtime/a", .pass)], levels: [.runtime, .models])
        #expect(!half.isConforming && half.emptyLevels == [.models])
    }

    @Test func `the worst comes first`() {
        #expect(mixed.failures.map(\.name) == ["runtime/c", "runtime/b", "operators/g"])
        #expect(mixed.exitCode == .negative)
    }

    @Test func `the matrix tells pass, partial, fail and nothing`() {
        let cell = OperatorCell(operatorName: "Add", type: "float32")
        func matrix(_ words: CaseOutcome.Word...) -> OperatorMatrix.Cell? {
            let profile = Profile(name: "none", operators: [])
            let results = words.enumerated().map {
                Samples.case("operators/\($0)", $1, profile: profile, cells: [cell])
            }
            return OperatorMatrix(results)["Add", "float32"]
        }
        #expect(matrix(.pass, .pass) == .pass)
        #expect(matrix(.pass, .fail) == .partial)
        #expect(matrix(.pass, .unsupported) == .partial)
        #expect(matrix(.fail) == .fail)
        #expect(matrix(.unsupported) == Optional(OperatorMatrix.Cell.none))
        #expect(OperatorMatrix([])["Add", "float32"] == nil)
    }

    @Test func `a page shows what matters and nothing unescaped`() {
        let page = KitPage.html(mixed, comparison: KitComparison(mixed, with: mixed))
        for text in [
            "NOT CONFORMING", "Small &lt;device&gt;", "It is &lt;so&gt;.", "33", "sha256:3",
            "heng conform device",
        ] {
            #expect(page.contains(text), "\(text)")
        }
        #expect(!page.contains("<so>"))
        #expect(page.components(separatedBy: "<tr><th scope=\"row\">").count - 1 == 2)
    }

    @Test func `JUnit counts what it shows`() {
        let xml = KitJUnit.xml(mixed)
        #expect(xml.contains("<testsuite name=\"L1\" tests=\"4\" failures=\"1\" errors=\"1\" skipped=\"1\""))
        #expect(xml.components(separatedBy: "<testcase ").count - 1 == 7)
    }

    @Test func `a comparison lists what is new, gone and changed`() {
        let before = Samples.result([
            Samples.case("runtime/a", .pass), Samples.case("runtime/b", .fail),
            Samples.case("runtime/c", .pass),
            Samples.case("runtime/gone", .pass), Samples.case("runtime/e", .pass),
        ])
        let after = Samples.result([
            Samples.case("runtime/a", .fail), Samples.case("runtime/b", .pass),
            Samples.case("runtime/c", .unsupported),
            Samples.case("runtime/new", .pass),
            Samples.case(
                "runtime/e", .fail,
                profile: Profile(
                    name: "x",
                    exclusions: [ProfileExclusion(pattern: "runtime/e", reason: "r", kind: .notYet)])),
        ])
        let comparison = KitComparison(after, with: before)
        #expect(comparison.newlyFailing == ["runtime/a"])
        #expect(comparison.newlyPassing == ["runtime/b"])
        #expect(comparison.newlyUnsupported == ["runtime/c"])
        #expect(comparison.newlyExcluded == ["runtime/e"])
        #expect(comparison.added == ["runtime/new"] && comparison.gone == ["runtime/gone"])
        #expect(KitComparison(before, with: before).lists.isEmpty)
    }

    @Test func `hashes are those of SHA-256`() {
        #expect(
            KitHashing.hash(Array("abc".utf8))
                == "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    }
}
