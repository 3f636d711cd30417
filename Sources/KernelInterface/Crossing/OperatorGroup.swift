package import AcceleratorAPI
internal import CHengAccelerator
internal import Essentials

/// The operators of a device, as its table offers them: the group's functions with our size and thrown errors.
@safe package final class OperatorGroup: @unchecked Sendable {
    // Unchecked: the functions are copied once and never change; the header lets any thread call them.
    package let device: Device
    let functions: heng_operator_table
    /// Owns what prepared operators keep; made when the first is prepared.
    let context: DeviceContext

    /// The group of a device's backend; nil where it has none.
    package init?(of device: Device) throws(DeviceError) {
        guard let table = unsafe OperatorGroup.functions(of: device) else { return nil }
        unsafe functions = unsafe table
        self.device = device
        context = try device.makeContext()
    }

    private static func functions(of device: Device) -> heng_operator_table? {
        guard let found = unsafe device.table.group(HENG_KIND_OPERATOR_TABLE) else { return nil }
        let typed = unsafe UnsafeRawPointer(found).assumingMemoryBound(to: heng_operator_table.self)
        let full = unsafe StructCrossing.read(typed, zero: heng_operator_table())
        guard let full = unsafe full, unsafe full.operator_supports != nil,
            unsafe full.operator_prepare != nil,
            unsafe full.operator_execute != nil, unsafe full.operator_destroy != nil
        else { return nil }
        return unsafe full
    }
}

/// An operator as a device lists it.
package struct ListedOperator: Hashable, Sendable, Codable {
    package var domain: String
    package var name: String
    /// The versions of the operator set that it serves; nil means no end.
    package var since: Int
    package var until: Int?
    /// The element types of the first input, by ONNX's numbers.
    package var types: [Int]
    package var isTrainable: Bool
    /// Whether it is a fused form with a name of the maker's own.
    package var isPattern: Bool
}

extension OperatorGroup {
    /// What the device offers; empty where it does not list it.
    package func list() throws(DeviceError) -> [ListedOperator] {
        guard let function = unsafe functions.operator_list else { return [] }
        var operators: [ListedOperator] = []
        // A list without an end must not keep us here.
        for index in 0..<UInt32(100_000) {
            var raw = unsafe heng_operator_listing()
            unsafe raw.header = StructCrossing.header(
                HENG_KIND_OPERATOR_LISTING, of: heng_operator_listing.self)
            var error: OpaquePointer?
            let status = unsafe function(device.handle, index, &raw, &error)
            if status == DeviceError.Code.outOfRange.rawValue {
                unsafe device.table.functions.pointee.error_destroy?(error)
                return operators
            }
            try unsafe device.table.check(status, error, "operator_list")
            operators.append(unsafe ListedOperator(raw))
        }
        return operators
    }

    /// Why the device does not take the call; nil when it does.
    package func refusal(for call: CrossedCall) throws(DeviceError) -> Refusal? {
        var raw = unsafe heng_refusal()
        unsafe raw.header = StructCrossing.header(HENG_KIND_REFUSAL, of: heng_refusal.self)
        var error: OpaquePointer?
        guard let function = unsafe functions.operator_supports else { return "It has no operators." }
        let status = unsafe function(device.handle, call.description, &raw, &error)
        guard status == DeviceError.Code.unsupported.rawValue else {
            try unsafe device.table.check(status, error, "operator_supports")
            return nil
        }
        let text = unsafe withUnsafeBytes(of: raw.text) { bytes in
            unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        let kind = unsafe Refusal.Kind(rawValue: raw.reason) ?? .other
        guard text.isEmpty else {
            unsafe device.table.functions.pointee.error_destroy?(error)
            return Refusal(kind, text)
        }
        do throws(DeviceError) { try unsafe device.table.check(status, error, "operator_supports") } catch {
            return Refusal(kind, error.text)
        }
        return Refusal(kind, "It gives no reason.")
    }
}

extension ListedOperator {
    init(_ raw: heng_operator_listing) {
        func text(_ pointer: UnsafePointer<CChar>?) -> String {
            unsafe pointer.map { unsafe String(cString: $0) } ?? ""
        }
        let types = unsafe raw.types
        self = unsafe ListedOperator(
            domain: text(raw.domain), name: text(raw.name), since: Int(raw.since),
            until: raw.until == 0 ? nil : Int(raw.until),
            types: (0..<64).filter { types & (1 << UInt64($0)) != 0 }, isTrainable: raw.trainable != 0,
            isPattern: raw.pattern != 0)
    }
}
