internal import ControlAPI
internal import Essentials
internal import Foundation
internal import Scheduling

/// What reaches the owner of the state.
enum Mail: Sendable {
    case submit(Submission, Answer<SubmitReply>)
    /// Events that somebody asks for; the answer are the actions of each.
    case record([Event], Answer<[[Action]]>)
    /// An action on every job that matches, chosen when its turn comes.
    case act(JobActionRequest, Answer<[JobActionReply]>)
    /// A question; it is asked after everything that arrived before it has been done, but for delayed starts.
    case look(@Sendable (Owner) -> Void)
    /// An attached job, and one whose command has come back; the answer is its number.
    case lease(JobRequest, LeaseLink, Answer<JobID>)
    case attach(JobID, user: String, LeaseLink, Answer<JobID>)
    case leaseClosed(JobID, LeaseLink)
    case joined(AgentHello, any AgentLink, Answer<Void>)
    case report(machine: String, AgentReport)
    /// The connection to an agent is gone; nothing is known of its jobs.
    case parted(machine: String, any AgentLink)
    /// The local agent could not be started.
    case agentFailed(String)
    case stop(Answer<Void>)

    var isQuestion: Bool { if case .look = self { true } else { false } }
}

/// Called once, on the owner's thread, so it only hands over.
typealias Answer<Value> = @Sendable (Result<Value, any Error>) -> Void

/// A submission whose user is known.
struct Submission: Sendable {
    var job: JobRequest
    /// `LaunchSpecification` as the store keeps it.
    var launch: Data
    /// With the user's name in front.
    var key: String?
}
