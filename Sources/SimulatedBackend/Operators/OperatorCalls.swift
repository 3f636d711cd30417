internal import AcceleratorAPI
internal import CHengAccelerator
internal import ComputeGraph
internal import KernelInterface
internal import Synchronization

/// The group of operators.
enum SimulatedOperators {
    static func make() -> heng_operator_table {
        var table = unsafe heng_operator_table()
        unsafe table.header = StructCrossing.header(HENG_KIND_OPERATOR_TABLE, of: heng_operator_table.self)
        unsafe addQuestions(&table)
        unsafe addPreparing(&table)
        unsafe addRunning(&table)
        return unsafe table
    }

    private static func addQuestions(_ table: inout heng_operator_table) {
        unsafe table.operator_list = { device, index, listing, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe SimulatedTable.with(device: device, "operator_list") {
                    device throws(DeviceError) in
                    try unsafe Arguments.fill(
                        listing, HENG_KIND_OPERATOR_LISTING, with: OperatorListings.entry(index, of: device),
                        "operator_list")
                }
            }
        }
        unsafe table.operator_supports = { device, description, refusal, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                // Settings never change, so the lock is not needed for a long question.
                let device = try unsafe Handles.find(device, SimulatedDevice.self, "operator_supports")
                let answer = try unsafe device.read(description, "operator_supports")
                guard case .failure(let reason) = answer else { return }
                if unsafe refusal != nil { try unsafe SimulatedOperators.fill(refusal, reason) }
                throw reason.error(
                    "operator_supports", unsafe SimulatedDevice.operatorName(description))
            }
        }
        unsafe table.operator_infer = { device, description, outputs, count, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let device = try unsafe Handles.find(device, SimulatedDevice.self, "operator_infer")
                let name = unsafe SimulatedDevice.operatorName(description)
                try device.monitor.locked { () throws(DeviceError) in
                    _ = try device.strike("operator_infer", operatorName: name)
                    try device.check("operator_infer")
                }
                switch try unsafe device.read(description, "operator_infer", checksOutputs: false) {
                case .failure(let reason): throw reason.error("operator_infer", name)
                case .success(let call): try unsafe SimulatedOperators.infer(call, outputs, count)
                }
            }
        }
    }

    private static func fill(
        _ refusal: UnsafeMutablePointer<heng_refusal>?, _ reason: OperatorRefusal
    ) throws(DeviceError) {
        var full = unsafe heng_refusal()
        unsafe full.reason = Int32(reason.reason)
        unsafe full.argument = reason.argument
        unsafe withUnsafeMutableBytes(of: &full.text) { room in
            for (index, byte) in reason.text.utf8.prefix(room.count - 1).enumerated() {
                unsafe room[index] = byte
            }
        }
        try unsafe Arguments.fill(refusal, HENG_KIND_REFUSAL, with: full, "operator_supports")
    }

    private static func infer(
        _ call: OperatorCall, _ outputs: UnsafePointer<UnsafeMutablePointer<heng_inferred_tensor>?>?,
        _ count: UInt32
    ) throws(DeviceError) {
        guard let outputs = unsafe outputs, Int(count) >= call.outputs.count else {
            throw DeviceError(
                .operatorOutput, operation: "operator_infer",
                text: "\(call.name) has \(call.outputs.count) outputs here, and there is room for \(count).",
                operatorName: call.name)
        }
        for index in call.outputs.indices {
            try unsafe Arguments.checkHeader(
                outputs[index].map { unsafe UnsafePointer($0) }, HENG_KIND_INFERRED_TENSOR, "operator_infer")
        }
        for (index, type) in call.outputs.enumerated() {
            guard let place = unsafe outputs[index],
                var full = unsafe StructCrossing.read(UnsafePointer(place), zero: heng_inferred_tensor())
            else { continue }
            unsafe full.rank = UInt32(type.shape.rank)
            unsafe full.type = type.element.rawValue
            if let dims = unsafe full.dims {
                for axis in 0..<min(type.shape.rank, unsafe Int(full.capacity)) {
                    unsafe dims[axis] = Int64(type.shape[axis])
                }
            }
            _ = unsafe StructCrossing.fill(place, with: full)
        }
    }

    private static func addPreparing(_ table: inout heng_operator_table) {
        unsafe table.operator_prepare = { context, description, result, info, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let context = try unsafe Handles.find(context, SimulatedContext.self, "operator_prepare")
                let target = try unsafe place(result, "operator_prepare")
                if unsafe info != nil {
                    try unsafe Arguments.checkHeader(
                        info.map { unsafe UnsafePointer($0) }, HENG_KIND_OPERATOR_INFO, "operator_prepare")
                }
                let prepared = try unsafe SimulatedOperators.prepare(context, description, "operator_prepare")
                if unsafe info != nil {
                    try unsafe Arguments.fill(
                        info, HENG_KIND_OPERATOR_INFO, with: prepared.info(), "operator_prepare")
                }
                unsafe target.pointee = Handles.add(prepared)
            }
        }
        unsafe table.operator_destroy = { handle, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe SimulatedTable.with(handle, SimulatedOperator.self, "operator_destroy") {
                    prepared throws(DeviceError) in
                    _ = try prepared.context.device.strike(
                        "operator_destroy", operatorName: prepared.call.name)
                    prepared.context.living.operators -= 1
                    unsafe Handles.remove(handle)
                }
            }
        }
    }

    /// Reads the description without the lock, and makes the operator with it.
    private static func prepare(
        _ context: SimulatedContext, _ description: UnsafePointer<heng_operator_description>?,
        _ operation: String
    ) throws(DeviceError) -> SimulatedOperator {
        let name = unsafe SimulatedDevice.operatorName(description)
        switch try unsafe context.device.read(description, operation) {
        case .failure(let reason): throw reason.error(operation, name)
        case .success(let call):
            return try context.device.monitor.locked { () throws(DeviceError) in
                if operation == "operator_prepare" {
                    _ = try context.device.strike(operation, operatorName: name, node: call.node)
                }
                try context.device.check(context, operation)
                return SimulatedOperator(in: context, call)
            }
        }
    }

    private static func addRunning(_ table: inout heng_operator_table) {
        unsafe table.operator_execute = {
            prepared, stream, inputs, inputCount, outputs, outputCount, workspace, correlation, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let prepared = try unsafe Handles.find(prepared, SimulatedOperator.self, "operator_execute")
                try unsafe SimulatedTable.with(stream, SimulatedStream.self, "operator_execute") {
                    stream throws(DeviceError) in
                    try unsafe stream.execute(
                        prepared, ranges(inputs, inputCount), ranges(outputs, outputCount), correlation,
                        "operator_execute")
                }
            }
        }
        unsafe table.operator_run = {
            stream, description, inputs, inputCount, outputs, outputCount, correlation, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let stream = try unsafe Handles.find(stream, SimulatedStream.self, "operator_run")
                let prepared = try unsafe SimulatedOperators.prepare(
                    stream.context, description, "operator_run")
                try stream.device.monitor.locked { () throws(DeviceError) in
                    // The command keeps the operator as long as it needs it.
                    prepared.context.living.operators -= 1
                    try unsafe stream.execute(
                        prepared, ranges(inputs, inputCount), ranges(outputs, outputCount), correlation,
                        "operator_run")
                }
            }
        }
    }
}

