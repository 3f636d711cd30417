internal import ArgumentParser
internal import Conformance
internal import DeviceConformance
internal import Essentials
internal import Foundation
internal import HardwareTopology
internal import MachineAgent
internal import Results
internal import TopologyDiscovery

/// One run of the kit, from the choices on the command line to its reports.
///
/// This process never loads the device's library: all that touches it happens in child processes.
struct KitSession {
    private let choices: KitChoices
    private let command: String
    private let wantedLevels: [Level]?

    init(_ choices: KitChoices, command: String, levels: [Level]?) throws {
        self.choices = choices
        self.command = command
        wantedLevels = levels
    }

    func run() throws {
        let (began, start) = (TimePoint.wallNow(), TimePoint.monotonicNow())
        let earlier = try choices.compare.map { try KitResult.read($0) }
        let given = try choices.profile.map { try Profile.read($0) }
        let accepts = try acceptedNames()
        let description = try describe(choices.device)
        let others = try others(of: description)
        let profile = given?.completed(by: description) ?? Profile(offered: description)
        let levels = wantedLevels ?? profile.levels ?? self.levels(of: description)
        let cases = try plan(levels, description, others).filter { accepts($0.name) }
        guard !cases.isEmpty else {
            throw Failure(
                "No case of `heng conform \(command)` \(choices.filter.map { "has a name that matches \($0)" } ?? "was found").",
                nextStep: "Zero cases are no success.", exitCode: .negative)
        }
        let results = try results(of: cases, description, profile, others)
        let selected =
            choices.filter == nil ? levels : levels.filter { level in cases.contains { $0.level == level } }
        let result = KitResult(
            version: hengVersion, device: description.device, profile: profile,
            hashes: try hashes(cases, profile), environment: environment(), levels: selected,
            isVerified: choices.verify, started: began.iso8601,
            seconds: (TimePoint.monotonicNow() - start).inSeconds, results: results)
        let comparison = earlier.map { earlier in
            // A part of the cases is compared with that part of the earlier report.
            var earlier = earlier
            earlier.results.removeAll { !accepts($0.name) || !selected.contains($0.level) }
            return KitComparison(result, with: earlier)
        }
        try show(result, comparison)
    }

    private func acceptedNames() throws -> (String) -> Bool {
        guard let filter = choices.filter else { return { _ in true } }
        do {
            let pattern = try Regex(filter)
            return { $0.contains(pattern) }
        } catch {
            throw Failure(
                "--filter \(filter) is no regular expression.",
                nextStep: "Write it like --filter '^runtime/copy/'.", exitCode: .wrongUse)
        }
    }
}

// MARK: The device

extension KitSession {
    /// Asks a child process what the device is; a plugin that cannot even tell is still tested.
    private func describe(_ device: String) throws -> KitDescription {
        guard let id = DeviceID(parsing: device) else {
            throw Failure(
                "--\(device == choices.device ? "device" : "against") \(device) is not the name of a device.",
                nextStep: "Write it like cpu:0.",
                exitCode: .wrongUse)
        }
        let pool = WorkerPool<KitCase, KitReport>(
            try program(
                choices.plugin == nil ? ["--device", device] : pluginArguments(id.index), as: device),
            count: 1, timeLimit: .seconds(60))
        let asked = KitCase(name: KitDescription.caseName, level: .load, title: "describes the device")
        do {
            guard let report = try pool.run([asked]).first else { throw Failure("No answer came.") }
            return try KitDescription(report)
        } catch {
            guard let plugin = choices.plugin else {
                let sentence = (error as? any ReportableError)?.summary ?? "\(error)"
                throw Failure(sentence, nextStep: "`heng devices` lists devices.", exitCode: .setupMissing)
            }
            guard FileManager.default.fileExists(atPath: plugin) else {
                throw Failure("There is no plugin \(plugin).", exitCode: .setupMissing)
            }
            let device = KitDevice(
                id: device, name: plugin, vendor: "unknown", kind: id.kind, backend: "unknown",
                backendVersion: nil, isSimulated: false, claims: [], groups: [])
            return KitDescription(device: device, index: id.index, isHostAddressable: false, operators: nil)
        }
    }

    private func pluginArguments(_ index: Int) -> [String] {
        choices.plugin.map { ["--plugin", $0, "--index", "\(index)"] } ?? []
    }

