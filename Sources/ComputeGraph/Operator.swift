internal import Essentials

/// What a node computes: attributes, shape rule, reference implementation, gradient and exactness class.
///
/// One operator is one file under `Operators/`. The struct's fields are the attributes; names and meanings follow
/// ONNX where ONNX has the operator. Adding one needs nothing else here: kernels for a device are looked up by
/// `name`, and the reference implementation serves where a device has none.
package protocol Operator: Hashable, Sendable {
    /// The name in the field's standard spelling: `MatMul`, `Softmax`.
    static var name: String { get }

    /// The types of the outputs, or a sentence on why these inputs do not fit.
    func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType]

    /// Computes the outputs plainly, in double precision inside, as the truth that kernels are compared with.
    ///
    /// Inputs have passed `outputTypes`.
    func reference(_ inputs: [HostTensor]) -> [HostTensor]

    /// Whether `gradient` has a rule.
    static var hasGradient: Bool { get }

    /// Adds nodes that compute the gradient of the loss by each input, nil where an input has none.
    ///
    /// `outputGradients` holds nil for outputs that the loss does not depend on. The default says that the
    /// operator cannot be differentiated.
    func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?]

    /// How close a correct kernel must come to the reference for these input types.
    func exactness(for inputs: [TensorType]) -> Exactness

    /// The call for a node of these types in a model file; nil where files have no such operator.
    func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall?

    /// Adds nodes of operators that model files have and that compute the same; nil where there are none.
    ///
    /// Asked only where `written` gives no call.
    func expanded(_ inputs: [ValueID], in builder: inout GraphBuilder) throws(GraphError) -> [ValueID]?

    /// The floating-point operations of one execution, for rooflines; multiply and add count as two.
    func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int
}

extension Operator {
    package var name: String { Self.name }
    package static var hasGradient: Bool { false }

    package func gradient(
        of node: Node, outputGradients: [ValueID?], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID?] {
        throw .notDifferentiable(operator: Self.name)
    }

    package func expanded(
        _ inputs: [ValueID], in builder: inout GraphBuilder
    ) throws(GraphError) -> [ValueID]? { nil }

    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int {
        outputs.reduce(0) { $0 + $1.shape.count }
    }
}

/// How close a correct result must come to the reference.
///
/// Every comparison in tests and tools uses it.
package enum Exactness: Hashable, Sendable {
    /// Bit for bit: data movement and integers.
    case exact
    /// Each element within `absolute + relative * |reference|`.
    case within(relative: Double, absolute: Double)

    /// Rounding of one or a few float32 operations per element.
    package static let rounding = Exactness.within(relative: 1e-5, absolute: 1e-6)

    /// Sums of `terms` float32 products in any order: the error of random rounding grows as the square root.
    package static func accumulated(terms: Int) -> Exactness {
        let root = Double(max(terms, 1)).squareRoot()
        return .within(relative: 1e-5 * max(1, root / 8), absolute: 1e-6 * max(1, root))
    }
}

/// Why a graph cannot be built, differentiated or run.
package enum GraphError: ReportableError, Hashable {
    case shapeMismatch(operator: String, reason: String)
    case notDifferentiable(operator: String)
    case unknownValue(ValueID)
    case notOneNumber(name: String, type: TensorType)
    case missingParameter(name: String)
    case wrongType(name: String, wanted: TensorType, given: TensorType)
    case wrongInputCount(wanted: Int, given: Int)
    case impossibleShape([Int])
    /// A shape depends on a value that only a run can tell.
    case valueNeeded(name: String)
    case tooLarge(name: String, type: TensorType, limit: Int)
    case failed(String)

    package var summary: String {
        switch self {
        case .shapeMismatch(let name, let reason): "\(name): \(reason)."
        case .notDifferentiable(let name): "\(name) has no gradient rule."
        case .unknownValue(let id): "Value \(id.index) is not in this graph."
        case .notOneNumber(let name, let type):
            "Only the gradient of one number can be taken; \(name) is \(type)."
        case .missingParameter(let name): "No value was given for the parameter \(name)."
        case .wrongType(let name, let wanted, let given): "\(name) is \(wanted), but \(given) was given."
        case .impossibleShape(let extents):
            "The extents \(extents) are not a shape: extents are not negative, and their product is at most "
                + "\(Shape.maximalCount)."
        case .valueNeeded(let name): "The value of \(name) is known only when the model runs."
        case .tooLarge(let name, let type, let limit):
            "\(name) is \(type), \(type.byteCount) bytes, and the limit is \(limit)."
        case .failed(let sentence): sentence
        case .wrongInputCount(let wanted, let given): "The graph takes \(wanted) inputs; \(given) were given."
        }
    }
}
