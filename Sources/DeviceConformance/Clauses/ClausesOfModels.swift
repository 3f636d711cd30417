extension Requirement {
    static let data: [Requirement] = [
        Requirement(
            37, .data,
            "There are sixteen element types from bool and strings to complex numbers, and one for "
                + "undefined.",
            functions: ["heng_type_size"], furtherCases: ["operators/onnx/as-is/test_cast_*"]),
        Requirement(
            38, .data,
            "Layouts are NCHW, NHWC, ND and undefined.",
            functions: ["heng_tensor_description"]),
        Requirement(
            39, .data,
            "A tensor lies on the device or the host, has up to 128 axes and a name of up to 128 "
                + "letters; its rank may be unknown.",
            functions: ["heng_tensor_description"]),
        Requirement(
            40, .data,
            "A data buffer names memory of the caller's with its size, and does not own it.",
            functions: ["heng_range"]),
        Requirement(
            41, .data,
            "A tensor's description is made, changed and read field by field.",
            functions: [
                "heng_tensor_type", "heng_tensor_rank", "heng_tensor_dim", "heng_tensor_name",
                "heng_tensor_count", "heng_tensor_size",
            ]),
        Requirement(
            42, .data,
            "Reading from a description that is not there gives neutral values and does not crash.",
            functions: ["heng_tensor_type", "heng_tensor_rank", "heng_tensor_dim"]),
    ]

    static let operators: [Requirement] = [
        Requirement(
            43, .operators,
            "An operator's attributes are numbers, texts, element types, and lists of them.",
            functions: ["heng_attribute", "operator_list"], furtherCases: ["operators/onnx/*"]),
        Requirement(
            44, .operators,
            "One operator is compiled from its name, its inputs, outputs and attributes.",
            functions: ["operator_prepare"], furtherCases: ["operators/onnx/*"]),
        Requirement(
            45, .operators,
            "Compiled operators are loaded from a folder or from memory.",
            functions: ["module_load"]),
        Requirement(
            46, .operators,
            "An operator is run by its description, in a stream; compiling and running may be one call.",
            functions: ["operator_execute", "operator_run"], furtherCases: ["operators/onnx/*"]),
        Requirement(
            47, .operators,
            "A handle is prepared once and run many times.",
            functions: ["operator_prepare", "operator_execute", "operator_destroy"]),
        Requirement(
            48, .operators,
            "The shapes of outputs are inferred without running.",
            functions: ["operator_infer"]),
        Requirement(
            49, .operators,
            "A wrong operator, input, output or attribute, and failures of loading and compiling, "
                + "have their classes.",
            functions: ["operator_supports", "operator_prepare", "module_load"]),
    ]

    static let models: [Requirement] = [
        Requirement(
            50, .models,
            "A model is loaded from a file or from memory, into memory of the library's or of the "
                + "caller's.",
            functions: ["model_load"], furtherCases: ["models/*"]),
        Requirement(
            51, .models,
            "Loading takes its arguments one by one: priority, the model's bytes, and the memory for "
                + "weights and work.",
            functions: ["model_load"]),
        Requirement(
            52, .models,
            "How much memory a model needs is known before it is loaded.",
            functions: ["model_query"]),
        Requirement(
            53, .models,
            "A model is run at once or in a stream, and unloaded.",
            functions: ["model_run", "model_submit", "model_unload"], furtherCases: ["models/*"]),
        Requirement(
            54, .models,
            "The inputs and outputs of a run are an ordered list of buffers.",
            functions: ["model_run"], furtherCases: ["models/*"]),
        Requirement(
            55, .models,
            "A model tells the number, names, types and extents of its inputs and outputs.",
            functions: ["model_describe", "model_input", "model_output"]),
        Requirement(
            56, .models,
            "From work that failed one finds the operator and its tensors.",
            functions: ["model_node", "error_describe"],
            furtherCases: ["runtime/launch/failure", "runtime/profile/correlation"]),
        Requirement(
            57, .models,
            "A wrong model, size, input or output, and damaged files, have their classes.",
            functions: ["model_load"]),
    ]

    static let graph: [Requirement] = [
        Requirement(
            58, .graph,
            "A graph is built from operators and values, changed, and searched.",
            functions: [
                "graph_create", "graph_add_value", "graph_add_node", "graph_set_outputs", "graph_find",
                "graph_change_node", "graph_remove_node",
            ]),
        Requirement(
            59, .graph,
            "A graph is compiled and run, and says whether it must be compiled anew.",
            functions: ["graph_compile", "graph_needs_compile"]),
    ]
}
