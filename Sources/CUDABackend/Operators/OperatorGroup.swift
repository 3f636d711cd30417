internal import AcceleratorAPI
internal import CHengAccelerator
internal import Essentials

enum CUDAOperatorGroup {
    private static let table = unsafe GroupTable(makeTable())
    static var header: UnsafePointer<heng_header> { unsafe table.header }

    /// The listings' strings, which live as long as the process.
    private static let names = OperatorCatalog.entries.map { PermanentText($0.name) }
    private static let domain = PermanentText("")

    private static func makeTable() -> heng_operator_table {
        var table = unsafe heng_operator_table()
        unsafe table.header = StructCrossing.header(HENG_KIND_OPERATOR_TABLE, of: heng_operator_table.self)
        unsafe table.operator_list = { device, index, listing, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                _ = try unsafe object(device, CUDADevice.self, "operator_list")
                let target = try unsafe place(listing, "operator_list")
                guard index < OperatorCatalog.entries.count else {
                    throw DeviceError(
                        .outOfRange, operation: "operator_list",
                        text: "There are \(OperatorCatalog.entries.count) operators.")
                }
                let entry = OperatorCatalog.entries[Int(index)]
                var full = unsafe heng_operator_listing()
                unsafe full.domain = unsafe CUDAOperatorGroup.domain.pointer
                unsafe full.name = unsafe CUDAOperatorGroup.names[Int(index)].pointer
                unsafe full.since = Int32(entry.since)
                unsafe full.types = ElementTypes.mask(entry.types)
                try unsafe deliver(full, to: target, "operator_list")
            }
        }
        unsafe table.operator_supports = { device, description, refusal, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                _ = try unsafe object(device, CUDADevice.self, "operator_supports")
                do throws(OperatorRefusal) {
                    _ = try OperatorCatalog.plan(unsafe OperatorRequest(description))
                } catch {
                    if let refusal = unsafe refusal { unsafe CUDAOperatorGroup.write(error, to: refusal) }
                    throw CUDAOperatorGroup.error(error, "operator_supports")
                }
            }
        }
        unsafe table.operator_infer = { device, description, outputs, count, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                _ = try unsafe object(device, CUDADevice.self, "operator_infer")
                let (_, plan) = try unsafe CUDAOperatorGroup.plan(
                    description, "operator_infer", ignoresOutputs: true)
                try unsafe CUDAOperatorGroup.write(plan.outputs, to: outputs, Int(count))
            }
        }
        unsafe addRunning(&table)
        return unsafe table
    }

    private static func addRunning(_ table: inout heng_operator_table) {
        unsafe table.operator_prepare = { context, description, result, info, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let context = try unsafe object(context, CUDAContext.self, "operator_prepare")
                let target = try unsafe place(result, "operator_prepare")
                let (request, plan) = try unsafe CUDAOperatorGroup.plan(
                    description, "operator_prepare", ignoresOutputs: false)
                let prepared = try PreparedOperator(context, request, plan)
                if let info = unsafe info {
                    do throws(DeviceError) {
                        try unsafe deliver(prepared.info(), to: info, "operator_prepare")
                    } catch {
                        prepared.close()
                        throw error
                    }
                }
                unsafe target.pointee = unsafe handle(prepared)
            }
        }
        unsafe table.operator_execute = {
            prepared, stream, inputs, inputCount, outputs, outputCount, workspace, correlation, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let prepared = try unsafe object(prepared, PreparedOperator.self, "operator_execute")
                let stream = try unsafe object(stream, CUDAStream.self, "operator_execute")
                try unsafe prepared.execute(
                    stream, UnsafeBufferPointer(start: inputs, count: Int(inputCount)),
                    UnsafeBufferPointer(start: outputs, count: Int(outputCount)), workspace, correlation)
            }
        }
        unsafe table.operator_destroy = { prepared, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe object(prepared, PreparedOperator.self, "operator_destroy").close()
                unsafe release(prepared, PreparedOperator.self)
            }
        }
    }

    private static func plan(
        _ description: UnsafePointer<heng_operator_description>?, _ operation: StaticString,
        ignoresOutputs: Bool
    ) throws(DeviceError) -> (OperatorRequest, OperatorPlan) {
        do throws(OperatorRefusal) {
            let request = try unsafe OperatorRequest(description, ignoresOutputs: ignoresOutputs)
            return (request, try OperatorCatalog.plan(request))
        } catch { throw CUDAOperatorGroup.error(error, operation) }
    }

    private static func error(_ refusal: OperatorRefusal, _ operation: StaticString) -> DeviceError {
        DeviceError(.unsupported, operation: "\(operation)", text: refusal.text)
    }

    private static func write(_ refusal: OperatorRefusal, to place: UnsafeMutablePointer<heng_refusal>) {
        var full = unsafe heng_refusal()
        unsafe full.reason = Int32(refusal.reason)
        unsafe full.argument = Int32(refusal.argument)
        unsafe withUnsafeMutableBytes(of: &full.text) { text in
            unsafe text.copyBytes(from: Array(refusal.text.utf8.prefix(text.count - 1)))
        }
        _ = unsafe StructCrossing.fill(place, with: full)
    }

    private static func write(
        _ outputs: [TensorSpec], to places: UnsafePointer<UnsafeMutablePointer<heng_inferred_tensor>?>?,
        _ count: Int
    ) throws(DeviceError) {
        guard count <= outputs.count else {
            throw DeviceError(
                .operatorOutput, operation: "operator_infer",
                text: "The operator has \(outputs.count) outputs.")
        }
        for index in 0..<count {
            guard let place = unsafe places?[index] else { continue }
            let output = outputs[index]
            let room = unsafe place.pointee.dims == nil ? 0 : Int(place.pointee.capacity)
            for axis in 0..<min(room, output.rank) {
                unsafe place.pointee.dims[axis] = Int64(output.dims[axis])
            }
            unsafe place.pointee.rank = UInt32(output.rank)
            unsafe place.pointee.type = Int32(output.type)
        }
    }
}

