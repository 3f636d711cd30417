internal import DeviceConformance

/// One public case: a model, and what it must give for its inputs.
package struct ConformanceCase: WorkerCase, Hashable {
    /// Unique among all groups: `test_relu`.
    package var name: String
    package var group: ConformanceGroup
    /// The path of the model's file.
    package var model: String
    package var data: CaseData
    /// What the case's own data file asks for instead of the usual tolerance.
    package var tolerance: Tolerance?

    package init(
        name: String, group: ConformanceGroup, model: String, data: CaseData, tolerance: Tolerance? = nil
    ) {
        self.name = name
        self.group = group
        self.model = model
        self.data = data
        self.tolerance = tolerance
    }
}

/// Where the inputs of a case and the outputs it must give come from.
package enum CaseData: Codable, Hashable, Sendable {
    /// Folders with `input_0.pb`, `output_0.pb` and so on, each of which is one run.
    case folders([String])
    /// One run whose inputs follow a rule (`RuledInputs`), and the files of its outputs.
    case ruledInputs(outputs: [String])
}

/// The folders that the ONNX project sorts its cases into.
package enum ConformanceGroup: String, Codable, Hashable, Sendable, CaseIterable {
    case node
    case simple
    case pytorchOperator = "pytorch-operator"
    case pytorchConverted = "pytorch-converted"
    /// Whole networks of well-known designs, whose models lie in the folder `light`.
    case real
}
