internal import AcceleratorAPI
internal import CHengAccelerator

/// The groups of simulated devices: operators, recordings, profiling.
enum SimulatedGroups {
    /// The tables live as long as the process.
    static func table(_ kind: Int) -> UnsafePointer<heng_header>? {
        switch kind {
        case HENG_KIND_OPERATOR_TABLE: unsafe operators.start
        case HENG_KIND_RECORDING_TABLE: unsafe recordings.start
        case HENG_KIND_PROFILE_TABLE: unsafe profiling.start
        default: nil
        }
    }

    private static let operators = unsafe GroupTable(SimulatedOperators.make())
    private static let recordings = unsafe GroupTable(SimulatedRecordings.make())
    private static let profiling = unsafe GroupTable(SimulatedProfiling.make())
}

/// A table in memory that is never freed.
@safe private struct GroupTable: @unchecked Sendable {
    // Unchecked: written once.
    let start: UnsafePointer<heng_header>

    init<Table>(_ table: Table) {
        let place = UnsafeMutablePointer<Table>.allocate(capacity: 1)
        unsafe place.initialize(to: table)
        unsafe start = UnsafeRawPointer(place).assumingMemoryBound(to: heng_header.self)
    }
}
