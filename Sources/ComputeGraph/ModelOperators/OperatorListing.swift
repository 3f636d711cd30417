/// The page `Documentation/operators.md`: every operator's interface, written from the schemas.
///
/// It is our reading of GB/T 46069: one start index (R069-01), every parameter with name, direction, types, meaning,
/// limits and default (R069-02), one rule of broadcasting (R069-04), and a declared minimal set (R069-11).
package struct OperatorListing: Sendable {
    /// What this build has for one operator.
    package struct Support: Sendable {
        /// The element types that its reference computes.
        package var elements: TypeSet
        /// The names of its kernels on the CPU, without the reference.
        package var kernels: [String]
        package var hasGradient: Bool

        package init(elements: TypeSet, kernels: [String], hasGradient: Bool) {
            self.elements = elements
            self.kernels = kernels
            self.hasGradient = hasGradient
        }
    }

    private let schemas: [OperatorSchema]
    private let support: @Sendable (OperatorSchema) -> Support?

    /// A page about the schemas, with a column for what `support` knows of each; nil leaves its cells empty.
    package init(
        _ schemas: [OperatorSchema], support: @escaping @Sendable (OperatorSchema) -> Support? = { _ in nil }
    ) {
        self.schemas = schemas
        self.support = support
    }

    /// The operators that an implementation must at least have to call itself minimal, by our reading.
    ///
    /// The standard's own list was not at hand; this one holds what inference and training of common networks need.
    package static let minimalSet: [String] = [
        "Abs", "Add", "And", "ArgMax", "ArgMin", "AveragePool", "BatchNormalization", "Cast", "Ceil", "Clip",
        "Concat", "ConstantOfShape", "Conv", "ConvTranspose", "Cos", "CumSum", "Div", "Dot", "Equal", "Erf",
        "Exp", "Expand", "Flatten", "Floor", "GRU", "Gather", "Gelu", "Gemm", "GlobalAveragePool", "Greater",
        "Inverse", "LSTM", "LayerNormalization", "LeakyRelu", "Less", "Log", "LogSoftmax", "MatMul", "Max",
        "MaxPool", "Min", "Mod", "Mul", "Neg", "Not", "OneHot", "Or", "Pad", "Pow", "Range", "ReduceMax",
        "ReduceMean", "ReduceMin", "ReduceSum", "Relu", "Reshape", "Resize", "Round", "Sigmoid", "Sign",
        "Sin",
        "Slice", "Softmax", "SoftmaxCrossEntropyLoss", "Split", "Sqrt", "Squeeze", "Sub", "Tanh", "Tile",
        "TopK", "Transpose", "Unsqueeze", "Where",
    ]

    /// The whole page in Markdown.
    package var markdown: String {
        let parts = OperatorSchema.Domain.allCases.compactMap(section(of:))
        return ([introduction] + parts).joined(separator: "\n\n") + "\n"
    }

    private var introduction: String {
        """
        # Operators

        This page is written from the schemas in the source; do not edit it.

        ## Rules for all operators

        - **Indices** start at 0: axes, places and classes. A negative axis counts from the last, which is -1.
        - **Broadcasting**: shapes are compared from the last axis on. Two extents fit when they are equal or one of \
        them is 1, and an axis that is missing counts as 1; the result has the larger extent. Operators whose \
        parameters are said to broadcast follow this rule and no other.
        - **Status**: an operator that cannot take its inputs or attributes throws an error that names the operator, \
        what was given and what it wants. Nothing is computed then.
        - **Defaults** are what an attribute is where a model leaves it out.
        - **Minimal set**: the operators marked with a dot. This build has \(minimalCount) of the \
        \(OperatorListing.minimalSet.count), and so \(isFull ? "declares itself full" : "is not complete").

        ## Names of element types

        \(typeLegend)
        """
    }

    private var minimalCount: Int {
        Set(schemas.map(\.name)).intersection(OperatorListing.minimalSet).count
    }
    private var isFull: Bool { minimalCount == OperatorListing.minimalSet.count }

    private var typeLegend: String {
        let rows = TypeSet.groups.map { group in
            [group.name, group.set.elementTypes.map { "\($0)" }.joined(separator: ", ")]
        }
        return OperatorListing.table(["name", "element types"], rows)
    }

    private func section(of domain: OperatorSchema.Domain) -> String? {
        let own = schemas.filter { $0.domain == domain }.sorted { $0.name < $1.name }
        guard !own.isEmpty else { return nil }
        let overview = OperatorListing.table(
            ["operator", "since", "what it computes", "minimal", "types here", "CPU kernels", "gradient"],
            own.map(row(of:)))
        return (["## \(domain.title)", overview] + own.map(OperatorListing.interface(of:)))
            .joined(separator: "\n\n")
    }

    private func row(of schema: OperatorSchema) -> [String] {
        let known = support(schema)
        return [
            schema.name, "\(schema.since)", schema.summary,
            OperatorListing.minimalSet.contains(schema.name) ? "•" : "", known?.elements.words ?? "",
            known?.kernels.joined(separator: ", ") ?? "", known?.hasGradient == true ? "yes" : "",
        ]
    }
}

