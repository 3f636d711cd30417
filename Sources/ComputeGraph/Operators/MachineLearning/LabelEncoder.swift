/// Each element looked up in a table; what is not there becomes the default.
///
/// NaN finds NaN, zeros of both signs are one key, and of a repeated key the last entry counts.
package struct LabelEncoder: Operator {
    package static let name = "LabelEncoder"
    package var keys: [Label]
    package var values: [Label]
    package var defaultValue: Label
    package var keyElement: ElementType
    package var valueElement: ElementType

    /// A key or a value of the table.
    package enum Label: Hashable, Sendable {
        case whole(Int64)
        case fraction(Double)
        case missing
        case text(String)

        init(_ x: Double) { self = x.isNaN ? .missing : .fraction(x) }

        fileprivate var double: Double {
            switch self {
            case .whole(let value): Double(value)
            case .fraction(let value): value
            case .missing, .text: .nan
            }
        }
        fileprivate var whole: Int128 { if case .whole(let value) = self { Int128(value) } else { 0 } }
        fileprivate var text: String { if case .text(let value) = self { value } else { "" } }
    }

    package init(
        keys: [Label], values: [Label], defaultValue: Label, keyElement: ElementType,
        valueElement: ElementType
    ) {
        self.keys = keys
        self.values = values
        self.defaultValue = defaultValue
        self.keyElement = keyElement
        self.valueElement = valueElement
    }

    package func outputTypes(of inputs: [TensorType]) throws(GraphError) -> [TensorType] {
        try requireInputs(inputs, 1)
        try require(
            inputs[0].element == keyElement, "the keys are \(keyElement), and the input is \(inputs[0])")
        try require(keys.count == values.count, "there are \(keys.count) keys and \(values.count) values")
        return [TensorType(valueElement, inputs[0].shape)]
    }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let table = Dictionary(zip(keys, values), uniquingKeysWith: { _, last in last })
        let found = inputs[0].labels.map { table[$0] ?? defaultValue }
        let type = TensorType(valueElement, inputs[0].type.shape)
        return switch valueElement.kind {
        case .string: [HostTensor(type, strings: found.map(\.text))]
        case .floating: [HostTensor(type, doubles: found.map(\.double))]
        default: [HostTensor(type, wrapping: found.map(\.whole))]
        }
    }

    package func exactness(for inputs: [TensorType]) -> Exactness { .exact }
    package func floatingPointOperations(inputs: [TensorType], outputs: [TensorType]) -> Int { 0 }
}

extension [LabelEncoder.Label] {
    fileprivate func list(of element: ElementType) -> Attribute {
        switch element.kind {
        case .string: .strings(map(\.text))
        case .floating: .floats(map(\.double))
        default: .ints(map { Int(truncatingIfNeeded: $0.whole) })
        }
    }

    fileprivate func tensor(of element: ElementType) -> HostTensor {
        let type = TensorType(element, [count])
        return switch element.kind {
        case .string: HostTensor(type, strings: map(\.text))
        case .floating: HostTensor(type, doubles: map(\.double))
        default: HostTensor(type, wrapping: map(\.whole))
        }
    }
}

extension ElementType {
    /// The end of the names of attributes that list keys or values of the type.
    fileprivate var listName: String {
        switch kind {
        case .string: "strings"
        case .floating: "floats"
        default: "int64s"
        }
    }
}

extension HostTensor {
    /// The elements as keys or values of a table.
    fileprivate var labels: [LabelEncoder.Label] {
        switch type.element.kind {
        case .string: strings.map { .text($0) }
        case .floating: doubles.map { LabelEncoder.Label($0) }
        default: wholes.map { .whole(Int64(truncatingIfNeeded: $0)) }
        }
    }
}

extension GraphBuilder {
    /// The elements of a tensor through a table, at once where there are strings, which lie in no node.
    mutating func encode(_ input: ValueID, by encoder: LabelEncoder) throws -> GraphValue {
        guard encoder.keyElement == .string || encoder.valueElement == .string else {
            return .tensor(try add(encoder, [input]))
        }
        _ = try encoder.outputTypes(of: [type(of: input)])
        return .tensor(constant(encoder.reference([try tensor(input)])[0]))
    }
}

extension LabelEncoder: ModelOperator {
    private static let labels: TypeSet = [.features, .string, TypeSet(.int16)]