/// The caller's ranges; none where they are said to be there and are not.
private func ranges(_ start: UnsafePointer<heng_range>?, _ count: UInt32) -> UnsafeBufferPointer<heng_range> {
    unsafe UnsafeBufferPointer(start: start, count: start == nil ? 0 : Int(count))
}

extension SimulatedOperator {
    fileprivate func info() -> heng_operator_info {
        var full = unsafe heng_operator_info()
        unsafe full.kept_inputs = call.keptInputs
        unsafe full.algorithm = UnsafePointer(algorithm)
        unsafe full.determinism = Int32(HENG_DETERMINISM_DEVICES)
        unsafe full.in_place_input = -1
        return unsafe full
    }
}

extension SimulatedStream {
    /// Submits one run, with the monitor held.
    fileprivate func execute(
        _ prepared: SimulatedOperator, _ inputs: UnsafeBufferPointer<heng_range>,
        _ outputs: UnsafeBufferPointer<heng_range>, _ correlation: UInt64, _ operation: String
    ) throws(DeviceError) {
        let call = prepared.call
        let faults = try enterWork(operation, correlation, operatorName: call.name, node: call.node)
        try device.checkOwner(prepared, operation)
        try device.check(prepared, operation)
        guard inputs.count == call.inputCount else {
            throw mismatch(.operatorInput, operation, call, "\(call.inputCount) inputs", inputs.count)
        }
        guard outputs.count == call.outputCount else {
            throw mismatch(.operatorOutput, operation, call, "\(call.outputCount) outputs", outputs.count)
        }
        var sources = [MemorySpan?](repeating: nil, count: call.inputCount)
        for (place, type) in call.inputTypes where type.byteCount > 0 {
            sources[place] = try unsafe device.span(
                inputs[place], bytes: UInt64(type.byteCount), operation, onlyBuffers: true)
        }
        var results = [MemorySpan?](repeating: nil, count: call.outputCount)
        for (place, type) in zip(call.outputPlaces, call.outputs) where type.byteCount > 0 {
            results[place] = try unsafe device.span(
                outputs[place], bytes: UInt64(type.byteCount), operation, onlyBuffers: true)
        }
        try submit(
            Command(
                kind: .operate(prepared, inputs: sources, outputs: results), function: operation,
                correlation: correlation, name: call.name, operatorName: call.name, node: call.node,
                bytes: call.bytes, operations: call.crossed.graph.floatingPointOperations, faults: faults))
    }

    private func mismatch(
        _ code: DeviceError.Code, _ operation: String, _ call: OperatorCall, _ wanted: String, _ given: Int
    ) -> DeviceError {
        DeviceError(
            code, operation: operation, text: "\(call.name) has \(wanted), and \(given) ranges were given.",
            node: call.node, operatorName: call.name)
    }
}
