// The models group through the checking layer: the arguments' memory and the datasets must be of the model's device.

internal import CHengAccelerator
internal import Essentials

private let objects = CheckedObjects.shared
private let group = unsafe CheckedGroup(kind: HENG_KIND_MODEL_TABLE, name: "models") {
    unsafe heng_model_table()
}

func makeCheckedModels() -> heng_model_table {
    var table = unsafe heng_model_table()
    unsafe table.header = unsafe StructCrossing.header(HENG_KIND_MODEL_TABLE, of: heng_model_table.self)
    unsafe addQuestions(&table)
    unsafe addLoading(&table)
    unsafe addFacts(&table)
    unsafe addRuns(&table)
    return unsafe table
}

/// The caller's arguments in the maker's terms: a file or bytes, and memory of the device.
private func checkedArguments(
    _ arguments: UnsafePointer<heng_model_arguments>?, _ object: CheckedObject, _ operation: StaticString
) throws(DeviceError) -> heng_model_arguments {
    try unsafe StructCrossing.checkHeader(arguments, HENG_KIND_MODEL_ARGUMENTS, "\(operation)")
    var full = try unsafe StructCrossing.demand(arguments, heng_model_arguments(), "\(operation)")
    guard unsafe full.path != nil || (full.bytes != nil && full.size > 0) else {
        throw invalid("\(operation)", "\(operation) got neither a file nor bytes.")
    }
    guard unsafe full.input_count == 0 || full.inputs != nil else {
        throw invalid("\(operation)", "The shapes given to \(operation) are null.")
    }
    unsafe full.header.struct_size = UInt32(MemoryLayout<heng_model_arguments>.size)
    unsafe full.weights = try unsafe checkedOperand(full.weights, 0, object, operation).range
    unsafe full.working = try unsafe checkedOperand(full.working, 0, object, operation).range
    return unsafe full
}

private func addQuestions(_ table: inout heng_model_table) {
    unsafe table.model_query = { device, arguments, info, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(device, "model_query", as: "device")
            var full = try unsafe checkedArguments(arguments, object, "model_query")
            try unsafe StructCrossing.checkHeader(
                info.map { unsafe UnsafePointer($0) }, HENG_KIND_MODEL_INFO, "model_query")
            try unsafe group.call(object, "model_query", \.model_query) {
                unsafe $0(object.inner, &full, info, $1)
            }
        }
    }
    unsafe table.model_compatibility = { device, arguments, compatibility, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(device, "model_compatibility", as: "device")
            var full = try unsafe checkedArguments(arguments, object, "model_compatibility")
            let target = try unsafe place(compatibility, "model_compatibility")
            try unsafe group.call(object, "model_compatibility", \.model_compatibility) {
                unsafe $0(object.inner, &full, target, $1)
            }
        }
    }
    unsafe table.model_signature = { device, arguments, output, index, tensor, name, capacity, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(device, "model_signature", as: "device")
            var full = try unsafe checkedArguments(arguments, object, "model_signature")
            try unsafe StructCrossing.checkHeader(
                tensor.map { unsafe UnsafePointer($0) }, HENG_KIND_INFERRED_TENSOR, "model_signature")
            guard unsafe capacity == 0 || name != nil else {
                throw invalid("model_signature", "model_signature has no place for the name.")
            }
            try unsafe group.call(object, "model_signature", \.model_signature) {
                unsafe $0(object.inner, &full, output, index, tensor, name, capacity, $1)
            }
        }
    }
}

