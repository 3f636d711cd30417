internal import AcceleratorAPI
internal import CHengAccelerator

/// Faults that the device brings about on demand, as simulated devices do.
///
/// The two functions are found by name, and take entries of the script that `Config/simdev` documents.
@safe private struct FaultScript {
    private typealias Add =
        @convention(c) (OpaquePointer?, UnsafePointer<CChar>?, UnsafeMutablePointer<OpaquePointer?>?) -> Int32
    private typealias Clear = @convention(c) (OpaquePointer?, UnsafeMutablePointer<OpaquePointer?>?) -> Int32

    private let rig: Rig
    private let addFunction: Add
    private let clearFunction: Clear

    init(_ rig: Rig) throws {
        self.rig = rig
        let add = try FaultScript.find("heng_simdev_add_fault_1", in: rig)
        let clear = try FaultScript.find("heng_simdev_clear_faults_1", in: rig)
        unsafe addFunction = unsafe unsafeBitCast(add, to: Add.self)
        unsafe clearFunction = unsafe unsafeBitCast(clear, to: Clear.self)
    }

    private static func find(_ name: String, in rig: Rig) throws -> @convention(c) () -> Void {
        var found: (@convention(c) () -> Void)?
        let answer = unsafe rig.call(rig.functions.procedure, "procedure") { procedure, error in
            unsafe name.withCString { unsafe procedure($0, &found, error) }
        }
        guard answer.code == 0, let found else {
            throw CaseEnd.outside("The device brings about no faults on demand.")
        }
        return found
    }

    /// Adds what is to happen, at which calls: both are fields of an entry, without their braces.
    func add(at place: String, _ fault: String) throws {
        let text = "{\"at\": {\(place)}, \(fault)}"
        let answer = unsafe rig.call(Optional(addFunction), "heng_simdev_add_fault_1") { add, error in
            unsafe text.withCString { unsafe add(rig.device.raw, $0, error) }
        }
        try answer.done("for \(text)")
    }

    func clear() -> Answer {
        unsafe rig.call(Optional(clearFunction), "heng_simdev_clear_faults_1") {
            unsafe $0(rig.device.raw, $1)
        }
    }
}

extension Trial {
    /// A script of faults that ends with the case.
    fileprivate func script() throws -> FaultScript {
        let script = try FaultScript(rig)
        _ = script.clear()
        atEnd { script.clear() }
        return script
    }
}

