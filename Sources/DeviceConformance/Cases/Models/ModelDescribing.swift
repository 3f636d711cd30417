internal import AcceleratorAPI
internal import CHengAccelerator

extension DeviceCases {
    /// What a loaded model says of itself.
    static let modelDescribing: [DeviceCase] = [
        .model(
            "describe", "a model tells the number, names, types and extents of its inputs and outputs", 41, 55
        ) { trial in
            let calls = try trial.models()
            let context = try trial.context()
            let model = try trial.loaded(calls, in: context)
            let (answer, facts) = calls.describe(model)
            try answer.done()
            try trial.require(
                facts.inputs == 2 && facts.outputs == 2,
                "A model of 2 inputs and 2 outputs is said to have \(facts.inputs) and \(facts.outputs).")
            try trial.require(facts.nodes > 0, "A model that computes something has no nodes.")
            try trial.require(
                !facts.isDynamic, "A loaded model whose shapes are known is said to be dynamic.")
            for (index, value) in SampleModel.inputs.enumerated() {
                let (answer, found) = calls.input(model, index)
                try answer.done("number \(index)")
                try trial.require(
                    found == TensorFacts(value), "Input \(index) is \(text(found)), and not \(value).")
            }
            for (index, value) in SampleModel.outputs.enumerated() {
                let (answer, found) = calls.output(model, index)
                try answer.done("number \(index)")
                try trial.require(
                    found == TensorFacts(value), "Output \(index) is \(text(found)), and not \(value).")
            }
        },
        .model("describe-wrong", "inputs and outputs that are none, and null handles, are refused", 55, 65) {
            trial in
            let calls = try trial.models()
            let context = try trial.context()
            let model = try trial.loaded(calls, in: context)
            for index in [2, 1 << 31] {
                try calls.input(model, index).answer.gives(.outOfRange, when: "of number \(index)")
                try calls.output(model, index).answer.gives(.outOfRange, when: "of number \(index)")
            }
            try calls.describe(.null).answer.refusesNull()
            try calls.input(.null, 0).answer.refusesNull()
            try calls.output(.null, 0).answer.refusesNull()
            try unsafe trial.rig.call(calls.functions.model_describe, "model_describe") {
                unsafe $0(model.raw, nil, $1)
            }.refusesNull()
            try unsafe trial.rig.call(calls.functions.model_input, "model_input") {
                unsafe $0(model.raw, 0, nil, $1)
            }.refusesNull()
        },
        .model("describe-older", "an older caller's shorter struct is not written beyond its size", 55) {
            trial in
            let calls = try trial.models()
            let context = try trial.context()
            let model = try trial.loaded(calls, in: context)
            var raw = unsafe calls.emptyInfo()
            unsafe raw.header.struct_size = UInt32(MemoryLayout<heng_header>.size + 8)
            unsafe raw.working_bytes = 0x5A5A_5A5A
            unsafe raw.input_count = 0x5A5A
            try unsafe calls.describe(model, raw: &raw).done("of an older caller")
            try unsafe trial.require(
                raw.working_bytes == 0x5A5A_5A5A && raw.input_count == 0x5A5A,
                "Fields behind the struct_size of the caller were written.")
            try unsafe trial.require(
                raw.weight_bytes == calls.describe(model).facts.weightBytes,
                "The field that the older struct has was not written.")
            unsafe raw.header.struct_size = 4
            try unsafe calls.describe(model, raw: &raw).gives(
                .version, .invalidArgument, when: "into a struct of four bytes")
        },
        .model("neutral", "what is not there reads as nothing from any description", 42) { trial in
            let calls = try trial.models()
            let context = try trial.context()
            let model = try trial.loaded(calls, in: context)
            var place: UnsafePointer<heng_tensor_description>?
            try unsafe trial.rig.call(calls.functions.model_input, "model_input") {
                unsafe $0(model.raw, 0, &place, $1)
            }.done()
            // Behind the last axis, and without a description at all.
            try unsafe trial.require(
                heng_tensor_rank(place) == 2 && heng_tensor_dim(place, 2) == 0
                    && heng_tensor_dim(place, .max) == 0,
                "An axis behind the last reads as an extent.")
            try unsafe trial.require(
                heng_tensor_count(place) == 64 && heng_tensor_size(place) == 256,
                "The description of 4 x 16 floats gives \(heng_tensor_size(place)) bytes.")
            try unsafe trial.require(
                TensorFacts(nil) == nil && heng_tensor_type(nil) == Int32(HENG_TYPE_UNDEFINED)
                    && heng_tensor_size(nil) == 0,
                "No description reads as one.")
        },
        .model("nodes", "a model's nodes have names, operators and tensors, and end where they say", 56) {
            trial in
            let calls = try trial.models()
            let context = try trial.context()
            let model = try trial.loaded(calls, in: context)
            let (answer, facts) = calls.describe(model)
            try answer.done()
            var names: [String] = []
            for index in 0..<facts.nodes {
                let (answer, node) = calls.node(model, index)
                try answer.done("number \(index)")
                guard let name = node?.name, let kind = node?.operatorName, let outputs = node?.outputs,
                    !name.isEmpty, !kind.isEmpty
                else { try trial.fail("Node \(index) has no name or no operator.") }
                try trial.require(
                    !outputs.isEmpty && outputs.allSatisfy { $0?.type == Int32(HENG_TYPE_FLOAT32) },
                    "The outputs of the node \(name) are \(outputs), and all are float32 here.")
                names.append(name)
            }
            try trial.require(Set(names).count == names.count, "Two nodes have one name: \(names).")
            try calls.node(model, facts.nodes).answer.gives(.outOfRange, when: "behind the last node")
            try calls.node(.null, 0).answer.refusesNull()
        },
    ]
}

private func text(_ facts: TensorFacts?) -> String { facts.map { "\($0)" } ?? "not there" }
