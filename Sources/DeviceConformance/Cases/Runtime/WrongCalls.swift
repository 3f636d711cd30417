internal import AcceleratorAPI
internal import CHengAccelerator

extension DeviceCases {
    static let wrongCalls: [DeviceCase] = [
        .wrong("device", "null devices are refused") { trial in
            var raw = unsafe emptyDescription()
            try unsafe trial.rig.describe(&raw, .null).refusesNull()
            try trial.rig.deviceSynchronize(.null).refusesNull()
            try trial.rig.contextCreate(on: .null).answer.refusesNull()
        },
        .wrong("context", "null contexts are refused") { trial in
            try trial.rig.contextDestroy(.null).refusesNull()
            try trial.rig.streamCreate(.null).answer.refusesNull()
            try trial.rig.eventCreate(.null).answer.refusesNull()
            try trial.rig.allocate(.null, 64).answer.refusesNull()
        },
        .wrong("stream", "null streams are refused") { trial in
            let context = try trial.context()
            let event = try trial.event(in: context)
            let buffer = try trial.buffer(in: context, 64)
            try trial.rig.streamDestroy(.null).refusesNull()
            try trial.rig.synchronize(.null, 0).refusesNull()
            try trial.rig.wait(.null, for: event).refusesNull()
            try trial.rig.fill(.null, .buffer(buffer, size: 64), with: 0, 64).refusesNull()
            let memory = trial.memory(64)
            try trial.rig.copy(.null, to: .buffer(buffer, size: 64), from: .host(memory), 64).refusesNull()
            try trial.rig.record(event, in: .null).refusesNull()
        },
        .wrong("event", "null events are refused") { trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            try trial.rig.eventDestroy(.null).refusesNull()
            try trial.rig.record(.null, in: stream).refusesNull()
            try trial.rig.query(event: .null).answer.refusesNull()
            try trial.rig.synchronize(event: .null, 0).refusesNull()
            try trial.rig.wait(stream, for: .null).refusesNull()
        },
        .wrong("buffer", "null buffers and ranges are refused") { trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let buffer = try trial.buffer(in: context, 64)
            try trial.rig.free(.null).refusesNull()
            try trial.rig.copy(stream, to: nil, from: .buffer(buffer, size: 64), 64).refusesNull()
            try trial.rig.copy(stream, to: .buffer(buffer, size: 64), from: nil, 64).refusesNull()
            try trial.rig.fill(stream, nil, with: 0, 64).refusesNull()
            try trial.rig.fill(stream, .address(0, size: 64), with: 0, 64).refusesNull()
            try trial.rig.synchronize(stream).done("after refused calls")
        },
        .wrong("result", "a call without a place for its result is refused") { trial in
            let rig = trial.rig
            try unsafe rig.call(rig.functions.device_count, "device_count") { unsafe $0(nil, $1) }
                .refusesNull()
            try unsafe rig.call(rig.functions.device_get, "device_get") { unsafe $0(0, nil, $1) }
                .refusesNull()
            try unsafe rig.call(rig.functions.device_describe, "device_describe") {
                unsafe $0(rig.device.raw, nil, $1)
            }.refusesNull()
            try unsafe rig.call(rig.functions.context_create, "context_create") {
                unsafe $0(rig.device.raw, nil, $1)
            }.refusesNull()
            let context = try trial.context()
            try unsafe rig.call(rig.functions.stream_create, "stream_create") {
                unsafe $0(context.raw, nil, nil, $1)
            }.refusesNull()
            try unsafe rig.call(rig.functions.event_create, "event_create") {
                unsafe $0(context.raw, nil, $1)
            }.refusesNull()
            try unsafe rig.call(rig.functions.buffer_allocate, "buffer_allocate") {
                unsafe $0(context.raw, nil, nil, $1)
            }.refusesNull()
        },
        .runtime("wrong/function", "a launch without a function is refused", 23, needs: .runHostFunctions) {
            trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            var work = HostWork.nothing
            unsafe work.plain = nil
            try trial.rig.launch(stream, work).refusesNull()
            try trial.rig.synchronize(stream).done()
        },
        .runtime("wrong/owner", "objects of two devices do not go together", 65) { trial in
            let count = trial.rig.deviceCount().count
            let others = try (0..<count).map { try trial.rig.deviceGet($0).made() }.filter {
                $0 != trial.rig.device
            }
            guard let other = others.first else { throw CaseEnd.outside("There is one device only.") }
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let foreign = try trial.rig.contextCreate(on: other).made()
            trial.atEnd { [rig = trial.rig] in rig.contextDestroy(foreign) }
            let event = try trial.event(in: foreign)
            let buffer = try trial.buffer(in: foreign, 64)
            try trial.rig.record(event, in: stream).gives(
                .wrongOwner, when: "with an event of another device")
            try trial.rig.fill(stream, .buffer(buffer, size: 64), with: 0, 64).gives(
                .wrongOwner, when: "with a buffer of another device")
            try trial.rig.synchronize(stream).done()
        },
    ]

