internal import AcceleratorAPI
internal import CHengAccelerator

extension Trial {
    fileprivate func selectionTable() throws -> heng_selection_table {
        guard let table = unsafe rig.group(HENG_KIND_SELECTION_TABLE, zero: heng_selection_table()) else {
            throw CaseEnd.outside("The maker offers no selection of devices.")
        }
        return unsafe table
    }

    fileprivate func select(_ table: heng_selection_table, _ index: UInt32 = 0) -> Answer {
        unsafe rig.call(table.device_select, "device_select") { unsafe $0(index, $1) }
    }

    fileprivate func deselect(_ table: heng_selection_table) -> Answer {
        unsafe rig.call(table.device_deselect, "device_deselect") { unsafe $0(0, $1) }
    }

    fileprivate func current(_ table: heng_selection_table) -> Made {
        unsafe rig.make(table.context_get_current, "context_get_current") { unsafe $0($1, $2) }
    }

    fileprivate func copy(
        _ table: heng_selection_table, to: Place, from: Place, _ bytes: Int, _ direction: Int
    ) -> Answer {
        unsafe rig.call(table.copy, "copy") { copy, error in
            unsafe rig.withRange(to) { to in
                unsafe rig.withRange(from) { unsafe copy(to, $0, UInt64(bytes), Int32(direction), error) }
            }
        }
    }
}

extension DeviceCases {
    static let selections: [DeviceCase] = [
        .runtime(
            "selection/select",
            "selecting makes a default context and stream, and one call undoes any number", 7, 8, 9, 10,
            group: HENG_KIND_SELECTION_TABLE
        ) {
            trial in
            let table = try unsafe trial.selectionTable()
            var index: UInt32 = 99
            try unsafe trial.select(table).done()
            try unsafe trial.select(table).done("a second time")
            try unsafe trial.rig.call(table.device_selected, "device_selected") { unsafe $0(&index, $1) }
                .done()
            try trial.require(index == 0, "The selected device is \(index).")
            let context = try unsafe trial.current(table).made()
            let stream = try unsafe trial.rig.make(table.stream_default, "stream_default") {
                unsafe $0(nil, $1, $2)
            }.made()
            let again = try unsafe trial.rig.make(table.stream_default, "stream_default") {
                unsafe $0(context.raw, $1, $2)
            }.made()
            try trial.require(stream == again, "A context has two default streams.")
            try trial.rig.synchronize(stream).done()
            try unsafe trial.deselect(table).done()
            try unsafe trial.rig.call(table.device_selected, "device_selected") { unsafe $0(&index, $1) }
                .gives(
                    .invalidDevice, when: "when none is selected")
        },
        .runtime(
            "selection/default-context", "the default context is not destroyed by hand", 14,
            group: HENG_KIND_SELECTION_TABLE
        ) {
            trial in
            let table = try unsafe trial.selectionTable()
            try unsafe trial.select(table).done()
            let context = try unsafe trial.current(table).made()
            try trial.rig.contextDestroy(context).fails(when: "of the default context")
            try unsafe trial.deselect(table).done()
        },
        .runtime(
            "selection/current", "the last context set is the thread's", 15, group: HENG_KIND_SELECTION_TABLE
        ) { trial in
            let table = try unsafe trial.selectionTable()
            try unsafe trial.select(table).done()
            let own = try trial.context()
            try unsafe trial.rig.call(table.context_set_current, "context_set_current") {
                unsafe $0(own.raw, $1)
            }.done()
            try unsafe trial.require(
                trial.current(table).made() == own, "The context that was set is not the current one.")
            try unsafe trial.select(table).done("again")
            try unsafe trial.require(
                trial.current(table).made() != own, "Selecting does not make the default context current.")
            try unsafe trial.deselect(table).done()
        },
        .runtime(
            "selection/index", "an index that is none is refused in its own class", 12,
            group: HENG_KIND_SELECTION_TABLE
        ) { trial in
            let table = try unsafe trial.selectionTable()
            try unsafe trial.select(table, UInt32.max).gives(
                .invalidDeviceIndex, when: "for an index that is none")
        },
        .runtime(
            "selection/run-mode", "the program knows where it runs", 10, group: HENG_KIND_SELECTION_TABLE
        ) { trial in
            let table = try unsafe trial.selectionTable()
            var mode: Int32 = -1
            try unsafe trial.select(table).done()
            try unsafe trial.rig.call(table.run_mode, "run_mode") { unsafe $0(&mode, $1) }.done()
            try trial.require(
                mode == HENG_RUN_MODE_HOST || mode == HENG_RUN_MODE_DEVICE, "The run mode is \(mode).")
            try unsafe trial.deselect(table).done()
        },
        .runtime(
            "selection/copy", "copies say which way they go, and wait", 32, 34,
            group: HENG_KIND_SELECTION_TABLE
        ) { trial in
            let table = try unsafe trial.selectionTable()
            try unsafe trial.select(table).done()
            let context = try unsafe trial.current(table).made()
            let buffer = try trial.rig.allocate(context, 256).made()
            let (source, target) = (trial.memory(pattern(256)), trial.memory(256))
            let place = Place.buffer(buffer, size: 256)
            try unsafe trial.copy(table, to: place, from: .host(source), 256, HENG_COPY_HOST_TO_DEVICE).done()
            try unsafe trial.copy(table, to: .host(target), from: place, 256, HENG_COPY_DEVICE_TO_HOST).done()
            try trial.require(target.bytes, is: pattern(256), "There and back")
            try unsafe trial.copy(table, to: .host(target), from: place, 256, HENG_COPY_HOST_TO_DEVICE).gives(
                .memoryType, when: "that goes the other way than it says")
            try unsafe trial.copy(
                table, to: .host(target, size: 8), from: place, 256, HENG_COPY_DEVICE_TO_HOST
            ).gives(
                .outOfRange, when: "of more bytes than the capacity")
            try unsafe trial.rig.call(table.fill, "fill") { fill, error in
                unsafe trial.rig.withRange(place) { unsafe fill($0, 3, 256, error) }
            }.done()
            try unsafe trial.copy(table, to: .host(target), from: place, 256, HENG_COPY_DEVICE_TO_HOST).done()
            try trial.require(target.bytes, is: [UInt8](repeating: 3, count: 256), "A fill")
            try trial.rig.free(buffer).done()
            try unsafe trial.deselect(table).done()
        },
    ]

