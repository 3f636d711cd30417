/// The interface of an operator: its parameters with name, direction, types, meaning and limits.
///
/// This is our reading of R069-02 of GB/T 46069; `Documentation/operators.md` is written from it. It holds what is
/// true for all versions taken together; what differs by version is in `build`.
package struct OperatorSchema: Sendable {
    package let name: String
    package let domain: Domain
    /// The first version of the operator set that has it.
    package let since: Int
    /// One sentence on what it computes.
    package let summary: String
    package let inputs: [Parameter]
    package let outputs: [Parameter]
    package let attributes: [AttributeParameter]

    package init(
        _ name: String, domain: Domain = .onnx, since: Int = 1, _ summary: String,
        inputs: [Parameter], outputs: [Parameter], attributes: [AttributeParameter] = []
    ) {
        self.name = name
        self.domain = domain
        self.since = since
        self.summary = summary
        self.inputs = inputs
        self.outputs = outputs
        self.attributes = attributes
    }

    /// The operator sets that model files name.
    package enum Domain: String, Sendable, CaseIterable {
        case onnx = ""
        case machineLearning = "ai.onnx.ml"
        case preview = "ai.onnx.preview"
        case training = "ai.onnx.preview.training"
        /// What GB/T 46069 asks for, in our reading, and ONNX does not have.
        case heng = "ai.heng"
    }

    /// An input or an output.
    package struct Parameter: Sendable {
        package let name: String
        package let types: TypeSet
        package let presence: Presence
        package let meaning: String

        package enum Presence: Hashable, Sendable {
            case required
            case optional
            /// Zero or more, all that remain.
            case variadic
        }
    }

    /// An attribute with its default, if it has one.
    package struct AttributeParameter: Sendable {
        package let name: String
        package let kind: String
        package let defaultValue: Attribute?
        package let isRequired: Bool
        package let meaning: String
    }

    func inputName(_ index: Int) -> String {
        guard let parameter = index < inputs.count ? inputs[index] : inputs.last else { return "\(index)" }
        return parameter.presence == .variadic ? "\(parameter.name)[\(index)]" : parameter.name
    }

    func defaultValue(of name: String) -> Attribute? {
        attributes.first { $0.name == name }?.defaultValue
    }
}

extension OperatorSchema.Parameter {
    package static func required(_ name: String, _ types: TypeSet, _ meaning: String) -> Self {
        Self(name: name, types: types, presence: .required, meaning: meaning)
    }
    package static func optional(_ name: String, _ types: TypeSet, _ meaning: String) -> Self {
        Self(name: name, types: types, presence: .optional, meaning: meaning)
    }
    package static func variadic(_ name: String, _ types: TypeSet, _ meaning: String) -> Self {
        Self(name: name, types: types, presence: .variadic, meaning: meaning)
    }
}

extension OperatorSchema.AttributeParameter {
    package static func int(_ name: String, _ defaultValue: Int? = nil, _ meaning: String) -> Self {
        Self(name, "integer", defaultValue.map(Attribute.int), meaning)
    }
    package static func float(_ name: String, _ defaultValue: Double? = nil, _ meaning: String) -> Self {
        Self(name, "float", defaultValue.map(Attribute.float), meaning)
    }
    package static func string(_ name: String, _ defaultValue: String? = nil, _ meaning: String) -> Self {
        Self(name, "string", defaultValue.map(Attribute.string), meaning)
    }
    package static func ints(_ name: String, _ defaultValue: [Int]? = nil, _ meaning: String) -> Self {
        Self(name, "integers", defaultValue.map(Attribute.ints), meaning)
    }
    package static func floats(_ name: String, _ defaultValue: [Double]? = nil, _ meaning: String) -> Self {
        Self(name, "floats", defaultValue.map(Attribute.floats), meaning)
    }
    package static func strings(_ name: String, _ defaultValue: [String]? = nil, _ meaning: String) -> Self {
        Self(name, "strings", defaultValue.map(Attribute.strings), meaning)
    }
    package static func tensor(_ name: String, _ meaning: String) -> Self {
        Self(name, "tensor", nil, meaning)
    }
    package static func graph(_ name: String, _ meaning: String) -> Self { Self(name, "graph", nil, meaning) }
    package static func type(_ name: String, _ meaning: String) -> Self { Self(name, "type", nil, meaning) }

    /// The same attribute, which every call must give.
    package var required: Self {
        Self(name: name, kind: kind, defaultValue: nil, isRequired: true, meaning: meaning)
    }

    private init(_ name: String, _ kind: String, _ defaultValue: Attribute?, _ meaning: String) {
        self.init(name: name, kind: kind, defaultValue: defaultValue, isRequired: false, meaning: meaning)
    }
}

/// The kinds of values that a parameter takes: element types of tensors, and what is no tensor.
package struct TypeSet: OptionSet, Hashable, Sendable {
    package let rawValue: UInt64
    package init(rawValue: UInt64) { self.rawValue = rawValue }
    package init(_ element: ElementType) { rawValue = 1 << UInt64(element.rawValue) }
    private init(_ elements: [ElementType]) { self.init(elements.map { TypeSet($0) }) }

    package func contains(_ element: ElementType) -> Bool { contains(TypeSet(element)) }

    /// float16, bfloat16, float32, float64.
    package static let floats = TypeSet([ElementType.float16, .bfloat16, .float32, .float64])
    /// All floats of 8 and fewer bits.
    package static let smallFloats = TypeSet([
        ElementType.float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float8e8m0, .float4e2m1,
    ])
    package static let signed = TypeSet([ElementType.int8, .int16, .int32, .int64])
    package static let unsigned = TypeSet([ElementType.uint8, .uint16, .uint32, .uint64])
    /// Integers of 8 and more bits.
    package static let integers: TypeSet = [.signed, .unsigned]
    /// int2, uint2, int4, uint4.
    package static let smallIntegers = TypeSet([ElementType.int2, .uint2, .int4, .uint4])
    package static let numbers: TypeSet = [.floats, .integers]
    package static let bool = TypeSet(ElementType.bool)
    package static let string = TypeSet(ElementType.string)
    package static let complex = TypeSet([ElementType.complex64, .complex128])
    /// int32 and int64.
    package static let indices = TypeSet([ElementType.int32, .int64])
    package static let int64 = TypeSet(ElementType.int64)
    package static let float32 = TypeSet(ElementType.float32)
    /// Tensors of every element type.
    package static let tensors: TypeSet = [
        .numbers, .bool, .string, .complex, .smallFloats, .smallIntegers,
    ]
    package static let sequence = TypeSet(rawValue: 1 << 40)
    package static let optional = TypeSet(rawValue: 1 << 41)
    package static let map = TypeSet(rawValue: 1 << 42)
    /// Values of every kind.
    package static let anything: TypeSet = [.tensors, .sequence, .optional, .map]

    package var elementTypes: [ElementType] { ElementType.allCases.filter(contains) }
}
