import ComputeGraph
import Testing

private func single(_ shape: Shape, _ values: Double...) -> HostTensor {
    HostTensor(TensorType(.float32, shape), doubles: values)
}
private func whole(_ shape: Shape, _ values: Int64...) -> HostTensor {
    HostTensor(TensorType(.int64, shape), integers: values)
}
private func text(_ shape: Shape, _ values: String...) -> HostTensor {
    HostTensor(TensorType(.string, shape), strings: values)
}
private func list(_ element: ElementType, _ values: Double...) -> HostTensor {
    HostTensor(TensorType(element, [values.count]), doubles: values)
}

private let nan = Double.nan

/// A call, and what it gives.
struct ModelExample: Sendable, CustomStringConvertible {
    var call: ModelCall
    var outputs: [HostTensor]
    var description: String { call.name }

    init(_ call: ModelCall, _ outputs: HostTensor...) {
        self.call = call
        self.outputs = outputs
    }
}

@Suite("Operators of the machine-learning domain")
struct MachineLearningOperatorTests {
    @Test(arguments: features + linear + encoders + machines + trees)
    func `an operator computes what is known of it`(example: ModelExample) throws {
        expectEqual(try example.call.run(), example.outputs)
    }

    @Test func `every operator of the domain has an example`() {
        let tried = (Self.features + Self.linear + Self.encoders + Self.machines + Self.trees).map(
            \.call.name)
        let all = ModelOperatorRegistry().schemas.filter { $0.domain == .machineLearning }.map(\.name)

        #expect(Set(all).subtracting(tried) == ["CastMap", "DictVectorizer", "ZipMap"])
        #expect(all.count == 19)
    }

    static let features = [
        ModelExample(
            ModelCall(
                "Scaler", [single([2, 2], 1, 2, 3, 4)],
                ["offset": .floats([1, 2]), "scale": .floats([10, 0.5])]),
            single([2, 2], 0, 0, 20, 1)),
        ModelExample(
            ModelCall("Scaler", [whole([3], 1, 2, 3)], ["offset": .floats([1]), "scale": .floats([2])]),
            single([3], 0, 2, 4)),
        // The largest element is 2, not 4: MAX keeps the sign.
        ModelExample(
            ModelCall("Normalizer", [single([2, 3], 1, -4, 2, 0, 0, 0)], ["norm": .string("MAX")]),
            single([2, 3], 0.5, -2, 1, 0, 0, 0)),
        ModelExample(
            ModelCall("Normalizer", [single([2], 1, -3)], ["norm": .string("L1")]), single([2], 0.25, -0.75)),
        ModelExample(
            ModelCall("Normalizer", [single([1, 2], 3, -4)], ["norm": .string("L2")]),
            single([1, 2], 0.6, -0.8)),
        ModelExample(
            ModelCall("Binarizer", [single([4], 0.5, 0.6, nan, -1)], ["threshold": .float(0.5)]),
            single([4], 0, 1, 0, 0)),
        ModelExample(ModelCall("Binarizer", [whole([2], 3, 0)]), whole([2], 1, 0)),
        ModelExample(
            ModelCall(
                "Imputer", [single([2, 2], 1, nan, nan, 4)],
                ["imputed_value_floats": .floats([7, 8]), "replaced_value_float": .float(nan)]),
            single([2, 2], 1, 8, 7, 4)),
        ModelExample(
            ModelCall(
                "Imputer", [whole([1, 3], 0, 5, .min)],
                ["imputed_value_int64s": .ints([9]), "replaced_value_int64": .int(.min)]),
            whole([1, 3], 0, 5, 9)),
        ModelExample(
            ModelCall("ArrayFeatureExtractor", [single([2, 3], 1, 2, 3, 4, 5, 6), whole([1, 2], 2, 0)]),
            single([2, 2], 3, 1, 6, 4)),
        ModelExample(
            ModelCall("ArrayFeatureExtractor", [text([3], "a", "b", "c"), whole([2], 1, 1)]),
            text([1, 2], "b", "b")),
        // Inputs are cut or filled to the widths that are said.
        ModelExample(
            ModelCall(
                "FeatureVectorizer", [whole([2, 2], 1, 2, 3, 4), whole([2, 1], 5, 6)],
                ["inputdimensions": .ints([1, 2])]),
            single([2, 3], 1, 5, 0, 3, 6, 0)),
    ]

