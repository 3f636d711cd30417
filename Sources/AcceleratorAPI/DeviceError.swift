internal import CHengAccelerator
package import Essentials

/// What went wrong at a device: the class of the error, how far it reaches, and the facts a person needs.
///
/// It mirrors `heng_error_description`. Errors of work that already ran (scope `stream` or `device`) are delivered by
/// the stream's next calls, by `synchronize`, and by events, again and again, with the original cause.
package struct DeviceError: ReportableError, Hashable {
    package var code: Code {
        get { facts.code }
        set { facts.code = newValue }
    }
    package var scope: Scope {
        get { facts.scope }
        set { facts.scope = newValue }
    }
    /// The call that failed, by its name in the table: `buffer_allocate`.
    package var operation: String {
        get { facts.operation }
        set { facts.operation = newValue }
    }
    /// One sentence on what failed and on what.
    package var text: String {
        get { facts.text }
        set { facts.text = newValue }
    }
    /// The maker's or the system's own number; 0 when there is none.
    package var nativeCode: Int {
        get { facts.nativeCode }
        set { facts.nativeCode = newValue }
    }
    /// What was asked for and what there was, when the error is about memory.
    package var requested: ByteCount? {
        get { facts.requested }
        set { facts.requested = newValue }
    }
    package var available: ByteCount? {
        get { facts.available }
        set { facts.available = newValue }
    }
    /// Whether the same call may succeed later or smaller.
    package var isRetriable: Bool {
        get { facts.isRetriable }
        set { facts.isRetriable = newValue }
    }
    /// The number that the caller gave the work that failed; 0 when the error is not about work.
    package var correlation: UInt64 {
        get { facts.correlation }
        set { facts.correlation = newValue }
    }
    /// The model's node that failed.
    package var node: String? {
        get { facts.node }
        set { facts.node = newValue }
    }
    /// The operator that failed: `MatMul`.
    package var operatorName: String? {
        get { facts.operatorName }
        set { facts.operatorName = newValue }
    }

    /// Behind one reference: every function that may throw makes room for its error, on the hot path too.
    private var box: Box

    private indirect enum Box: Hashable, Sendable {
        case facts(Facts)
    }

    private var facts: Facts {
        get {
            switch box {
            case .facts(let facts): facts
            }
        }
        set { box = .facts(newValue) }
    }

    private struct Facts: Hashable, Sendable {
        var code: Code
        var scope: Scope
        var operation: String
        var text: String
        var nativeCode: Int
        var requested: ByteCount?
        var available: ByteCount?
        var isRetriable: Bool
        var correlation: UInt64
        var node: String?
        var operatorName: String?
    }

    package init(
        _ code: Code, scope: Scope = .call, operation: String, text: String, nativeCode: Int = 0,
        requested: ByteCount? = nil, available: ByteCount? = nil, isRetriable: Bool = false,
        correlation: UInt64 = 0, node: String? = nil, operatorName: String? = nil
    ) {
        box = .facts(
            Facts(
                code: code, scope: scope, operation: operation, text: text, nativeCode: nativeCode,
                requested: requested, available: available, isRetriable: isRetriable,
                correlation: correlation, node: node, operatorName: operatorName))
    }

    /// How far an error reaches: what is still usable after it.
    package enum Scope: Int32, Sendable {
        case call = 0
        case stream = 1
        case context = 2
        case device = 3
    }
}