    static let callbacks: [DeviceCase] = [
        .runtime(
            "callback/process", "callbacks run on the subscribed thread, in order", 22, 23, 24,
            group: HENG_KIND_CALLBACK_TABLE
        ) {
            trial in
            let table = try unsafe trial.callbackTable()
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            try unsafe trial.subscribe(table, stream).done()
            let counter = CallbackCounter()
            for _ in 0..<3 { try unsafe trial.callback(table, stream, counter, blocking: 0).done() }
            for _ in 0..<3 { try unsafe trial.process(table, 5000).done() }
            try trial.require(counter.value == 3, "\(counter.value) of 3 callbacks ran.")
            try unsafe trial.process(table, 0).gives(.timeout, when: "when nothing waits")
            try unsafe trial.unsubscribe(table, stream).done()
        },
        .runtime(
            "callback/blocking", "a blocking callback holds later work until it has run", 23,
            needs: .runHostFunctions, group: HENG_KIND_CALLBACK_TABLE
        ) {
            trial in
            let table = try unsafe trial.callbackTable()
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            try unsafe trial.subscribe(table, stream).done()
            let (counter, log) = (CallbackCounter(), trial.log())
            try unsafe trial.callback(table, stream, counter, blocking: 1).done()
            try trial.rig.launch(stream, .note(1, in: log)).done()
            try trial.rig.synchronize(stream, 20).gives(.timeout, when: "behind a blocking callback")
            try trial.require(log.values.isEmpty, "Work ran before the blocking callback in front of it.")
            try unsafe trial.process(table, 5000).done()
            try trial.rig.synchronize(stream).done()
            try trial.require(
                log.values == [1] && counter.value == 1, "The callback or the work behind it did not run.")
            try unsafe trial.unsubscribe(table, stream).done()
        },
        .runtime(
            "callback/classes", "wrong subscriptions are refused, each in its own class", 22,
            group: HENG_KIND_CALLBACK_TABLE
        ) { trial in
            let table = try unsafe trial.callbackTable()
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let counter = CallbackCounter()
            try unsafe trial.callback(table, stream, counter, blocking: 0).gives(
                .notSubscribed, when: "when nobody serves the stream")
            try unsafe trial.process(table, 0).gives(
                .subscriptionThread, when: "from a thread that serves no stream")
            try unsafe trial.subscribe(table, stream).done()
            try unsafe trial.subscribe(table, stream).gives(.repeatedSubscription, when: "a second time")
            try unsafe trial.unsubscribe(table, stream).done()
            try unsafe trial.unsubscribe(table, stream).gives(.notSubscribed, when: "a second time")
        },
    ]
}

extension Trial {
    fileprivate func callbackTable() throws -> heng_callback_table {
        guard let table = unsafe rig.group(HENG_KIND_CALLBACK_TABLE, zero: heng_callback_table()) else {
            throw CaseEnd.outside("The maker offers no callbacks.")
        }
        return unsafe table
    }

    fileprivate func subscribe(_ table: heng_callback_table, _ stream: Handle) -> Answer {
        unsafe rig.call(table.callback_subscribe, "callback_subscribe") { unsafe $0(stream.raw, $1) }
    }

    fileprivate func unsubscribe(_ table: heng_callback_table, _ stream: Handle) -> Answer {
        unsafe rig.call(table.callback_unsubscribe, "callback_unsubscribe") { unsafe $0(stream.raw, $1) }
    }

    fileprivate func process(_ table: heng_callback_table, _ milliseconds: Int32) -> Answer {
        unsafe rig.call(table.callback_process, "callback_process") { unsafe $0(milliseconds, $1) }
    }

    fileprivate func callback(
        _ table: heng_callback_table, _ stream: Handle, _ counter: CallbackCounter, blocking: UInt8
    ) -> Answer {
        let user = unsafe Unmanaged.passUnretained(counter).toOpaque()
        return unsafe rig.call(table.callback_launch, "callback_launch") {
            unsafe $0(
                stream.raw,
                { user in
                    guard let user = unsafe user else { return }
                    unsafe Unmanaged<CallbackCounter>.fromOpaque(user).takeUnretainedValue().count()
                }, user, blocking, 0, $1)
        }
    }
}

/// Counts callbacks; the case keeps it until its stream is done.
private final class CallbackCounter: Sendable {
    private let log = HostLog()
    var value: Int { log.values.count }
    func count() { log.add(1) }
}
