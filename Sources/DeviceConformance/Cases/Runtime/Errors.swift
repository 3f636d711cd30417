internal import AcceleratorAPI
internal import CHengAccelerator

extension DeviceCases {
    static let errorObjects: [DeviceCase] = [
        .runtime(
            "error/object", "a failure comes with an object that names the class, the call and the reason",
            60, 61
        ) {
            trial in
            let made = trial.rig.deviceGet(UInt32.max)
            guard let error = made.answer.error else { try trial.fail("There is no error object.") }
            try trial.require(
                error.code == made.answer.code, "The object's class is another than the call's.")
            try trial.require(
                error.operation == "device_get", "The object names the call “\(error.operation ?? "")”.")
            try trial.require(
                (error.text ?? "").count >= 10, "The text “\(error.text ?? "")” says too little.")
            try trial.require(
                error.scope == Int32(HENG_SCOPE_CALL), "A wrong index reaches further than its call.")
        },
        .runtime("error/unwanted", "a caller who wants no error object gets only the code", 60) { trial in
            var device: OpaquePointer?
            let code = unsafe trial.rig.functions.device_get?(UInt32.max, &device, nil) ?? 0
            try trial.require(
                code == DeviceError.Code.invalidDeviceIndex.rawValue, "Without an object the code is \(code)."
            )
            try unsafe trial.require(device == nil, "A failing call writes its result.")
        },
        .runtime(
            "error/older", "a shorter error description of an older caller is not written beyond its size"
        ) { trial in
            unsafe try trial.withError { error in
                for size in [UInt32(16), 20, 24, 32] {
                    var raw = unsafe heng_error_description()
                    unsafe withUnsafeMutableBytes(of: &raw) { bytes in
                        for index in bytes.indices { unsafe bytes[index] = 0xC3 }
                    }
                    unsafe raw.header = StructCrossing.header(
                        HENG_KIND_ERROR_DESCRIPTION, of: heng_error_description.self)
                    unsafe raw.header.struct_size = size
                    let code = unsafe trial.rig.functions.error_describe?(error, &raw) ?? -1
                    try trial.require(code == 0, "error_describe refuses a struct of \(size) bytes.")
                    let untouched = unsafe withUnsafeBytes(of: raw) { bytes in
                        unsafe bytes[Int(size)...].allSatisfy { $0 == 0xC3 }
                    }
                    try trial.require(untouched, "Bytes behind a struct of \(size) were written.")
                }
            }
        },
        .runtime("error/apart", "an error keeps its text while others are made and destroyed") { trial in
            unsafe try trial.withError { error in
                func text() -> String {
                    var raw = unsafe heng_error_description()
                    unsafe raw.header = StructCrossing.header(
                        HENG_KIND_ERROR_DESCRIPTION, of: heng_error_description.self)
                    _ = unsafe trial.rig.functions.error_describe?(error, &raw)
                    return unsafe raw.text.map { unsafe String(cString: $0) } ?? ""
                }
                let first = text()
                for index in 0..<200 { _ = trial.rig.deviceGet(UInt32.max - UInt32(index)) }
                try trial.require(
                    !first.isEmpty && text() == first, "The text changed from “\(first)” to “\(text())”.")
            }
        },
        .runtime("error/null", "destroying no error is allowed, and describing none is refused") { trial in
            unsafe trial.rig.functions.error_destroy?(nil)
            var raw = unsafe heng_error_description()
            unsafe raw.header = StructCrossing.header(
                HENG_KIND_ERROR_DESCRIPTION, of: heng_error_description.self)
            let code = unsafe trial.rig.functions.error_describe?(nil, &raw) ?? 0
            try trial.require(code < 0, "error_describe of no error reports success.")
        },
    ]
}

extension Trial {
    /// Lends a living error object.
    func withError(_ body: (OpaquePointer) throws -> Void) throws {
        var (device, error): (OpaquePointer?, OpaquePointer?) = (nil, nil)
        _ = unsafe rig.functions.device_get?(UInt32.max, &device, &error)
        guard let error = unsafe error else { throw CaseEnd.failed("device_get gives no error object.") }
        defer { unsafe rig.functions.error_destroy?(error) }
        try unsafe body(error)
    }
}