extension OperatorListing {
    /// One operator's heading and the table of its parameters.
    private static func interface(of schema: OperatorSchema) -> String {
        let inputs = schema.inputs.map { row(of: $0, "in") }
        let outputs = schema.outputs.map { row(of: $0, "out") }
        let attributes = schema.attributes.map { attribute in
            [
                attribute.name, "attribute", attribute.kind, attribute.meaning,
                attribute.isRequired ? "required" : attribute.defaultValue?.words ?? "none",
            ]
        }
        let parameters = table(
            ["parameter", "direction", "types", "meaning and limits", "default"],
            inputs + outputs + attributes)
        return "### \(schema.name)\n\n\(schema.summary)\n\n\(parameters)"
    }

    private static func row(of parameter: OperatorSchema.Parameter, _ direction: String) -> [String] {
        let presence =
            switch parameter.presence {
            case .required: "required"
            case .optional: "none"
            case .variadic: "any number"
            }
        return [parameter.name, direction, parameter.types.words, parameter.meaning, presence]
    }

    private static func table(_ head: [String], _ rows: [[String]]) -> String {
        func line(_ cells: [String]) -> String {
            "| " + cells.map { $0.replacing("|", with: "\\|") }.joined(separator: " | ") + " |"
        }
        let rule = "|" + head.map { _ in "---|" }.joined()
        return ([line(head), rule] + rows.map(line)).joined(separator: "\n")
    }
}

extension OperatorSchema.Domain {
    fileprivate var title: String {
        switch self {
        case .onnx: "Domain ai.onnx, written without a name"
        case .machineLearning, .preview, .training: "Domain \(rawValue)"
        case .heng: "Domain \(rawValue): what ONNX does not have"
        }
    }
}

extension Attribute {
    /// A default as a reader writes it.
    fileprivate var words: String {
        switch self {
        case .int(let value): "\(value)"
        case .float(let value): Int(exactly: value).map { "\($0)" } ?? "\(Float(value))"
        case .string(let value): "`\(value)`"
        case .ints(let values): "\(values)"
        case .floats(let values): "\(values.map { Float($0) })"
        case .strings(let values): "[" + values.map { "`\($0)`" }.joined(separator: ", ") + "]"
        case .tensor, .graph, .type, .tensors, .graphs: kind
        }
    }
}

extension TypeSet {
    /// Sets of element types that have a name, the largest first.
    fileprivate static let groups: [(name: String, set: TypeSet)] = [
        ("tensors", .tensors), ("numbers", .numbers), ("integers", .integers), ("floats", .floats),
        ("signed", .signed), ("unsigned", .unsigned), ("indices", .indices), ("small floats", .smallFloats),
        ("small integers", .smallIntegers), ("complex", .complex),
    ]

    /// The types in as few words as there are.
    package var words: String {
        var rest = self
        var names: [String] = []
        for group in TypeSet.groups where rest.isSuperset(of: group.set) {
            names.append(group.name)
            rest.subtract(group.set)
        }
        names += rest.elementTypes.map { "\($0)" }
        for (name, kind) in [("sequence", TypeSet.sequence), ("optional", .optional), ("map", .map)]
        where rest.contains(kind) { names.append(name) }
        return names.joined(separator: ", ")
    }
}
