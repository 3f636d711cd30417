internal import AcceleratorAPI

/// Why a case ended before its last line.
enum CaseEnd: Error {
    case failed(String)
    /// A function that is not there, or says that it is not offered.
    case absent(String)
    /// What the case is about is not something that the device has or claims.
    case outside(String)
    case notRun(String)
}

/// A handle of the table under test; what it points to is the maker's affair.
package struct Handle: Hashable, Sendable {
    private let bits: UInt

    init(_ raw: OpaquePointer?) { bits = UInt(bitPattern: raw) }

    var raw: OpaquePointer? { unsafe OpaquePointer(bitPattern: bits) }

    static let null = unsafe Handle(nil)
}

/// What an error object says.
struct ErrorFacts: Hashable, Sendable {
    var code: Int32
    var scope: Int32
    var nativeCode: Int64
    var requested: UInt64
    var available: UInt64
    var operation: String?
    var text: String?
    var isRetriable: Bool
    var correlation: UInt64
    /// The node of a model, and the operator, that the error is about.
    var node: String?
    var operatorName: String?
}

/// What a call answered.
struct Answer: Sendable {
    /// The function's name in the table.
    var function: String
    var code: Int32
    var isMissing = false
    /// Nil where the call gave no error object.
    var error: ErrorFacts?

    /// Goes on when the call succeeded.
    func done(_ what: String = "") throws {
        guard code != 0 else { return }
        if isMissing { throw CaseEnd.absent("The table has no \(function).") }
        let text = error?.text.map { " (\($0))" } ?? ""
        let sentence =
            "\(function) \(what.isEmpty ? "" : "\(what) ")failed with \(ErrorNames.name(code))\(text)."
        if code == DeviceError.Code.unsupported.rawValue { throw CaseEnd.absent(sentence) }
        throw CaseEnd.failed(sentence)
    }

    /// Goes on when the call failed with one of these classes.
    @discardableResult
    func gives(_ codes: DeviceError.Code..., when what: String) throws -> Answer {
        if isMissing { throw CaseEnd.absent("The table has no \(function).") }
        guard codes.contains(where: { $0.rawValue == code }) else {
            let wanted = codes.map { ErrorNames.name($0.rawValue) }.joined(separator: " or ")
            throw CaseEnd.failed(
                "\(function) \(what) gives \(ErrorNames.name(code)), and should give \(wanted).")
        }
        return self
    }

    /// Goes on when the call failed in whatever class.
    func fails(when what: String) throws {
        if isMissing { throw CaseEnd.absent("The table has no \(function).") }
        guard code < 0 else { throw CaseEnd.failed("\(function) \(what) gives success.") }
    }
}

/// What a call made, and what it answered.
struct Made: Sendable {
    var answer: Answer
    var handle: Handle

    /// The handle, when the call succeeded and gave one.
    func made(_ what: String = "") throws -> Handle {
        try answer.done(what)
        guard handle != .null else {
            throw CaseEnd.failed("\(answer.function) reports success and gives nothing.")
        }
        return handle
    }

    func gives(_ codes: DeviceError.Code..., when what: String) throws {
        if answer.isMissing { throw CaseEnd.absent("The table has no \(answer.function).") }
        guard codes.contains(where: { $0.rawValue == answer.code }) else {
            let wanted = codes.map { ErrorNames.name($0.rawValue) }.joined(separator: " or ")
            throw CaseEnd.failed(
                "\(answer.function) \(what) gives \(ErrorNames.name(answer.code)), and should give \(wanted)."
            )
        }
        guard handle == .null else {
            throw CaseEnd.failed("\(answer.function) \(what) fails, and writes a result all the same.")
        }
    }
}
