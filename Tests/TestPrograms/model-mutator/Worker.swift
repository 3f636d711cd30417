import Essentials
import Foundation
import ModelMutations
import ModelRunning

/// The child: tries one mutant after another and says so, line by line, on its standard output.
struct Worker {
    let mutants: MutantList
    let setup: ModelSetup
    let limit: ByteCount

    func run(_ range: Range<Int>) throws {
        let trial = MutantTrial(setup)
        _ = trial.run(mutants[range.lowerBound].changed)
        let before = Self.peakBytes
        try limitAddressSpace()
        for index in range {
            say("start \(index)")
            let outcome = trial.run(mutants[index].changed)
            guard Self.peakBytes - before <= limit.bytes else {
                say("memory \(index) \((Self.peakBytes - before) >> 20) MiB at most")
                return
            }
            switch outcome {
            case .ran: say("ran \(index)")
            case .refused(let sentence): say("refused \(index) \(sentence)")
            case .unclear(let text): say("unclear \(index) \(text.replacing("\n", with: " ").prefix(500))")
            }
        }
    }

    private func say(_ line: String) { FileHandle.standardOutput.write(Data("\(line)\n".utf8)) }

    private static var peakBytes: Int {
        var usage = rusage()
        unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return usage.ru_maxrss << 10
    }

    /// What runs away is stopped before the machine suffers: well above the limit, which counts touched memory.
    private func limitAddressSpace() throws {
        let pages = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
            .first
        let now = (pages.flatMap { Int($0) } ?? 0) * sysconf(Int32(_SC_PAGESIZE))
        let most = rlim_t(now + 2 * limit.bytes + 1 << 30)
        var limits = rlimit(rlim_cur: most, rlim_max: most)
        guard unsafe setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limits) == 0 else {
            throw Failure("The address space cannot be limited.")
        }
    }
}

extension ModelCase {
    /// Writes what `heng model run` can read.
    func write(to folder: String) throws {
        let data = "\(folder)/test_data_set_0"
        try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
        try Data(model).write(to: URL(fileURLWithPath: "\(folder)/model.onnx"))
        for (index, input) in inputs.enumerated() {
            if let input { try Data(input).write(to: URL(fileURLWithPath: "\(data)/input_\(index).pb")) }
        }
    }
}
