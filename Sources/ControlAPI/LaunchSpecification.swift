/// What a job runs, and where it reads and writes: everything that placement does not need to know.
///
/// It is kept by the store under a `PayloadID`, once for equal ones.
package struct LaunchSpecification: Hashable, Codable, Sendable {
    /// The program and its arguments; of a script, its name and its arguments.
    package var command: [String]
    /// The text of a batch script, which is kept with the job, so that the file may change or go meanwhile.
    package var script: String?
    /// The whole environment of the submitter, as far as it was handed over.
    package var environment: [String: String]
    package var workingDirectory: String
    /// Patterns with `%j %A %a %x %u %N %t %%`, as sbatch has them; nil is the usual file.
    package var output: String?
    package var errorOutput: String?
    package var input: String?
    /// Whether a second attempt writes behind the first one's output.
    package var appendsOutput: Bool
    /// Between the request to end and the end by force.
    package var grace: Duration
    /// The container image to run in; nil is none.
    package var image: String?
    /// The records of a request queue that the ranks serve together; nil is no queue.
    package var requestCapacity: Int?

    package init(
        command: [String], script: String? = nil, environment: [String: String] = [:],
        workingDirectory: String, output: String? = nil, errorOutput: String? = nil, input: String? = nil,
        appendsOutput: Bool = false, grace: Duration = .seconds(5), image: String? = nil,
        requestCapacity: Int? = nil
    ) {
        self.command = command
        self.script = script
        self.environment = environment
        self.workingDirectory = workingDirectory
        self.output = output
        self.errorOutput = errorOutput
        self.input = input
        self.appendsOutput = appendsOutput
        self.grace = grace
        self.image = image
        self.requestCapacity = requestCapacity
    }
}
