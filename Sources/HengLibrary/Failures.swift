internal import AcceleratorAPI
internal import CHengAccelerator
internal import CHengForwarding
internal import ComputeGraph
internal import Essentials
internal import Execution
internal import ONNXImport
internal import Results

#if canImport(Glibc)
internal import Glibc
#endif

// How errors of Swift become error objects of libheng.so.

/// Runs the body of a table function: a thrown error becomes a code and an error object at `place`.
func guarded(_ operation: StaticString, _ place: ErrorPlace?, _ body: () throws -> Void) -> Int32 {
    unsafe guardedNumber(operation, place) { () throws -> Int32 in
        try body()
        return 0
    }
}

/// The same for a body with a number of its own.
func guardedNumber(_ operation: StaticString, _ place: ErrorPlace?, _ body: () throws -> Int32) -> Int32 {
    do { return try body() } catch {
        return unsafe store(crossed(error, "\(operation)"), at: place)
    }
}

/// An error of a call, in the table's terms.
func failure(_ code: DeviceError.Code, _ operation: String, _ text: String) -> DeviceError {
    DeviceError(code, operation: operation, text: text)
}

/// The object behind a handle of libheng.so, or its error thrown.
func find(_ handle: OpaquePointer?, _ kind: Int, _ operation: StaticString) throws -> heng_forwarded {
    var found = unsafe heng_forwarded()
    var error: OpaquePointer?
    let status = unsafe heng_forwarding_find(
        handle.map { unsafe UnsafeRawPointer($0) }, Int32(kind), &found, "\(operation)", &error)
    if status != 0 { throw unsafe LibraryFailure(status: status, error: error) }
    return unsafe found
}

/// An error object that the forwarding layer has made already.
@safe struct LibraryFailure: Error, @unchecked Sendable {
    // Unchecked: the object belongs to this error alone.
    let status: Int32
    let error: OpaquePointer?
}

private func store(_ error: any Error, at place: ErrorPlace?) -> Int32 {
    if let made = error as? LibraryFailure {
        if let place = unsafe place {
            unsafe place.pointee = made.error
        } else {
            unsafe heng_forwarding_table(LibraryServices.services).pointee.error_destroy?(made.error)
        }
        return made.status
    }
    let facts =
        error as? DeviceError
        ?? failure(.general, "libheng", (error as? any ReportableError)?.summary ?? "\(error)")
    return unsafe facts.operation.withCString { operation in
        unsafe facts.text.withCString { text in
            unsafe withOptionalCString(facts.node) { node in
                unsafe withOptionalCString(facts.operatorName) { name in
                    var raw = unsafe heng_error_description()
                    unsafe raw.code = facts.code.rawValue
                    unsafe raw.scope = facts.scope.rawValue
                    unsafe raw.native_code = Int64(facts.nativeCode)
                    unsafe raw.requested = UInt64(max(0, facts.requested?.bytes ?? 0))
                    unsafe raw.available = UInt64(max(0, facts.available?.bytes ?? 0))
                    unsafe raw.operation = unsafe operation
                    unsafe raw.text = unsafe text
                    unsafe raw.retriable = facts.isRetriable ? 1 : 0
                    unsafe raw.correlation = facts.correlation
                    unsafe raw.node = unsafe node
                    unsafe raw.operator_name = unsafe name
                    return unsafe heng_forwarding_fail(place, &raw)
                }
            }
        }
    }
}

private func withOptionalCString<Result>(
    _ text: String?, _ body: (UnsafePointer<CChar>?) -> Result
) -> Result {
    guard let text else { return body(nil) }
    return unsafe text.withCString { unsafe body($0) }
}

/// Any error that may come here, with its class of the table.
private func crossed(_ error: any Error, _ operation: String) -> any Error {
    switch error {
    case is DeviceError, is LibraryFailure: return error
    case let error as FileFailure: return failure(code(of: error), operation, error.summary)
    case let error as ONNXError: return crossed(error, operation)
    case let error as ExecutionError: return crossed(error, operation)
    case GraphError.valueNeeded(let name):
        return failure(.modelDynamic, operation, "The value of \(name) is known only when the model runs.")
    case let error as any ReportableError: return failure(.model, operation, error.summary)
    default: return failure(.general, operation, "\(error)")
    }
}

private func code(of error: FileFailure) -> DeviceError.Code {
    switch error.number {
    case ENOENT, ENOTDIR: .file
    case EFBIG: .fileSize
    case EISDIR: .fileAttribute
    case EACCES, EPERM, EROFS: .permission
    default: error.action == .reading ? .fileRead : .fileWrite
    }
}

private func crossed(_ error: ONNXError, _ operation: String) -> DeviceError {
    switch error {
    case .malformed: failure(.modelDeserialize, operation, error.summary)
    case .node(let node, let name, _), .unsupported(let node, let name, _):
        DeviceError(.model, operation: operation, text: error.summary, node: node, operatorName: name)
    case .valueNeeded(let node, let name, _):
        DeviceError(.modelDynamic, operation: operation, text: error.summary, node: node, operatorName: name)
    case .wrongInput: failure(.modelInput, operation, error.summary)
    case .externalData: failure(.file, operation, error.summary)
    case .failed: failure(.model, operation, error.summary)
    }
}

private func crossed(_ error: ExecutionError, _ operation: String) -> DeviceError {
    switch error {
    case .noKernel(let node, let name, _):
        DeviceError(.unsupported, operation: operation, text: error.summary, node: node, operatorName: name)
    case .constantMemoryTooSmall: failure(.modelSize, operation, error.summary)
    default: failure(.model, operation, error.summary)
    }
}