extension PreparedOperator {
    /// Checks the ranges and puts the work into the stream.
    func execute(
        _ stream: CUDAStream, _ inputRanges: UnsafeBufferPointer<heng_range>,
        _ outputRanges: UnsafeBufferPointer<heng_range>, _ workspaceRange: UnsafePointer<heng_range>?,
        _ correlation: UInt64
    ) throws(DeviceError) {
        guard context.device === stream.context.device else {
            throw DeviceError(
                .wrongOwner, operation: "operator_execute",
                text: "An operator and a stream belong to different devices.", operatorName: name)
        }
        try stream.enter("operator_execute")
        guard generation == stream.generation else {
            throw context.device.deadError("operator_execute", generation: generation, isContext: false)
        }
        guard inputRanges.count == inputs.count else {
            throw DeviceError(
                .operatorInput, operation: "operator_execute",
                text: "\(name) was prepared with \(inputs.count) inputs, and was given \(inputRanges.count).",
                operatorName: name)
        }
        guard outputRanges.count <= plan.outputs.count else {
            throw DeviceError(
                .operatorOutput, operation: "operator_execute",
                text: "\(name) has \(plan.outputs.count) outputs.",
                operatorName: name)
        }
        var scratch: UInt64 = 0
        if workspace > 0 {
            guard let range = unsafe workspaceRange?.pointee else {
                throw invalid("operator_execute", "\(name) needs a workspace of \(workspace) bytes.")
            }
            scratch = try unsafe address(range, workspace, alignment: 256, stream)
        }
        let count = inputs.count + plan.outputs.count
        let failure = unsafe withUnsafeTemporaryAllocation(of: UInt64.self, capacity: max(1, count)) {
            places in
            unsafe places.initialize(repeating: 0)
            do throws(DeviceError) {
                try unsafe resolve(inputRanges, outputRanges, stream, places)
                let work = CUDAWork(
                    operation: "operator_execute", kind: HENG_RECORD_OPERATOR, correlation: correlation,
                    name: name)
                try stream.submit(work) { () throws(DeviceError) in
                    try unsafe run(stream, places, workspace: scratch)
                }
                return DeviceError?.none
            } catch { return error }
        }
        if let failure { throw failure }
    }

    private func resolve(
        _ inputRanges: UnsafeBufferPointer<heng_range>, _ outputRanges: UnsafeBufferPointer<heng_range>,
        _ stream: CUDAStream, _ places: UnsafeMutableBufferPointer<UInt64>
    ) throws(DeviceError) {
        for (index, input) in inputs.enumerated() {
            guard let input, plan.kept & 1 << UInt64(min(index, 63)) == 0, input.count > 0 else { continue }
            let size = TensorSpec.size(input.type)
            unsafe places[index] = try unsafe address(
                inputRanges[index], input.bytes, alignment: size, stream)
        }
        for index in 0..<outputRanges.count {
            let output = plan.outputs[index]
            guard output.count > 0 else { continue }
            let size = TensorSpec.size(output.type)
            unsafe places[inputs.count + index] = try unsafe address(
                outputRanges[index], output.bytes, alignment: size, stream)
        }
    }

    private func address(
        _ range: heng_range, _ bytes: Int, alignment: Int, _ stream: CUDAStream
    ) throws(DeviceError) -> UInt64 {
        guard let raw = unsafe range.buffer, unsafe range.host == nil else {
            throw DeviceError(
                .memoryType, operation: "operator_execute", text: "An operand of \(name) lies in no buffer.",
                operatorName: name)
        }
        guard unsafe range.size >= UInt64(bytes) else {
            throw DeviceError(
                .outOfRange, operation: "operator_execute",
                text: "\(bytes) bytes are more than the capacity of \(unsafe range.size) given for them.",
                operatorName: name)
        }
        let buffer = try unsafe object(raw, CUDABuffer.self, "operator_execute")
        let address = try unsafe buffer.address(range.offset, range.size, for: stream, "operator_execute")
        guard address % UInt64(max(1, alignment)) == 0 else {
            throw DeviceError(
                .alignment, operation: "operator_execute",
                text: "An operand of \(name) does not start at a multiple of \(alignment) bytes.",
                operatorName: name)
        }
        return address
    }
}
