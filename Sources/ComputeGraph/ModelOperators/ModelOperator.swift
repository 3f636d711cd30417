/// An operator as model files name it: what it takes and gives, and which nodes it becomes in a graph.
///
/// A call in a model file has a version, attributes, and inputs of which some may be left out; parts of what makes
/// its shape may be inputs whose values are known only when the model runs. A `Graph` knows every shape. `build`
/// goes from the one to the other: it asks the builder for the values that it must know, and adds nodes.
///
/// Usually the type is the `Operator` of the same name, and both are in one file. An operator whose output shapes
/// depend on values, such as `NonZero`, or that is made of others is an enum without cases.
package protocol ModelOperator: SendableMetatype {
    /// The names, types and defaults of inputs, outputs and attributes.
    static var schema: OperatorSchema { get }

    /// Adds the nodes of one call and returns its outputs, at least as many as the call wants.
    ///
    /// The inputs have passed the schema: as many as it allows, and of its types. Attributes and shapes come from
    /// a file that nobody has checked, so each is checked here or by an operator's shape rule.
    static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue]
}

/// One use of an operator in a model.
package struct OperatorCall: Sendable {
    package let schema: OperatorSchema
    /// The node's name in the model, for messages.
    package let node: String
    /// The version of the operator set that the model was written for.
    package let version: Int
    package let attributes: [String: Attribute]
    /// nil where the model leaves an input out.
    package let inputs: [GraphValue?]
    /// Which of the outputs the model uses.
    package let wantedOutputs: [Bool]
    /// What names around the call stand for, for the few operators whose attributes hold names.
    package let valueNamed: @Sendable (String) -> GraphValue?

    package init(
        schema: OperatorSchema, node: String, version: Int, attributes: [String: Attribute],
        inputs: [GraphValue?], wantedOutputs: [Bool],
        valueNamed: @escaping @Sendable (String) -> GraphValue? = { _ in nil }
    ) {
        self.schema = schema
        self.node = node
        self.version = version
        self.attributes = attributes
        self.inputs = inputs
        self.wantedOutputs = wantedOutputs
        self.valueNamed = valueNamed
    }

    package func wantsOutput(_ index: Int) -> Bool { index < wantedOutputs.count && wantedOutputs[index] }

    /// An error of this call: the operator's name and one sentence without its full stop.
    package func error(_ reason: String) -> GraphError {
        .shapeMismatch(operator: schema.name, reason: reason)
    }

    package func require(_ holds: Bool, _ reason: @autoclosure () -> String) throws(GraphError) {
        if !holds { throw error(reason()) }
    }
}

// Inputs.
extension OperatorCall {
    /// The value of an input that must be there, whatever its kind.
    package func value(_ index: Int) throws(GraphError) -> GraphValue {
        guard let value = index < inputs.count ? inputs[index] : nil else {
            throw error("the input \(schema.inputName(index)) is missing")
        }
        return value
    }

    /// The tensor of an input that must be there.
    package func input(_ index: Int) throws(GraphError) -> ValueID {
        guard case .tensor(let id) = try value(index) else {
            throw error("the input \(schema.inputName(index)) is not a tensor")
        }
        return id
    }

    /// The tensor of an input that may be left out.
    package func optional(_ index: Int) throws(GraphError) -> ValueID? {
        guard index < inputs.count, inputs[index] != nil else { return nil }
        return try input(index)
    }

    /// All inputs, each a tensor that must be there.
    package func allInputs() throws(GraphError) -> [ValueID] {
        var ids: [ValueID] = []
        for index in inputs.indices { ids.append(try input(index)) }
        return ids
    }
}

// Attributes. Each reads the value in the call, else the schema's default.
extension OperatorCall {
    package func has(_ name: String) -> Bool { attributes[name] != nil }

    package func attribute(_ name: String) -> Attribute? { attributes[name] ?? schema.defaultValue(of: name) }

    package func optionalInt(_ name: String) throws(GraphError) -> Int? {
        guard let attribute = attribute(name) else { return nil }
        guard case .int(let value) = attribute else { throw wrongKind(name, attribute, "an integer") }
        return value
    }
    package func int(_ name: String) throws(GraphError) -> Int {
        try present(name, try optionalInt(name))
    }
    /// An integer attribute that stands for yes or no.
    package func flag(_ name: String) throws(GraphError) -> Bool { try int(name) != 0 }

    package func optionalFloat(_ name: String) throws(GraphError) -> Double? {
        guard let attribute = attribute(name) else { return nil }
        guard case .float(let value) = attribute else { throw wrongKind(name, attribute, "a float") }
        return value
    }
    package func float(_ name: String) throws(GraphError) -> Double {
        try present(name, try optionalFloat(name))
    }

    package func optionalString(_ name: String) throws(GraphError) -> String? {
        guard let attribute = attribute(name) else { return nil }
        guard case .string(let value) = attribute else { throw wrongKind(name, attribute, "a string") }
        return value
    }
    package func string(_ name: String) throws(GraphError) -> String {
        try present(name, try optionalString(name))
    }

    package func optionalInts(_ name: String) throws(GraphError) -> [Int]? {
        guard let attribute = attribute(name) else { return nil }
        guard case .ints(let value) = attribute else {
            throw wrongKind(name, attribute, "a list of integers")
        }
        return value
    }
    package func ints(_ name: String) throws(GraphError) -> [Int] {
        try present(name, try optionalInts(name))
    }

    package func optionalFloats(_ name: String) throws(GraphError) -> [Double]? {
        guard let attribute = attribute(name) else { return nil }
        guard case .floats(let value) = attribute else {
            throw wrongKind(name, attribute, "a list of floats")
        }
        return value
    }
    package func floats(_ name: String) throws(GraphError) -> [Double] {
        try present(name, try optionalFloats(name))
    }

    package func optionalStrings(_ name: String) throws(GraphError) -> [String]? {
        guard let attribute = attribute(name) else { return nil }
        guard case .strings(let value) = attribute else {
            throw wrongKind(name, attribute, "a list of strings")
        }
        return value
    }
    package func strings(_ name: String) throws(GraphError) -> [String] {
        try present(name, try optionalStrings(name))
    }

    package func optionalTensor(_ name: String) throws(GraphError) -> HostTensor? {
        guard let attribute = attribute(name) else { return nil }
        guard case .tensor(let value) = attribute else { throw wrongKind(name, attribute, "a tensor") }
        return value
    }

    package func subgraph(_ name: String) throws(GraphError) -> any Subgraph {
        guard let attribute = attribute(name) else { throw missing(name) }
        guard case .graph(let value) = attribute else { throw wrongKind(name, attribute, "a graph") }
        return value
    }

    /// The element type that an integer attribute names by ONNX's number.
    package func optionalElementType(_ name: String) throws(GraphError) -> ElementType? {
        guard let number = try optionalInt(name) else { return nil }
        guard let type = Int32(exactly: number).flatMap(ElementType.init(rawValue:)) else {
            throw error("the attribute \(name) is \(number), which is no element type")
        }
        return type
    }

    private func present<Value>(_ name: String, _ value: Value?) throws(GraphError) -> Value {
        guard let value else { throw missing(name) }
        return value
    }
    private func missing(_ name: String) -> GraphError { error("the attribute \(name) is missing") }
    private func wrongKind(_ name: String, _ given: Attribute, _ wanted: String) -> GraphError {
        error("the attribute \(name) is \(wanted), not \(given.kind)")
    }
}
