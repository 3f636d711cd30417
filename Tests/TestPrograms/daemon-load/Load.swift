internal import ControlAPI
internal import Essentials
internal import Foundation
internal import Scheduling
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#endif

/// Measures durable submissions of a running daemon beside the disk's own rate, in turns in one run.
///
///     daemon-load STATE_FOLDER ROUNDS
///
/// Each round syncs a file beside the database for a while, submits from one client for a while, and from eight.
@main
struct Load {
    let folder: String
    let rounds: Int
    private let slice: Duration = .milliseconds(500)

    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 3, let rounds = Int(arguments[2]) else {
            print("daemon-load STATE_FOLDER ROUNDS")
            exit(2)
        }
        try Load(folder: arguments[1], rounds: rounds).run()
    }

    private func run() throws {
        var rates: [[Double]] = []
        for _ in 0..<rounds {
            rates.append([try syncRate(), try submissionRate(clients: 1), try submissionRate(clients: 8)])
        }
        let arrays = try (0..<rounds).map { _ in try arrayTime() }
        print("fdatasync/s, 1 client/s, 8 clients/s:")
        for row in rates { print(row.map { "\(Int($0))" }.joined(separator: "  ")) }
        let medians = (0..<3).map { column in median(rates.map { $0[column] }) }
        print("medians: \(medians.map { "\(Int($0))" }.joined(separator: "  "))")
        print("1 client / fdatasync: \((medians[1] / medians[0]).formatted(digits: 2))")
        print("8 clients / 1 client: \((medians[2] / medians[1]).formatted(digits: 2))")
        print("array of 10000: \((median(arrays) * 1000).formatted(digits: 1)) ms")
    }

    private func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

    /// Appends of a page, each synced.
    private func syncRate() throws -> Double {
        let path = folder + "/sync-test"
        let file = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        defer {
            close(file)
            unsafe unlink(path)
        }
        let page = [UInt8](repeating: 7, count: 4096)
        return try rate {
            guard unsafe write(file, page, page.count) == page.count, fdatasync(file) == 0 else {
                throw Failure("The disk cannot be written.")
            }
        }
    }

    private func rate(_ body: () throws -> Void) rethrows -> Double {
        let begin = TimePoint.monotonicNow()
        var count = 0
        while TimePoint.monotonicNow() - begin < slice {
            try body()
            count += 1
        }
        return Double(count) / (TimePoint.monotonicNow() - begin).inSeconds
    }

    private func submissionRate(clients: Int) throws -> Double {
        let total = Mutex(0.0)
        let done = DispatchSemaphore(value: 0)
        for _ in 0..<clients {
            try startThread {
                defer { done.signal() }
                let client = DaemonClient(StatePaths(folder: folder))
                do {
                    let mine = try rate { _ = try client.submit(Load.request()) }
                    total.withLock { $0 += mine }
                } catch {
                    print("\(error)")
                    exit(4)
                }
            }
        }
        for _ in 0..<clients { done.wait() }
        return total.withLock { $0 }
    }

    private func arrayTime() throws -> Double {
        let client = DaemonClient(StatePaths(folder: folder))
        var request = Load.request()
        request.job.array = ArrayRequest(indices: [0...9999])
        request.job.isHeld = true
        let begin = TimePoint.monotonicNow()
        _ = try client.submit(request)
        return (TimePoint.monotonicNow() - begin).inSeconds
    }

    /// As a shell would hand it over.
    private static func request() -> SubmitRequest {
        let launch = LaunchSpecification(
            command: ["/bin/true"], environment: ProcessInfo.processInfo.environment,
            workingDirectory: "/tmp")
        return SubmitRequest(
            job: JobRequest(
                resources: ResourceRequest(cores: .cores(1)), timeLimit: .seconds(60),
                label: JobLabel(user: "", command: ["/bin/true"])), launch: launch)
    }
}
