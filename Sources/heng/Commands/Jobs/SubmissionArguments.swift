internal import ArgumentParser
internal import ControlAPI
internal import Essentials
internal import Foundation
internal import JobSubmission

/// The options that `submit` and `run` share, as texts that `JobSubmission` reads.
struct SubmissionArguments: ParsableArguments {
    // MARK: Resources

    @Option(help: "The device of each rank, or a part of one: cpu (a NUMA node), gpu, gpu:0.5,mem=8G.")
    var device: String?

    @Option(help: "The part of one device's compute, over 0 and up to 1.")
    var share: String?

    @Option(name: [.customShort("c"), .long], help: "Cores of each rank, such as 2 or 0.5.")
    var cores: String?

    @Option(help: "Memory of each rank, such as 512MiB or 2GiB; a plain number is MiB.")
    var mem: String?

    @Option(help: "Where memory comes from: strict, preferred or interleave.")
    var memBind: String?

    @Option(help: "The NUMA node to run on, by its number in heng topology.")
    var numa: String?

    @Flag(help: "Allow a rank to span NUMA nodes when no single node could hold it.")
    var span = false

    @Option(
        name: [.customShort("n"), .long], help: "Processes that start together, each with a share of its own."
    )
    var ranks: String?

    @Option(
        help:
            "How ranks lie: device (anywhere), numa (one per NUMA node), packed (on one node), machine (on several)."
    )
    var per: String?

    @Flag(help: "Ranks may lie on several machines; all start together, or none.")
    var gang = false

    @Flag(help: "Whole machines, whatever else is asked for.")
    var exclusive = false

    @Option(
        help: "A virtual device: its NAME, template:NAME for any free one, new:NAME for one made for the job."
    )
    var vdev: String?

    @Option(help: "hard: refuse to start where no kernel or device enforces the limits.")
    var isolation: String?

    @Option(help: "guaranteed, burstable or best-effort.")
    var qos: String?

    @Option(name: [.customShort("w"), .long], help: "Only these machines, with commas between.")
    var machine: String?

    @Option(help: "Only machines of this class: cloud, edge or terminal.")
    var machineClass: String?

    // MARK: Time and order

    @Option(
        name: [.customShort("t"), .long],
        help: "The longest it may run: minutes, h:mm:ss, d-hh, 1h30m or unlimited.")
    var time: String?

    @Option(name: [.customShort("b"), .long], help: "Start no earlier: now+1hour, 16:00, 2027-01-20T12:34.")
    var begin: String?

    @Option(help: "End by then, or end it: the same forms.")
    var deadline: String?

    @Option(name: [.customShort("d"), .long], help: "Other jobs first: afterok:12:13,afterany:14,singleton.")
    var dependency: String?

    @Option(
        name: [.customShort("a"), .long],
        help: "Many jobs at once: 0-9, 1,3,5-7, 0-15:4, at most two at once 0-9%2.")
    var array: String?

    @Flag(name: [.customShort("H"), .long], help: "Wait until heng release.")
    var hold = false

    @Flag(
        inversion: .prefixedNo,
        help: "Whether it goes back to the queue when its machine is lost or another job needs its place.")
    var requeue: Bool?

    @Option(help: "How often to try again after a failure.")
    var retries: String?

    @Option(help: "The pause before the first retry, which then doubles; such as 30s.")
    var retryAfter: String?

    @Option(help: "The exit code that means: my work is saved, queue me again; 85 unless told.")
    var requeueCode: String?

    @Option(help: "A signal before the time limit: USR1@60 to all, B:USR1@60 to the first process.")
    var signal: String?

    @Option(help: "Between the request to end and the end by force, such as 30s.")
    var grace: String?

    @Option(help: "Higher starts first.")
    var priority: String?

    @Option(help: "Less priority, by this much.")
    var nice: String?

    // MARK: Names

    @Option(name: [.customShort("J"), .long], help: "A name for the job.")
    var name: String?

    @Option(name: [.customShort("p"), .long], help: "The queue.")
    var queue: String?

    @Option(name: [.customShort("A"), .long], help: "The account to charge.")
    var account: String?

    @Option(help: "Words that heng show repeats.")
    var comment: String?

    @Option(help: "What is computed, to learn how long it takes on each kind of device.")
    var workload: String?

    // MARK: Files

    @Option(
        name: .shortAndLong, help: "A file for all that it prints, such as log-%j or, of an array, log-%A_%a."
    )
    var output: String?

    @Option(name: .shortAndLong, help: "Another file for its errors.")
    var error: String?

    @Option(name: .shortAndLong, help: "A file to read instead of nothing.")
    var input: String?

    @Option(help: "append or truncate, where an output file is there already.")
    var openMode: String?

    @Option(name: [.customShort("D"), .long], help: "The folder to run in.")
    var chdir: String?

    @Option(help: "The environment: ALL, NONE, or variables such as PATH,SEED=7.")
    var export: String?

    @Option(help: "A container image to run in, where Podman is installed.")
    var image: String?

    /// The options that were given, by name and text.
    private var given: [(name: String, text: String)] {
        let values: [(String, String?)] = [
            ("--device", device), ("--share", share), ("--cores", cores), ("--mem", mem),
            ("--mem-bind", memBind),
            ("--numa", numa), ("--ranks", ranks), ("--per", per), ("--vdev", vdev),
            ("--isolation", isolation),
            ("--qos", qos), ("--machine", machine), ("--machine-class", machineClass), ("--time", time),
            ("--begin", begin), ("--deadline", deadline), ("--dependency", dependency), ("--array", array),
            ("--retries", retries), ("--retry-after", retryAfter), ("--requeue-code", requeueCode),
            ("--signal", signal), ("--grace", grace), ("--priority", priority), ("--nice", nice),
            ("--name", name),
            ("--queue", queue), ("--account", account), ("--workload", workload), ("--comment", comment),
            ("--output", output),
            ("--error", error), ("--input", input), ("--open-mode", openMode), ("--chdir", chdir),
            ("--export", export), ("--image", image),
        ]
        let flags = [
            ("--span", span), ("--gang", gang), ("--exclusive", exclusive), ("--hold", hold),
            ("--requeue", requeue == true), ("--no-requeue", requeue == false),
        ]
        return values.compactMap { name, text in text.map { (name, $0) } }
            + flags.filter { $0.1 }.map { ($0.0, "") }
    }

    /// What a script and these options say together; the options have the last word.
    func draft(script: BatchScript?) throws -> SubmissionDraft {
        let moments = MomentText(now: .wallNow())
        var draft = SubmissionDraft()
        if let script { try draft.take(script, moments: moments) }
        for option in given { try draft.set(option.name, to: option.text, moments: moments) }
        return draft
    }
}
