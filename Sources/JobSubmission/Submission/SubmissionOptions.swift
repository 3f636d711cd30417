internal import Essentials
internal import Scheduling

/// All options that directives may hold; those of the command line come from the same table.
package enum SubmissionOptions {
    package static let all: [SubmissionOption] = people + times + resources + placement + programs

    /// The option of a name in a dialect; nil when there is none.
    static func find(_ name: String, _ dialect: SubmissionOption.Dialect) -> SubmissionOption? {
        all.first { $0.dialects.contains(dialect) && $0.names.contains(name) }
    }

    private static let people = [
        SubmissionOption("--name", "--job-name", "-J") { draft, value throws(Failure) in
            draft.name = try NameCheck.name(value.text, option: value.option)
        },
        SubmissionOption("--account", "-A", needsDaemon: true) { draft, value throws(Failure) in
            draft.account = try NameCheck.name(value.text, option: value.option)
        },
        SubmissionOption("--queue", "--partition", "-p", needsDaemon: true) { draft, value throws(Failure) in
            draft.queue = try NameCheck.name(value.text, option: value.option)
        },
        SubmissionOption("--workload", dialects: [.heng]) { draft, value throws(Failure) in
            draft.workload = try NameCheck.name(value.text, option: value.option)
        },
        SubmissionOption("--comment") { draft, value throws(Failure) in
            draft.comment = try NameCheck.comment(value.text, option: value.option)
        },
        SubmissionOption("--key", dialects: [.heng], needsDaemon: true) { draft, value throws(Failure) in
            draft.clientKey = try NameCheck.name(value.text, option: value.option)
        },
        SubmissionOption("--wait", "-W", form: .flag) { draft, _ throws(Failure) in draft.waits = true },
    ]

    private static let times = [
        SubmissionOption("--array", "-a", needsDaemon: true) { draft, value throws(Failure) in
            draft.array = try ArrayText.read(value.text, option: value.option)
        },
        SubmissionOption("--dependency", "-d", needsDaemon: true) { draft, value throws(Failure) in
            draft.dependencies = try DependencyText.read(value.text, option: value.option)
        },
        SubmissionOption("--time", "-t") { draft, value throws(Failure) in
            draft.timeLimit = .some(try TimeText.limit(value.text, option: value.option))
        },
        SubmissionOption("--begin", "-b", needsDaemon: true) { draft, value throws(Failure) in
            draft.begin = try value.moments.read(value.text, option: value.option)
        },
        SubmissionOption("--deadline", needsDaemon: true) { draft, value throws(Failure) in
            draft.deadline = try value.moments.readFuture(value.text, option: value.option)
        },
        SubmissionOption("--hold", "-H", form: .flag, needsDaemon: true) { draft, _ throws(Failure) in
            draft.isHeld = true
        },
        SubmissionOption("--requeue", form: .flag, needsDaemon: true) { draft, _ throws(Failure) in
            draft.mayRequeue = true
        },
        SubmissionOption("--no-requeue", form: .flag, needsDaemon: true) { draft, _ throws(Failure) in
            draft.mayRequeue = false
        },
        SubmissionOption("--retries", dialects: [.heng], needsDaemon: true) { draft, value throws(Failure) in
            draft.retries = try Amounts.count(value.text, in: 0...1000, option: value.option)
        },
        SubmissionOption("--retry-after", dialects: [.heng], needsDaemon: true) {
            draft, value throws(Failure) in
            draft.backoff = try TimeText.length(value.text, option: value.option)
        },
        SubmissionOption("--requeue-code", dialects: [.heng], needsDaemon: true) {
            draft, value throws(Failure) in
            draft.requeueCode = Int32(try Amounts.count(value.text, in: 1...255, option: value.option))
        },
        SubmissionOption("--signal", needsDaemon: true) { draft, value throws(Failure) in
            draft.warning = try SignalText.warning(value.text, option: value.option)
        },
        SubmissionOption("--priority") { draft, value throws(Failure) in
            draft.priority = try Amounts.count(value.text, in: -1_000_000...1_000_000, option: value.option)
        },
        SubmissionOption("--nice", form: .optionalValue) { draft, value throws(Failure) in
            draft.nice =
                value.text.isEmpty
                ? 100 : try Amounts.count(value.text, in: -1_000_000...1_000_000, option: value.option)
        },
    ]

    private static let resources = [
        SubmissionOption("--device", dialects: [.heng]) { draft, value throws(Failure) in
            try draft.take(DeviceText(value.text, option: value.option))
        },
        SubmissionOption("--gres", dialects: [.slurm]) { draft, value throws(Failure) in
            try draft.take(DeviceText(value.text, option: value.option))
        },
        SubmissionOption("--gpus", "--gpus-per-task", "-G", dialects: [.slurm]) {
            draft, value throws(Failure) in
            let text = value.text.contains(":") ? value.text : "gpu:\(value.text)"
            try draft.take(DeviceText(text, option: value.option))
        },
        SubmissionOption("--share", dialects: [.heng]) { draft, value throws(Failure) in
            draft.share = try Amounts.share(value.text, option: value.option)
        },
        SubmissionOption("--cores", "--cpus-per-task", "-c") { draft, value throws(Failure) in
            draft.cores = try Amounts.cores(value.text, option: value.option)
        },
        SubmissionOption("--mem") { draft, value throws(Failure) in
            draft.memory = try Amounts.memory(value.text, option: value.option)
            draft.memoryPerCore = nil
        },
        SubmissionOption("--mem-per-cpu", dialects: [.slurm]) { draft, value throws(Failure) in
            draft.memoryPerCore = try Amounts.memory(value.text, option: value.option)
            draft.memory = nil
        },
        SubmissionOption("--mem-bind", dialects: [.heng], needsDaemon: true) { draft, value throws(Failure) in
            draft.memoryMode = try Amounts.choice(value.text, option: value.option)
        },
        SubmissionOption("--isolation", dialects: [.heng], needsDaemon: true) {
            draft, value throws(Failure) in
            draft.isolation = try Amounts.choice(value.text, option: value.option)
        },
        SubmissionOption("--qos", dialects: [.heng], needsDaemon: true) { draft, value throws(Failure) in
            draft.quality = try Amounts.choice(value.text, option: value.option)
        },
        SubmissionOption("--qos", "-q", dialects: [.slurm], needsDaemon: true) {
            draft, value throws(Failure) in
            // A site's own class of Slurm says nothing here; ours are taken.
            guard let quality = QualityOfService(rawValue: value.text.lowercased()) else {
                draft.ignored.append(
                    "\(value.option) \(shown(value.text)) is ignored: it is a class of that Slurm; use -p for a queue of Heng"
                )
                return
            }
            draft.quality = quality
        },
        SubmissionOption("--vdev", dialects: [.heng], needsDaemon: true) { draft, value throws(Failure) in
            draft.virtualDevice = try VirtualDeviceWord(value.text, option: value.option)
        },
    ]

    private static let placement = [
        SubmissionOption("--ranks", "--ntasks", "-n") { draft, value throws(Failure) in
            draft.ranks = try Amounts.count(value.text, in: 0...1_000_000, option: value.option)
        },
        SubmissionOption("--nodes", "-N", dialects: [.slurm]) { draft, value throws(Failure) in
            try draft.takeNodes(value)
        },
        SubmissionOption("--numa", dialects: [.heng]) { draft, value throws(Failure) in
            draft.numa = try Amounts.count(value.text, in: 0...65_535, option: value.option)
        },
        SubmissionOption("--span", form: .flag, dialects: [.heng]) { draft, _ throws(Failure) in
            draft.maySpan = true
        },
        SubmissionOption("--per", dialects: [.heng]) { draft, value throws(Failure) in
            let choice: SpreadWord = try Amounts.choice(value.text, option: value.option)
            draft.spread = choice.spread
        },
        SubmissionOption("--gang", form: .flag, dialects: [.heng], needsDaemon: true) {
            draft, _ throws(Failure) in
            draft.spread = .acrossMachines
        },
        SubmissionOption("--exclusive", form: .optionalValue, needsDaemon: true) {
            draft, value throws(Failure) in
            guard value.text.isEmpty else {
                throw mistake(
                    "\(value.option)=\(shown(value.text)) is unknown.",
                    "Use --exclusive for whole machines; cores asked for with --cores are nobody else's anyway."
                )
            }
            draft.isExclusive = true
        },
        SubmissionOption("--machine", "--nodelist", "-w", needsDaemon: true) { draft, value throws(Failure) in
            var machines: [String] = []
            for part in value.text.split(separator: ",", omittingEmptySubsequences: false) {
                if part.contains("[") {
                    throw mistake(
                        "\(value.option) \(shown(value.text)) has brackets, which are not read.",
                        "Name each machine: \(value.option) one,two.")
                }
                machines.append(try NameCheck.name(String(part), option: value.option))
            }
            draft.machines = machines
        },
        SubmissionOption("--machine-class", dialects: [.heng], needsDaemon: true) {
            draft, value throws(Failure) in
            draft.machineClass = try Amounts.choice(value.text, option: value.option)
        },
    ]

    private static let programs = [
        SubmissionOption("--output", "-o") { draft, value throws(Failure) in
            draft.output = try NameCheck.pattern(value.text, option: value.option)
        },
        SubmissionOption("--error", "-e", needsDaemon: true) { draft, value throws(Failure) in
            draft.errorOutput = try NameCheck.pattern(value.text, option: value.option)
        },
        SubmissionOption("--input", "-i", needsDaemon: true) { draft, value throws(Failure) in
            draft.input = try NameCheck.pattern(value.text, option: value.option)
        },
        SubmissionOption("--open-mode", needsDaemon: true) { draft, value throws(Failure) in
            let mode: OpenMode = try Amounts.choice(value.text, option: value.option)
            draft.appendsOutput = mode == .append
        },
        SubmissionOption("--chdir", "-D") { draft, value throws(Failure) in
            draft.workingDirectory = try NameCheck.path(value.text, option: value.option)
        },
        SubmissionOption("--export") { draft, value throws(Failure) in
            draft.export = try ExportText(value.text, option: value.option)
        },
        SubmissionOption("--image", dialects: [.heng], needsDaemon: true) { draft, value throws(Failure) in
            draft.image = try NameCheck.path(value.text, option: value.option)
        },
        SubmissionOption("--grace", dialects: [.heng]) { draft, value throws(Failure) in
            draft.grace = try TimeText.length(value.text, option: value.option)
        },
    ]

    /// Options of sbatch that change nothing here, and why.
    package static let ignoredBySlurmName: [String: String] = {
        var reasons: [String: String] = [:]
        for (names, reason) in ignoredGroups { for name in names { reasons[name] = reason } }
        return reasons
    }()

    private static let ignoredGroups: [(names: [String], reason: String)] = [
        (
            ["--mail-type", "--mail-user"],
            "Heng sends no mail; `heng wait` and the events of the interface tell of ends"
        ),
        (
            [
                "--ntasks-per-node", "--ntasks-per-socket", "--ntasks-per-core", "--tasks-per-node",
                "--distribution", "-m",
            ],
            "how ranks lie on machines is decided by the queue's placement policy and --per"
        ),
        (
            ["--constraint", "-C", "--prefer"],
            "machines have no features; use --machine or --machine-class in an #HENG line"
        ),
        (["--exclude", "-x"], "machines cannot be excluded; use --machine for those wanted"),
        (["--reservation", "--licenses", "-L", "--wckey", "--mcs-label"], "Heng has none"),
        (
            [
                "--hint", "--threads-per-core", "--sockets-per-node", "--cores-per-socket",
                "--extra-node-info", "-B",
                "--core-spec", "-S", "--cpu-freq",
            ], "a rank gets whole cores of one NUMA node, with all their threads"
        ),
        (
            ["--mem-bind", "--cpu-bind", "--gpu-bind", "--gres-flags"],
            "ranks are always bound; an #HENG line may choose --mem-bind strict, preferred or interleave"
        ),
        (["--time-min"], "a job gets the time of --time or waits for it"),
        (["--get-user-env", "--propagate"], "the environment comes from the submitter, as --export says"),
        (
            [
                "--tmp", "--acctg-freq", "--profile", "--spread-job", "--switches", "--use-min-nodes",
                "--contiguous",
                "--no-kill", "-k", "--oversubscribe", "-s", "--overcommit", "-O", "--bb", "--bbf", "--power",
                "--kill-on-invalid-dep", "--nvmps", "--container", "--uid", "--gid", "--cluster",
                "--clusters", "-M",
                "--delay-boot", "--reboot", "--ignore-pbs", "--priority-boost", "--segment", "--tres-bind",
                "--tres-per-task",
            ], "Heng has nothing like it"
        ),
        (
            [
                "--quiet", "-Q", "--verbose", "-v", "--parsable", "--test-only", "--wrap", "--usage",
                "--help", "-h",
                "--version", "-V",
            ], "it belongs on the command line"
        ),
    ]

    /// Those of the ignored options that take no value, so that what follows is not taken for one.
    static let ignoredFlags: Set<String> = [
        "--get-user-env", "--spread-job", "--use-min-nodes", "--contiguous", "--overcommit", "-O",
        "--oversubscribe",
        "-s", "--reboot", "--ignore-pbs", "--quiet", "-Q", "--verbose", "-v", "--parsable", "--test-only",
        "--usage",
        "--help", "-h", "--version", "-V", "--no-kill", "-k",
    ]
}

