internal import ControlAPI
internal import Essentials

/// Other jobs of the daemon that places a benchmark's jobs.
enum BenchNeighbour {
    /// They keep their cores, but share caches and memory with what is measured.
    static func warn(_ client: DaemonClient) throws {
        let status = try client.status()
        guard status.jobsRunning > 0 else { return }
        let jobs = status.jobsRunning == 1 ? "1 other job runs" : "\(status.jobsRunning) other jobs run"
        report(
            "heng: warning: \(jobs) under hengd (process \(status.pid)); figures beside them may be too low."
        )
    }
}
