internal import AcceleratorAPI
internal import CHengAccelerator
internal import Essentials

enum OperatorFunctions {
    static func make() -> heng_operator_table {
        var table = unsafe heng_operator_table()
        unsafe table.header = StructCrossing.header(HENG_KIND_OPERATOR_TABLE, of: heng_operator_table.self)
        unsafe addQuestions(&table)
        unsafe addWork(&table)
        return unsafe table
    }

    private static func addQuestions(_ table: inout heng_operator_table) {
        unsafe table.operator_list = { device, index, listing, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let device = try unsafe object(device, OpenCLDevice.self, "operator_list")
                guard index < Listings.all.count else {
                    throw DeviceError(
                        .outOfRange, operation: "operator_list", text: "There is no operator \(index).")
                }
                try unsafe deliver(
                    Listings.all[Int(index)].crossing(hasDouble: device.facts.hasDouble), to: listing,
                    "operator_list")
            }
        }
        unsafe table.operator_supports = { device, description, refusal, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let device = try unsafe object(device, OpenCLDevice.self, "operator_supports")
                let outcome = try unsafe OperatorFunctions.plan(description, device, "operator_supports")
                guard case .failure(let reason) = outcome else { return }
                if unsafe refusal != nil {
                    try unsafe deliver(OperatorFunctions.crossing(reason), to: refusal, "operator_supports")
                }
                throw unsafe OperatorFunctions.error(reason, "operator_supports", unsafe description)
            }
        }
        unsafe table.operator_infer = { device, description, outputs, count, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let device = try unsafe object(device, OpenCLDevice.self, "operator_infer")
                guard unsafe outputs != nil || count == 0, count < 4096 else {
                    throw invalid("operator_infer", "There is no place for the outputs.")
                }
                let plan = try unsafe OperatorFunctions.inferred(description, device, Int(count))
                guard Int(count) <= plan.outputs.count else {
                    throw DeviceError(
                        .operatorOutput, operation: "operator_infer",
                        text: "There are \(plan.outputs.count) outputs, and \(count) are asked for.")
                }
                for index in 0..<Int(count) {
                    if let place = unsafe outputs?[index] {
                        try unsafe OperatorFunctions.fill(place, plan.outputs[index])
                    }
                }
            }
        }
    }

    /// The plan for what a description says, or the reason that there is none.
    private static func plan(
        _ description: UnsafePointer<heng_operator_description>?, _ device: OpenCLDevice,
        _ operation: StaticString
    ) throws(DeviceError) -> Result<(Plan, OperatorUse), Refusal> {
        let read = try unsafe UseReading.read(description, on: device, operation)
        do throws(Refusal) {
            let use = try read.get()
            return .success((try Catalog.checkedPlan(use), use))
        } catch { return .failure(error) }
    }

    private static func inferred(
        _ description: UnsafePointer<heng_operator_description>?, _ device: OpenCLDevice, _ count: Int
    ) throws(DeviceError) -> Plan {
        let read = try unsafe UseReading.read(description, on: device, "operator_infer")
        do throws(Refusal) {
            var use = try read.get()
            use.outputs = []
            use.wanted = [Bool](repeating: true, count: max(1, count))
            return try Catalog.plan(use)
        } catch { throw unsafe OperatorFunctions.error(error, "operator_infer", description) }
    }

    /// Writes what a caller has room for.
    private static func fill(
        _ place: UnsafeMutablePointer<heng_inferred_tensor>, _ output: Plan.Output
    ) throws(DeviceError) {
        guard unsafe place.pointee.header.struct_size >= UInt32(MemoryLayout<heng_inferred_tensor>.size),
            unsafe place.pointee.capacity == 0 || place.pointee.dims != nil
        else {
            throw DeviceError(
                .version, operation: "operator_infer", text: "An output's struct_size is not set.")
        }
        for (axis, extent) in output.dims.enumerated() where unsafe axis < Int(place.pointee.capacity) {
            unsafe place.pointee.dims[axis] = Int64(extent)
        }
        unsafe place.pointee.rank = UInt32(output.dims.count)
        unsafe place.pointee.type = output.type
    }

    private static func crossing(_ reason: Refusal) -> heng_refusal {
        var full = unsafe heng_refusal()
        unsafe full.reason = Int32(reason.reason)
        unsafe full.argument = Int32(reason.argument)
        unsafe withUnsafeMutableBytes(of: &full.text) { place in
            // Cut between characters.
            var bytes: [UInt8] = []
            for character in reason.text {
                guard bytes.count + character.utf8.count < place.count else { break }
                bytes += character.utf8
            }
            unsafe place.copyBytes(from: bytes)
        }
        return unsafe full
    }

    private static func error(
        _ reason: Refusal, _ operation: String, _ description: UnsafePointer<heng_operator_description>?
    ) -> DeviceError {
        let raw = unsafe StructCrossing.read(description, zero: heng_operator_description())
        return DeviceError(
            .unsupported, operation: operation, text: reason.text,
            node: unsafe raw?.node.map { unsafe String(cString: $0) },
            operatorName: unsafe raw?.name.map { unsafe String(cString: $0) })
    }

    private static func addWork(_ table: inout heng_operator_table) {
        unsafe table.operator_prepare = { context, description, prepared, info, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let context = try unsafe object(context, OpenCLContext.self, "operator_prepare")
                let target = try unsafe place(prepared, "operator_prepare")
                let (plan, use): (Plan, OperatorUse)
                switch try unsafe OperatorFunctions.plan(description, context.device, "operator_prepare") {
                case .success(let outcome): (plan, use) = outcome
                case .failure(let reason):
                    throw unsafe OperatorFunctions.error(reason, "operator_prepare", unsafe description)
                }
                let node = unsafe description?.pointee.node.map { unsafe String(cString: $0) }
                let ready = try PreparedOperator(plan, use, node: node, in: context)
                if unsafe info != nil {
                    do throws(DeviceError) {
                        try unsafe deliver(OperatorFunctions.info(of: ready), to: info, "operator_prepare")
                    } catch {
                        ready.close()
                        throw error
                    }
                }
                unsafe target.pointee = unsafe handle(ready)
            }
        }
        unsafe table.operator_execute = {
            prepared, stream, inputs, inputCount, outputs, outputCount, workspace, correlation, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let prepared = try unsafe object(prepared, PreparedOperator.self, "operator_execute")
                let stream = try unsafe object(stream, OpenCLStream.self, "operator_execute")
                guard unsafe inputs != nil || inputCount == 0, unsafe outputs != nil || outputCount == 0
                else {
                    throw invalid("operator_execute", "The ranges are null.")
                }
                try unsafe prepared.execute(
                    on: stream, UnsafeBufferPointer(start: inputs, count: Int(inputCount)),
                    UnsafeBufferPointer(start: outputs, count: Int(outputCount)), workspace?.pointee,
                    correlation)
            }
        }
        unsafe table.operator_destroy = { prepared, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe object(prepared, PreparedOperator.self, "operator_destroy").close()
                unsafe release(prepared, PreparedOperator.self)
            }
        }
    }

    private static func info(of prepared: PreparedOperator) -> heng_operator_info {
        var info = unsafe heng_operator_info()
        unsafe info.workspace_bytes = UInt64(prepared.plan.workspace)
        unsafe info.algorithm = prepared.algorithm
        unsafe info.determinism = Int32(HENG_DETERMINISM_THREADS)
        unsafe info.in_place_input = Int32(prepared.plan.inPlace)
        return unsafe info
    }
}

/// The catalog in the form that crosses.
enum Listings {
    struct Listing: Sendable {
        var name: Text
        var domain: Text
        var since: Int
        var types: Set<Int32>

        func crossing(hasDouble: Bool) -> heng_operator_listing {
            var full = unsafe heng_operator_listing()
            unsafe full.domain = domain.pointer
            unsafe full.name = name.pointer
            unsafe full.since = Int32(since)
            unsafe full.until = Int32(Catalog.newest)
            for type in types where hasDouble || type != ElementTypes.float64 {
                unsafe full.types |= 1 << UInt64(type)
            }
            return unsafe full
        }
    }

    /// A C string that is never freed.
    @safe struct Text: @unchecked Sendable {
        // Unchecked: written once.
        let pointer: UnsafePointer<CChar>
        init(_ text: String) { unsafe pointer = unsafe cString(text) }
    }

    static let all: [Listing] = {
        let domain = Text("")
        return Catalog.all.map {
            Listing(name: Text($0.name), domain: domain, since: $0.since, types: $0.types)
        }
    }()
}
