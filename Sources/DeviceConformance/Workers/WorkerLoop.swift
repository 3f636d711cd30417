internal import CLinux
package import Essentials
internal import FoundationEssentials

#if canImport(Glibc)
internal import Glibc
#endif

/// The side of a worker process: it reads cases as lines of JSON and answers each with its report.
///
/// Before the first case it says that it is ready, with an empty object.
package enum WorkerLoop {
    /// Limits this process: its memory, and its life to that of the process that started it.
    package static func confine(memory: ByteCount?) throws {
        let failure = process_end_with_parent()
        guard failure == 0 else { throw Failure("This worker cannot follow its parent (errno \(failure)).") }
        guard let memory else { return }
        var limit = rlimit(rlim_cur: rlim_t(max(0, memory.bytes)), rlim_max: rlim_t(max(0, memory.bytes)))
        guard unsafe setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0 else {
            throw Failure("The memory of this worker cannot be limited to \(memory) (errno \(errno)).")
        }
    }

    /// Answers cases from standard input until it ends.
    package static func serve<Case: WorkerCase>(_ run: (Case) -> some WorkerReport) throws {
        // Whatever else this process prints goes to standard error: the answers must stay readable.
        let answers = dup(STDOUT_FILENO)
        guard answers >= 0, dup2(STDERR_FILENO, STDOUT_FILENO) >= 0 else {
            throw Failure("The worker's output cannot be set apart (errno \(errno)).")
        }
        let decoder = JSONDecoder()
        let encoder = JSONEncoder()
        try write(Array("{}".utf8), to: answers)
        var reader = LineReader()
        while reader.fill(from: STDIN_FILENO) == .open {
            while let line = reader.next() {
                let given = try decoder.decode(Case.self, from: Data(line))
                try write(Array(try encoder.encode(run(given))), to: answers)
            }
        }
    }

    private static func write(_ line: [UInt8], to descriptor: Int32) throws {
        var rest = (line + [UInt8(ascii: "\n")])[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes {
                unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw Failure("Nobody takes the worker's answers (errno \(errno)).") }
            rest = rest.dropFirst(count)
        }
    }
}
