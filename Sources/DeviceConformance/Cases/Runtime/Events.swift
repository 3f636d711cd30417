internal import AcceleratorAPI
internal import Essentials

#if canImport(Glibc)
internal import Glibc
#endif

extension DeviceCases {
    static let events: [DeviceCase] = [
        .runtime("event/create", "events are made and destroyed", 25) { trial in
            let context = try trial.context()
            let events = try (0..<100).map { _ in try trial.rig.eventCreate(context).made() }
            try trial.require(Set(events).count == 100, "Two events have one handle.")
            for event in events { try trial.rig.eventDestroy(event).done() }
        },
        .runtime("event/record", "a recorded event becomes complete", 26, 27, 28) { trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let event = try trial.event(in: context)
            for _ in 0..<20 {
                try trial.rig.record(event, in: stream).done()
                try trial.rig.synchronize(event: event).done()
                let found = trial.rig.query(event: event)
                try found.answer.done()
                try trial.require(found.isComplete, "An event that was waited for is not complete.")
            }
        },
        .runtime("event/pending", "an event behind held work is not complete", 27, needs: .runHostFunctions) {
            trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let event = try trial.event(in: context)
            let gate = trial.gate()
            try trial.rig.launch(stream, .hold(gate)).done()
            try trial.rig.record(event, in: stream).done()
            let first = trial.rig.query(event: event)
            try first.answer.done()
            try trial.require(!first.isComplete, "An event behind held work is complete.")
            gate.open()
            try trial.rig.synchronize(event: event).done()
            try trial.require(trial.rig.query(event: event).isComplete, "The event is not complete at last.")
        },
        .runtime(
            "event/timeout", "waiting for an event ends when its time is over", 28, needs: .runHostFunctions
        ) { trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let event = try trial.event(in: context)
            let gate = trial.gate()
            try trial.rig.launch(stream, .hold(gate)).done()
            try trial.rig.record(event, in: stream).done()
            try trial.rig.synchronize(event: event, 0).gives(.timeout, when: "with 0 ms behind held work")
            try trial.rig.synchronize(event: event, 20).gives(.timeout, when: "with 20 ms behind held work")
            gate.open()
            try trial.rig.synchronize(event: event, 5000).done()
        },
        .runtime("event/unrecorded", "an event that nobody records cannot be waited for", 27, 28) { trial in
            let context = try trial.context()
            let event = try trial.event(in: context)
            try trial.rig.synchronize(event: event, 0).gives(.eventNotRecorded, when: "of a new event")
            let found = trial.rig.query(event: event)
            if found.answer.code == 0 {
                try trial.require(!found.isComplete, "An event that nobody records is complete.")
            } else {
                try found.answer.gives(.eventNotRecorded, when: "of a new event")
            }
        },
        .runtime("event/again", "a record again, in another stream, counts from then on", 26) { trial in
            let context = try trial.context()
            let (first, second) = (try trial.stream(in: context), try trial.stream(in: context))
            let event = try trial.event(in: context)
            try trial.rig.record(event, in: first).done()
            try trial.rig.record(event, in: second).done("in a second stream")
            try trial.rig.synchronize(event: event).done()
            try trial.rig.record(event, in: first).done()
            try trial.rig.synchronize(event: event).done()
        },
        .runtime(
            "event/again-pending", "the latest record is the one that counts", 26, needs: .runHostFunctions
        ) { trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let event = try trial.event(in: context)
            try trial.rig.record(event, in: stream).done()
            try trial.rig.synchronize(event: event).done()
            let gate = trial.gate()
            try trial.rig.launch(stream, .hold(gate)).done()
            try trial.rig.record(event, in: stream).done()
            let found = trial.rig.query(event: event)
            try found.answer.done()
            try trial.require(!found.isComplete, "An older record counts, and not the latest.")
            gate.open()
            try trial.rig.synchronize(event: event).done()
        },
        .runtime("event/destroy-pending", "an event may be destroyed while its record is in a stream", 25) {
            trial in
            let context = try trial.context()
            let (first, second) = (try trial.stream(in: context), try trial.stream(in: context))
            for _ in 0..<20 {
                let event = try trial.rig.eventCreate(context).made()
                try trial.rig.record(event, in: first).done()
                try trial.rig.wait(second, for: event).done()
                try trial.rig.eventDestroy(event).done("while it is in streams")
            }
            try trial.rig.synchronize(first).done()
            try trial.rig.synchronize(second).done()
        },
        .runtime(
            "event/elapsed", "the time between two records is that of the host's clock", 29,
            needs: .timeEvents
        ) { trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let (start, end) = (try trial.event(in: context), try trial.event(in: context))
            let begin = TimePoint.monotonicNow()
            try trial.rig.record(start, in: stream).done()
            try trial.rig.synchronize(event: start).done()
            usleep(20_000)
            try trial.rig.record(end, in: stream).done()
            try trial.rig.synchronize(event: end).done()
            let whole = (TimePoint.monotonicNow() - begin).inSeconds * 1000
            let (answer, milliseconds) = trial.rig.elapsed(start, end)
            try answer.done()
            try trial.require(milliseconds.isFinite, "The time is \(milliseconds).")
            if !trial.facts.isSimulated {
                try trial.require(
                    milliseconds >= 15 && milliseconds <= whole + 5,
                    "Between two records 20 ms apart lie \(milliseconds) ms; the host waited \(whole) ms.")
            }
            let backward = trial.rig.elapsed(end, start)
            try backward.answer.done()
            try trial.require(
                abs(backward.milliseconds + milliseconds) < 0.01,
                "Backward it is \(backward.milliseconds) ms, and forward \(milliseconds) ms.")
            let same = trial.rig.elapsed(start, start)
            try same.answer.done()
            try trial.require(
                abs(same.milliseconds) < 0.001, "From a record to itself it is \(same.milliseconds) ms.")
        },
        .runtime(
            "event/elapsed-unrecorded", "a time that is not there is refused in its own class", 29,
            needs: .timeEvents
        ) {
            trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let (start, end) = (try trial.event(in: context), try trial.event(in: context))
            try trial.rig.elapsed(start, end).answer.gives(
                .eventTime, .eventNotRecorded, when: "of new events")
            try trial.rig.record(start, in: stream).done()
            try trial.rig.synchronize(event: start).done()
            try trial.rig.elapsed(start, end).answer.gives(
                .eventTime, .eventNotRecorded, when: "to a new event")
        },
        .runtime("event/reset", "a reset event is as newly made", 26, optional: true) { trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let event = try trial.event(in: context)
            try trial.rig.record(event, in: stream).done()
            try trial.rig.synchronize(event: event).done()
            try trial.rig.reset(event).done()
            try trial.rig.synchronize(event: event, 0).gives(.eventNotRecorded, when: "of a reset event")
            try trial.rig.record(event, in: stream).done("after a reset")
            try trial.rig.synchronize(event: event).done("after a reset")
        },
        .runtime("event/waits", "an event says whether all waits for it are over", 27, optional: true) {
            trial in
            let context = try trial.context()
            let (first, second) = (try trial.stream(in: context), try trial.stream(in: context))
            let event = try trial.event(in: context)
            try trial.rig.record(event, in: first).done()
            try trial.rig.wait(second, for: event).done()
            try trial.rig.synchronize(second).done()
            let found = trial.rig.queryWaits(event)
            try found.answer.done()
            try trial.require(found.isComplete, "A wait that is over counts as one that is not.")
            guard trial.facts.capabilities.contains(.runHostFunctions) else { return }
            let gate = trial.gate()
            try trial.rig.launch(first, .hold(gate)).done()
            try trial.rig.record(event, in: first).done()
            try trial.rig.wait(second, for: event).done()
            try trial.require(!trial.rig.queryWaits(event).isComplete, "A wait that goes on counts as over.")
            gate.open()
            try trial.rig.synchronize(second).done()
            try trial.require(trial.rig.queryWaits(event).isComplete, "A wait that is over goes on.")
        },
    ]
}
