// The operators group through the checking layer: handles are the layer's, operands must name buffers of the
// operator's device that hold the tensors, and buffers count as used until the caller has waited.

internal import CHengAccelerator
internal import Essentials

private let objects = CheckedObjects.shared

/// The group's table; it lives as long as the process.
func makeCheckedOperators() -> UnsafePointer<heng_header> {
    var table = unsafe heng_operator_table()
    unsafe table.header = unsafe StructCrossing.header(
        HENG_KIND_OPERATOR_TABLE, of: heng_operator_table.self)
    unsafe addQuestions(&table)
    unsafe addPreparing(&table)
    unsafe addExecuting(&table)
    let place = UnsafeMutablePointer<heng_operator_table>.allocate(capacity: 1)
    unsafe place.initialize(to: table)
    return unsafe UnsafeRawPointer(place).assumingMemoryBound(to: heng_header.self)
}

/// The maker's own group behind an object.
private func group(of object: CheckedObject) throws(DeviceError) -> (DeviceTable, heng_operator_table) {
    let inner = try objects.table(of: object)
    guard let found = unsafe inner.group(HENG_KIND_OPERATOR_TABLE),
        let full = unsafe StructCrossing.read(
            UnsafeRawPointer(found).assumingMemoryBound(to: heng_operator_table.self),
            zero: heng_operator_table())
    else {
        throw DeviceError(
            .unsupported, operation: "group", text: "The backend \(inner.name) has no operators.")
    }
    return unsafe (inner, full)
}

private func checkDescription(
    _ description: UnsafePointer<heng_operator_description>?, _ operation: StaticString
) throws(DeviceError) -> heng_operator_description {
    try unsafe StructCrossing.checkHeader(description, HENG_KIND_OPERATOR_DESCRIPTION, "\(operation)")
    guard let full = unsafe StructCrossing.read(description, zero: heng_operator_description()) else {
        throw invalid("\(operation)", "\(operation) got no description.")
    }
    guard unsafe full.name != nil, unsafe full.input_count == 0 || full.inputs != nil,
        unsafe full.output_count == 0 || full.outputs != nil,
        unsafe full.attribute_count == 0 || full.attributes != nil
    else { throw invalid("\(operation)", "A description given to \(operation) misses its name or an array.") }
    return unsafe full
}

private func addQuestions(_ table: inout heng_operator_table) {
    unsafe table.operator_list = { device, index, listing, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(device, "operator_list", as: "device")
            let (inner, functions) = try unsafe group(of: object)
            try unsafe inner.call(functions.operator_list, "operator_list") {
                unsafe $0(object.inner, index, listing, $1)
            }
        }
    }
    unsafe table.operator_supports = { device, description, refusal, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(device, "operator_supports", as: "device")
            _ = try unsafe checkDescription(description, "operator_supports")
            let (inner, functions) = try unsafe group(of: object)
            try unsafe inner.call(functions.operator_supports, "operator_supports") {
                unsafe $0(object.inner, description, refusal, $1)
            }
        }
    }
    unsafe table.operator_infer = { device, description, outputs, count, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(device, "operator_infer", as: "device")
            _ = try unsafe checkDescription(description, "operator_infer")
            let (inner, functions) = try unsafe group(of: object)
            try unsafe inner.call(functions.operator_infer, "operator_infer") {
                unsafe $0(object.inner, description, outputs, count, $1)
            }
        }
    }
}

