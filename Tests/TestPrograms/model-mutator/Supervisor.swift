import Essentials
import Foundation

/// The parent: starts children, notes what each says, and ends one that says nothing for too long.
final class Supervisor {
    private let arguments: [String]
    private let timeLimit: Double
    private var counts: [String: Int] = [:]
    private var findings = 0

    /// A child is replaced after so many mutants, so that what it keeps does not add up.
    private static let batch = 5000

    init(arguments: [String], timeLimit: Double) {
        self.arguments = arguments
        self.timeLimit = timeLimit
    }

    /// The number of findings.
    func run(_ range: Range<Int>) throws -> Int {
        let start = TimePoint.monotonicNow()
        var next = range.lowerBound
        while next < range.upperBound {
            next = try runChild(from: next, to: min(next + Self.batch, range.upperBound))
        }
        let words = ["ran", "refused", "unclear", "crash", "hang", "memory"]
        let text = words.map { "\($0) \(counts[$0] ?? 0)" }.joined(separator: ", ")
        print("\(range.count) mutants in \(TimePoint.monotonicNow() - start): \(text)")
        return findings
    }

    /// Tries mutants in one child and returns the first that is left.
    private func runChild(from first: Int, to end: Int) throws -> Int {
        let child = Process()
        let (output, errors) = (Pipe(), Pipe())
        child.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        child.arguments = arguments + ["--first", "\(first)", "--count", "\(end - first)"]
        child.environment = ProcessInfo.processInfo.environment.merging(["SWIFT_BACKTRACE": "enable=no"]) {
            $1
        }
        child.standardOutput = output
        child.standardError = errors
        try child.run()
        defer {
            kill(child.processIdentifier, SIGKILL)
            child.waitUntilExit()
        }
        var lines = TimedLines(output.fileHandleForReading.fileDescriptor)
        var current: Int?
        var next = first
        while next < end {
            // The first line waits for the cases to be read.
            switch lines.next(within: current == nil ? timeLimit + 60 : timeLimit) {
            case .line(let line):
                let words = line.split(separator: " ", maxSplits: 2)
                guard words.count >= 2, let index = Int(words[1]) else { continue }
                current = index
                if words[0] == "start" { continue }
                next = index + 1
                note(String(words[0]), index, words.count > 2 ? String(words[2]) : "")
                if words[0] == "memory" { return next }
            case .silence:
                note("hang", current ?? next, "no answer in \(timeLimit) s")
                return (current ?? next) + 1
            case .end:
                child.waitUntilExit()
                let said = String(decoding: errors.fileHandleForReading.availableData, as: UTF8.self)
                let kind = said.contains("allocate memory") ? "memory" : "crash"
                guard let current else { throw Failure("A child ended before its first mutant: \(said)") }
                note(kind, current, "signal \(child.terminationStatus) \(said.prefix(400))")
                return current + 1
            }
        }
        return next
    }

    private func note(_ kind: String, _ index: Int, _ text: String) {
        counts[kind, default: 0] += 1
        if kind == "ran" || kind == "refused" { return }
        findings += 1
        let again = arguments.filter { $0 != "--worker" }.joined(separator: " ")
        let line =
            "\(kind): \(text.replacing("\n", with: " "))\n    again: model-mutator \(again) --only \(index)\n"
        // At once, also into a file: a finding is not lost when this program is ended.
        FileHandle.standardOutput.write(Data(line.utf8))
    }
}

/// Lines from a pipe, waited for only so long.
private struct TimedLines {
    enum Answer {
        case line(String)
        case silence
        case end
    }

    private let descriptor: Int32
    private var pending: [UInt8] = []

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    mutating func next(within seconds: Double) -> Answer {
        while true {
            if let end = pending.firstIndex(of: 10) {
                let line = String(decoding: pending[..<end], as: UTF8.self)
                pending.removeSubrange(...end)
                return .line(line)
            }
            var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard unsafe poll(&wanted, 1, Int32(seconds * 1000)) > 0 else { return .silence }
            var chunk = [UInt8](repeating: 0, count: 65536)
            let count = unsafe chunk.withUnsafeMutableBytes {
                unsafe read(descriptor, $0.baseAddress, $0.count)
            }
            guard count > 0 else { return .end }
            pending += chunk[..<count]
        }
    }
}
