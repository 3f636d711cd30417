internal import CHengAccelerator

/// The groups of functions beyond the table, each made once and never freed.
@safe enum OpenCLGroups {
    static func table(_ kind: UInt32) -> UnsafePointer<heng_header>? {
        switch Int(kind) {
        case HENG_KIND_OPERATOR_TABLE: unsafe operators.header
        case HENG_KIND_KERNEL_TABLE: unsafe kernels.header
        case HENG_KIND_RECORDING_TABLE: unsafe recordings.header
        case HENG_KIND_PROFILE_TABLE: unsafe profiles.header
        default: nil
        }
    }

    /// A table that lives for ever.
    @safe private struct Kept: @unchecked Sendable {
        // Unchecked: written once, before anyone sees it.
        let header: UnsafePointer<heng_header>

        init<Table>(_ table: Table) {
            let place = UnsafeMutablePointer<Table>.allocate(capacity: 1)
            unsafe place.initialize(to: table)
            unsafe header = UnsafeRawPointer(place).assumingMemoryBound(to: heng_header.self)
        }
    }

    private static let operators = unsafe Kept(OperatorFunctions.make())
    private static let kernels = unsafe Kept(KernelFunctions.make())
    private static let recordings = unsafe Kept(RecordingFunctions.make())
    private static let profiles = unsafe Kept(ProfileFunctions.make())
}
