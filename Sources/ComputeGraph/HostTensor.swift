/// A dense row-major tensor in host memory, copied on write.
///
/// This is the currency of reference implementations, weights, data sets and tests. The hot path does not use it:
/// an executable works on device buffers.
package struct HostTensor: Sendable {
    package let type: TensorType
    private var storage: Storage

    /// A tensor of zeros.
    ///
    /// Strings are empty ones.
    package init(zeros type: TensorType) {
        self.type = type
        let strings = type.element == .string ? [String](repeating: "", count: type.shape.count) : []
        storage = Storage(byteCount: type.byteCount, strings: strings)
    }

    package init(_ type: TensorType, floats: [Float]) {
        self.init(zeros: type)
        precondition(
            type.element == .float32 && floats.count == type.shape.count, "values do not fit \(type)")
        withMutableElements(Float.self) { elements in
            for index in floats.indices { elements[index] = floats[index] }
        }
    }

    package init(_ type: TensorType, integers: [Int64]) {
        self.init(zeros: type)
        precondition(
            type.element == .int64 && integers.count == type.shape.count, "values do not fit \(type)")
        withMutableElements(Int64.self) { elements in
            for index in integers.indices { elements[index] = integers[index] }
        }
    }

    package init(_ type: TensorType, strings: [String]) {
        precondition(
            type.element == .string && strings.count == type.shape.count, "values do not fit \(type)")
        self.type = type
        storage = Storage(strings: strings)
    }

    /// A tensor of memory that another object keeps, readable as long as that lives.
    ///
    /// The first write copies it.
    package init(_ type: TensorType, sharing start: UnsafeRawPointer, ownedBy owner: any AnyObject & Sendable)
    {
        self.type = type
        storage = unsafe Storage(sharing: start, byteCount: type.byteCount, owner: owner)
    }

    private init(_ type: TensorType, storage: Storage) {
        self.type = type
        self.storage = storage
    }

    package static func scalar(_ value: Float) -> HostTensor {
        HostTensor(TensorType(.float32, []), floats: [value])
    }

    /// The elements of a float32 tensor as an array.
    package var floats: [Float] { elements(Float.self) }
    /// The elements of an int64 tensor as an array.
    package var integers: [Int64] { elements(Int64.self) }

    /// The elements of a string tensor.
    package var strings: [String] { storage.strings }

    /// Copies the elements out.
    ///
    /// `Element` must have the size of the tensor's element type.
    package func elements<Element: BitwiseCopyable>(_ element: Element.Type) -> [Element] {
        withElements(element) { span in
            unsafe [Element](unsafeUninitializedCapacity: span.count) { buffer, count in
                for index in span.indices { unsafe buffer.initializeElement(at: index, to: span[index]) }
                count = span.count
            }
        }
    }

    /// Lends the elements for reading.
    ///
    /// `Element` must have the size of the tensor's element type.
    package func withElements<Element: BitwiseCopyable, Result: ~Copyable>(
        _ element: Element.Type, _ body: (Span<Element>) throws -> Result
    ) rethrows -> Result {
        precondition(
            MemoryLayout<Element>.size == type.element.size, "\(element) is not the element of \(type)")
        let pointer = unsafe UnsafeBufferPointer(
            start: storage.base.assumingMemoryBound(to: element), count: type.shape.count)
        return try unsafe body(Span(_unsafeElements: pointer))
    }

    /// Lends the elements for writing; a shared tensor is copied first.
    package mutating func withMutableElements<Element: BitwiseCopyable, Result: ~Copyable>(
        _ element: Element.Type, _ body: (inout MutableSpan<Element>) throws -> Result
    ) rethrows -> Result {
        precondition(
            MemoryLayout<Element>.size == type.element.size, "\(element) is not the element of \(type)")
        makeUnique()
        let pointer = unsafe UnsafeMutableBufferPointer(
            start: storage.base.assumingMemoryBound(to: element), count: type.shape.count)
        var span = unsafe MutableSpan(_unsafeElements: pointer)
        return try body(&span)
    }

    /// Lends the bytes, for copying to and from devices and files.
    package func withBytes<Result: ~Copyable>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows
        -> Result
    {
        try unsafe body(UnsafeRawBufferPointer(start: storage.base, count: type.byteCount))
    }

    /// Lends the bytes for writing; a shared tensor is copied first.
    package mutating func withMutableBytes<Result: ~Copyable>(
        _ body: (UnsafeMutableRawBufferPointer) throws -> Result
    ) rethrows -> Result {
        makeUnique()
        return try unsafe body(UnsafeMutableRawBufferPointer(start: storage.base, count: type.byteCount))
    }

    private mutating func makeUnique() {
        if !isKnownUniquelyReferenced(&storage) || storage.owner != nil {
            storage = Storage(copying: storage)
        }
    }
}

extension HostTensor {
    /// The same elements under another shape of equal count; they share memory until one is written to.
    package func reshaped(to shape: Shape) -> HostTensor {
        precondition(shape.count == type.shape.count, "\(shape) does not hold the elements of \(type)")
        return HostTensor(TensorType(type.element, shape), storage: storage)
    }
}

/// Owns 64-byte-aligned memory.
///
/// Unchecked because the memory is only written through a unique reference.
@safe private final class Storage: @unchecked Sendable {
    let base: UnsafeMutableRawPointer
    private let byteCount: Int

    /// The elements of a tensor of strings; empty for all others.
    let strings: [String]

    /// Who keeps the memory; nil where this object does.
    let owner: (any AnyObject & Sendable)?

    init(byteCount: Int, strings: [String] = []) {
        owner = nil
        self.byteCount = byteCount
        self.strings = strings
        unsafe base = .allocate(byteCount: max(byteCount, 64), alignment: 64)
        unsafe base.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
    }

    init(sharing start: UnsafeRawPointer, byteCount: Int, owner: any AnyObject & Sendable) {
        self.byteCount = byteCount
        self.owner = owner
        strings = []
        unsafe base = UnsafeMutableRawPointer(mutating: start)
    }

    convenience init(strings: [String]) { self.init(byteCount: 0, strings: strings) }

    init(copying other: Storage) {
        owner = nil
        byteCount = other.byteCount
        strings = other.strings
        unsafe base = .allocate(byteCount: max(byteCount, 64), alignment: 64)
        unsafe base.copyMemory(from: other.base, byteCount: byteCount)
    }

    deinit {
        if owner == nil { unsafe base.deallocate() }
    }
}
