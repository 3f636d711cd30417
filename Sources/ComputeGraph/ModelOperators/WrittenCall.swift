/// A call of an operator as a model file holds it: the way back from `ModelOperator.build`.
package struct WrittenCall: Sendable {
    package var name: String
    package var domain: OperatorSchema.Domain
    /// The first version of the operator set that has the call in this form.
    package var since: Int
    package var attributes: [String: Attribute]
    package var inputs: [Input]
    /// The node's output at each place of the call, nil for one that it does not have; without it all in order.
    package var outputs: [Int?]?

    /// Where an input of the call comes from.
    package enum Input: Sendable {
        /// The node's input of this index.
        case operand(Int)
        /// A value that the operator holds as an attribute and the file as an input.
        case constant(HostTensor)
        case omitted
    }

    package init(
        _ schema: OperatorSchema, since: Int? = nil, attributes: [String: Attribute] = [:], inputs: [Input]
    ) {
        name = schema.name
        domain = schema.domain
        self.since = since ?? schema.since
        self.attributes = attributes
        self.inputs = inputs
    }

    /// All of a node's inputs in their order, then what the operator holds beside them.
    package init(
        _ schema: OperatorSchema, since: Int? = nil, _ attributes: [String: Attribute] = [:],
        operands: [TensorType], _ others: [Input] = []
    ) {
        self.init(
            schema, since: since, attributes: attributes,
            inputs: operands.indices.map { .operand($0) } + others)
    }
}

extension WrittenCall.Input {
    /// An input that holds whole numbers along one axis.
    package static func integers(_ values: [Int]) -> Self {
        .constant(HostTensor(.int64(values.count), integers: values.map(Int64.init)))
    }

    /// An input that holds one whole number without axes.
    package static func integer(_ value: Int) -> Self {
        .constant(HostTensor(.int64(), integers: [Int64(value)]))
    }
}

extension Operator {
    /// The call for a node of these types; nil where model files have no such operator.
    ///
    /// The default serves operators whose fields are exactly attributes of their schema.
    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        guard let schema = (Self.self as? any ModelOperator.Type)?.schema,
            let attributes = attributes(of: schema)
        else { return nil }
        return WrittenCall(schema, attributes, operands: inputs)
    }

    /// The fields by the names of the schema's attributes; nil where a field is none of them.
    package func attributes(of schema: OperatorSchema, ignoring ignored: Set<String> = []) -> [String:
        Attribute]?
    {
        schema.attributes(of: Mirror(reflecting: self), ignoring: ignored)
    }
}

extension OperatorSchema {
    /// Apart from the protocol, so that the compiler makes no copy of it for each operator.
    fileprivate func attributes(of mirror: Mirror, ignoring ignored: Set<String>) -> [String: Attribute]? {
        var attributes: [String: Attribute] = [:]
        for case (let label?, let value) in mirror.children where !ignored.contains(label) {
            guard let parameter = self.attributes.first(where: { $0.name.asFieldName == label }) else {
                return nil
            }
            switch Attribute.field(value) {
            case .value(let attribute): attributes[parameter.name] = attribute
            case .absent: break
            case .unknown: return nil
            }
        }
        return attributes
    }
}

extension String {
    /// `kernel_shape` as `kernelShape`.
    fileprivate var asFieldName: String {
        let words = split(separator: "_")
        return words.enumerated().map {
            $0.offset == 0 ? String($0.element) : $0.element.prefix(1).uppercased() + $0.element.dropFirst()
        }
        .joined()
    }
}

extension Attribute {
    /// An integer that stands for yes or no.
    package static func flag(_ value: Bool) -> Self { .int(value ? 1 : 0) }

    fileprivate enum Field {
        case value(Attribute)
        case absent
        case unknown
    }

    fileprivate static func field(_ value: Any) -> Field {
        let mirror = Mirror(reflecting: value)
        if mirror.displayStyle == .optional {
            return mirror.children.first.map { field($0.value) } ?? .absent
        }
        return switch value {
        case let value as Int: .value(.int(value))
        case let value as Bool: .value(.int(value ? 1 : 0))
        case let value as Double: .value(.float(value))
        case let value as Float: .value(.float(Double(value)))
        case let value as String: .value(.string(value))
        case let value as [Int]: .value(.ints(value))
        case let value as [Double]: .value(.floats(value))
        case let value as [String]: .value(.strings(value))
        case let value as ElementType: .value(.int(Int(value.rawValue)))
        case let value as any RawRepresentable<String>: .value(.string(value.rawValue))
        default: .unknown
        }
    }
}