    // Three scores of x = (1, 2): 1, 2.5 and 0.
    private static func classifier(_ transform: String) -> ModelCall {
        ModelCall(
            "LinearClassifier", [single([2], 1, 2)],
            [
                "coefficients": .floats([1, 0, 0, 1, 0.5, -0.25]), "intercepts": .floats([0, 0.5, 0]),
                "classlabels_strings": .strings(["x", "y", "z"]), "post_transform": .string(transform),
            ])
    }

    // The numbers with more than three digits are ONNX Runtime's.
    static let linear = [
        ModelExample(classifier("NONE"), text([1], "y"), single([1, 3], 1, 2.5, 0)),
        ModelExample(
            classifier("SOFTMAX"), text([1], "y"),
            single([1, 3], 0.170_952_767, 0.766_157_150, 0.062_890_008)),
        ModelExample(
            classifier("LOGISTIC"), text([1], "y"), single([1, 3], 0.731_058_598, 0.924_141_824, 0.5)),
        ModelExample(
            classifier("SOFTMAX_ZERO"), text([1], "y"), single([1, 3], 0.182_425_514, 0.817_574_441, 0)),
        // One score for two classes.
        ModelExample(
            ModelCall(
                "LinearClassifier", [single([3, 1], 2, -1, 0)],
                ["coefficients": .floats([1]), "classlabels_ints": .ints([4, 9])]),
            whole([3], 9, 4, 4), single([3, 2], -2, 2, 1, -1, 0, 0)),
        ModelExample(
            ModelCall("LinearClassifier", [single([2, 1], 2, -1)], ["coefficients": .floats([1])]),
            whole([2], 1, 0), single([2, 1], 2, -1)),
        ModelExample(
            ModelCall(
                "LinearRegressor", [single([2, 2], 1, 2, 3, 4)],
                [
                    "coefficients": .floats([1, 10, 0, -1]), "intercepts": .floats([0.5, 0]),
                    "targets": .int(2),
                ]),
            single([2, 2], 21.5, -2, 43.5, -4)),
        ModelExample(
            ModelCall(
                "LinearRegressor", [single([2, 2], 0.2, 0.9, 0, 1)],
                [
                    "coefficients": .floats([1, 0, 0, 1]), "targets": .int(2),
                    "post_transform": .string("PROBIT"),
                ]),
            single([2, 2], -0.841_756, 1.281_713, -.infinity, .infinity)),
    ]

