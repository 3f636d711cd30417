internal import AcceleratorAPI

extension DeviceCases {
    static let contexts: [DeviceCase] = [
        .runtime("context/create", "contexts are made and destroyed", 13, 14) { trial in
            for _ in 0..<20 {
                let context = try trial.rig.contextCreate().made()
                try trial.rig.contextDestroy(context).done()
            }
        },
        .runtime("context/many", "many contexts live side by side", 13) { trial in
            let count = min(32, Int(trial.facts.contextLimit == 0 ? 32 : trial.facts.contextLimit))
            let contexts = try (0..<count).map { _ in try trial.context() }
            try trial.require(Set(contexts).count == count, "Two contexts have one handle.")
            for context in contexts {
                let stream = try trial.stream(in: context)
                try trial.rig.synchronize(stream).done()
            }
        },
        .runtime("context/not-released", "a context that owns something is not destroyed", 9, 14) { trial in
            let context = try trial.context()
            let stream = try trial.rig.streamCreate(context).made()
            try trial.rig.contextDestroy(context).gives(.notReleased, when: "while a stream lives")
            let event = try trial.rig.eventCreate(context).made("in a context that was not destroyed")
            try trial.rig.streamDestroy(stream).done()
            try trial.rig.contextDestroy(context).gives(.notReleased, when: "while an event lives")
            let buffer = try trial.rig.allocate(context, 64).made("in a context that was not destroyed")
            try trial.rig.eventDestroy(event).done()
            try trial.rig.contextDestroy(context).gives(.notReleased, when: "while a buffer lives")
            try trial.rig.free(buffer).done()
        },
        .runtime("context/threads", "a context may be used by another thread than the one that made it", 16) {
            trial in
            let context = try trial.context()
            let rig = trial.rig
            try trial.concurrently(4) { index in
                let stream = try rig.streamCreate(context).made()
                let buffer = try rig.allocate(context, 4096).made()
                let target = HostMemory(4096)
                try rig.fill(stream, .buffer(buffer, size: 4096), with: UInt8(index + 1), 4096).done()
                try rig.copy(stream, to: .host(target), from: .buffer(buffer, size: 4096), 4096).done()
                try rig.synchronize(stream).done()
                guard target.bytes.allSatisfy({ $0 == UInt8(index + 1) }) else {
                    throw CaseEnd.failed("Thread \(index) finds the bytes of another.")
                }
                try rig.free(buffer).done()
                try rig.streamDestroy(stream).done()
            }
        },
        .runtime("context/shared", "work uses buffers and events of every context of its device", 16) {
            trial in
            let (first, second) = (try trial.context(), try trial.context())
            let (writer, reader) = (try trial.stream(in: first), try trial.stream(in: second))
            let event = try trial.event(in: second)
            let buffer = try trial.buffer(in: second, 4096)
            let target = trial.memory(4096)
            try trial.rig.fill(writer, .buffer(buffer, size: 4096), with: 0x6B, 4096).done(
                "of a buffer of another context")
            try trial.rig.record(event, in: writer).done("of an event of another context")
            try trial.rig.wait(reader, for: event).done()
            try trial.rig.copy(reader, to: .host(target), from: .buffer(buffer, size: 4096), 4096).done()
            try trial.rig.synchronize(reader).done()
            try trial.require(target.bytes, is: [UInt8](repeating: 0x6B, count: 4096), "Across two contexts")
        },
        .runtime("context/state", "a context that nothing broke has no cause", optional: true) { trial in
            let context = try trial.context()
            let state = trial.rig.contextState(context)
            try state.answer.done()
            try trial.require(state.cause == 0, "A new context is broken by \(ErrorNames.name(state.cause)).")
            let again = trial.rig.contextState(context)
            try trial.require(again.epoch == state.epoch, "The epoch changes without a rebuild.")
        },
    ]
}