    /// The devices that results are compared with: those asked for, or all of the library that claim the same bits.
    private func others(of description: KitDescription) throws -> [(name: String, place: [String])] {
        guard choices.against.isEmpty else {
            return try Set(choices.against).sorted().map { name in
                guard name != choices.device else {
                    throw Failure(
                        "--against \(name) is the device itself.", nextStep: "Name another device.",
                        exitCode: .wrongUse)
                }
                return (name, place(of: try describe(name)))
            }
        }
        guard description.determinism >= 4 else { return [] }
        return description.peers.filter { $0.determinism >= 4 }.map { peer in
            var other = description
            other.index = peer.index
            return ("\(peer.name) (device \(peer.index) of the library)", place(of: other))
        }
    }

    /// The arguments that open a device in a worker.
    private func place(of description: KitDescription) -> [String] {
        choices.plugin == nil
            ? ["--backend", description.backend ?? "cpu", "--index", "\(description.index)"]
            : pluginArguments(description.index)
    }

    private func program(_ place: [String], as device: String) throws -> WorkerProgram {
        guard choices.soak >= 0, choices.soak <= 1e6 else {
            throw Failure(
                "--soak \(choices.soak) is not a time.", nextStep: "Write seconds.", exitCode: .wrongUse)
        }
        var arguments =
            ["conform-device-worker"] + place + ["--id", device, "--soak", "\(choices.soak)"]
        if choices.quick { arguments.append("--quick") }
        let threads = max(1, try Topology.allowedCPUs().count / (try workers()))
        // A backtrace of a crash would take longer than many cases, and says little without symbols.
        return WorkerProgram(
            path: try ownProgram(), arguments: arguments,
            environment: ["HENG_THREADS": "\(threads)", "SWIFT_BACKTRACE": "enable=no"])
    }

    private func workers() throws -> Int { max(1, min(try Topology.allowedCPUs().count, 8)) }

    /// What can be asked of the device: levels above the runtime need operators of its own, or our kernels.
    private func levels(of description: KitDescription) -> [Level] {
        let computes = description.operators != nil || description.isHostAddressable && choices.plugin == nil
        return computes
            ? [.load, .runtime, .operators, .models, .robustness, .determinism, .performance]
            : [.load, .runtime, .robustness, .performance]
    }
}

// MARK: Running

extension KitSession {
    private func plan(
        _ levels: [Level], _ description: KitDescription, _ others: [(name: String, place: [String])]
    ) throws -> [KitCase] {
        let plain = DeviceCases.all.filter { levels.contains($0.level) }.map { KitCase($0) }
        let processors = try Topology.allowedCPUs().count
        let plan = OperatorPlan(
            folder: choices.cases ?? (try? PublicCases.folder()), seed: choices.seed, isQuick: choices.quick,
            threads: ConformanceOptions.threadCounts(processors: processors),
            determinism: description.determinism,
            others: others.map(\.name), isComparing: !choices.against.isEmpty,
            trainable: description.operators.map { Set($0.filter(\.isTrainable).map(\.name)) })
        return plain + (try plan.cases(levels))
    }

    private func results(
        of cases: [KitCase], _ description: KitDescription, _ profile: Profile,
        _ others: [(name: String, place: [String])]
    ) throws -> [KitCaseResult] {
        let programs = try others.map { ($0.name, try program($0.place, as: $0.name)) }
        guard choices.timeLimit > 0, choices.timeLimit <= 1e6 else {
            throw Failure(
                "--time-limit \(choices.timeLimit) is not a time for a case.",
                nextStep: "Write seconds, such as 60.", exitCode: .wrongUse)
        }
        let limit = max(
            choices.timeLimit, cases.contains { $0.name.contains("/soak/") } ? choices.soak * 2 + 30 : 0)
        let interrupt = try Interruption.require()
        let run = KitRun(
            KitOptions(timeLimit: .milliseconds(Int64((limit * 1000).rounded(.up))), workers: try workers()),
            judge: Judge(profile: profile, isVerifying: choices.verify),
            program: try program(place(of: description), as: choices.device),
            others: Dictionary(programs, uniquingKeysWith: { first, _ in first }),
            command: line, isInterrupted: { interrupt.isTriggered })
        return try run.results(of: cases)
    }

