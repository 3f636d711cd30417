/// In which form a case is given to be run.
package enum ConformanceMode: String, Codable, Hashable, Sendable, CaseIterable {
    /// As the files have it.
    case asIs = "as-is"
    /// With the inputs as constants of the model, so that all of it can be computed while it is prepared.
    case constants
    /// Without any extent that the model declares.
    case symbolic
    /// With every operand of every kernel off the usual alignment and between pages that nobody may touch, and with
    /// inputs that lie in memory with gaps.
    case strided
    /// On 1, 2 and all threads, whose outputs must have the same bits.
    case threads
}
