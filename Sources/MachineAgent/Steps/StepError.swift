package import Essentials

#if canImport(Glibc)
internal import Glibc
#endif

/// Why a step did not start.
package enum StepError: ReportableError, Hashable {
    case emptyCommand
    /// A text that a process cannot be given: it holds a zero byte, or a variable's name holds `=`.
    case unusableText(what: String)
    case badShare(Double)
    case noCPUs
    case supervisorMissing(searched: [String])
    case supervisorFailed(call: String, code: Int32)
    case commandNotFound(String, path: String?)
    case interpreterMissing(command: String)
    case notExecutable(command: String, code: Int32)
    case workingDirectory(String, code: Int32)
    case file(String, code: Int32)
    case cpusNotUsable(requested: CPUSet, usable: CPUSet?)
    case memoryPolicy(NUMAPreference, code: Int32)
    case limit(what: String, code: Int32)

    package var summary: String {
        switch self {
        case .emptyCommand: "There is no command to run."
        case .unusableText(let what): "\(what) cannot be given to a process."
        case .badShare(let share): "A share of \(share) of the processing time cannot be given."
        case .noCPUs: "The step was given an empty set of processing units."
        case .supervisorMissing(let searched):
            "The supervisor heng-step was not found (looked for \(searched.joined(separator: ", ")))."
        case .supervisorFailed(let call, let code):
            "The supervisor heng-step did not start the step (\(call): \(describe(code)))."
        case .commandNotFound(let command, let path):
            path == nil ? "\(command) was not found." : "\(command) was not found in any folder of PATH."
        case .interpreterMissing(let command):
            "\(command) exists, but the interpreter or loader that it names does not."
        case .notExecutable(let command, let code): "\(command) cannot be executed: \(describe(code))."
        case .workingDirectory(let path, let code): "The step cannot start in \(path): \(describe(code))."
        case .file(let path, let code): "The step cannot open \(path): \(describe(code))."
        case .cpusNotUsable(let requested, let usable):
            "The step cannot be bound to processing units \(requested)"
                + (usable.map { "; only \($0) of them may be used here." } ?? ".")
        case .memoryPolicy(let preference, let code):
            "Memory cannot be bound to NUMA node \(preference.nodes): \(describe(code))."
        case .limit(let what, let code): "The limit \(what) cannot be set: \(describe(code))."
        }
    }

    package var nextStep: String? {
        switch self {
        case .emptyCommand: "Put it after `--`, as in `heng submit -- COMMAND`."
        case .unusableText: "Remove the zero byte or the equals sign."
        case .badShare: "Give a number over 0 and up to 1."
        case .noCPUs: "Name at least one, or leave the limit out."
        case .supervisorMissing:
            "Build it with `swift build --product heng-step`, or set HENG_STEP to its full path."
        case .supervisorFailed: nil
        case .commandNotFound: "Check the name, or give the full path."
        case .interpreterMissing: "Check the first line of the script, or the architecture of the program."
        case .notExecutable: "Check that it is a program, and that its mode lets you execute it."
        case .workingDirectory: "Create the folder, or choose another one."
        case .file: "Check that the folder exists, is writable and has room."
        case .cpusNotUsable: "`heng topology` shows the processing units that may be used."
        case .memoryPolicy: "Use a preferred node instead of a strict one, or check `heng topology`."
        case .limit: "Check the limits of the shell that starts the step (`ulimit -a`)."
        }
    }

    package var exitCode: ExitCode {
        switch self {
        case .emptyCommand, .unusableText, .badShare, .noCPUs, .commandNotFound, .interpreterMissing,
            .notExecutable, .workingDirectory, .cpusNotUsable:
            .wrongUse
        case .supervisorMissing, .memoryPolicy: .setupMissing
        case .supervisorFailed, .file, .limit: .executionFailed
        }
    }
}

/// The C library's sentence for an error number, with its first letter as inside a sentence.
func describe(_ code: Int32) -> String {
    guard let text = unsafe strerror(code) else { return "error \(code)" }
    return unsafe String(cString: text)
}
