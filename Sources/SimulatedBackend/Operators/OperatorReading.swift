internal import AcceleratorAPI
internal import CHengAccelerator
internal import ComputeGraph
internal import KernelInterface

/// Why a device does not take a call, in the header's terms.
struct OperatorRefusal: Error {
    var reason: Int
    var argument: Int32 = -1
    var text: String
}

/// From a description to a call that can run on a device.
extension SimulatedDevice {
    /// The name of the described operator, for scripts and errors.
    static func operatorName(_ description: UnsafePointer<heng_operator_description>?) -> String? {
        let full = unsafe StructCrossing.read(description, zero: heng_operator_description())
        return unsafe full?.name.map { unsafe String(cString: $0) }
    }

    /// The call, or why this device does not take it; throws what is wrong with the description itself.
    func read(
        _ description: UnsafePointer<heng_operator_description>?, _ operation: String,
        checksOutputs: Bool = true
    ) throws(DeviceError) -> Result<OperatorCall, OperatorRefusal> {
        let full = try unsafe Arguments.read(
            description, HENG_KIND_OPERATOR_DESCRIPTION, heng_operator_description(), operation)
        let name = unsafe full.name.map { unsafe String(cString: $0) } ?? ""
        guard settings.operators.contains(name) || name.isEmpty else {
            return .failure(
                OperatorRefusal(
                    reason: HENG_REFUSAL_OPERATOR, text: "\(self.name) does not have the operator \(name)."))
        }
        var given = unsafe full
        if !checksOutputs { unsafe given.output_count = unsafe min(given.output_count, outputLimit(given)) }
        let crossed: OperatorCrossing.CallGraph
        do throws(DeviceError) {
            crossed = try unsafe OperatorCrossing.graph(of: &given)
        } catch {
            guard let reason = OperatorRefusal.reason(of: error.code) else {
                var error = error
                error.operation = operation
                throw error
            }
            return .failure(OperatorRefusal(reason: reason, text: error.text))
        }
        let call = unsafe OperatorCall(crossed, full, name)
        if let refusal = typeRefusal(call) { return .failure(refusal) }
        if checksOutputs, let refusal = unsafe call.outputRefusal(full) { return .failure(refusal) }
        return .success(call)
    }

    private func outputLimit(_ description: heng_operator_description) -> UInt32 {
        unsafe description.outputs == nil ? 0 : description.output_count
    }

    private func typeRefusal(_ call: OperatorCall) -> OperatorRefusal? {
        func takes(_ type: TensorType) -> Bool {
            type.element != .string && (settings.types?.contains(type.element) ?? true)
        }
        for (place, type) in call.inputTypes where !takes(type) {
            return OperatorRefusal(
                reason: HENG_REFUSAL_TYPE, argument: Int32(place),
                text: "\(name) does not compute with \(type.element), the type of input \(place).")
        }
        for type in call.outputs where !takes(type) {
            return OperatorRefusal(
                reason: HENG_REFUSAL_TYPE, text: "\(name) does not compute \(type.element).")
        }
        return nil
    }
}

extension OperatorRefusal {
    /// The reason that an error of the crossing stands for; nil for what is no refusal but a wrong call.
    static func reason(of code: DeviceError.Code) -> Int? {
        switch code {
        case .operatorName: HENG_REFUSAL_OPERATOR
        case .operatorAttribute: HENG_REFUSAL_ATTRIBUTE
        case .dataType: HENG_REFUSAL_TYPE
        case .format: HENG_REFUSAL_LAYOUT
        case .operatorStaticOnly: HENG_REFUSAL_CONSTANT
        case .outOfHostMemory: HENG_REFUSAL_SIZE
        case .operatorInput, .operatorOutput: HENG_REFUSAL_SHAPE
        default: nil
        }
    }

    /// The refusal as an error, with the same sentence.
    func error(_ operation: String, _ name: String?) -> DeviceError {
        DeviceError(.unsupported, operation: operation, text: text, operatorName: name)
    }
}

extension OperatorCall {
    fileprivate init(
        _ crossed: OperatorCrossing.CallGraph, _ description: heng_operator_description, _ name: String
    ) {
        self.crossed = crossed
        self.name = name
        node = unsafe description.node.map { unsafe String(cString: $0) }
        inputCount = unsafe Int(description.input_count)
        let graph = crossed.graph
        outputs = graph.outputs.map(graph.type(of:))
        let given = unsafe description.outputs == nil ? 0 : Int(description.output_count)
        let places = (0..<given).filter { unsafe description.outputs[$0] != nil }
        outputPlaces = places.isEmpty ? Array(graph.outputs.indices) : places
        outputCount = given == 0 ? graph.outputs.count : given
        var kept: UInt64 = 0
        for place in 0..<min(64, inputCount) where !crossed.inputs.contains(place) {
            kept |= 1 << UInt64(place)
        }
        keptInputs = kept
    }

    /// Whether the outputs that the caller described are those that the call has.
    fileprivate func outputRefusal(_ description: heng_operator_description) -> OperatorRefusal? {
        guard unsafe description.outputs != nil else { return nil }
        let count = unsafe Int(description.output_count)
        for (type, place) in zip(outputs, outputPlaces) where place < count {
            guard
                let given = unsafe StructCrossing.read(
                    description.outputs[place], zero: heng_tensor_description())
            else { continue }
            let dims = (0..<type.shape.rank).map { Int64(type.shape[$0]) }
            let isSame =
                unsafe given.type == type.element.rawValue && Int(given.rank) == dims.count
                && (dims.isEmpty || given.dims != nil)
                && dims.indices.allSatisfy { unsafe given.dims[$0] == dims[$0] }
            guard isSame else {
                return OperatorRefusal(
                    reason: HENG_REFUSAL_SHAPE,
                    text: "Output \(place) of \(name) is \(type), and is described as something else.")
            }
        }
        return nil
    }
}