    static let encoders = [
        ModelExample(
            ModelCall("OneHotEncoder", [single([2], 2.9, 5)], ["cats_int64s": .ints([1, 2])]),
            single([2, 2], 0, 1, 0, 0)),
        ModelExample(
            ModelCall("OneHotEncoder", [text([2], "b", "z")], ["cats_strings": .strings(["a", "b"])]),
            single([2, 2], 0, 1, 0, 0)),
        ModelExample(
            ModelCall(
                "LabelEncoder", [text([2, 2], "a", "b", "q", "a")],
                ["keys_strings": .strings(["a", "b", "a"]), "values_int64s": .ints([1, 2, 3])]),
            whole([2, 2], 3, 2, -1, 3)),
        ModelExample(
            ModelCall(
                "LabelEncoder", [single([4], 1, nan, -0.0, 7)],
                ["keys_floats": .floats([1, nan, 0]), "values_strings": .strings(["one", "nan", "zero"])]),
            text([4], "one", "nan", "zero", "_Unused")),
        ModelExample(
            ModelCall(
                "LabelEncoder", [HostTensor(TensorType(.int16, [2]), doubles: [3, 4])],
                [
                    "keys_tensor": .tensor(list(.int16, 4, 5)),
                    "values_tensor": .tensor(list(.float64, 0.1, 0.2)),
                    "default_tensor": .tensor(list(.float64, 9)),
                ]),
            list(.float64, 9, 0.1)),
        ModelExample(
            ModelCall(
                "LabelEncoder", version: 1, [whole([3], 1, 0, 2)], ["classes_strings": .strings(["a", "b"])]),
            text([3], "b", "a", "_Unused")),
        ModelExample(
            ModelCall(
                "LabelEncoder", version: 1, [text([2], "b", "c")], ["classes_strings": .strings(["a", "b"])]),
            whole([2], 1, -1)),
        ModelExample(
            ModelCall(
                "CategoryMapper", [text([2], "b", "?")],
                [
                    "cats_strings": .strings(["a", "b"]), "cats_int64s": .ints([4, 5]),
                    "default_int64": .int(7),
                ]),
            whole([2], 5, 7)),
        ModelExample(
            ModelCall(
                "CategoryMapper", [whole([2], 4, 9)],
                ["cats_strings": .strings(["a", "b"]), "cats_int64s": .ints([4, 5])]),
            text([2], "a", "_Unused")),
    ]

    private static let vectors = Attribute.floats([1, 0, 0, 1, -1, 1, 2, -1])

    private static func regressor(_ kernel: String, oneClass: Int = 0) -> ModelCall {
        ModelCall(
            "SVMRegressor", [single([2, 2], 1, 2, -1, 0.5)],
            [
                "kernel_type": .string(kernel), "kernel_params": .floats([0.5, 0.25, 2]),
                "support_vectors": vectors, "coefficients": .floats([1, -0.5, 0.25, -0.75]),
                "rho": .floats([0.1]), "n_supports": .int(4), "one_class": .int(oneClass),
            ])
    }

    private static func machine(_ more: [String: Attribute] = [:]) -> ModelCall {
        let own: [String: Attribute] = [
            "kernel_type": .string("RBF"), "kernel_params": .floats([0.5, 0, 0]),
            "support_vectors": vectors, "vectors_per_class": .ints([1, 1, 2]),
            "coefficients": .floats([1, -0.5, 0.25, -0.75, 0.5, 1, -1, 0.5]),
            "rho": .floats([0.1, -0.2, 0.3]), "classlabels_ints": .ints([5, 7, 9]),
        ]
        return ModelCall(
            "SVMClassifier", [single([2, 2], 1, 2, -1, 0.5)], own.merging(more) { _, new in new })
    }

    // The numbers with more than three digits are ONNX Runtime's.
    static let machines = [
        ModelExample(regressor("LINEAR"), single([2, 1], 0.35, 1.1)),
        ModelExample(regressor("POLY"), single([2, 1], -0.025, -0.4625)),
        ModelExample(regressor("RBF"), single([2, 1], 0.066_863_343, 0.169_721_544)),
        ModelExample(regressor("SIGMOID"), single([2, 1], 0.286_105_424, 0.385_616_928)),
        ModelExample(regressor("POLY", oneClass: 1), single([2, 1], -1, -1)),
        ModelExample(
            ModelCall(
                "SVMRegressor", [single([1, 2], 3, 4)],
                ["coefficients": .floats([1, -1]), "rho": .floats([0.5])]),
            single([1, 1], -0.5)),
        ModelExample(
            machine(), whole([2], 5, 5),
            single(
                [2, 3], 0.051_395_56, -0.116_864_57, 0.589_163_4, -0.048_197_75, 0.077_635_78, -0.045_432_15)),
        ModelExample(
            machine(["prob_a": .floats([-1.5, -1, -2]), "prob_b": .floats([0.1, 0, -0.1])]), whole([2], 5, 5),
            single([2, 3], 0.334_790_0, 0.455_779_52, 0.209_430_38, 0.322_403_67, 0.353_256_30, 0.324_340_02)),
        ModelExample(
            ModelCall(
                "SVMClassifier", [single([1, 1], 2)],
                [
                    "coefficients": .floats([1, -1]), "rho": .floats([0.5]),
                    "classlabels_strings": .strings(["up", "down"]),
                ]),
            text([1], "up"), single([1, 2], 2.5, -1.5)),
    ]

