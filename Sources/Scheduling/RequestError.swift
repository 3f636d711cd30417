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
