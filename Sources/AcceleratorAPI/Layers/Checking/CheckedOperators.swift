// The operators group through the checking layer: handles are the layer's, operands must name buffers of the
// operator's device that hold the tensors, and buffers count as used until the caller has waited.

internal import CHengAccelerator
internal import Essentials

private let objects = CheckedObjects.shared

private let group = unsafe CheckedGroup(kind: HENG_KIND_OPERATOR_TABLE, name: "operators") {
    unsafe heng_operator_table()
}

func makeCheckedOperators() -> heng_operator_table {
    var table = unsafe heng_operator_table()
    unsafe table.header = unsafe StructCrossing.header(
        HENG_KIND_OPERATOR_TABLE, of: heng_operator_table.self)
    unsafe addQuestions(&table)
    unsafe addPreparing(&table)
    unsafe addExecuting(&table)
    return unsafe table
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
        unsafe group.forward(device, as: "device", "operator_list", to: error, \.operator_list) {
            unsafe $0($1, index, listing, $2)
        }
    }
    unsafe table.operator_supports = { device, description, refusal, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(device, "operator_supports", as: "device")
            _ = try unsafe checkDescription(description, "operator_supports")
            try unsafe group.call(object, "operator_supports", \.operator_supports) {
                unsafe $0(object.inner, description, refusal, $1)
            }
        }
    }
    unsafe table.operator_infer = { device, description, outputs, count, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(device, "operator_infer", as: "device")
            _ = try unsafe checkDescription(description, "operator_infer")
            try unsafe group.call(object, "operator_infer", \.operator_infer) {
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
            var own = unsafe heng_operator_info()
            unsafe own.header = unsafe StructCrossing.header(
                HENG_KIND_OPERATOR_INFO, of: heng_operator_info.self)
            unsafe own.in_place_input = -1
            var made: OpaquePointer?
            try unsafe group.call(object, "operator_prepare", \.operator_prepare) {
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
            unsafe objects.remove(checkedNumber(prepared))
            try unsafe group.call(object, "operator_destroy", \.operator_destroy) {
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
            var operands = try unsafe Operands(
                inputs, inputCount, outputs, outputCount, needs, lane, "operator_execute")
            let room = try unsafe checkedOperand(
                workspace?.pointee ?? heng_range(), scratch, lane, "operator_execute")
            unsafe operands.append(room)
            unsafe objects.noteWork(in: stream, using: operands.buffers + [object.number])
            try unsafe group.call(object, "operator_execute", \.operator_execute) { function, place in
                unsafe operands.ranges.withUnsafeBufferPointer { all in
                    let room = unsafe all.baseAddress.map { unsafe $0 + needs.count }
                    return unsafe function(
                        object.inner, lane.inner, all.baseAddress, inputCount,
                        all.baseAddress.map { unsafe $0 + Int(inputCount) }, outputCount,
                        scratch == 0 ? nil : room, correlation, place)
                }
            }
        }
    }
    unsafe table.operator_run = {
        stream, description, inputs, inputCount, outputs, outputCount, correlation, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let lane = try unsafe objects.find(stream, "operator_run", as: "stream")
            let full = try unsafe checkDescription(description, "operator_run")
            let needs = unsafe operandSizes(full, kept: 0)
            let operands = try unsafe Operands(
                inputs, inputCount, outputs, outputCount, needs, lane, "operator_run")
            unsafe objects.noteWork(in: stream, using: operands.buffers)
            try unsafe group.call(lane, "operator_run", \.operator_run) { function, place in
                unsafe operands.ranges.withUnsafeBufferPointer { all in
                    unsafe function(
                        lane.inner, description, all.baseAddress, inputCount,
                        all.baseAddress.map { unsafe $0 + Int(inputCount) }, outputCount, correlation, place)
                }
            }
        }
    }
}

/// The operands of a call in the maker's terms, inputs first, and the numbers of their buffers.
@safe private struct Operands {
    private(set) var ranges: [heng_range] = unsafe []
    private(set) var buffers: [UInt] = []

    init(
        _ inputs: UnsafePointer<heng_range>?, _ inputCount: UInt32, _ outputs: UnsafePointer<heng_range>?,
        _ outputCount: UInt32, _ needs: [UInt64], _ stream: CheckedObject, _ operation: StaticString
    ) throws(DeviceError) {
        guard UInt64(inputCount) + UInt64(outputCount) == UInt64(needs.count) else {
            throw invalid(
                "\(operation)",
                "The operator has \(needs.count) operands, and \(inputCount) + \(outputCount) were given.")
        }
        for index in needs.indices {
            let place = index - Int(inputCount)
            let given = unsafe place < 0 ? inputs?[index] : outputs?[place]
            unsafe append(try unsafe checkedOperand(given ?? heng_range(), needs[index], stream, operation))
        }
    }

    mutating func append(_ operand: (range: heng_range, buffer: UInt)) {
        unsafe ranges.append(operand.range)
        unsafe buffers.append(operand.buffer)
    }
}