    /// Handles that were destroyed are only given to the checking layer: bare tables are not asked to know them.
    static let checkedCalls: [DeviceCase] = [
        .runtime(
            "checked/use-after-destroy", "behind the checking layer, what was destroyed is refused", 42, 65
        ) { trial in
            let rig = try trial.checked()
            let context = try rig.contextCreate().made()
            let stream = try rig.streamCreate(context).made()
            let event = try rig.eventCreate(context).made()
            let buffer = try rig.allocate(context, 64).made()
            try rig.eventDestroy(event).done()
            try rig.free(buffer).done()
            try rig.record(event, in: stream).gives(.invalidHandle, when: "of a destroyed event")
            try rig.eventDestroy(event).gives(.invalidHandle, when: "of a destroyed event")
            try rig.free(buffer).gives(.invalidHandle, when: "of a freed buffer")
            try rig.fill(stream, .buffer(buffer, size: 64), with: 0, 64).gives(
                .invalidHandle, when: "of a freed buffer")
            try rig.streamDestroy(stream).done()
            try rig.synchronize(stream, 0).gives(.invalidHandle, when: "of a destroyed stream")
            try rig.streamDestroy(stream).gives(.invalidHandle, when: "of a destroyed stream")
            try rig.contextDestroy(context).done()
            try rig.contextDestroy(context).gives(.invalidHandle, when: "of a destroyed context")
        },
        .runtime("checked/kind", "behind the checking layer, a handle of another kind is refused", 65) {
            trial in
            let rig = try trial.checked()
            let context = try rig.contextCreate().made()
            let stream = try rig.streamCreate(context).made()
            try rig.synchronize(context, 0).gives(.invalidHandle, when: "of a context")
            try rig.streamCreate(stream).gives(.invalidHandle, when: "in a stream")
            try rig.free(stream).gives(.invalidHandle, when: "of a stream")
            try rig.streamDestroy(stream).done()
            try rig.contextDestroy(context).done()
        },
        .runtime("checked/works", "behind the checking layer, the device works as before") { trial in
            let rig = try trial.checked()
            let context = try rig.contextCreate().made()
            let stream = try rig.streamCreate(context).made()
            let buffer = try rig.allocate(context, 4096).made()
            let target = trial.memory(4096)
            try rig.fill(stream, .buffer(buffer, size: 4096), with: 0x5C, 4096).done()
            try rig.copy(stream, to: .host(target), from: .buffer(buffer, size: 4096), 4096).done()
            try rig.synchronize(stream).done()
            try trial.require(target.bytes, is: [UInt8](repeating: 0x5C, count: 4096), "Behind the layer")
            try rig.contextDestroy(context).gives(.notReleased, when: "that still owns something")
            try rig.free(buffer).done()
            try rig.streamDestroy(stream).done()
            try rig.contextDestroy(context).done()
        },
    ]
}

extension DeviceCase {
    fileprivate static func wrong(
        _ name: String, _ title: String, body: @escaping @Sendable (Trial) throws -> Void
    ) -> DeviceCase {
        .runtime("wrong/null-\(name)", title, 60, 65, body: body)
    }
}

extension Answer {
    /// A null handle, range or place must be refused as an argument or as a handle.
    func refusesNull() throws {
        try gives(.invalidArgument, .invalidHandle, .invalidDevice, .version, when: "with a null")
    }
}

extension Trial {
    /// The device behind our checking layer.
    func checked() throws -> Rig {
        guard let handle = unsafe rig.device.raw else { throw CaseEnd.failed("There is no device.") }
        let device = try unsafe Device(
            table: DeviceTable(owning: rig.functions), handle: handle, index: 0)
        let layer = try CheckingLayer.wrap(device)
        return unsafe Rig(layer.table.functions.pointee, device: Handle(layer.handle))
    }
}