extension DeviceError {
    /// The classes of `heng_accelerator.h`; a backend may know newer ones, so it is not an enum.
    package struct Code: Hashable, Sendable, RawRepresentable {
        package var rawValue: Int32

        package init(rawValue: Int32) { self.rawValue = rawValue }
        private init(_ value: Int) { rawValue = Int32(value) }

        package static let general = Code(HENG_ERROR_GENERAL)
        package static let notInitialized = Code(HENG_ERROR_NOT_INITIALIZED)
        package static let repeatedInitialize = Code(HENG_ERROR_REPEATED_INITIALIZE)
        package static let repeatedFinalize = Code(HENG_ERROR_REPEATED_FINALIZE)
        package static let version = Code(HENG_ERROR_VERSION)
        package static let invalidDevice = Code(HENG_ERROR_INVALID_DEVICE)
        package static let invalidDeviceIndex = Code(HENG_ERROR_INVALID_DEVICE_INDEX)
        package static let invalidArgument = Code(HENG_ERROR_INVALID_ARGUMENT)
        package static let invalidHandle = Code(HENG_ERROR_INVALID_HANDLE)
        package static let wrongOwner = Code(HENG_ERROR_WRONG_OWNER)
        package static let unsupported = Code(HENG_ERROR_UNSUPPORTED)
        package static let outOfDeviceMemory = Code(HENG_ERROR_OUT_OF_DEVICE_MEMORY)
        package static let outOfHostMemory = Code(HENG_ERROR_OUT_OF_HOST_MEMORY)
        package static let outOfStreams = Code(HENG_ERROR_OUT_OF_STREAMS)
        package static let outOfEvents = Code(HENG_ERROR_OUT_OF_EVENTS)
        package static let outOfRange = Code(HENG_ERROR_OUT_OF_RANGE)
        package static let alignment = Code(HENG_ERROR_ALIGNMENT)
        package static let timeout = Code(HENG_ERROR_TIMEOUT)
        package static let eventNotRecorded = Code(HENG_ERROR_EVENT_NOT_RECORDED)
        package static let eventTime = Code(HENG_ERROR_EVENT_TIME)
        package static let notReleased = Code(HENG_ERROR_NOT_RELEASED)
        package static let misuse = Code(HENG_ERROR_MISUSE)
        package static let execution = Code(HENG_ERROR_EXECUTION)
        package static let deviceLost = Code(HENG_ERROR_DEVICE_LOST)
        package static let permission = Code(HENG_ERROR_PERMISSION)
        package static let cancelled = Code(HENG_ERROR_CANCELLED)
        package static let file = Code(HENG_ERROR_FILE)
        package static let fileSize = Code(HENG_ERROR_FILE_SIZE)
        package static let fileAttribute = Code(HENG_ERROR_FILE_ATTRIBUTE)
        package static let fileRead = Code(HENG_ERROR_FILE_READ)
        package static let fileWrite = Code(HENG_ERROR_FILE_WRITE)
        package static let fileParse = Code(HENG_ERROR_FILE_PARSE)
        package static let model = Code(HENG_ERROR_MODEL)
        package static let modelSize = Code(HENG_ERROR_MODEL_SIZE)
        package static let modelAttribute = Code(HENG_ERROR_MODEL_ATTRIBUTE)
        package static let modelInput = Code(HENG_ERROR_MODEL_INPUT)
        package static let modelOutput = Code(HENG_ERROR_MODEL_OUTPUT)
        package static let modelDynamic = Code(HENG_ERROR_MODEL_DYNAMIC)
        package static let modelDeserialize = Code(HENG_ERROR_MODEL_DESERIALIZE)
        package static let outOfModels = Code(HENG_ERROR_OUT_OF_MODELS)
        package static let operatorName = Code(HENG_ERROR_OPERATOR_NAME)
        package static let operatorInput = Code(HENG_ERROR_OPERATOR_INPUT)
        package static let operatorOutput = Code(HENG_ERROR_OPERATOR_OUTPUT)
        package static let operatorAttribute = Code(HENG_ERROR_OPERATOR_ATTRIBUTE)
        package static let operatorLoad = Code(HENG_ERROR_OPERATOR_LOAD)
        package static let operatorCompile = Code(HENG_ERROR_OPERATOR_COMPILE)
        package static let operatorStaticOnly = Code(HENG_ERROR_OPERATOR_STATIC_ONLY)
        package static let operatorOverflow = Code(HENG_ERROR_OPERATOR_OVERFLOW)
        package static let dataType = Code(HENG_ERROR_DATA_TYPE)
        package static let format = Code(HENG_ERROR_FORMAT)
        package static let repeatedSubscription = Code(HENG_ERROR_REPEATED_SUBSCRIPTION)
        package static let subscriptionThread = Code(HENG_ERROR_SUBSCRIPTION_THREAD)
        package static let notSubscribed = Code(HENG_ERROR_NOT_SUBSCRIBED)
        package static let compiler = Code(HENG_ERROR_COMPILER)
        package static let memoryType = Code(HENG_ERROR_MEMORY_TYPE)
        package static let free = Code(HENG_ERROR_FREE)
        package static let context = Code(HENG_ERROR_CONTEXT)
        package static let needsRebuild = Code(HENG_ERROR_NEEDS_REBUILD)
        package static let outOfResources = Code(HENG_ERROR_OUT_OF_RESOURCES)
        package static let dataCorrupted = Code(HENG_ERROR_DATA_CORRUPTED)
        package static let graph = Code(HENG_ERROR_GRAPH)
    }
}

extension DeviceError {
    package var summary: String { text }

    package var nextStep: String? {
        switch code {
        case .outOfDeviceMemory, .outOfHostMemory:
            "Use a smaller batch or model, raise the memory limit, or choose a device with more memory."
        case .outOfStreams, .outOfEvents: "Destroy some that are no longer used, or share them."
        case .unsupported: "`heng devices` shows what each device offers."
        case .execution: "Destroy the stream and make another; what it wrote since the failure is undefined."
        case .needsRebuild: "Rebuild the context, and load again what was in it."
        case .context: "Make a new context."
        case .deviceLost:
            "End this process and start another; `heng devices --probe` tells whether it is back."
        case .timeout: "Wait longer, or look at what occupies the device with `heng jobs`."
        case .permission: "Check the rights of the device's files and groups."
        case .version: "Use a backend library built for interface version \(HENG_ACCELERATOR_MAJOR)."
        default: nil
        }
    }

    package var exitCode: ExitCode {
        switch code {
        case .invalidDevice, .invalidDeviceIndex: .wrongUse
        case .version, .permission: .setupMissing
        default: .executionFailed
        }
    }
}