    /// One tree of three nodes: below or at a half the leaf 1, else 2; NaN as `missing` says.
    static func stump(mode: String = "BRANCH_LEQ", missing: Int = 0) -> [String: Attribute] {
        [
            "nodes_treeids": .ints([0, 0, 0]), "nodes_nodeids": .ints([0, 1, 2]),
            "nodes_featureids": .ints([0, 0, 0]), "nodes_values": .floats([0.5, 0, 0]),
            "nodes_modes": .strings([mode, "LEAF", "LEAF"]), "nodes_truenodeids": .ints([1, 0, 0]),
            "nodes_falsenodeids": .ints([2, 0, 0]),
            "nodes_missing_value_tracks_true": .ints([missing, 0, 0]),
        ]
    }

    private static func treeClassifier(
        _ weights: [Double], ids: [Int] = [0, 0], labels: Attribute = .ints([5, 7]), _ transform: String,
        base: [Double] = []
    ) -> ModelCall {
        ModelCall(
            "TreeEnsembleClassifier", [single([2, 1], 0, 1)],
            stump().merging([
                "class_treeids": .ints([0, 0]), "class_nodeids": .ints([1, 2]), "class_ids": .ints(ids),
                "class_weights": .floats(weights), "classlabels_int64s": labels, "base_values": .floats(base),
                "post_transform": .string(transform),
            ]) { $1 })
    }

    private static func treeRegressor(_ mode: String, missing: Int = 0) -> ModelCall {
        ModelCall(
            "TreeEnsembleRegressor", [single([4, 1], 0.25, 0.5, 1, nan)],
            stump(mode: mode, missing: missing).merging([
                "target_treeids": .ints([0, 0]), "target_nodeids": .ints([1, 2]),
                "target_ids": .ints([0, 0]), "target_weights": .floats([1, 2]), "n_targets": .int(1),
            ]) { $1 })
    }

    static let trees = [
        ModelExample(treeRegressor("BRANCH_LEQ"), single([4, 1], 1, 1, 2, 2)),
        ModelExample(treeRegressor("BRANCH_LT", missing: 1), single([4, 1], 1, 2, 2, 1)),
        ModelExample(treeRegressor("BRANCH_GTE"), single([4, 1], 2, 1, 1, 2)),
        ModelExample(treeRegressor("BRANCH_GT", missing: 1), single([4, 1], 2, 2, 1, 1)),
        ModelExample(treeRegressor("BRANCH_EQ"), single([4, 1], 2, 1, 2, 2)),
        ModelExample(treeRegressor("BRANCH_NEQ"), single([4, 1], 1, 2, 1, 2)),
        // Votes for one of two classes: probabilities where no weight is negative, else margins.
        ModelExample(
            treeClassifier([0.2, 0.9], "NONE"), whole([2], 5, 7), single([2, 2], 0.8, 0.2, 0.1, 0.9)),
        ModelExample(
            treeClassifier([-0.2, 0.9], "NONE"), whole([2], 5, 7), single([2, 2], 0.2, -0.2, -0.9, 0.9)),
        ModelExample(
            treeClassifier([-0.2, 0.9], "LOGISTIC", base: [0.1]), whole([2], 5, 7),
            single([2, 2], 0.524_979_174, 0.475_020_826, 0.268_941_402, 0.731_058_598)),
        ModelExample(
            treeClassifier(
                [-0.4, 0.9], ids: [1, 2], labels: .ints([1, 2, 3]), "SOFTMAX", base: [0.1, 0.2, 0.3]),
            whole([2], 3, 3),
            t(
                [2, 3], 0.337_584_496, 0.250_088_781, 0.412_326_663, 0.195_720_106, 0.216_304_168,
                0.587_975_681)),
        // A NaN in the first feature goes to the leaf 0; 3 is a member in the second branch.
        ModelExample(
            ModelCall(
                "TreeEnsemble", [HostTensor(TensorType(.float64, [3, 2]), doubles: [nan, 0, 2, 3, 2, 4])],
                [
                    "tree_roots": .ints([0]), "nodes_featureids": .ints([0, 1]),
                    "nodes_modes": .tensor(list(.uint8, 0, 6)), "nodes_splits": .tensor(list(.float64, 1, 0)),
                    "nodes_truenodeids": .ints([0, 1]), "nodes_trueleafs": .ints([1, 1]),
                    "nodes_falsenodeids": .ints([1, 2]), "nodes_falseleafs": .ints([0, 1]),
                    "nodes_missing_value_tracks_true": .ints([1, 0]),
                    "membership_values": .tensor(list(.float64, 0, 3, nan)),
                    "leaf_weights": .tensor(list(.float64, 10, 20, 30)), "leaf_targetids": .ints([0, 1, 0]),
                    "n_targets": .int(2),
                ]),
            HostTensor(TensorType(.float64, [3, 2]), doubles: [10, 0, 0, 20, 30, 0])),
    ]
}