/// `--per`: how ranks lie to each other.
package enum SpreadWord: String, CaseIterable, Sendable {
    case numa, device, packed, machine

    var spread: RankSpread {
        switch self {
        case .numa: .perNUMANode
        case .device: .perVirtualDevice
        case .packed: .packed
        case .machine: .acrossMachines
        }
    }
}

private enum OpenMode: String, CaseIterable { case append, truncate }

extension SubmissionDraft {
    fileprivate mutating func take(_ device: DeviceText) {
        deviceKind = device.kind
        share = device.share ?? share
        deviceMemory = device.kind == ResourceRequest.cpu ? deviceMemory : device.memory ?? deviceMemory
        if device.kind == ResourceRequest.cpu { memory = device.memory ?? memory }
        cores = device.cores ?? cores
    }

    /// Slurm's count of nodes: one is the usual, more let ranks lie on several machines.
    fileprivate mutating func takeNodes(_ value: OptionValue) throws(Failure) {
        let bounds = value.text.split(separator: "-", omittingEmptySubsequences: false)
        guard bounds.count <= 2, let least = wholeNumber(bounds[0], in: 1...100_000),
            bounds.allSatisfy({ wholeNumber($0, in: least...100_000) != nil })
        else {
            throw mistake(
                "\(value.option) \(shown(value.text)) is no number of machines.", "Write it like -N 2.")
        }
        guard least > 1 else { return }
        spread = .acrossMachines
        ranks = max(ranks ?? 0, least)
        if !daemonOnly.contains("--nodes") { daemonOnly.append("--nodes") }
        ignored.append(
            "\(value.option) \(value.text) only lets the ranks lie on several machines: on how many, the placement decides"
        )
    }
}
