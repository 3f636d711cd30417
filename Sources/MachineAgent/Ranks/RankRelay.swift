internal import Essentials
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#endif

/// Carries what ranks write to two descriptors of ours, while they write it.
///
/// Each output of each rank is a named pipe in the run folder: heng-step opens it like any file, and one thread of ours
/// reads all of them. Reading stops while our own output is blocked, and then the ranks wait, as they would in a pipe.
/// A pipe has a name only while its rank starts, so that nothing is left behind however we end. The thread begins when
/// all ranks have started; until then what they write waits in the pipes.
final class RankRelay: Sendable {
    private let specification: RankSpecification
    private let targets: [(end: RankEnd, descriptor: Int32)]
    private let stop: LedgerInterrupt
    private let reader: RelayReader
    private let done: LedgerInterrupt
    private let isReading = Mutex(false)

    /// Nil where the ranks' output is not labelled.
    init?(_ specification: RankSpecification) throws {
        guard case .labelled(let output, let error) = specification.output else { return nil }
        self.specification = specification
        targets = [(.output, output), (.error, error)]
        stop = try LedgerInterrupt()
        done = try LedgerInterrupt()
        reader = RelayReader(stop: stop)
    }

    /// Makes the pipes of a rank, runs what starts it, and takes their names away again.
    func whileNamed<Value>(_ rank: Int, _ start: () throws -> Value) throws -> Value {
        defer { for (end, _) in targets { unsafe unlink(specification.file(rank, end)) } }
        for (end, target) in targets {
            let pipe = try Self.makePipe(specification.file(rank, end))
            reader.add(RelayPipe(pipe, to: target, rank: rank))
        }
        return try start()
    }

    /// Begins to read.
    func start() throws(Failure) {
        try startThread { [reader, done] in
            reader.run()
            done.trigger()
        }
        isReading.withLock { $0 = true }
    }

    private static func makePipe(_ path: String) throws(Failure) -> Int32 {
        guard unsafe mkfifo(path, 0o600) == 0 else { throw cannotMake(path, errno) }
        // Without waiting for the rank, which comes later.
        let descriptor = unsafe open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else {
            let code = errno
            unsafe unlink(path)
            throw cannotMake(path, code)
        }
        return descriptor
    }

    private static func cannotMake(_ path: String, _ code: Int32) -> Failure {
        Failure(
            "The pipe \(path) for a rank's output cannot be made: \(sentence(code)).",
            nextStep: "Choose a folder on a local disk with TMPDIR, or have files with --output-folder.")
    }

    /// Reads what the ranks, which have ended, left in the pipes; returns why something could not be written.
    func finish() -> Failure? {
        stop.trigger()
        if isReading.withLock({ $0 }) { _ = done.wait(or: done) }
        return reader.failure.withLock { $0 }
    }
}

/// One output of one rank on its way to us; it closes itself.
final class RelayPipe {
    let descriptor: Int32
    let target: Int32
    fileprivate var lines: LabelledLines

    init(_ descriptor: Int32, to target: Int32, rank: Int) {
        self.descriptor = descriptor
        self.target = target
        lines = LabelledLines(rank: rank)
    }

    deinit { close(descriptor) }
}

/// What the reading thread does.
final class RelayReader: @unchecked Sendable {
    // Unchecked: one thread fills it before the reading thread begins, which alone uses it; the failure is locked.
    private var pipes: [RelayPipe] = []
    private let stop: LedgerInterrupt
    let failure = Mutex<Failure?>(nil)
    private var hasFailed = false
    private var nobodyListens = false

    init(stop: LedgerInterrupt) { self.stop = stop }

    func add(_ pipe: RelayPipe) { pipes.append(pipe) }

    /// Reads until every pipe has lost its writers, or the ranks have ended.
    func run() {
        blockPipeSignal()
        while !pipes.isEmpty {
            var looks = pipes.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
            looks.append(stop.look)
            // A signal ends the wait early with nothing to see.
            guard unsafe poll(&looks, nfds_t(looks.count), -1) > 0 else { continue }
            let isLast = looks[pipes.count].revents != 0
            var open: [RelayPipe] = []
            for (pipe, look) in zip(pipes, looks) {
                let isOver = isLast || (look.revents != 0 && look.revents & Int16(POLLIN) == 0)
                if look.revents != 0 || isLast { passOn(pipe, untilEmpty: isLast) }
                if isOver { write(pipe.lines.finish(), to: pipe.target) } else { open.append(pipe) }
            }
            pipes = nobodyListens ? [] : open
        }
    }

    /// Passes on what a pipe holds now, at most a chunk of it unless all is wanted, so that no rank holds up another.
    private func passOn(_ pipe: RelayPipe, untilEmpty: Bool) {
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        repeat {
            let count = unsafe read(pipe.descriptor, &chunk, chunk.count)
            guard count > 0 else { return }
            write(pipe.lines.take(chunk[..<count]), to: pipe.target)
        } while untilEmpty
    }

    /// Of this thread only: when nobody reads our output any more, that is for the ranks to hear.
    private func blockPipeSignal() {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        unsafe sigaddset(&set, SIGPIPE)
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
    }

    /// After the first failure nothing more is written.
    ///
    /// On a full disk reading goes on, so that the ranks' work is not lost with their words. Where nobody listens any
    /// more the pipes are closed, and a rank that writes on gets SIGPIPE, as in any pipeline.
    private func write(_ bytes: [UInt8], to target: Int32) {
        var rest = bytes[...]
        while !hasFailed, !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(target, $0.baseAddress, $0.count) }
            let code = count < 0 ? errno : 0
            if code == 0 {
                rest = rest.dropFirst(count)
            } else if code != EINTR {
                nobodyListens = code == EPIPE
                hasFailed = true
                let advice = nobodyListens ? nil : "Free some space, or write it to another disk."
                let why = "The ranks' output could not be written: \(sentence(code))."
                failure.withLock { $0 = Failure(why, nextStep: advice) }
            }
        }
    }
}
