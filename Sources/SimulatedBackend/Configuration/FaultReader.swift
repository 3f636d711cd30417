internal import AcceleratorAPI

/// Reads the entries of a fault script.
enum FaultReader {
    static func read(_ field: ConfigurationField) throws(DeviceError) -> Fault {
        try field.check(only: ["at", "do", "code", "scope", "byte", "bit", "element", "add", "factor"])
        let at = try field.required("at")
        try at.check(only: ["function", "correlation", "operator", "call", "every", "probability", "seed"])
        var fault = Fault(try occurrence(at), try action(field))
        fault.function = try at["function"].map { name throws(DeviceError) in
            try name.choice("function", CallNames.all.map { ($0, $0) })
        }
        fault.correlation = try at["correlation"].map { number throws(DeviceError) in
            UInt64(try number.integer(1...Int.max))
        }
        fault.operatorName = try at["operator"].map { name throws(DeviceError) in try name.text() }
        guard fault.function != nil || fault.correlation != nil || fault.operatorName != nil else {
            throw at.failure("one of function, correlation and operator is wanted")
        }
        try checkFit(fault, field)
        return fault
    }

    private static func occurrence(_ at: ConfigurationField) throws(DeviceError) -> Fault.Occurrence {
        let given = ["call", "every", "probability"].filter { at[$0] != nil }
        guard given.count < 2 else {
            throw at.failure("\(given.joined(separator: " and ")) exclude each other")
        }
        if let call = at["call"] { return .call(try call.integer(1...Int.max)) }
        if let step = at["every"] { return .every(try step.integer(1...Int.max)) }
        guard let probability = at["probability"] else {
            if let seed = at["seed"] { throw seed.failure("a seed is for a probability, which is missing") }
            return .always
        }
        let seed = try at["seed"]?.integer(0...Int.max) ?? 0
        return .random(probability: try probability.number(0...1), seed: UInt64(seed))
    }

    private static let actions = [
        "fail", "hang", "lose-device", "wrong-result", "late-error", "slow", "corrupt-memory",
        "repair-memory",
        "leak",
    ]

    private static func action(_ field: ConfigurationField) throws(DeviceError) -> Fault.Action {
        let word = try field.required("do").choice("fault", actions.map { ($0, $0) })
        try refuseOthers(field, word)
        switch word {
        case "hang": return .hang
        case "lose-device": return .loseDevice
        case "wrong-result": return .wrongResult(try damage(field))
        case "slow": return .slow(try field.required("factor").number(1...1e6))
        case "corrupt-memory": return .corruptMemory
        case "repair-memory": return .repairMemory
        case "leak": return .leak
        case "late-error":
            let scope = try field["scope"]?.choice("scope", Array(scopes.dropFirst())) ?? .stream
            return .lateError(try code(field) ?? .execution, scope)
        default:
            guard let code = try code(field) else { throw field.failure("the field \"code\" is missing") }
            return .fail(code, try field["scope"]?.choice("scope", scopes) ?? .call)
        }
    }

    private static let scopes: [(String, DeviceError.Scope)] = [
        ("call", .call), ("stream", .stream), ("context", .context), ("device", .device),
    ]

    private static func code(_ field: ConfigurationField) throws(DeviceError) -> DeviceError.Code? {
        guard let code = field["code"] else { return nil }
        return try code.choice("code", CodeNames.all)
    }

    private static func damage(_ field: ConfigurationField) throws(DeviceError) -> Fault.Damage {
        if let amount = field["add"] {
            return .add(
                element: try field["element"]?.integer(0...Int.max) ?? 0,
                amount: try amount.number(-Double.greatestFiniteMagnitude...Double.greatestFiniteMagnitude))
        }
        return .flip(
            byte: try field["byte"]?.integer(0...Int.max) ?? 0, bit: try field["bit"]?.integer(0...7) ?? 0)
    }

