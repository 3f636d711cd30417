package import Essentials

/// Why a request can never be met here, told before it is queued.
package enum RequestError: ReportableError, Hashable, Codable, Sendable {
    case emptyCommand
    case noMachine
    case shareOutOfRange(DeviceShare)
    case coresNotPositive
    case memoryNegative(ByteCount)
    case ranksNotPositive(Int)
    case limitNotPositive
    case unknownDeviceKind(String, known: [String])
    case unknownNode(Int, machineNodes: [Int])
    case tooManyCores(CoreAmount, most: CoreAmount, place: SearchPlace)
    case tooMuchMemory(ByteCount, most: ByteCount, place: SearchPlace)
    case nodeTooSmall(cores: CoreAmount, memory: ByteCount)
    case tooManyRanks(Int, most: Int)
    /// The largest machine refuses such requests, and so do the others.
    case notForAnyMachine(String)
    case arrayMalformed
    case arrayTooLarge(Int, most: Int)
    case unknownQueue(String, known: [String])
    case queueClosed(String)
    case limitTooLong(Duration, most: Duration, queue: String)
    case tooManyJobs(QuotaName.Holder, most: Int)
    case unknownDependency(JobID)
    case dependencyWithoutArray(JobID)
    case deadlinePassed
    case unknownVirtualDevice(VirtualDeviceChoice, known: [String])
    case virtualDeviceExists(String)
    case noRoomForDevice(because: String)
    case badName(String)

    /// Where room was looked for, which decides what a person can change.
    package enum SearchPlace: Hashable, Codable, Sendable {
        case node(Int)
        case anyNode
        case wholeMachine
    }

    package var exitCode: ExitCode { self == .noMachine ? .setupMissing : .wrongUse }
}

extension RequestError {
    package var summary: String {
        switch self {
        case .emptyCommand: "There is no command to run."
        case .noMachine: "No machine is known that could run the job."
        case .shareOutOfRange(let share) where share <= .zero:
            "A share of \(share) of a device was asked for, which is nothing."
        case .shareOutOfRange(let share):
            "A share of \(share) of a device was asked for, but a device has only 1."
        case .coresNotPositive: "A job needs more than 0 cores."
        case .memoryNegative(let memory): "A job cannot ask for \(memory) of memory."
        case .ranksNotPositive(let ranks): "A job cannot have \(ranks) ranks."
        case .limitNotPositive: "A time limit of 0 or less leaves the job no time."
        case .unknownDeviceKind(let kind, _): "There is no device of kind '\(kind)' here."
        case .unknownNode(let node, _): "There is no NUMA node \(node) with usable cores."
        case .tooManyCores(let asked, let most, let place):
            "The job asks for \(asked.phrase) per rank, but \(place.holder) has \(most)."
        case .tooMuchMemory(let asked, let most, let place):
            "The job asks for \(asked) per rank, but \(place.holder) has \(most)."
        case .nodeTooSmall(let cores, let memory):
            "No NUMA node has both \(cores.phrase) and \(memory) of memory."
        case .tooManyRanks(let ranks, let most):
            "\(ranks) ranks never fit at the same time; \(most == 0 ? "not even one does" : "at most \(most) do")."
        case .notForAnyMachine(let why): "No machine takes such a job: \(why)."
        case .arrayMalformed:
            "The indices of the array are not rising numbers from 0, or its step or limit is below 1."
        case .arrayTooLarge(let count, let most):
            "An array of \(count) tasks is too large; the most is \(most)."
        case .unknownQueue(let name, _): "There is no queue '\(name)'."
        case .queueClosed(let name): "The queue \(name) takes no new jobs."
        case .limitTooLong(let limit, let most, let queue):
            "A time limit of \(Int(limit.inSeconds)) s is over that of the queue \(queue), \(Int(most.inSeconds)) s."
        case .tooManyJobs(let holder, let most): "\(holder.phrase) may have \(most) jobs, and has them."
        case .unknownDependency(let job): "Job \(job), which the job depends on, is not known, or no longer."
        case .dependencyWithoutArray(let job):
            "aftercorr joins tasks of arrays, and job \(job) or the new one is none."
        case .deadlinePassed: "The job could not end before its deadline even if it started now."
        case .unknownVirtualDevice(.named(let name), _): "There is no virtual device '\(name)'."
        case .unknownVirtualDevice(.template(let name), _):
            "There is no virtual device of the template '\(name)'."
        case .virtualDeviceExists(let name): "There is a virtual device '\(name)' already."
        case .noRoomForDevice(let reason): "The virtual device cannot be made now: it \(reason)."
        case .badName(let name):
            "'\(name)' is not a name: letters, digits, '.', '_' and '-' make one, and no dot begins it."
        }
    }

