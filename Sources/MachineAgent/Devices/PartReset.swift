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
    package var reset: [String: [String]]
    /// How long a reset may take, in seconds; two minutes when it is not said.
    package var resetSeconds: Int?

    package init(reset: [String: [String]] = [:], resetSeconds: Int? = nil) {
        self.reset = reset
        self.resetSeconds = resetSeconds
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
        let words = reset[part?.kind ?? "machine"] ?? usual(part, address)
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

/// One reset of a part, run by a supervisor as any other step.
struct PartReset: Sendable {
    let part: DeviceID?
    let why: String
    let machine: String
    let programs: ResetPrograms
    /// The place of the part on the PCI bus.
    let address: String?
    /// What the program says goes there.
    let log: String
    let isolation: Isolation
    let supervisor: SupervisorProgram

    /// Blocks until the program has ended; returns why the part could not be reset, or nil when it was.
    func run() -> String? {
        guard let command = programs.command(for: part, address: address) else {
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
            timeLimit: .seconds(max(1, programs.resetSeconds ?? 120)), grace: .seconds(5))
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
        let address = part.flatMap { options.addresses[$0] }
        let reset = PartReset(
            part: part, why: why, machine: machine, programs: options.resets, address: address,
            log: "\(folder)/reset-\(part.map { "\($0.kind)-\($0.index)" } ?? "machine").log",
            isolation: isolation, supervisor: supervisor)
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
}
