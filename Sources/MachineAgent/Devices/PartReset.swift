internal import ControlAPI
internal import Essentials
internal import FoundationEssentials
internal import Scheduling
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#endif

/// How parts of this machine are brought back to work: programs that its operator names, or the vendor's own tool.
///
/// The file `health.json` in the state folder says it: `{"reset": {"gpu": ["/usr/local/sbin/reset-gpu"]}}`, with the
/// kinds of device, `cpu` for NUMA nodes, and `machine` for all of it. A word `{device}`, `{index}` or `{address}` stands
/// for the part's name, its number, or its place on the PCI bus.
package struct ResetPrograms: Hashable, Codable, Sendable {
    /// The program and its arguments for each kind of part.
    package var reset: [String: [String]]?
    /// How long a reset may take, in seconds; two minutes when it is not said.
    package var resetSeconds: Int?
    /// What clears the memory of an accelerator after a job, in the same form; nothing where it is not said.
    package var scrub: [String: [String]]?

    package init(
        reset: [String: [String]]? = nil, resetSeconds: Int? = nil, scrub: [String: [String]]? = nil
    ) {
        self.reset = reset
        self.resetSeconds = resetSeconds
        self.scrub = scrub
    }

    /// What the file says; nothing where there is no file.
    package static func read(_ path: String) throws -> ResetPrograms {
        guard let text = SmallFile.read(path) else {
            guard errno == ENOENT else { throw Failure("\(path) cannot be read: \(sentence(errno)).") }
            return ResetPrograms()
        }
        do {
            return try JSONDecoder().decode(ResetPrograms.self, from: Data(text.utf8))
        } catch {
            throw Failure(
                "\(path) is not what it should be.",
                nextStep: #"It looks like {"reset": {"gpu": ["/path/to/program", "{index}"]}}."#,
                exitCode: .setupMissing, cause: error)
        }
    }

    /// The command that resets a part; nil where nobody has said how.
    func command(for part: DeviceID?, address: String?) -> [String]? {
        filled(reset?[part?.kind ?? "machine"] ?? usual(part, address), part, address)
    }

    /// The command that clears an accelerator's memory.
    func scrubCommand(for part: DeviceID, address: String?) -> [String]? {
        filled(scrub?[part.kind], part, address)
    }

    private func filled(_ words: [String]?, _ part: DeviceID?, _ address: String?) -> [String]? {
        guard let words, !words.isEmpty else { return nil }
        return words.map { word in
            [
                ("{device}", part?.description ?? "machine"), ("{index}", part.map { "\($0.index)" } ?? ""),
                ("{address}", address ?? ""),
            ].reduce(word) { $0.replacing($1.0, with: $1.1) }
        }
    }

    /// NVIDIA's tool takes the place on the bus, which is never another card's.
    private func usual(_ part: DeviceID?, _ address: String?) -> [String]? {
        guard part?.kind == "gpu", ProgramLookup.exists("nvidia-smi") else { return nil }
        return ["nvidia-smi", "--gpu-reset", "-i", address == nil ? "{index}" : "{address}"]
    }
}

/// One reset of a part, or the clearing of its memory, run by a supervisor as any other step.
struct PartReset: Sendable {
    let part: DeviceID?
    let why: String
    let machine: String
    /// Nil where nobody has said how.
    let command: [String]?
    let seconds: Int
    /// The place of the part on the PCI bus.
    let address: String?
    /// What the program says goes there.
    let log: String
    let isolation: Isolation
    let supervisor: SupervisorProgram

    /// Blocks until the program has ended; returns why the part could not be reset, or nil when it was.
    func run() -> String? {
        guard let command else {
            let kind = part?.kind ?? "machine"
            return "this machine has no program for it; name one for '\(kind)' in health.json"
        }
        var environment = [
            "PATH": ProgramLookup.usualPath, "HENG_MACHINE": machine,
            "HENG_DEVICE": part?.description ?? "", "HENG_WHY": why,
        ]
        environment["HENG_PCI_ADDRESS"] = address
        let step = StepSpecification(
            name: "reset", command: command, environment: environment, workingDirectory: "/",
            output: .file(log), errorOutput: .file(log),
            timeLimit: .seconds(max(1, seconds)), grace: .seconds(5))
        do {
            let outcome = try RunningStep.start(step, isolation: isolation, supervisor: supervisor)
                .waitOnThisThread()
            return outcome.verdict.isSuccess ? nil : "\(command[0]) \(outcome.verdict)\(lastLine)"
        } catch {
            return (error as? any ReportableError)?.summary ?? "\(error)"
        }
    }

    /// The last thing that the program said.
    private var lastLine: String {
        let lines = SmallFile.read(log)?.split(whereSeparator: \.isNewline) ?? []
        return lines.last.map { ": \($0.prefix(200))" } ?? ""
    }
}

/// The resets that are under way, so that a daemon that asks again does not begin a second one.
final class ResetsUnderWay: Sendable {
    private let parts = Mutex<Set<DeviceID?>>([])

    /// False when one is under way already.
    func begin(_ part: DeviceID?) -> Bool { parts.withLock { $0.insert(part).inserted } }
    func end(_ part: DeviceID?) { parts.withLock { _ = $0.remove(part) } }
}

extension AttemptWorker {
    /// Resets a part on a thread of its own, once at a time.
    func reset(_ part: DeviceID?, _ why: String) {
        guard resets.begin(part) else { return }
        let command = options.resets.command(for: part, address: part.flatMap { options.addresses[$0] })
        let reset = task(on: part, command, why, "reset")
        do {
            try startThread { [report, resets] in
                let failure = reset.run()
                resets.end(part)
                report(.reset(part, failure: failure))
            }
        } catch {
            resets.end(part)
            report(.reset(part, failure: "\(error)"))
        }
    }

    private func task(on part: DeviceID?, _ command: [String]?, _ why: String, _ verb: String) -> PartReset {
        PartReset(
            part: part, why: why, machine: machine, command: command,
            seconds: options.resets.resetSeconds ?? 120, address: part.flatMap { options.addresses[$0] },
            log: "\(folder)/\(verb)-\(part.map { "\($0.kind)-\($0.index)" } ?? "machine").log",
            isolation: isolation, supervisor: supervisor)
    }

    /// Clears the memory of the accelerators that an attempt had, before anybody hears that they are free.
    ///
    /// False where there is nothing to clear; else the host's thread goes on with the end once it is done. One that
    /// cannot be cleared is isolated.
    func clearAccelerators(of attempt: Attempt, then end: AttemptEnd) -> Bool {
        guard !attempt.isClearing else { return true }
        let parts = Set(attempt.record?.start.ranks.map(\.device) ?? []).sorted()
        let tasks = parts.compactMap { part in
            options.resets.scrubCommand(for: part, address: options.addresses[part]).map {
                task(on: part, $0, "\(attempt.id) has left", "scrub")
            }
        }
        guard !tasks.isEmpty else { return false }
        attempt.isClearing = true
        let id = attempt.id
        do {
            try startThread { [report, weak host] in
                for task in tasks {
                    guard let failure = task.run() else { continue }
                    report(.health(task.part, .isolated, why: "its memory could not be cleared: \(failure)"))
                }
                host?.noteCleared(id, end)
            }
            return true
        } catch {
            for part in parts {
                report(.health(part, .isolated, why: "its memory was not cleared: \(error)"))
            }
            return false
        }
    }
}