    package var nextStep: String? {
        switch self {
        case .emptyCommand: "Put the command after '--', for example: heng submit --cores 1 -- ./train."
        case .noMachine: "Check what `heng topology` prints."
        case .shareOutOfRange: "Ask for a share above 0 and at most 1, for example --share 0.5."
        case .coresNotPositive: "Ask for at least 0.001 cores."
        case .memoryNegative: "Ask for 0 or more, for example --mem 2GiB."
        case .ranksNotPositive: "Ask for at least 1 rank."
        case .limitNotPositive: "Leave the limit out, or give one such as 10m."
        case .unknownDeviceKind(_, let known): "This machine has: \(known.joined(separator: ", "))."
        case .unknownNode(_, let nodes):
            "Nodes with usable cores: \(nodes.map(String.init).joined(separator: ", "))."
        case .tooManyCores(_, _, let place), .tooMuchMemory(_, _, let place): place.advice
        case .nodeTooSmall: "Ask for less of either, or allow the rank to span NUMA nodes with --span."
        case .tooManyRanks: "Ask for fewer ranks, or less per rank."
        case .notForAnyMachine:
            "`heng status` shows the machines, their classes and how strongly they hold limits."
        case .arrayMalformed: "Write it as --array 0-9, 0-9:2, 1,4,7 or 0-99%8."
        case .arrayTooLarge: "Submit several arrays."
        case .unknownQueue(_, let known): "There are: \(known.joined(separator: ", "))."
        case .queueClosed: "Choose another one with --queue; `heng queue list` shows them."
        case .limitTooLong: "Ask for less with --time, or use a queue for longer jobs."
        case .tooManyJobs: "Wait until some have ended, or cancel some."
        case .unknownDependency: "Leave it out if it ended long ago."
        case .dependencyWithoutArray: "Use afterok instead."
        case .deadlinePassed: "Give a later --deadline, or a shorter --time."
        case .unknownVirtualDevice(_, let known):
            known.isEmpty ? "`heng vdev create` makes one." : "There are: \(known.joined(separator: ", "))."
        case .virtualDeviceExists: "Choose another name, or delete it first."
        case .noRoomForDevice: "Ask for less, or wait until jobs have ended."
        case .badName: "Choose another name."
        }
    }
}

extension RequestError.SearchPlace {
    var holder: String {
        switch self {
        case .node(let node): "NUMA node \(node)"
        case .anyNode: "the largest NUMA node"
        case .wholeMachine: "the whole machine"
        }
    }

    var advice: String {
        switch self {
        case .node: "Ask for less, or let the job choose its node."
        case .anyNode: "Ask for less, or allow the rank to span NUMA nodes with --span."
        case .wholeMachine: "Ask for less; `heng topology` shows what there is."
        }
    }
}

extension QuotaName.Holder {
    fileprivate var phrase: String {
        switch self {
        case .queue(let name): "The queue \(name)"
        case .user(let user, let queue): "\(user) in the queue \(queue)"
        case .account(let name): "The account \(name)"
        }
    }
}
