internal import AcceleratorAPI
internal import CHengAccelerator
internal import ComputeGraph

/// Descriptions of tensors and their names for callers in C, alive as long as this object.
@safe final class TensorTexts: @unchecked Sendable {
    // Unchecked: written only while it is made.
    private var places: [UnsafeMutableRawPointer] = unsafe []

    deinit {
        while let place = unsafe places.popLast() { unsafe place.deallocate() }
    }

    func text(_ text: String) -> UnsafePointer<CChar> {
        unsafe array(Array(text.utf8CString))
    }

    func array<Element>(_ elements: [Element]) -> UnsafePointer<Element> {
        let place = UnsafeMutablePointer<Element>.allocate(capacity: max(1, elements.count))
        for (index, element) in elements.enumerated() {
            unsafe (place + index).initialize(to: element)
        }
        unsafe places.append(UnsafeMutableRawPointer(place))
        return unsafe UnsafePointer(place)
    }

    /// A description; a nil shape is not known at all, a nil extent not yet.
    func tensor(name: String, element: ElementType?, shape: [Int?]?) -> UnsafePointer<heng_tensor_description>
    {
        var full = unsafe heng_tensor_description()
        unsafe full.header = StructCrossing.header(
            HENG_KIND_TENSOR_DESCRIPTION, of: heng_tensor_description.self)
        unsafe full.type = element?.rawValue ?? 0
        unsafe full.format = Int32(HENG_FORMAT_ND)
        unsafe full.placement = Int32(HENG_PLACE_DEVICE)
        unsafe full.rank = shape.map { UInt32($0.count) } ?? HENG_RANK_UNKNOWN
        unsafe full.dims = unsafe array((shape ?? []).map { $0.map { Int64($0) } ?? Int64(HENG_DIM_UNKNOWN) })
        unsafe full.name = unsafe text(name)
        return unsafe array([full])
    }

    func tensor(name: String, _ type: TensorType) -> UnsafePointer<heng_tensor_description> {
        unsafe tensor(name: name, element: type.element, shape: type.shape.extents.map { $0 })
    }
}
