import CHengAccelerator

/// Calls with the description without those wishes for the results that our kernels refuse.
private func plain(
    _ description: UnsafePointer<heng_operator_description>?,
    _ body: (UnsafePointer<heng_operator_description>?) -> Int32
) -> Int32 {
    guard var changed = unsafe description?.pointee else { return body(nil) }
    if unsafe changed.determinism > Int32(HENG_DETERMINISM_THREADS) {
        unsafe changed.determinism = Int32(HENG_DETERMINISM_NONE)
    }
    unsafe changed.accumulation = Int32(HENG_ACCUMULATION_DEFAULT)
    return unsafe body(&changed)
}

extension GroupFault {
    static let ofOperators = [
        unsafe `operator`("any level of determinism is welcome", caughtBy: "determinism") {
            unsafe $0.operator_supports = { device, description, refusal, error in
                unsafe plain(description) { unsafe operators.operator_supports(device, $0, refusal, error) }
            }
            unsafe $0.operator_prepare = { context, description, prepared, info, error in
                unsafe plain(description) {
                    unsafe operators.operator_prepare(context, $0, prepared, info, error)
                }
            }
        },
        unsafe `operator`("levels of determinism are refused without a reason", caughtBy: "determinism") {
            unsafe $0.operator_supports = { device, description, _, error in
                unsafe operators.operator_supports(device, description, nil, error)
            }
        },
        unsafe `operator`("levels that are none are welcome", caughtBy: "determinism-unknown") {
            unsafe $0.operator_supports = { device, description, refusal, error in
                unsafe plain(description) { unsafe operators.operator_supports(device, $0, refusal, error) }
            }
        },
        unsafe `operator`("sums in float64 are sums in float32", caughtBy: "accumulation") {
            unsafe $0.operator_prepare = { context, description, prepared, info, error in
                unsafe plain(description) {
                    unsafe operators.operator_prepare(context, $0, prepared, info, error)
                }
            }
        },
    ]
}
