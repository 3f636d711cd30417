internal import ControlAPI
internal import Essentials
internal import Foundation
internal import HardwareTopology
internal import JobSubmission
internal import Scheduling
internal import TopologyDiscovery

/// Makes a submission to the daemon of what the options say.
struct DaemonJob {
    private let client: DaemonClient

    init(_ client: DaemonClient) { self.client = client }

    func request(_ payload: Payload, _ draft: SubmissionDraft, isTest: Bool = false) throws -> SubmitRequest {
        let submitter = Submitter(
            user: NSUserName(), environment: ProcessInfo.processInfo.environment,
            workingDirectory: FileManager.default.currentDirectoryPath)
        let job = try draft.jobRequest(
            command: payload.command, by: submitter,
            dependencies: try JobLookup(client: client).dependencies(draft.dependencies),
            template: try template(draft))
        return SubmitRequest(
            job: job,
            launch: draft.launch(command: payload.command, script: payload.script?.text, by: submitter),
            clientKey: draft.clientKey, isTest: isTest)
    }

    private func template(_ draft: SubmissionDraft) throws -> DeviceTemplate? {
        guard case .new(let name) = draft.virtualDevice else { return nil }
        return try machineTemplate(name)
    }
}

/// The templates of this machine: those that come with Heng, and those in `virtual-devices.json` of the state folder.
func machineTemplates() throws -> DeviceTemplates {
    let standard = try DeviceTemplates.standard()
    let own = try DaemonAccess.paths().folder + "/virtual-devices.json"
    guard let bytes = FileManager.default.contents(atPath: own) else { return standard }
    return standard.adding(try DeviceTemplates(json: [UInt8](bytes), from: own))
}

/// A template with its parts of a node's memory in bytes, of the smallest node so that it fits on every one.
func machineTemplate(_ name: String) throws -> DeviceTemplate {
    let template = try machineTemplates().named(name)
    guard template.memoryShare != nil else { return template }
    let smallest = try Topology.discover().numaNodes.filter { !$0.cpus.isEmpty }.map(\.memory).min()
    return template.sized(forNodeWith: smallest ?? .zero)
}
