package import Essentials
internal import Foundation
internal import GRDB

/// What can be wrong with the folder or the database in which a daemon keeps its state.
package enum StoreError: ReportableError, Equatable {
    /// Another daemon works on the folder.
    case locked(folder: String, process: Int32?)
    case cannotUse(path: String, why: String)
    /// Written by a newer release.
    case newer(path: String)
    case corrupt(path: String, what: String, backup: String?)
    /// Nothing was written.
    case full(path: String)
    case cannotWrite(path: String, why: String)
    /// Another daemon has opened the database since.
    case superseded(path: String)
    /// A second request for something that takes its time.
    case busy(String)
}

extension StoreError {
    package var summary: String {
        switch self {
        case .locked(let folder, let process):
            "Another hengd\(process.map { " (process \($0))" } ?? "") uses the state folder \(folder)."
        case .cannotUse(let path, let why): "The state in \(path) cannot be used: \(why)."
        case .newer(let path): "The state in \(path) was written by a newer release of Heng."
        case .corrupt(let path, let what, _): "The database \(path) is damaged: \(what)."
        case .full(let path): "The disk that holds \(path) is full, so nothing new can be recorded."
        case .cannotWrite(let path, let why): "The database \(path) cannot be written: \(why)."
        case .superseded(let path): "Another hengd has taken over the database \(path)."
        case .busy(let what): "\(what) is under way already."
        }
    }

    package var nextStep: String? {
        switch self {
        case .locked: "Stop it with `heng down`, or choose another folder with --state or HENG_STATE_DIR."
        case .cannotUse: "Check that the folder is yours and that its disk is there."
        case .newer: "Start the release that wrote it, or choose another folder with --state."
        case .corrupt(_, _, let backup?):
            "Nothing was changed. To go back to the newest backup: hengd --restore \(backup)"
        case .corrupt:
            "Nothing was changed, and there is no backup. Save the folder, then start with another --state."
        case .full: "Free some space; jobs that run go on, and submissions work again by themselves."
        case .cannotWrite: "Check the disk and the rights of the folder; jobs that run go on."
        case .superseded: "This process ends; the other one goes on."
        case .busy: "Try again when it is done."
        }
    }

    package var exitCode: ExitCode {
        switch self {
        case .locked, .cannotUse, .newer, .corrupt: .setupMissing
        case .full, .cannotWrite, .superseded, .busy: .executionFailed
        }
    }
}

extension StoreError {
    /// Translates SQLite's numbers; no other place knows them.
    init(_ error: any Error, at path: String) {
        switch error {
        case let error as StoreError: self = error
        case let error as DatabaseError:
            switch error.resultCode {
            case .SQLITE_FULL: self = .full(path: path)
            case .SQLITE_CORRUPT, .SQLITE_NOTADB:
                self = .corrupt(path: path, what: error.message ?? "SQLite cannot read it", backup: nil)
            case .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_READONLY:
                self = .cannotUse(path: path, why: error.message ?? "\(error.resultCode)")
            default:
                self = .cannotWrite(
                    path: path, why: "\(error.message ?? "SQLite") (\(error.extendedResultCode.rawValue))")
            }
        default: self = .cannotWrite(path: path, why: "\(error)")
        }
    }

    /// The same error, with the backup that a person can go back to.
    func offering(_ backup: String?) -> StoreError {
        if case .corrupt(let path, let what, nil) = self {
            return .corrupt(path: path, what: what, backup: backup)
        }
        return self
    }

    /// Whether a later try may succeed, so that nothing is lost by waiting.
    package var mayPass: Bool {
        switch self {
        case .full, .cannotWrite: true
        case .locked, .cannotUse, .newer, .corrupt, .superseded, .busy: false
        }
    }
}
