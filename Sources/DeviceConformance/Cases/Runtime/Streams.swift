internal import AcceleratorAPI
internal import CHengAccelerator
internal import Essentials

extension DeviceCases {
    static let streams: [DeviceCase] = [
        .runtime("stream/create", "streams are made with and without arguments, and destroyed", 17) { trial in
            let context = try trial.context()
            for wishes in [nil, Rig.StreamWishes()] {
                let stream = try trial.rig.streamCreate(context, wishes).made()
                try trial.rig.synchronize(stream).done()
                try trial.rig.streamDestroy(stream).done()
            }
        },
        .runtime("stream/many", "many streams live side by side", 17) { trial in
            let context = try trial.context()
            let limit = Int(trial.facts.streamLimit)
            let count = limit == 0 ? 32 : min(32, limit)
            let streams = try (0..<count).map { _ in try trial.stream(in: context) }
            try trial.require(Set(streams).count == count, "Two streams have one handle.")
            let target = try trial.buffer(in: context, count)
            for (index, stream) in streams.enumerated() {
                try trial.rig.fill(stream, .buffer(target, index, size: 1), with: UInt8(index), 1).done()
            }
            try trial.rig.deviceSynchronize().done()
            let found = try trial.read(count, from: target, of: count, streams[0])
            try trial.require(found, is: (0..<count).map { UInt8($0) }, "Fills of \(count) streams")
        },
        .runtime("stream/limit", "one stream above the stated limit is refused in its own class", 21) {
            trial in
            let limit = Int(trial.facts.streamLimit)
            guard limit > 0, limit <= 4096 else {
                throw CaseEnd.outside("The device states no limit of streams that can be tried.")
            }
            let context = try trial.context()
            var refused = false
            for _ in 0..<limit where !refused {
                let made = trial.rig.streamCreate(context)
                if made.answer.code == 0 {
                    trial.destroyAtEnd(stream: try made.made())
                } else {
                    refused = true
                }
            }
            try trial.rig.streamCreate(context).gives(.outOfStreams, when: "above the limit of \(limit)")
        },
        .runtime("stream/arguments-tiny", "stream arguments without a size are refused") { trial in
            let context = try trial.context()
            for size in [UInt32(0), 8] {
                var raw = unsafe heng_stream_arguments()
                unsafe raw.header.struct_size = size
                unsafe raw.header.struct_kind = UInt32(HENG_KIND_STREAM_ARGUMENTS)
                try unsafe trial.rig.streamCreate(context, raw: &raw).gives(
                    .version, .invalidArgument, when: "with a struct_size of \(size)")
            }
        },
        .runtime(
            "stream/extension-mandatory", "a stream extension that must be understood and is not is refused",
            62
        ) {
            trial in
            let context = try trial.context()
            var link = unsafe heng_header(
                struct_size: 16, struct_kind: 0x7123 | HENG_KIND_MUST_UNDERSTAND, next: nil)
            try unsafe withUnsafePointer(to: &link) { link in
                var raw = unsafe heng_stream_arguments()
                unsafe raw.header = StructCrossing.header(
                    HENG_KIND_STREAM_ARGUMENTS, of: heng_stream_arguments.self)
                unsafe raw.header.next = UnsafeRawPointer(link)
                let made = unsafe trial.rig.streamCreate(context, raw: &raw)
                if made.answer.code == 0 { trial.destroyAtEnd(stream: made.handle) }
                try made.gives(.unsupported, when: "with an extension that must be understood")
            }
        },
        .runtime("stream/synchronize-idle", "an empty stream is done at once, whatever the timeout", 18) {
            trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            for milliseconds: Int32 in [-1, 0, 1, 50] {
                try trial.rig.synchronize(stream, milliseconds).done("with \(milliseconds) ms")
            }
        },
        .runtime(
            "stream/timeout", "waiting for a held stream ends when its time is over", 18,
            needs: .runHostFunctions
        ) {
            trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let gate = trial.gate()
            try trial.rig.launch(stream, .hold(gate)).done()
            try trial.rig.synchronize(stream, 0).gives(.timeout, when: "of a held stream with 0 ms")
            let start = TimePoint.monotonicNow()
            try trial.rig.synchronize(stream, 30).gives(.timeout, when: "of a held stream with 30 ms")
            let waited = (TimePoint.monotonicNow() - start).inSeconds
            try trial.require(waited >= 0.025, "A wait of 30 ms ended after \(waited * 1000) ms.")
            gate.open()
            try trial.rig.synchronize(stream).done("after a timeout: nothing was cancelled")
        },
        .runtime("stream/query", "a stream says whether it is idle", optional: true) { trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let first = trial.rig.query(stream)
            try first.answer.done()
            try trial.require(first.isIdle, "A new stream is not idle.")
            guard trial.facts.capabilities.contains(.runHostFunctions) else { return }
            let gate = trial.gate()
            try trial.rig.launch(stream, .hold(gate)).done()
            try trial.require(!trial.rig.query(stream).isIdle, "A held stream says that it is idle.")
            gate.open()
            try trial.rig.synchronize(stream).done()
            try trial.require(
                trial.rig.query(stream).isIdle, "A stream that is done says that it is not idle.")
        },
        .runtime("stream/order", "work of one stream runs in the order of its submission", 17, 63) { trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let size = 64 << 10
            let (first, second) = (try trial.buffer(in: context, size), try trial.buffer(in: context, size))
            let target = trial.memory(size)
            for round in 0..<50 {
                let (a, b) = (UInt8(round * 2 + 1), UInt8(round * 2 + 2))
                let places = (Place.buffer(first, size: size), Place.buffer(second, size: size))
                try trial.rig.fill(stream, places.0, with: a, size).done()
                try trial.rig.copy(stream, to: places.1, from: places.0, size).done()
                try trial.rig.fill(stream, places.0, with: b, size).done()
                try trial.rig.copy(stream, to: .host(target), from: places.1, size).done()
                try trial.rig.synchronize(stream).done()
                try trial.require(target.bytes, is: [UInt8](repeating: a, count: size), "Round \(round)")
            }
        },
        .runtime("stream/destroy-waits", "destroying a stream waits for its work", 17) { trial in
            let context = try trial.context()
            let size = 4 << 20
            let buffer = try trial.buffer(in: context, size)
            let target = trial.memory(size)
            let stream = try trial.rig.streamCreate(context).made()
            for value in 1...8 {
                try trial.rig.fill(stream, .buffer(buffer, size: size), with: UInt8(value), size).done()
            }
            try trial.rig.copy(stream, to: .host(target), from: .buffer(buffer, size: size), size).done()
            try trial.rig.streamDestroy(stream).done()
            try trial.require(
                target.bytes, is: [UInt8](repeating: 8, count: size), "A destroyed stream's work")
        },
        .runtime("stream/wait", "work behind a wait runs after the event", 19) { trial in
            let context = try trial.context()
            let (first, second) = (try trial.stream(in: context), try trial.stream(in: context))
            let event = try trial.event(in: context)
            let size = 1 << 20
            let buffer = try trial.buffer(in: context, size)
            let target = trial.memory(size)
            for round in 1...20 {
                let value = UInt8(round)
                for _ in 0..<4 {
                    try trial.rig.fill(first, .buffer(buffer, size: size), with: 0xEE, size).done()
                }
                try trial.rig.fill(first, .buffer(buffer, size: size), with: value, size).done()
                try trial.rig.record(event, in: first).done()
                try trial.rig.wait(second, for: event).done()
                try trial.rig.copy(second, to: .host(target), from: .buffer(buffer, size: size), size).done()
                try trial.rig.synchronize(second).done()
                try trial.require(target.bytes, is: [UInt8](repeating: value, count: size), "Round \(round)")
            }
        },
        .runtime(
            "stream/wait-held", "a stream that waits for a held one does nothing meanwhile", 19,
            needs: .runHostFunctions
        ) {
            trial in
            let context = try trial.context()
            let streams = try (0..<4).map { _ in try trial.stream(in: context) }
            let event = try trial.event(in: context)
            let (gate, log) = (trial.gate(), trial.log())
            try trial.rig.launch(streams[0], .hold(gate)).done()
            try trial.rig.launch(streams[0], .note(0, in: log)).done()
            try trial.rig.record(event, in: streams[0]).done()
            for (index, stream) in streams.enumerated().dropFirst() {
                try trial.rig.wait(stream, for: event).done()
                try trial.rig.launch(stream, .note(UInt64(index), in: log)).done()
            }
            try trial.rig.synchronize(streams[1], 20).gives(
                .timeout, when: "of a stream that waits for a held one")
            try trial.require(log.values.isEmpty, "Work ran before the event that it waits for.")
            gate.open()
            for stream in streams { try trial.rig.synchronize(stream).done() }
            try trial.require(
                log.values.first == 0 && log.values.sorted() == [0, 1, 2, 3],
                "The work ran in the order \(log.values).")
        },
        .runtime("stream/wait-unrecorded", "waiting for an event that no stream records is refused", 19) {
            trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let event = try trial.event(in: context)
            try trial.rig.wait(stream, for: event).gives(
                .eventNotRecorded, when: "for an event that nobody records")
            try trial.rig.synchronize(stream).done("after a refused wait")
        },
        .runtime("stream/priority", "streams take priorities", needs: .orderStreams) { trial in
            let context = try trial.context()
            for priority: Int32 in [-1, 0, 1, 100, -100] {
                let stream = try trial.stream(in: context, .init(priority: priority))
                try trial.rig.synchronize(stream).done("of priority \(priority)")
            }
        },
        .runtime("stream/cpus", "CPUs that are not the device's are refused") { trial in
            guard trial.facts.cpus != nil else { throw CaseEnd.outside("The device does not run on CPUs.") }
            let context = try trial.context()
            let cpus: [UInt32] = [65_000]
            try unsafe cpus.withUnsafeBufferPointer { cpus in
                var raw = unsafe heng_stream_arguments()
                unsafe raw.header = StructCrossing.header(
                    HENG_KIND_STREAM_ARGUMENTS, of: heng_stream_arguments.self)
                unsafe raw.cpus = cpus.baseAddress
                unsafe raw.cpu_count = 1
                let made = unsafe trial.rig.streamCreate(context, raw: &raw)
                if made.answer.code == 0 { trial.destroyAtEnd(stream: made.handle) }
                // A device may be bound to no CPUs and then leave them out of account.
                if made.answer.code != 0 { try made.gives(.invalidArgument, when: "for the CPU 65000") }
                try trial.require(
                    made.answer.code != 0 || trial.facts.kind != "cpu",
                    "stream_create takes the CPU 65000, which the device does not have.")
            }
        },
    ]
}
