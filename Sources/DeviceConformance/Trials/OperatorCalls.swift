internal import AcceleratorAPI
internal import CHengAccelerator

/// An operator as the device lists it.
package struct OfferedOperator: Hashable, Sendable, Codable {
    package var domain: String
    package var name: String
    package var since: Int
    package var until: Int
    package var types: UInt64
    package var isTrainable: Bool
    package var isPattern: Bool

    package init(
        domain: String, name: String, since: Int, until: Int, types: UInt64, isTrainable: Bool,
        isPattern: Bool
    ) {
        self.domain = domain
        self.name = name
        self.since = since
        self.until = until
        self.types = types
        self.isTrainable = isTrainable
        self.isPattern = isPattern
    }
}

extension Trial {
    func operatorTable() throws -> heng_operator_table {
        guard let table = unsafe rig.group(HENG_KIND_OPERATOR_TABLE, zero: heng_operator_table()) else {
            throw CaseEnd.outside("The maker offers no operators.")
        }
        return unsafe table
    }
}

extension Rig {
    /// All operators that the device lists, or what is wrong with the list; nil where there is no group.
    func operators() throws -> [OfferedOperator]? {
        guard let table = unsafe group(HENG_KIND_OPERATOR_TABLE, zero: heng_operator_table()) else {
            return nil
        }
        var listed: [OfferedOperator] = []
        for index in 0..<UInt32(10_000) {
            var raw = unsafe heng_operator_listing()
            unsafe raw.header = StructCrossing.header(
                HENG_KIND_OPERATOR_LISTING, of: heng_operator_listing.self)
            let answer = unsafe call(table.operator_list, "operator_list") {
                unsafe $0(device.raw, index, &raw, $1)
            }
            guard answer.code == 0 else {
                try answer.gives(.outOfRange, when: "behind the last operator")
                return listed
            }
            guard let name = unsafe text(raw.name), !name.isEmpty else {
                throw CaseEnd.failed("Operator \(index) of the list has no name.")
            }
            unsafe listed.append(
                OfferedOperator(
                    domain: text(raw.domain) ?? "", name: name, since: Int(raw.since), until: Int(raw.until),
                    types: raw.types, isTrainable: raw.trainable != 0, isPattern: raw.pattern != 0))
        }
        throw CaseEnd.failed("The list of operators does not end.")
    }

    func supports(
        _ table: heng_operator_table, _ use: OperatorUse
    ) -> (answer: Answer, reason: Int32, text: String) {
        var refusal = unsafe heng_refusal()
        unsafe refusal.header = StructCrossing.header(HENG_KIND_REFUSAL, of: heng_refusal.self)
        let answer = unsafe use.withDescription { description in
            unsafe call(table.operator_supports, "operator_supports") {
                unsafe $0(device.raw, description, &refusal, $1)
            }
        }
        let text = unsafe withUnsafeBytes(of: refusal.text) { unsafe Array($0) }
        return unsafe (answer, refusal.reason, String(decoding: text.prefix { $0 != 0 }, as: UTF8.self))
    }

    func prepare(
        _ table: heng_operator_table, _ use: OperatorUse, in context: Handle
    ) -> (made: Made, info: heng_operator_info) {
        var info = unsafe heng_operator_info()
        unsafe info.header = StructCrossing.header(HENG_KIND_OPERATOR_INFO, of: heng_operator_info.self)
        let made = unsafe use.withDescription { description in
            unsafe make(table.operator_prepare, "operator_prepare") {
                unsafe $0(context.raw, description, $1, &info, $2)
            }
        }
        return unsafe (made, info)
    }

    func execute(
        _ table: heng_operator_table, _ prepared: Handle, in stream: Handle, inputs: [Place],
        outputs: [Place],
        workspace: Place? = nil, correlation: UInt64 = 0
    ) -> Answer {
        let (from, to) = unsafe (inputs.map { unsafe $0.range }, outputs.map { unsafe $0.range })
        return unsafe call(table.operator_execute, "operator_execute") { execute, error in
            unsafe withRange(workspace) {
                unsafe execute(
                    prepared.raw, stream.raw, from, UInt32(from.count), to, UInt32(to.count), $0, correlation,
                    error)
            }
        }
    }

    func destroy(_ table: heng_operator_table, _ prepared: Handle) -> Answer {
        unsafe call(table.operator_destroy, "operator_destroy") { unsafe $0(prepared.raw, $1) }
    }

    /// The inferred type and extents of the first output.
    func infer(_ table: heng_operator_table, _ use: OperatorUse) -> (
        answer: Answer, type: Int32, dims: [Int64]
    ) {
        var dims = [Int64](repeating: -7, count: 8)
        var (type, rank): (Int32, UInt32) = (0, 0)
        let answer = unsafe dims.withUnsafeMutableBufferPointer { dims in
            var raw = unsafe heng_inferred_tensor()
            unsafe raw.header = StructCrossing.header(
                HENG_KIND_INFERRED_TENSOR, of: heng_inferred_tensor.self)
            unsafe raw.dims = dims.baseAddress
            unsafe raw.capacity = 8
            let answer = unsafe withUnsafeMutablePointer(to: &raw) { place in
                let list: [UnsafeMutablePointer<heng_inferred_tensor>?] = unsafe [place]
                return unsafe use.withDescription { description in
                    unsafe call(table.operator_infer, "operator_infer") {
                        unsafe $0(device.raw, description, list, 1, $1)
                    }
                }
            }
            unsafe (type, rank) = (raw.type, raw.rank)
            return answer
        }
        return (answer, type, Array(dims.prefix(Int(min(rank, 8)))))
    }
}
