internal import Essentials
internal import Foundation
internal import Store

/// Copies the database by itself, so that a damaged one costs at most the time between two copies.
///
/// `Backups` keeps the newest few.
struct RegularBackup: Sendable {
    let daemon: ClusterDaemon
    let interval: Duration

    /// After a copy that failed, such as on a full disk, the next try comes so much earlier.
    private static let triesInInterval = 24

    /// Works until the task is cancelled.
    func run() async {
        while !Task.isCancelled {
            let age = Backups.newestTime(in: daemon.folder).map { TimePoint.wallNow() - $0 } ?? .zero
            // A clock that was set back must not put the next copy off for long.
            let pause = min(interval, max(.zero, interval - max(.zero, age)))
            do { try await Task.sleep(for: max(pause, .milliseconds(10))) } catch { return }
            do {
                daemon.log.write("backed up to \(try await daemon.backUp())")
            } catch {
                daemon.log.write("no backup: \(error)")
                // Only cancelling ends the sleep early.
                try? await Task.sleep(for: interval / RegularBackup.triesInInterval)
            }
        }
    }
}
