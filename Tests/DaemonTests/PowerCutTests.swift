internal import ControlAPI
internal import ControlPlane
internal import Essentials
internal import Foundation
internal import Scheduling
internal import Store
internal import TestSupport
internal import Testing

@Suite("A power cut", .enabled(if: RecordedDisk.library != nil, "no C compiler is installed"))
struct PowerCutTests {
    /// What was acknowledged, and how long the disk's record was by then.
    struct Acknowledged {
        var job: JobID
        var count: Int
        var length: Int
    }

    @Test func `at 100 moments nothing that was acknowledged is lost`() throws {
        let (record, acknowledged) = try recordedRun()
        defer { try? FileManager.default.removeItem(atPath: record) }
        let entries = try RecordedDisk.read(record)
        let total = try #require(entries.last).end
        let first = try #require(acknowledged.first).length
        var random = SeededGenerator(seed: 11)

        var lost: [String] = []
        for moment in 0..<100 {
            let cut = first + random.below(total - first)
            let keeps = moment % 2 == 0 ? nil : SeededGenerator(seed: UInt64(moment))
            let state = try recovered(RecordedDisk.files(after: entries, cutAt: cut, keeping: keeps))
            for one in acknowledged where one.length <= cut {
                if state.nextJob.number < one.job.number + one.count {
                    lost.append("moment \(moment), cut at \(cut) of \(total): job \(one.job)")
                }
            }
        }

        #expect(lost == [])
        #expect(acknowledged.count > 500)
    }

    /// A daemon on a recorded disk, while jobs are submitted, run, end and are checkpointed.
    private func recordedRun() throws -> (record: String, acknowledged: [Acknowledged]) {
        let record = NSTemporaryDirectory() + "/heng-\(UUID().uuidString).record"
        let library = try #require(RecordedDisk.library)
        let daemon = try TestDaemon(
            environment: ["LD_PRELOAD": library, "HENG_DISK_RECORD": record], watchesDisk: true)
        let client = daemon.client()
        var acknowledged: [Acknowledged] = []
        for number in 0..<900 {
            let array = number % 50 == 0 ? ArrayRequest(indices: [0...9]) : nil
            let reply = try client.submit(
                .small("\(number)", held: number % 3 == 0, array: array, script: "#!/bin/sh\n# \(number % 7)")
            )
            let length = try FileManager.default.attributesOfItem(atPath: record)[.size] as? Int ?? 0
            acknowledged.append(Acknowledged(job: reply.job, count: reply.count, length: length))
        }
        daemon.kill()
        return (record, acknowledged)
    }

    private func recovered(_ files: [String: Data]) throws -> ClusterState {
        let folder = NSTemporaryDirectory() + "/heng-cut-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        for (path, data) in files {
            let name = URL(fileURLWithPath: path).lastPathComponent
            try data.write(to: URL(fileURLWithPath: folder + "/" + name))
        }
        return try Recovery(from: StateStore(folder: folder)).state
    }
}