    /// The line that runs one case again.
    private func line(_ given: KitCase) -> String {
        var words = ["heng", "conform", command, "--device", choices.device]
        if let plugin = choices.plugin { words += ["--plugin", plugin] }
        if let profile = choices.profile { words += ["--profile", profile] }
        for device in choices.against { words += ["--against", device] }
        if let cases = choices.cases { words += ["--cases", cases] }
        if choices.seed != 1 { words += ["--seed", "\(choices.seed)"] }
        let pattern = given.name.map { "+.()[]".contains($0) ? "\\\($0)" : "\($0)" }.joined()
        return (words + ["--filter", "^\(pattern)$"]).map(shellWord).joined(separator: " ")
    }
}

// MARK: Showing

extension KitSession {
    private func hashes(_ cases: [KitCase], _ profile: Profile) throws -> KitHashes {
        let host = try KitHashing.hash(file: "/proc/self/exe")
        return KitHashes(
            suite: KitHashing.hash(cases), profile: try profile.hash(),
            plugin: try choices.plugin.map { try KitHashing.hash(file: $0) } ?? host, host: host)
    }

    private func environment() -> [String: String] {
        var names = utsname()
        var facts = [
            "processing units": "\((try? Topology.allowedCPUs().count) ?? 0)", "machine": thisMachine(),
        ]
        if unsafe uname(&names) == 0 {
            facts["kernel"] = unsafe withUnsafeBytes(of: names.release) {
                unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
        }
        if let load = try? String(contentsOfFile: "/proc/loadavg", encoding: .utf8) {
            facts["load at the end"] = load.split(separator: " ").prefix(3).joined(separator: " ")
        }
        return facts
    }

    private func show(_ result: KitResult, _ comparison: KitComparison?) throws {
        if let json = choices.json { try DurableFile.write(try result.canonicalJSON(), to: json) }
        if let junit = choices.junit { try DurableFile.write(Array(KitJUnit.xml(result).utf8), to: junit) }
        if let html = choices.html {
            try DurableFile.write(Array(KitPage.html(result, comparison: comparison).utf8), to: html)
        }
        try writeOut(text(of: result) + (comparison?.text ?? ""))
        if try Interruption.require().isTriggered {
            throw ArgumentParser.ExitCode(Essentials.ExitCode.interrupted.rawValue)
        }
        guard result.exitCode == .done else { throw ArgumentParser.ExitCode(result.exitCode.rawValue) }
    }

    private func text(of result: KitResult) -> String {
        let failures = result.failures.map { failure in
            "\(failure.verdict.rawValue)  \(failure.name): \(failure.reason ?? "")\n    \(failure.command)\n"
        }
        let surprises = result.unexpectedPasses.map {
            "unexpected pass  \($0.name): \($0.exclusion?.reason ?? "")\n"
        }
        let measured = result.results.flatMap { $0.measurements ?? [] }.map { rate in
            [
                rate.name, "\(rate.value.formatted(significant: 3)) \(rate.unit)",
                rate.low.flatMap { low in
                    rate.high.map { "\(low.formatted(significant: 3)) to \($0.formatted(significant: 3))" }
                } ?? "",
            ]
        }
        let rates =
            measured.isEmpty
            ? "" : "\n" + textTable(header: ["MEASURED", "MEDIAN", "MIDDLE HALF"], measured) + "\n"
        let empty = result.emptyLevels.map { "Nothing was executed in \($0.rawValue), which is a failure.\n" }
        let word = result.isConforming ? "conforms" : "does not conform"
        return failures.joined() + surprises.joined()
            + textTable(header: KitResult.headlineColumns, result.headline) + "\n" + rates + empty.joined()
            + "\n\(result.device.id) (\(result.device.name)) \(word) to the profile \(result.profile.name), in "
            + "\(result.seconds.formatted(digits: 1)) s.\n"
    }
}

extension Profile {
    /// What a device says of itself, where no profile was given.
    init(offered description: KitDescription) {
        self.init(of: description.operators, name: "\(description.device.backend) as offered")
    }

    /// The given profile; its operators are the device's where it names none.
    func completed(by description: KitDescription) -> Profile {
        var profile = self
        if operators == nil { profile.operators = Profile(offered: description).operators }
        return profile
    }
}
