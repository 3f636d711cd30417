internal import AcceleratorAPI
internal import CHengAccelerator

/// Owns what a struct of a call points to, for as long as the call takes.
@safe final class CallMemory {
    private var owned: [UnsafeMutableRawPointer] = unsafe []

    deinit { while let place = unsafe owned.popLast() { unsafe place.deallocate() } }

    private func place<Value>(_ values: [Value]) -> UnsafeMutablePointer<Value> {
        let raw = UnsafeMutableRawPointer.allocate(
            byteCount: max(1, values.count * MemoryLayout<Value>.stride), alignment: 16)
        unsafe owned.append(raw)
        let place = unsafe raw.bindMemory(to: Value.self, capacity: values.count)
        unsafe place.initialize(from: values, count: values.count)
        return unsafe place
    }

    func text(_ text: String) -> UnsafePointer<CChar> { unsafe UnsafePointer(place(Array(text.utf8CString))) }

    func bytes(_ bytes: [UInt8]) -> UnsafeRawPointer { unsafe UnsafeRawPointer(place(bytes)) }

    func numbers(_ numbers: [UInt32]) -> UnsafePointer<UInt32> { unsafe UnsafePointer(place(numbers)) }

    /// A further struct of a chain that is only a header.
    func link(_ kind: UInt32) -> UnsafeRawPointer {
        unsafe UnsafeRawPointer(
            place([
                heng_header(
                    struct_size: UInt32(MemoryLayout<heng_header>.size), struct_kind: kind, next: nil)
            ]))
    }

    func tensor(_ shape: TensorShape) -> UnsafePointer<heng_tensor_description>? {
        var raw = unsafe heng_tensor_description()
        unsafe raw.header = StructCrossing.header(
            HENG_KIND_TENSOR_DESCRIPTION, of: heng_tensor_description.self)
        unsafe raw.type = shape.type
        unsafe raw.format = shape.format
        unsafe raw.placement = shape.placement
        unsafe raw.rank = shape.rank ?? UInt32(shape.dims.count)
        unsafe raw.dims = UnsafePointer(place(shape.dims))
        if let name = shape.name { unsafe raw.name = text(name) }
        if let constant = shape.constant {
            unsafe raw.constant = bytes(constant)
            unsafe raw.constant_size = UInt64(constant.count)
        }
        return unsafe UnsafePointer(place([raw]))
    }

    func attribute(_ name: String, _ value: Int64) -> UnsafePointer<heng_attribute>? {
        var raw = unsafe heng_attribute()
        unsafe raw.header = StructCrossing.header(HENG_KIND_ATTRIBUTE, of: heng_attribute.self)
        unsafe raw.name = text(name)
        unsafe raw.kind = Int32(HENG_ATTRIBUTE_INT)
        unsafe raw.data = UnsafeRawPointer(place([value]))
        unsafe raw.count = 1
        return unsafe UnsafePointer(place([raw]))
    }

    func list<Value>(_ values: [UnsafePointer<Value>?]) -> UnsafePointer<UnsafePointer<Value>?> {
        unsafe UnsafePointer(place(values))
    }
}