@Suite("Maps of the machine-learning domain")
struct MachineLearningMapTests {
    private let map = HostMap(
        keys: whole([3], 7, 1, 3), values: [.scalar(1.5), .scalar(-2.75), .scalar(4)])

    @Test func `CastMap orders values by their keys`() throws {
        expectEqual(try ModelCall("CastMap", map: map).run(), [single([1, 3], -2.75, 4, 1.5)])
        expectEqual(
            try ModelCall("CastMap", map: map, ["cast_to": .string("TO_INT64")]).run(),
            [whole([1, 3], -2, 4, 1)])
        expectEqual(
            try ModelCall("CastMap", map: map, ["cast_to": .string("TO_STRING")]).run(),
            [text([1, 3], "-2.75", "4.0", "1.5")])
        expectEqual(
            try ModelCall(
                "CastMap", map: map, ["map_form": .string("SPARSE"), "max_map": .int(8)]
            ).run(), [single([1, 8], 0, -2.75, 0, 4, 0, 0, 0, 1.5)])
    }

    @Test func `CastMap refuses keys without a place, and rows that nobody can hold`() {
        for width in [7, -1, Int.max] {
            let call = ModelCall(
                "CastMap", map: map, ["map_form": .string("SPARSE"), "max_map": .int(width)])
            #expect(throws: GraphError.self) { try call.run() }
        }
        let words = HostMap(keys: whole([1], 0), values: [text([], "ten")])
        #expect(throws: GraphError.self) { try ModelCall("CastMap", map: words).run() }
    }

    @Test func `DictVectorizer puts values at the places of their keys`() throws {
        let words = HostMap(keys: text([3], "a", "c", "new"), values: [.scalar(4), .scalar(8), .scalar(1)])

        let row = try ModelCall(
            "DictVectorizer", map: words, ["string_vocabulary": .strings(["a", "c", "b", "z"])]
        ).run()

        expectEqual(row, [single([1, 4], 4, 8, 0, 0)])
    }

    @Test func `ZipMap makes a map of each row`() throws {
        let call = ModelCall(
            "ZipMap", [single([2, 2], 0.25, 0.75, 1, 0)], ["classlabels_strings": .strings(["no", "yes"])])

        let (values, _) = try call.build()

        guard case .sequence(let maps, let type) = values[0] else {
            Issue.record("ZipMap gives \(values[0].kind)")
            return
        }
        #expect(type == .map(key: .string, value: .tensor(.float32, shape: [])))
        let found = maps.map { map in
            guard case .map(let map) = map else { return ([String](), [Float]()) }
            return (map.keys.strings, map.values.flatMap(\.floats))
        }
        #expect(found.map(\.0) == [["no", "yes"], ["no", "yes"]])
        #expect(found.map(\.1) == [[0.25, 0.75], [1, 0]])
    }

