internal import AcceleratorAPI
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

    private static let operators = unsafe GroupTable(OperatorFunctions.make())
    private static let kernels = unsafe GroupTable(KernelFunctions.make())
    private static let recordings = unsafe GroupTable(RecordingFunctions.make())
    private static let profiles = unsafe GroupTable(ProfileFunctions.make())
}
