internal import AcceleratorAPI
internal import CHengAccelerator
internal import ComputeGraph
internal import Essentials
internal import KernelInterface
internal import ONNXImport

#if canImport(Glibc)
internal import Glibc
#endif

/// What a caller says about a model, read from `heng_model_arguments` with every pointer checked.
@safe struct ModelRequest {
    /// Where the model lies.
    enum Place {
        case file(String)
        case memory([UInt8])
    }

    var place: Place?
    /// The types of the inputs, where the caller gives them.
    var types: [TensorType] = []
    /// Memory of the caller's for the weights and for what is between; of size 0 where there is none.
    var weights: heng_range
    var working: heng_range
    /// What the results must meet beyond the operators' meaning.
    var demand = Arithmetic()
    let operation: StaticString

    /// A request that says nothing.
    init(_ operation: StaticString) {
        self.operation = operation
        unsafe weights = unsafe heng_range()
        unsafe working = unsafe heng_range()
    }

    init(_ arguments: UnsafePointer<heng_model_arguments>?, _ operation: StaticString) throws {
        self.operation = operation
        guard let full = unsafe StructCrossing.read(arguments, zero: heng_model_arguments()) else {
            throw failure(
                .invalidArgument, "\(operation)", "The model's arguments are null or have no struct_size.")
        }
        if let kind = unsafe StructCrossing.unknownMandatory(after: full.header) {
            throw failure(
                .unsupported, "\(operation)",
                "The mandatory extension \(kind & ~HENG_KIND_MUST_UNDERSTAND) is not known here.")
        }
        unsafe weights = full.weights
        unsafe working = full.working
        if let path = unsafe full.path {
            place = unsafe .file(String(cString: path))
        } else if let bytes = unsafe full.bytes {
            place = unsafe .memory(
                Array(UnsafeRawBufferPointer(start: bytes, count: Int(clamping: full.size))))
        }
        demand = try unsafe Arithmetic(
            determinism: full.determinism, accumulation: full.accumulation, operation)
        guard unsafe full.input_count == 0 || full.inputs != nil else {
            throw failure(.modelAttribute, "\(operation)", "Shapes are counted, and there are none.")
        }
        for index in 0..<Int(unsafe full.input_count) {
            types.append(try unsafe type(full.inputs[index], index))
        }
    }

    private func type(
        _ given: UnsafePointer<heng_tensor_description>?, _ index: Int
    ) throws -> TensorType {
        guard let full = unsafe StructCrossing.read(given, zero: heng_tensor_description()),
            let element = unsafe ElementType(rawValue: full.type)
        else {
            throw failure(.modelAttribute, "\(operation)", "Input \(index) is described without a type.")
        }
        guard unsafe full.rank <= HENG_RANK_LIMIT, unsafe full.rank == 0 || full.dims != nil else {
            throw failure(.modelDynamic, "\(operation)", "Input \(index) is described without a shape.")
        }
        let extents = unsafe (0..<Int(full.rank)).map { unsafe Int(full.dims[$0]) }
        guard !extents.contains(where: { $0 < 0 }) else {
            throw failure(.modelDynamic, "\(operation)", "Input \(index) has an extent that is not known.")
        }
        do { return TensorType(element, try Shape(checking: extents)) } catch {
            throw failure(.modelAttribute, "\(operation)", "Input \(index): \(error.summary)")
        }
    }

    /// Three quarters of the machine's memory: models come from anywhere.
    static let limits = ModelLimits(
        memory: sysconf(Int32(_SC_PHYS_PAGES)) * sysconf(Int32(_SC_PAGESIZE)) / 4 * 3)
}
