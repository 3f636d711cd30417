internal import ControlAPI
internal import Essentials

/// A benchmark places its jobs by the machine's ledger, which a daemon beside it does not read.
enum BenchNeighbour {
    /// Refuses to measure while the daemon's jobs use the machine, and warns where they might.
    static func check() throws {
        guard let client = try DaemonAccess.find() else { return }
        let status = try client.status()
        guard status.jobsRunning == 0 else {
            throw Failure(
                "hengd (process \(status.pid)) runs \(status.jobsRunning) jobs on this machine, and figures beside them count for nothing.",
                nextStep: "Wait for them with `heng wait`, or end them with `heng cancel`, then measure.",
                exitCode: .setupMissing)
        }
        report(
            "heng: warning: hengd runs on this machine and does not know of these measurements; `heng drain` keeps its jobs away until `heng undrain`."
        )
    }
}
