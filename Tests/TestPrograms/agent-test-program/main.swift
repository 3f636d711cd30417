import Collectives
import Essentials
import MachineAgent

#if canImport(Glibc)
import Glibc
#endif

// What the tests of MachineAgent start as ranks and as an agent that is killed. One word says which part to play;
// the answer is printed, and a failure is exit code 4 with its sentence on standard error.

/// A hash of the values' bits: equal on two ranks only when every bit is.
func fingerprint(_ bits: some Sequence<UInt64>) -> UInt64 {
    bits.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ $1) &* 0x0000_0100_0000_01B3 }
}

func joinedContext(timeout: Duration = .seconds(60)) throws -> (RankContext, SharedCommunicator) {
    guard let context = try RankContext.fromEnvironment() else {
        throw Failure("This process is no rank of a job.", exitCode: .wrongUse)
    }
    return (context, try context.joinCommunicator(timeout: timeout))
}

/// Sums, and tells the sum's fingerprint and the own values', so that the reader can sum by itself.
func allReduce(count: Int, rounds: Int) throws {
    let (context, communicator) = try joinedContext()
    var sums: [UInt64] = []
    for round in 0..<rounds {
        var random = SeededGenerator(seed: UInt64(round), purpose: "rank \(context.rank)")
        var values = (0..<count).map { _ in Float(random.normal()) }
        var span = values.mutableSpan
        try communicator.allReduceSum(&span)
        sums.append(fingerprint(values.lazy.map { UInt64($0.bitPattern) }))
    }
    try communicator.barrier()
    print(sums.map(String.init).joined(separator: " "))
}

/// One rank stays away; the others say what they hear.
func meet(without absent: Int, byEnding: Bool, timeout: Duration) throws {
    let (context, communicator) = try joinedContext(timeout: timeout)
    if context.rank == absent {
        if byEnding { return }
        pause()
    }
    try communicator.barrier()
}

/// Answers each sample with twice its number and the number of its request.
func serve(dyingAt last: UInt64?) throws {
    guard let context = try RankContext.fromEnvironment(), let path = context.table.requestQueue else {
        throw Failure("This process has no request queue.", exitCode: .wrongUse)
    }
    let queue = try RequestQueue(region: SharedRegion.open(path: path))
    try queue.attach(replica: context.rank)
    while true {
        switch queue.nextRequest(replica: context.rank, timeout: .seconds(60)) {
        case .timedOut: throw CollectiveError.timedOut(waitingFor: "A request", after: .seconds(60))
        case .closed: return
        case .item(let request):
            let started = TimePoint.monotonicNow()
            if request.id == last { kill(getpid(), SIGKILL) }
            let results = InlineBatch(request.samples.elements.map { Int32($0) * 2 + Int32(request.id) })
            let completion = SharedCompletion(
                id: request.id, replica: context.rank, started: started, ended: .monotonicNow(),
                results: results, tag: request.tag)
            guard queue.complete(completion, timeout: .seconds(60)) else {
                throw CollectiveError.timedOut(waitingFor: "Room for a completion", after: .seconds(60))
            }
        }
    }
}

/// Starts a step that would run for ever, with a group for it, and waits to be killed.
func startForEver(_ script: String, orphan: String) async throws {
    let step = try RunningStep.start(
        StepSpecification(
            name: "for ever", command: ["/bin/sh", "-c", script], environment: ["PATH": "/usr/bin:/bin"],
            memory: .mebibytes(256), cpuShare: 0.5, output: .discarded, orphanFiles: [orphan]),
        isolation: .detect(), supervisor: .locate())
    print(([String(step.pid)] + step.groupFolders).joined(separator: " "))
    fflush(nil)
    _ = await step.wait()
}

func play(_ arguments: [String]) async throws {
    switch arguments.first {
    case "all-reduce": try allReduce(count: Int(arguments[1]) ?? 0, rounds: Int(arguments[2]) ?? 0)
    case "meet-without-ended":
        try meet(without: Int(arguments[1]) ?? 0, byEnding: true, timeout: .seconds(60))
    case "meet-without-late":
        try meet(without: Int(arguments[1]) ?? 0, byEnding: false, timeout: .milliseconds(100))
    case "serve": try serve(dyingAt: arguments.dropFirst().first.flatMap { UInt64($0) })
    case "host":
        try serveAttempts(
            folder: arguments[1], work: arguments[2], count: Int(arguments[3]) ?? 0, script: arguments[4])
    case "start": try await startForEver(arguments[1], orphan: arguments[2])
    default: throw Failure("This program is for tests only.", exitCode: .wrongUse)
    }
}

do {
    try await play(Array(CommandLine.arguments.dropFirst()))
} catch {
    var output = StandardError()
    print("\(error)", to: &output)
    exit(4)
}

struct StandardError: TextOutputStream {
    func write(_ text: String) {
        let bytes = Array(text.utf8)
        _ = unsafe Glibc.write(STDERR_FILENO, bytes, bytes.count)
    }
}
