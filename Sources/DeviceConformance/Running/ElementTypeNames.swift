internal import CHengAccelerator

/// The element types by the names that profiles and reports use.
package enum ElementTypeNames {
    /// In the order of their numbers.
    package static let all: [(number: Int, name: String)] = [
        (HENG_TYPE_FLOAT32, "float32"), (HENG_TYPE_UINT8, "uint8"), (HENG_TYPE_INT8, "int8"),
        (HENG_TYPE_UINT16, "uint16"), (HENG_TYPE_INT16, "int16"), (HENG_TYPE_INT32, "int32"),
        (HENG_TYPE_INT64, "int64"), (HENG_TYPE_STRING, "string"), (HENG_TYPE_BOOL, "bool"),
        (HENG_TYPE_FLOAT16, "float16"), (HENG_TYPE_FLOAT64, "float64"), (HENG_TYPE_UINT32, "uint32"),
        (HENG_TYPE_UINT64, "uint64"), (HENG_TYPE_COMPLEX64, "complex64"),
        (HENG_TYPE_COMPLEX128, "complex128"),
        (HENG_TYPE_BFLOAT16, "bfloat16"), (HENG_TYPE_FLOAT8E4M3FN, "float8e4m3fn"),
        (HENG_TYPE_FLOAT8E4M3FNUZ, "float8e4m3fnuz"), (HENG_TYPE_FLOAT8E5M2, "float8e5m2"),
        (HENG_TYPE_FLOAT8E5M2FNUZ, "float8e5m2fnuz"), (HENG_TYPE_UINT4, "uint4"), (HENG_TYPE_INT4, "int4"),
        (HENG_TYPE_FLOAT4E2M1, "float4e2m1"), (HENG_TYPE_FLOAT8E8M0, "float8e8m0"),
        (HENG_TYPE_UINT2, "uint2"),
        (HENG_TYPE_INT2, "int2"),
    ]

    /// The types of a mask that has one bit for each number.
    package static func names(of mask: UInt64) -> [String] {
        all.filter { mask & (1 << UInt64($0.number)) != 0 }.map(\.name)
    }
}

extension Profile {
    /// What a device's own list says that it takes.
    package init(of operators: [OfferedOperator]?, name: String) {
        self.init(
            name: name,
            operators: operators.map { operators in
                operators.filter { !$0.isPattern }.map {
                    ProfileOperator(
                        domain: $0.domain, name: $0.name, types: ElementTypeNames.names(of: $0.types),
                        since: $0.since, until: $0.until == 0 ? nil : $0.until)
                }
            })
    }
}