    @Test(arguments: MachineLearningRefusals.all)
    func `what does not fit is refused with a sentence`(call: ModelCall) {
        #expect(throws: GraphError.self) { try call.run() }
    }
}

/// Calls that must be refused.
enum MachineLearningRefusals {
    static let all = [
        ModelCall(
            "Scaler", [single([1, 3], 1, 2, 3)], ["offset": .floats([1, 2]), "scale": .floats([1, 2])]),
        ModelCall(
            "Scaler", [single([1, 3], 1, 2, 3)], ["offset": .floats([1]), "scale": .floats([1, 2, 3])]),
        ModelCall("Normalizer", [single([2], 1, 2)], ["norm": .string("L3")]),
        ModelCall("Normalizer", [single([1, 1, 1], 1)]),
        ModelCall("Imputer", [single([1], 1)], ["imputed_value_int64s": .ints([1])]),
        ModelCall("Imputer", [single([1, 2], 1, 2)], ["imputed_value_floats": .floats([1, 2, 3])]),
        ModelCall("ArrayFeatureExtractor", [single([2], 1, 2), whole([1], 2)]),
        ModelCall("ArrayFeatureExtractor", [single([2], 1, 2), whole([1], -1)]),
        ModelCall("FeatureVectorizer", [single([1, 1], 1)], ["inputdimensions": .ints([.max])]),
        ModelCall("FeatureVectorizer", [single([1, 1], 1)], ["inputdimensions": .ints([-1])]),
        ModelCall("OneHotEncoder", [whole([1], 3)], ["cats_int64s": .ints([1]), "zeros": .int(0)]),
        ModelCall("OneHotEncoder", [whole([1], 3)]),
        ModelCall("LinearRegressor", [single([1, 2], 1, 2)], ["coefficients": .floats([1, 2, 3])]),
        ModelCall(
            "LinearRegressor", [single([1, 2], 1, 2)], ["coefficients": .floats([1]), "targets": .int(.max)]),
        ModelCall("LinearClassifier", [single([1, 2], 1, 2)], ["coefficients": .floats([1, 2, 3])]),
        ModelCall("LinearClassifier", [single([1, 1], 1)], [:]),
        ModelCall(
            "LinearClassifier", [single([1, 1], 1)],
            ["coefficients": .floats([1, 2, 3]), "classlabels_ints": .ints([1, 2])]),
        ModelCall(
            "LinearRegressor", [single([1, 1], 1)],
            ["coefficients": .floats([1]), "post_transform": .string("EXP")]),
        ModelCall(
            "SVMRegressor", [single([1, 1], 1)], ["n_supports": .int(.max), "coefficients": .floats([1])]),
        ModelCall(
            "SVMClassifier", [single([1, 1], 1)],
            [
                "vectors_per_class": .ints([.max, .max]), "support_vectors": .floats([1]),
                "coefficients": .floats([1]), "rho": .floats([0]), "classlabels_ints": .ints([1, 2]),
            ]),
        ModelCall(
            "LabelEncoder", [whole([1], 1)], ["keys_int64s": .ints([1]), "values_int64s": .ints([1, 2])]),
        ModelCall("LabelEncoder", [whole([1], 1)], ["keys_int64s": .ints([1])]),
        ModelCall(
            "LabelEncoder", [single([1], 1)], ["keys_int64s": .ints([1]), "values_int64s": .ints([1])]),
        ModelCall("ZipMap", [single([1, 2], 1, 2)], ["classlabels_int64s": .ints([1, 2, 3])]),
        ModelCall("ZipMap", [single([1, 2], 1, 2)], ["classlabels_int64s": .ints([1, 1])]),
    ]
}
