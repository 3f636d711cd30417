internal import Foundation
internal import TestSupport
internal import Testing

/// The folder of this build's programs, which is that of the running tests.
private let programs: String = {
    let own = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    return URL(fileURLWithPath: own ?? CommandLine.arguments[0]).deletingLastPathComponent().path
}()

private let tool = URL(fileURLWithPath: fixturePath("")).appendingPathComponent("../../tools/guest").path

private func guest(_ arguments: [String], seconds: Double) throws -> ChildEnd {
    let own = ["HENG_GUEST_PROGRAMS": programs, "HENG_GUEST_LIMIT": "\(Int(seconds))"]
    return try ChildProgram.run(
        tool, arguments, environment: ProcessInfo.processInfo.environment.merging(own) { $1 },
        seconds: seconds + 60)
}

private let canBoot = (try? guest(["can-boot"], seconds: 60))?.status == 0

@Suite("hengd in a virtual machine")
struct GuestTests {
    /// Four NUMA nodes, shares within 3 % and delegated groups take longer: `make guest`.
    @Test(
        .enabled(
            if: canBoot,
            "User-mode Linux is not in ~/.cache/heng/guest, or may not run here: make guest-kernels"))
    func `what version 2 of control groups holds jobs to`() throws {
        let end = try guest(["run", "quick"], seconds: 600)

        let lines = end.output.split(separator: "\n")
        #expect(lines.filter { $0.hasPrefix("not ok ") } == [], "\(end.errors)")
        #expect(lines.count { $0.hasPrefix("ok ") } == 20)
        #expect(end.status == 0)
    }
}
