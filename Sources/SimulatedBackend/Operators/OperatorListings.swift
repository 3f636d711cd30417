internal import AcceleratorAPI
internal import CHengAccelerator
internal import ComputeGraph
internal import KernelInterface

/// The operators that devices list.
@safe struct OperatorListings: @unchecked Sendable {
    // Unchecked: the C strings are written once and never freed.
    private static let all: [OperatorListings] = OperatorCrossing.registry.schemas.compactMap {
        OperatorListings($0)
    }

    let name: String
    let raw: heng_operator_listing

    /// Nil for operators that no description can hold: those with graphs inside, and those without tensors.
    private init?(_ schema: OperatorSchema) {
        let elements = schema.inputs.first?.types ?? .tensors
        guard !schema.attributes.contains(where: { $0.kind.hasPrefix("graph") }),
            !elements.elementTypes.isEmpty,
            schema.outputs.contains(where: { !$0.types.elementTypes.isEmpty })
        else { return nil }
        name = schema.name
        var raw = unsafe heng_operator_listing()
        unsafe raw.domain = cString(schema.domain.rawValue)
        unsafe raw.name = cString(schema.name)
        unsafe raw.since = Int32(schema.since)
        unsafe raw.types = OperatorListings.mask(elements.elementTypes)
        unsafe self.raw = unsafe raw
    }

    private static func mask(_ types: [ElementType]) -> UInt64 {
        types.filter { $0 != .string }.reduce(0) { $0 | 1 << UInt64($1.rawValue) }
    }

    static func entry(_ index: UInt32, of device: SimulatedDevice) throws(DeviceError)
        -> heng_operator_listing
    {
        let allowed = device.settings.types.map { mask(Array($0)) } ?? .max
        let own = all.filter {
            unsafe device.settings.operators.contains($0.name) && $0.raw.types & allowed != 0
        }
        guard index < own.count else {
            throw DeviceError(
                .outOfRange, operation: "operator_list", text: "\(device.name) lists \(own.count) operators.")
        }
        var entry = unsafe own[Int(index)].raw
        unsafe entry.types &= allowed
        return unsafe entry
    }
}
