internal import Essentials
internal import Foundation
internal import MachineAgent
internal import Results

/// Where a job's output goes, from what the user asked for.
struct OutputTarget {
    var output = StepOutput.inherited
    var errorOutput: StepOutput?
    var rankOutput = RankOutput.labelled(output: STDOUT_FILENO, error: STDERR_FILENO)
    /// The user's folder, or one of our own among the temporary files, which the job makes and removes.
    var runFolder: String

    /// At most one of file and folder is given; paths are made absolute, since who opens them may stand elsewhere.
    init(file: String?, folder: String?, ranks: Int) throws {
        runFolder = Self.temporaryFolder()
        if let folder {
            runFolder = URL(fileURLWithPath: folder).path
            rankOutput = .files
            output = .file(runFolder + "/rank-0.out")
            errorOutput = .file(runFolder + "/rank-0.err")
            try Self.make(runFolder)
        } else if let file {
            let path = URL(fileURLWithPath: file).path
            output = .file(path)
            if ranks > 1 {
                // Stays open as long as this process: the ranks' lines are written to it until the end.
                let descriptor = try Self.openForRanks(path)
                rankOutput = .labelled(output: descriptor, error: descriptor)
            }
        }
    }

    private static func temporaryFolder() -> String {
        let folder = ProcessInfo.processInfo.environment["TMPDIR"].flatMap { $0.hasPrefix("/") ? $0 : nil }
        return (folder ?? "/tmp") + "/heng-job-\(UUID().uuidString)"
    }

    /// A new folder for what the ranks of a job of the daemon print, until it has been passed on.
    static func makeTemporaryFolder() throws -> String {
        let folder = temporaryFolder()
        try make(folder)
        return folder
    }

    private static func make(_ folder: String) throws {
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw Failure(
                "The folder \(folder) for the output cannot be made.",
                nextStep: "Choose a folder that you may write to.")
        }
    }

    private static func openForRanks(_ path: String) throws -> Int32 {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw FileFailure(.creating, path, errno) }
        return descriptor
    }
}
