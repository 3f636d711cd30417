package import ControlAPI
package import Essentials
package import Scheduling

/// What a submission needs beside its options.
package struct Submitter: Sendable {
    package var user: String
    package var environment: [String: String]
    package var workingDirectory: String
    /// The units that this process may use; nil is all of the machine.
    package var within: CPUSet?

    package init(user: String, environment: [String: String], workingDirectory: String, within: CPUSet? = nil)
    {
        self.user = user
        self.environment = environment
        self.workingDirectory = workingDirectory
        self.within = within
    }
}

extension SubmissionDraft {
    /// The request for the scheduler; words such as `last` and templates must be resolved by then.
    package func jobRequest(
        command: [String], by submitter: Submitter, dependencies: [Dependency] = [],
        template: DeviceTemplate? = nil
    ) throws(Failure) -> JobRequest {
        try check()
        var request = JobRequest(
            resources: try resources(within: submitter.within, template: template),
            timeLimit: timeLimit ?? nil, priority: (priority ?? 0) - (nice ?? 0),
            label: JobLabel(
                user: submitter.user, account: account, name: name, command: command, comment: comment),
            queue: queue,
            timing: JobTiming(begin: begin, deadline: deadline), dependencies: dependencies, array: array,
            isHeld: isHeld, warning: warning, workload: workload)
        request.rerun.mayRequeue = mayRequeue ?? request.rerun.mayRequeue
        request.rerun.retries = retries ?? request.rerun.retries
        request.rerun.backoff = backoff ?? request.rerun.backoff
        request.rerun.requeueCode = requeueCode ?? request.rerun.requeueCode
        return request
    }

    /// What to run, in the words of the protocol.
    package func launch(command: [String], script: String?, by submitter: Submitter) -> LaunchSpecification {
        let folder = absolute(workingDirectory ?? ".", in: submitter.workingDirectory)
        return LaunchSpecification(
            command: command, script: script,
            environment: (export ?? .all).environment(from: submitter.environment), workingDirectory: folder,
            output: output.map { absolute($0, in: folder) },
            errorOutput: errorOutput.map { absolute($0, in: folder) },
            input: input.map { absolute($0, in: folder) }, appendsOutput: appendsOutput ?? false,
            grace: grace ?? .seconds(5), image: image)
    }

    private func absolute(_ path: String, in folder: String) -> String {
        if path.hasPrefix("/") { return path }
        return path == "." ? folder : "\(folder == "/" ? "" : folder)/\(path)"
    }

    /// What no single option can see.
    private func check() throws(Failure) {
        if let begin, let deadline, deadline <= begin {
            throw mistake(
                "--deadline lies before --begin.", "Let the job begin earlier, or give it a later deadline.")
        }
        if warning != nil, (timeLimit ?? nil) == nil, queue == nil {
            throw mistake(
                "--signal needs a time limit to come before.",
                "Add one, such as --time 1h, or leave --signal out.")
        }
        if virtualDevice != nil, share != nil || cores != nil || memory != nil || deviceKind != nil {
            throw mistake(
                "--vdev and amounts of one's own exclude each other.",
                "Leave --device, --share, --cores and --mem out: the virtual device has them.")
        }
    }

    private func resources(within: CPUSet?, template: DeviceTemplate?) throws(Failure) -> ResourceRequest {
        var request = ResourceRequest(
            deviceKind: deviceKind ?? ResourceRequest.cpu, share: share, cores: cores,
            memory: try totalMemory(),
            deviceMemory: deviceMemory, numa: numa.map { .required($0) } ?? .any,
            memoryMode: memoryMode ?? .preferred, maySpan: maySpan, ranks: ranks ?? 1,
            spread: spread ?? .perVirtualDevice, isExclusive: isExclusive, isolation: isolation ?? .any,
            quality: quality ?? .guaranteed, machines: machines, machineClass: machineClass, within: within)
        switch virtualDevice {
        case .named(let name): request.virtualDevice = .named(name)
        case .template(let name): request.virtualDevice = .template(name)
        case .new(let name):
            guard let template else {
                throw mistake("There is no template '\(name)'.", "See `heng vdev templates`.")
            }
            request.deviceKind = template.kind
            request.share = template.share
            request.cores = template.cores
            request.memory = template.memory ?? .zero
            request.deviceMemory = template.deviceMemory
        case nil: break
        }
        return request
    }

    private func totalMemory() throws(Failure) -> ByteCount {
        if let memory { return memory }
        guard let memoryPerCore else { return .zero }
        let bytes = Double(memoryPerCore.bytes) * (cores ?? .cores(1)).inCores
        guard bytes < Double(Int.max / 2) else {
            throw mistake("--mem-per-cpu is more than any machine has.", "Ask for less.")
        }
        return ByteCount(bytes: Int(bytes))
    }
}