    package static let schema = OperatorSchema(
        "LabelEncoder", domain: .machineLearning, "Each element looked up in a table.",
        inputs: [.required("X", labels, "any shape, of the type of the keys")],
        outputs: [.required("Y", labels, "the shape of X, of the type of the values")],
        attributes: [
            .ints("keys_int64s", nil, "the keys of int64; one list of keys is given"),
            .floats("keys_floats", nil, "the keys of float32"),
            .strings("keys_strings", nil, "the keys of strings"),
            .tensor("keys_tensor", "since version 4: the keys of any type"),
            .ints(
                "values_int64s", nil, "the values of int64; one list of values is given, as long as the keys"),
            .floats("values_floats", nil, "the values of float32"),
            .strings("values_strings", nil, "the values of strings"),
            .tensor("values_tensor", "since version 4: the values of any type"),
            .int("default_int64", -1, "for values of int64: what other elements become"),
            .float("default_float", -0.0, "for values of float32: what other elements become"),
            .string("default_string", "_Unused", "for values of strings: what other elements become"),
            .tensor("default_tensor", "for values of a tensor: what other elements become; else as above"),
            .strings("classes_strings", nil, "in version 1: the strings whose places are the integers"),
        ])

    package func written(inputs: [TensorType], outputs: [TensorType]) -> WrittenCall? {
        let plain: [ElementType] = [.int64, .float32, .string]
        let isPlain = plain.contains(keyElement) && plain.contains(valueElement)
        var attributes: [String: Attribute] = [:]
        for (name, labels, element) in [("keys", keys, keyElement), ("values", values, valueElement)] {
            if isPlain {
                attributes["\(name)_\(element.listName)"] = labels.list(of: element)
            } else {
                attributes["\(name)_tensor"] = .tensor(labels.tensor(of: element))
            }
        }
        if isPlain, valueElement == .int64 {
            attributes["default_int64"] = .int(Int(truncatingIfNeeded: defaultValue.whole))
        } else if isPlain, valueElement == .float32 {
            attributes["default_float"] = .float(defaultValue.double)
        } else if isPlain {
            attributes["default_string"] = .string(defaultValue.text)
        } else {
            attributes["default_tensor"] = .tensor([defaultValue].tensor(of: valueElement))
        }
        return WrittenCall(Self.schema, since: isPlain ? 2 : 4, attributes, operands: inputs)
    }

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let input = try call.input(0)
        if let classes = try call.optionalStrings("classes_strings"), call.version < 2 {
            return [try graph.encode(input, by: try classTable(classes, graph.type(of: input).element, call))]
        }
        let keys = try call.table("keys")
        let values = try call.table("values")
        let encoder = LabelEncoder(
            keys: keys.labels, values: values.labels,
            defaultValue: try defaultLabel(values.element, isTensor: values.isTensor, call),
            keyElement: keys.element, valueElement: values.element)
        return [try graph.encode(input, by: encoder)]
    }

    private static func classTable(
        _ classes: [String], _ element: ElementType, _ call: OperatorCall
    ) throws(GraphError) -> LabelEncoder {
        let texts = classes.map { Label.text($0) }
        let places = classes.indices.map { Label.whole(Int64($0)) }
        return element == .string
            ? LabelEncoder(
                keys: texts, values: places, defaultValue: .whole(Int64(try call.int("default_int64"))),
                keyElement: .string, valueElement: .int64)
            : LabelEncoder(
                keys: places, values: texts, defaultValue: .text(try call.string("default_string")),
                keyElement: .int64, valueElement: .string)
    }

    private static func defaultLabel(
        _ element: ElementType, isTensor: Bool, _ call: OperatorCall
    ) throws(GraphError) -> Label {
        if let tensor = try call.optionalTensor("default_tensor") {
            try call.require(
                tensor.type.element == element && tensor.type.shape.count == 1,
                "default_tensor is one \(element), not \(tensor.type)")
            return tensor.labels[0]
        }
        switch element.kind {
        case .string: return .text(isTensor ? "_Unused" : try call.string("default_string"))
        case .floating: return Label(isTensor ? -0.0 : try call.float("default_float"))
        default: return .whole(isTensor ? -1 : Int64(try call.int("default_int64")))
        }
    }
}

extension OperatorCall {
    /// The one list that is given of `PREFIX_int64s`, `_floats`, `_strings` and `_tensor`.
    fileprivate func table(
        _ prefix: String
    ) throws(GraphError) -> (labels: [LabelEncoder.Label], element: ElementType, isTensor: Bool) {
        let endings = ["int64s", "floats", "strings", "tensor"].filter { has("\(prefix)_\($0)") }
        try require(endings.count == 1, "one of the attributes \(prefix)_... is given, not \(endings.count)")
        switch endings[0] {
        case "int64s": return (try ints("\(prefix)_int64s").map { .whole(Int64($0)) }, .int64, false)
        case "floats":
            return (try floats("\(prefix)_floats").map { LabelEncoder.Label($0) }, .float32, false)
        case "strings": return (try strings("\(prefix)_strings").map { .text($0) }, .string, false)
        default: break
        }
        guard let tensor = try optionalTensor("\(prefix)_tensor") else { return ([], .int64, true) }
        let element = tensor.type.element
        try require(
            tensor.type.shape.rank <= 1 && (element == .string || element.isFloating || element.isInteger),
            "\(prefix)_tensor is a list of numbers or strings, not \(tensor.type)")
        return (tensor.labels, element, true)
    }
}