    /// Fields that say nothing about this fault are mistakes.
    private static func refuseOthers(_ field: ConfigurationField, _ word: String) throws(DeviceError) {
        let used: [String: [String]] = [
            "fail": ["code", "scope"], "late-error": ["code", "scope"], "slow": ["factor"],
            "wrong-result": field["add"] == nil ? ["byte", "bit"] : ["add", "element"],
        ]
        for name in ["code", "scope", "byte", "bit", "element", "add", "factor"] {
            guard let other = field[name], !(used[word] ?? []).contains(name) else { continue }
            throw other.failure("the fault \"\(word)\" does not use this field")
        }
    }

    /// Whether the fault can happen at that function.
    private static func checkFit(_ fault: Fault, _ field: ConfigurationField) throws(DeviceError) {
        guard let function = fault.function else { return }
        if fault.action == .leak, !CallNames.freeing.contains(function) {
            throw field.failure(
                "only \(CallNames.freeing.joined(separator: ", ")) can leak, not \(function)")
        }
        guard fault.action.isAboutWork, fault.action != .loseDevice, !CallNames.work.contains(function) else {
            return
        }
        throw field.failure(
            "this fault is for work in a stream (\(CallNames.work.joined(separator: ", "))), not for \(function)"
        )
    }
}

/// The functions that a script can name.
enum CallNames {
    /// Those that submit work which takes time.
    static let work = [
        "stream_launch", "stream_launch_fallible", "stream_copy", "stream_fill", "stream_copy_block",
        "operator_execute", "operator_run",
    ]

    /// Those whose effect can be left out.
    static let freeing = ["buffer_free", "stream_free", "host_free", "stream_destroy", "event_destroy"]

    static let all =
        work + freeing + [
            "device_synchronize", "device_status", "device_reset", "device_clock", "device_partition",
            "device_release", "context_create", "context_destroy", "context_memory_info",
            "context_limit_memory",
            "context_trim_memory", "context_keep_memory", "context_state", "context_rebuild", "stream_create",
            "stream_synchronize", "stream_query", "stream_abort", "stream_wait_event", "stream_allocate",
            "event_create", "event_record", "event_query", "event_synchronize", "event_elapsed",
            "event_reset",
            "event_query_waits", "buffer_allocate", "buffer_host_address", "host_allocate", "operator_infer",
            "operator_prepare", "operator_destroy", "recording_begin", "recording_end", "recording_submit",
            "recording_destroy", "profile_start", "profile_stop", "profile_read", "range_begin", "range_end",
            "mark",
        ]
}

/// The codes that a script can name, as the header spells them without their first word.
enum CodeNames {
    static let all: [(String, DeviceError.Code)] = [
        ("GENERAL", .general), ("INVALID_DEVICE", .invalidDevice), ("INVALID_ARGUMENT", .invalidArgument),
        ("INVALID_HANDLE", .invalidHandle), ("WRONG_OWNER", .wrongOwner), ("UNSUPPORTED", .unsupported),
        ("OUT_OF_DEVICE_MEMORY", .outOfDeviceMemory), ("OUT_OF_HOST_MEMORY", .outOfHostMemory),
        ("OUT_OF_STREAMS", .outOfStreams), ("OUT_OF_EVENTS", .outOfEvents), ("OUT_OF_RANGE", .outOfRange),
        ("ALIGNMENT", .alignment), ("TIMEOUT", .timeout), ("EVENT_TIME", .eventTime), ("MISUSE", .misuse),
        ("EXECUTION", .execution), ("DEVICE_LOST", .deviceLost), ("PERMISSION", .permission),
        ("CANCELLED", .cancelled), ("OPERATOR_INPUT", .operatorInput), ("OPERATOR_OUTPUT", .operatorOutput),
        ("OPERATOR_LOAD", .operatorLoad), ("OPERATOR_COMPILE", .operatorCompile),
        ("OPERATOR_OVERFLOW", .operatorOverflow), ("FREE", .free), ("CONTEXT", .context),
        ("NEEDS_REBUILD", .needsRebuild), ("OUT_OF_RESOURCES", .outOfResources),
        ("DATA_CORRUPTED", .dataCorrupted),
    ]
}
