internal import AcceleratorAPI
internal import CHengAccelerator
internal import ComputeGraph

/// Memory for C structs that describe one call: it grows while a description is made, and is freed as one.
@safe final class CrossingMemory {
    private var places: [UnsafeMutableRawPointer] = unsafe []
    /// Tensors whose bytes the structs point to.
    private var tensors: [HostTensor] = []

    deinit {
        for index in unsafe places.indices { unsafe places[index].deallocate() }
    }

    /// A copy of the elements; nil for none.
    func array<Element>(_ elements: [Element]) -> UnsafePointer<Element>? {
        guard !elements.isEmpty else { return nil }
        let place = UnsafeMutablePointer<Element>.allocate(capacity: elements.count)
        unsafe place.initialize(from: elements, count: elements.count)
        unsafe places.append(UnsafeMutableRawPointer(place))
        return unsafe UnsafePointer(place)
    }

    /// A copy of one struct.
    func value<Value: BitwiseCopyable>(_ value: Value) -> UnsafePointer<Value> {
        let place = UnsafeMutablePointer<Value>.allocate(capacity: 1)
        unsafe place.initialize(to: value)
        unsafe places.append(UnsafeMutableRawPointer(place))
        return unsafe UnsafePointer(place)
    }

    /// A C string.
    func text(_ text: String) -> UnsafePointer<CChar> {
        guard let place = unsafe array(Array(text.utf8CString)) else {
            preconditionFailure("a C string has at least its end")
        }
        return unsafe place
    }

    /// The bytes of a tensor, which is kept as long as this object.
    ///
    /// The address leaves its closure: a tensor's storage never moves, and nobody writes to this copy.
    func bytes(of tensor: HostTensor) -> UnsafeRawPointer? {
        tensors.append(tensor)
        return unsafe tensor.withBytes { $0.baseAddress }
    }
}

extension CrossingMemory {
    /// A tensor's description; with `constant`, its bytes too.
    func description(
        of type: TensorType, name: String? = nil, constant: HostTensor? = nil
    ) -> UnsafePointer<heng_tensor_description> {
        var description = unsafe heng_tensor_description()
        unsafe description.header = StructCrossing.header(
            HENG_KIND_TENSOR_DESCRIPTION, of: heng_tensor_description.self)
        unsafe description.type = type.element.rawValue
        unsafe description.format = Int32(HENG_FORMAT_ND)
        unsafe description.placement = Int32(HENG_PLACE_DEVICE)
        unsafe description.rank = UInt32(type.shape.rank)
        unsafe description.dims = unsafe array(type.shape.extents.map(Int64.init))
        unsafe description.name = name.map { unsafe text($0) }
        if let constant {
            unsafe description.constant = unsafe bytes(of: constant)
            unsafe description.constant_size = UInt64(constant.type.byteCount)
        }
        return unsafe value(description)
    }

    /// An attribute in the table's form; nil for one that does not cross.
    func attribute(_ name: String, _ attribute: Attribute) -> UnsafePointer<heng_attribute>? {
        var crossed = unsafe heng_attribute()
        unsafe crossed.header = StructCrossing.header(HENG_KIND_ATTRIBUTE, of: heng_attribute.self)
        unsafe crossed.name = unsafe text(name)
        let (kind, data, count): (Int, UnsafeRawPointer?, Int)
        switch attribute {
        case .int(let number):
            unsafe (kind, data, count) = (
                HENG_ATTRIBUTE_INT, UnsafeRawPointer(value(Int64(number))), 1
            )
        case .float(let number):
            unsafe (kind, data, count) = (HENG_ATTRIBUTE_FLOAT, UnsafeRawPointer(value(number)), 1)
        case .string(let string):
            unsafe (kind, data, count) = (
                HENG_ATTRIBUTE_STRING, UnsafeRawPointer(text(string)), string.utf8.count
            )
        case .ints(let numbers):
            unsafe (kind, data, count) = (
                HENG_ATTRIBUTE_INTS, array(numbers.map(Int64.init)).map { unsafe UnsafeRawPointer($0) },
                numbers.count
            )
        case .floats(let numbers):
            unsafe (kind, data, count) = (
                HENG_ATTRIBUTE_FLOATS, array(numbers).map { unsafe UnsafeRawPointer($0) }, numbers.count
            )
        case .strings(let strings):
            let texts = unsafe strings.map { unsafe Optional(text($0)) }
            unsafe (kind, data, count) = (
                HENG_ATTRIBUTE_STRINGS, array(texts).map { unsafe UnsafeRawPointer($0) }, strings.count
            )
        case .tensor(let tensor):
            guard tensor.type.element != .string else { return nil }
            unsafe (kind, data, count) = (
                HENG_ATTRIBUTE_TENSOR,
                UnsafeRawPointer(description(of: tensor.type, constant: tensor)), 1
            )
        case .graph, .type, .tensors, .graphs: return nil
        }
        unsafe crossed.kind = Int32(kind)
        unsafe crossed.data = unsafe data
        unsafe crossed.count = UInt64(count)
        return unsafe value(crossed)
    }
}