private func addLoading(_ table: inout heng_model_table) {
    unsafe table.model_load = { context, arguments, result, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(context, "model_load", as: "context")
            var full = try unsafe checkedArguments(arguments, object, "model_load")
            let target = try unsafe place(result, "model_load")
            var made: OpaquePointer?
            try unsafe group.call(object, "model_load", \.model_load) {
                unsafe $0(object.inner, &full, &made, $1)
            }
            unsafe target.pointee = try unsafe register(.model, made, in: context, "model_load")
        }
    }
    unsafe table.model_unload = { model, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(model, "model_unload", as: "model")
            try unsafe group.call(object, "model_unload", \.model_unload) { unsafe $0(object.inner, $1) }
            objects.remove(object.number)
        }
    }
    unsafe table.model_save = { model, path, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(model, "model_save", as: "model")
            try unsafe checkName(path, "model_save")
            try unsafe group.call(object, "model_save", \.model_save) { unsafe $0(object.inner, path, $1) }
        }
    }
}

private func addFacts(_ table: inout heng_model_table) {
    unsafe table.model_describe = { model, info, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(model, "model_describe", as: "model")
            try unsafe StructCrossing.checkHeader(
                info.map { unsafe UnsafePointer($0) }, HENG_KIND_MODEL_INFO, "model_describe")
            try unsafe group.call(object, "model_describe", \.model_describe) {
                unsafe $0(object.inner, info, $1)
            }
        }
    }
    unsafe table.model_input = { model, index, description, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(model, "model_input", as: "model")
            let target = try unsafe place(description, "model_input")
            try unsafe group.call(object, "model_input", \.model_input) {
                unsafe $0(object.inner, index, target, $1)
            }
        }
    }
    unsafe table.model_output = { model, index, description, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(model, "model_output", as: "model")
            let target = try unsafe place(description, "model_output")
            try unsafe group.call(object, "model_output", \.model_output) {
                unsafe $0(object.inner, index, target, $1)
            }
        }
    }
    unsafe table.model_node = { model, index, info, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(model, "model_node", as: "model")
            try unsafe StructCrossing.checkHeader(
                info.map { unsafe UnsafePointer($0) }, HENG_KIND_NODE_INFO, "model_node")
            try unsafe group.call(object, "model_node", \.model_node) {
                unsafe $0(object.inner, index, info, $1)
            }
        }
    }
}

private func addRuns(_ table: inout heng_model_table) {
    unsafe table.model_run = { model, inputs, inputCount, outputs, outputCount, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(model, "model_run", as: "model")
            let (from, _) = try unsafe checkedRanges(inputs, inputCount, object, "model_run")
            let (to, _) = try unsafe checkedRanges(outputs, outputCount, object, "model_run")
            try unsafe group.call(object, "model_run", \.model_run) {
                unsafe $0(object.inner, from, inputCount, to, outputCount, $1)
            }
        }
    }
    unsafe table.model_submit = {
        model, stream, inputs, inputCount, outputs, outputCount, correlation, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(model, "model_submit", as: "model")
            let lane = try unsafe objects.find(stream, "model_submit", as: "stream")
            try checkSameDevice(object, lane, "model_submit")
            let (from, read) = try unsafe checkedRanges(inputs, inputCount, lane, "model_submit")
            let (to, written) = try unsafe checkedRanges(outputs, outputCount, lane, "model_submit")
            unsafe objects.noteWork(in: stream, using: read + written + [object.number])
            try unsafe group.call(object, "model_submit", \.model_submit) {
                unsafe $0(object.inner, lane.inner, from, inputCount, to, outputCount, correlation, $1)
            }
        }
    }
}

/// Many ranges in the maker's terms, and the numbers of their buffers.
private func checkedRanges(
    _ ranges: UnsafePointer<heng_range>?, _ count: UInt32, _ owner: CheckedObject, _ operation: StaticString
) throws(DeviceError) -> ([heng_range], [UInt]) {
    guard unsafe count == 0 || ranges != nil else {
        throw invalid("\(operation)", "The \(count) ranges given to \(operation) are null.")
    }
    var inner: [heng_range] = unsafe []
    var buffers: [UInt] = []
    for index in 0..<Int(count) {
        let found = try unsafe checkedOperand(ranges?[index] ?? heng_range(), 0, owner, operation)
        unsafe inner.append(found.range)
        unsafe buffers.append(found.buffer)
    }
    return unsafe (inner, buffers)
}
