package import Essentials
package import Scheduling

/// What can go wrong around the record of who has what on this machine.
package enum LedgerError: ReportableError, Hashable {
    case noFolder
    case folderNotUsable(String, code: Int32)
    case cannotLock(String, code: Int32)
    case cannotRead(String, code: Int32)
    case cannotWrite(String, code: Int32)
    /// The file was set aside, not deleted.
    case damaged(String, keptAs: String, why: String)
    case newerVersion(String, found: Int, known: Int)
    /// The record is gone, but commands that were in it still run.
    case ownersStillRunning(String, count: Int)
    /// A daemon lends the machine.
    case daemonRuns(String)
    /// No daemon is there, but jobs of one still run.
    case daemonLeftJobs(String, count: Int)
    case unknownJob(JobID)
    case endedWhileWaiting(JobID, JobEnd)
    case interrupted(JobID)

    package var summary: String {
        switch self {
        case .noFolder: "There is no folder for the record of jobs: HOME is not set."
        case .folderNotUsable(let path, let code):
            "The folder \(path) for the record of jobs cannot be used: \(sentence(code))."
        case .cannotLock(let path, let code): "\(path) cannot be locked: \(sentence(code))."
        case .cannotRead(let path, let code): "\(path) cannot be read: \(sentence(code))."
        case .cannotWrite(let path, let code):
            "\(path) cannot be written: \(sentence(code)). The record is as it was before."
        case .damaged(let path, let kept, let why):
            "The record of jobs in \(path) is damaged (\(why)). It is kept as \(kept)."
        case .newerVersion(let path, let found, let known):
            "\(path) was written by a newer Heng (format \(found), this one knows \(known))."
        case .ownersStillRunning(let path, let count):
            "The record of jobs in \(path) is missing while \(count) commands that use it still run."
        case .daemonRuns(let folder):
            "A hengd lends this machine from the state folder \(folder), and did not answer."
        case .daemonLeftJobs(let folder, let count):
            "\(count == 1 ? "1 job" : "\(count) jobs") that a hengd of the state folder \(folder) started still \(count == 1 ? "runs" : "run")."
        case .unknownJob(let job): "Job \(job) is not known here, or no longer."
        case .endedWhileWaiting(let job, let end): "Job \(job) ended before it started: \(end)."
        case .interrupted(let job): "Job \(job) was interrupted while it waited."
        }
    }

    package var nextStep: String? {
        switch self {
        case .noFolder, .folderNotUsable:
            "Set HENG_STATE_DIR to a folder that you may write, the same for all who share this machine."
        case .cannotLock: "Set HENG_STATE_DIR to a folder on a local disk."
        case .cannotRead: "Check who owns the file."
        case .cannotWrite(_, let code):
            code == noSpace
                ? "Free some space on that disk, then try again." : "Check the folder and its disk."
        case .damaged: "Run the command again to begin a new record."
        case .newerVersion: "Use that version, or set HENG_STATE_DIR to another folder."
        case .ownersStillRunning: "Wait until they end, or stop them; then a new record can begin."
        case .daemonRuns: "Try again in a moment; see `heng status`, and its log, hengd.log."
        case .daemonLeftJobs: "Start hengd again with `heng up`, and run the command beside them."
        case .unknownJob: "`heng jobs` lists the known ones."
        case .endedWhileWaiting, .interrupted: nil
        }
    }

    package var exitCode: ExitCode {
        switch self {
        case .noFolder, .folderNotUsable, .cannotLock, .cannotRead, .damaged, .newerVersion,
            .ownersStillRunning, .daemonRuns, .daemonLeftJobs:
            .setupMissing
        case .cannotWrite, .endedWhileWaiting: .executionFailed
        case .unknownJob: .wrongUse
        case .interrupted: .interrupted
        }
    }
}
