internal import ControlAPI
internal import Essentials
internal import Foundation
internal import Scheduling
internal import TestSupport

/// A real hengd in a state folder of its own.
final class TestDaemon {
    let paths: StatePaths
    private(set) var program: BackgroundProgram?
    private let arguments: [String]
    private let environment: [String: String]

    /// The folder of this build's programs, which is that of the running tests.
    static let programs: String = {
        let own = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return URL(fileURLWithPath: own ?? CommandLine.arguments[0]).deletingLastPathComponent().path
    }()

    init(
        _ arguments: [String] = [], environment: [String: String] = [:], isStarted: Bool = true,
        watchesDisk: Bool = false
    ) throws {
        // Short, because the path of a socket is at most 107 bytes.
        paths = StatePaths(folder: "/tmp/heng-\(UUID().uuidString.prefix(8))")
        self.arguments = arguments.contains("--executor") ? arguments : ["--executor", "null"] + arguments
        var variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        if watchesDisk { variables["HENG_DISK_FOLDER"] = paths.folder }
        self.environment = variables
        try FileManager.default.createDirectory(atPath: paths.folder, withIntermediateDirectories: true)
        if isStarted { try start() }
    }

    deinit {
        program?.end(SIGKILL)
        try? FileManager.default.removeItem(atPath: paths.folder)
    }

    /// Starts it without waiting for an answer.
    func launch() throws {
        program = try BackgroundProgram(
            TestDaemon.programs + "/hengd", ["--state", paths.folder] + arguments,
            environment: environment, output: paths.folder + "/output")
    }

    func start() throws {
        try launch()
        try waitUntilReady()
    }

    func waitUntilReady() throws {
        let deadline = TimePoint.monotonicNow() + .seconds(60)
        while (try? client().status().isReady) != true {
            guard program?.isRunning == true else { throw Failure("hengd ended: \(output)") }
            guard TimePoint.monotonicNow() < deadline else {
                throw Failure("hengd does not answer: \(output)")
            }
            usleep(2000)
        }
    }

    /// As a crash would.
    func kill() { program?.end(SIGKILL) }

    func stop() { program?.end(SIGTERM) }

    func client() -> DaemonClient { DaemonClient(paths) }

    var output: String {
        let files = [paths.folder + "/output", paths.log]
        return files.compactMap { FileManager.default.contents(atPath: $0) }
            .map { String(decoding: $0, as: UTF8.self) }.joined()
    }
}

extension SubmitRequest {
    /// A small job that waits or ends at once.
    static func small(
        _ name: String = "small", held: Bool = false, array: ArrayRequest? = nil, script: String? = nil,
        key: String? = nil
    ) -> SubmitRequest {
        SubmitRequest(
            job: JobRequest(
                resources: ResourceRequest(cores: .thousandths(1)),
                label: JobLabel(user: "", name: name, command: ["/bin/true"]), array: array, isHeld: held),
            launch: LaunchSpecification(
                command: ["/bin/true"], script: script, environment: ["PATH": "/usr/bin:/bin"],
                workingDirectory: "/tmp"), clientKey: key)
    }
}