private func addPreparing(_ table: inout heng_operator_table) {
    unsafe table.operator_prepare = { context, description, result, info, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(context, "operator_prepare", as: "context")
            let full = try unsafe checkDescription(description, "operator_prepare")
            let target = try unsafe place(result, "operator_prepare")
            let (inner, functions) = try unsafe group(of: object)
            var own = unsafe heng_operator_info()
            unsafe own.header = unsafe StructCrossing.header(
                HENG_KIND_OPERATOR_INFO, of: heng_operator_info.self)
            unsafe own.in_place_input = -1
            var made: OpaquePointer?
            try unsafe inner.call(functions.operator_prepare, "operator_prepare") {
                unsafe $0(object.inner, description, &made, &own, $1)
            }
            let needs = unsafe operandSizes(full, kept: own.kept_inputs)
            unsafe target.pointee = try unsafe register(
                .operator(needs: needs, workspace: unsafe own.workspace_bytes), made, in: context,
                "operator_prepare")
            if let info = unsafe info { _ = unsafe StructCrossing.fill(info, with: own) }
        }
    }
    unsafe table.operator_destroy = { prepared, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(prepared, "operator_destroy", as: "operator")
            let (inner, functions) = try unsafe group(of: object)
            unsafe objects.remove(checkedNumber(prepared))
            try unsafe inner.call(functions.operator_destroy, "operator_destroy") {
                unsafe $0(object.inner, $1)
            }
        }
    }
}

/// The least bytes of each operand, inputs first; 0 where a range may be left out.
private func operandSizes(_ description: heng_operator_description, kept: UInt64) -> [UInt64] {
    var sizes: [UInt64] = []
    for index in 0..<Int(unsafe description.input_count) {
        let isKept = index < 64 && kept & (1 << UInt64(index)) != 0
        sizes.append(isKept ? 0 : unsafe heng_tensor_size(description.inputs[index]))
    }
    for index in 0..<Int(unsafe description.output_count) {
        sizes.append(unsafe heng_tensor_size(description.outputs[index]))
    }
    return sizes
}

private func addExecuting(_ table: inout heng_operator_table) {
    unsafe table.operator_execute = {
        prepared, stream, inputs, inputCount, outputs, outputCount, workspace, correlation, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(prepared, "operator_execute", as: "operator")
            let lane = try unsafe objects.find(stream, "operator_execute", as: "stream")
            try checkSameDevice(object, lane, "operator_execute")
            guard case .operator(let needs, let scratch) = object.kind else { return }
            guard UInt64(inputCount) + UInt64(outputCount) == UInt64(needs.count) else {
                throw invalid(
                    "operator_execute",
                    "The operator has \(needs.count) operands, and \(inputCount) + \(outputCount) were given."
                )
            }
            var operands = unsafe (0..<Int(inputCount)).map { unsafe inputs?[$0] ?? heng_range() }
            unsafe operands += unsafe (0..<Int(outputCount)).map { unsafe outputs?[$0] ?? heng_range() }
            var used: [UInt] = []
            for index in unsafe operands.indices {
                let (range, buffer) = try unsafe checkedOperand(operands[index], needs[index], lane)
                unsafe operands[index] = unsafe range
                used.append(buffer)
            }
            let room = try unsafe checkedOperand(workspace?.pointee ?? heng_range(), scratch, lane)
            unsafe used.append(room.buffer)
            // Workspace and operands in one array: inputs, outputs, workspace.
            unsafe operands.append(room.range)
            let count = unsafe noteSubmission(stream)
            unsafe noteUse(of: used, by: stream, count: count)
            let (inner, functions) = try unsafe group(of: object)
            try unsafe inner.call(functions.operator_execute, "operator_execute") { function, place in
                unsafe operands.withUnsafeBufferPointer { all in
                    let room = unsafe all.baseAddress.map { unsafe $0 + needs.count }
                    return unsafe function(
                        object.inner, lane.inner, all.baseAddress, inputCount,
                        all.baseAddress.map { unsafe $0 + Int(inputCount) }, outputCount,
                        scratch == 0 ? nil : room, correlation, place)
                }
            }
        }
    }
}

/// An operand in the maker's terms; one without memory is allowed where nothing is needed.
private func checkedOperand(
    _ range: heng_range, _ bytes: UInt64, _ stream: CheckedObject
) throws(DeviceError) -> (range: heng_range, buffer: UInt) {
    if bytes == 0, unsafe range.buffer == nil, unsafe range.host == nil { return unsafe (range, 0) }
    return try unsafe withUnsafePointer(to: range) { place throws(DeviceError) in
        try unsafe checkedRange(place, bytes, stream, "operator_execute")
    }
}