extension DeviceCases {
    static let scripted: [DeviceCase] = [
        .other(
            .robustness, "script/allocation", "whichever allocation is made to fail, the others hold", 36,
            optional: true
        ) {
            trial in
            let script = try trial.script()
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            for failing in 1...6 {
                try script.clear().done()
                try script.add(
                    at: #""function": "buffer_allocate", "call": \#(failing)"#,
                    #""do": "fail", "code": "OUT_OF_DEVICE_MEMORY""#)
                var living: [Handle] = []
                defer { for buffer in living { _ = trial.rig.free(buffer) } }
                for call in 1...6 {
                    let made = trial.rig.allocate(context, 4096)
                    if call == failing {
                        try made.gives(.outOfDeviceMemory, when: "that was made to fail")
                    } else {
                        living.append(try made.made("beside one that was made to fail"))
                    }
                }
                for (index, buffer) in living.enumerated() {
                    try trial.rig.fill(stream, .buffer(buffer, size: 4096), with: UInt8(index + 1), 4096)
                        .done()
                }
                for (index, buffer) in living.enumerated() {
                    try trial.require(
                        trial.read(64, from: buffer, of: 4096, stream),
                        is: [UInt8](repeating: UInt8(index + 1), count: 64), "Buffer \(index)")
                }
            }
        },
        .other(
            .robustness, "script/late-error",
            "work that fails late fails its stream by its number, and no other", 56, 61, optional: true
        ) {
            trial in
            let script = try trial.script()
            let context = try trial.context()
            let (bad, good) = (try trial.stream(in: context), try trial.stream(in: context))
            let buffer = try trial.buffer(in: context, 4096)
            try script.add(
                at: #""correlation": 4711"#, #""do": "late-error", "code": "EXECUTION", "scope": "stream""#)
            try trial.rig.fill(bad, .buffer(buffer, size: 4096), with: 1, 4096, correlation: 4711).done()
            for attempt in 1...3 {
                let answer = try trial.rig.synchronize(bad).gives(
                    .execution, when: "of a failed stream (\(attempt))")
                try trial.require(answer.error?.correlation == 4711, "The error does not name the work.")
                try trial.require(
                    answer.error?.scope == Int32(HENG_SCOPE_STREAM), "Its scope is not the stream.")
            }
            try trial.write(pattern(64), to: buffer, of: 4096, good)
            try trial.require(trial.read(64, from: buffer, of: 4096, good), is: pattern(64), "Another stream")
        },
        .other(
            .robustness, "script/context", "a broken context says so in every call, until it is rebuilt",
            needs: .rebuild
        ) { trial in
            let script = try trial.script()
            let context = try trial.context()
            let (stream, other) = (try trial.stream(in: context), try trial.stream(in: context))
            let buffer = try trial.buffer(in: context, 64)
            try script.add(
                at: #""correlation": 9"#, #""do": "late-error", "code": "EXECUTION", "scope": "context""#)
            try trial.rig.fill(stream, .buffer(buffer, size: 64), with: 1, 64, correlation: 9).done()
            try trial.rig.synchronize(stream).fails(when: "behind what broke the context")
            try trial.rig.synchronize(other).gives(.needsRebuild, when: "of a broken context")
            try trial.rig.allocate(context, 64).gives(.needsRebuild, when: "in a broken context")
            try trial.rig.eventCreate(context).gives(.needsRebuild, when: "in a broken context")
            let state = trial.rig.contextState(context)
            try state.answer.done()
            try trial.require(state.cause != 0, "A broken context has no cause.")
            let bystander = try trial.context()
            let running = try trial.stream(in: bystander)
            try trial.rig.synchronize(running).done("in another context")
            try trial.rig.rebuild(context).done()
            let fresh = try trial.stream(in: context)
            let second = try trial.buffer(in: context, 64)
            try trial.write(pattern(64), to: second, of: 64, fresh)
            try trial.require(trial.read(64, from: second, of: 64, fresh), is: pattern(64), "After a rebuild")
        },
        .other(
            .robustness, "script/hang", "work that hangs is ended by the limit of its time", 20,
            needs: .limitWorkTime
        ) { trial in
            let script = try trial.script()
            let context = try trial.context()
            let stream = try trial.stream(in: context, .init(workMilliseconds: 40))
            let buffer = try trial.buffer(in: context, 64)
            try script.add(
                at: #""correlation": 3"#, #""do": "hang""#)
            try trial.rig.fill(stream, .buffer(buffer, size: 64), with: 1, 64, correlation: 3).done()
            try trial.rig.synchronize(stream, 20_000).gives(.timeout, .execution, when: "of work that hangs")
            let other = try trial.stream(in: context)
            try trial.rig.synchronize(other).done("beside one that hung")
        },
        .other(
            .robustness, "script/lost", "a lost device says so in every call, and works again after a reset",
            9, needs: .reset
        ) { trial in
            let script = try trial.script()
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let buffer = try trial.buffer(in: context, 64)
            try script.add(
                at: #""correlation": 8"#, #""do": "lose-device""#)
            try trial.rig.fill(stream, .buffer(buffer, size: 64), with: 1, 64, correlation: 8).done()
            try trial.rig.synchronize(stream).gives(.deviceLost, when: "of a lost device")
            try trial.rig.synchronize(stream).gives(.deviceLost, when: "of a lost device, again")
            try trial.rig.allocate(context, 64).gives(.deviceLost, when: "of a lost device")
            try trial.rig.streamCreate(context).gives(.deviceLost, when: "of a lost device")
            try script.clear().done()
            try trial.rig.deviceReset().done("of a lost device")
            let fresh = try trial.context()
            let again = try trial.stream(in: fresh)
            let second = try trial.buffer(in: fresh, 64)
            try trial.write(pattern(64), to: second, of: 64, again)
            try trial.require(trial.read(64, from: second, of: 64, again), is: pattern(64), "After a reset")
        },
        .other(
            .robustness, "script/noticed", "a result that is made wrong is one that the kit notices",
            optional: true
        ) { trial in
            let script = try trial.script()
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let buffer = try trial.buffer(in: context, 4096)
            try script.add(
                at: #""function": "stream_copy", "call": 1"#, #""do": "wrong-result", "byte": 100, "bit": 3"#)
            try trial.write(pattern(4096), to: buffer, of: 4096, stream)
            let found = try trial.read(4096, from: buffer, of: 4096, stream)
            try trial.require(found != pattern(4096), "A copy that was made wrong arrives right.")
        },
    ]
}
