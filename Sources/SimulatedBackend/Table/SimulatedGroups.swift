internal import AcceleratorAPI
internal import CHengAccelerator

/// The groups of simulated devices: operators, recordings, profiling.
enum SimulatedGroups {
    /// The tables live as long as the process.
    static func table(_ kind: Int) -> UnsafePointer<heng_header>? {
        switch kind {
        case HENG_KIND_OPERATOR_TABLE: unsafe operators.header
        case HENG_KIND_RECORDING_TABLE: unsafe recordings.header
        case HENG_KIND_PROFILE_TABLE: unsafe profiling.header
        default: nil
        }
    }

    private static let operators = unsafe GroupTable(SimulatedOperators.make())
    private static let recordings = unsafe GroupTable(SimulatedRecordings.make())
    private static let profiling = unsafe GroupTable(SimulatedProfiling.make())
}
