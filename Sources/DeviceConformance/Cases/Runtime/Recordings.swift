internal import AcceleratorAPI
internal import CHengAccelerator

extension Trial {
    func recordingTable() throws -> heng_recording_table {
        guard let table = unsafe rig.group(HENG_KIND_RECORDING_TABLE, zero: heng_recording_table()) else {
            throw CaseEnd.outside("The maker offers no recordings.")
        }
        return unsafe table
    }

    func begin(_ table: heng_recording_table, _ stream: Handle) -> Answer {
        unsafe rig.call(table.recording_begin, "recording_begin") { unsafe $0(stream.raw, $1) }
    }

    func end(_ table: heng_recording_table, _ stream: Handle) -> Made {
        unsafe rig.make(table.recording_end, "recording_end") { unsafe $0(stream.raw, $1, $2) }
    }

    fileprivate func destroy(_ table: heng_recording_table, _ recording: Handle) -> Answer {
        unsafe rig.destroy(table, recording: recording)
    }
}

extension Rig {
    func destroy(_ table: heng_recording_table, recording: Handle) -> Answer {
        unsafe call(table.recording_destroy, "recording_destroy") { unsafe $0(recording.raw, $1) }
    }
}

extension DeviceCases {
    static let recordings: [DeviceCase] = [
        .runtime(
            "recording/submit", "recorded work does not run, until it is submitted, and then each time",
            group: HENG_KIND_RECORDING_TABLE
        ) {
            trial in
            let table = try unsafe trial.recordingTable()
            let context = try trial.context()
            let (stream, other) = (try trial.stream(in: context), try trial.stream(in: context))
            let (first, second) = (try trial.buffer(in: context, 4096), try trial.buffer(in: context, 4096))
            let places = (Place.buffer(first, size: 4096), Place.buffer(second, size: 4096))
            try trial.rig.fill(stream, places.0, with: 1, 4096).done()
            try trial.rig.fill(stream, places.1, with: 2, 4096).done()
            try unsafe trial.begin(table, stream).done()
            try trial.rig.copy(stream, to: places.1, from: places.0, 4096).done("into a recording")
            try trial.rig.fill(stream, places.0, with: 9, 4096).done("into a recording")
            let recording = try unsafe trial.end(table, stream).made()
            var count: UInt64 = 0
            try unsafe trial.rig.call(table.recording_count, "recording_count") {
                unsafe $0(recording.raw, &count, $1)
            }.done()
            try trial.require(count == 2, "A recording of 2 pieces of work says \(count).")
            try trial.require(
                trial.read(4096, from: second, of: 4096, stream), is: [UInt8](repeating: 2, count: 4096),
                "Recorded work before it is submitted")
            for (round, expected) in [UInt8(1), 9, 9].enumerated() {
                try unsafe trial.rig.call(table.recording_submit, "recording_submit") {
                    unsafe $0(recording.raw, other.raw, 0, $1)
                }.done("in another stream of the context")
                try trial.rig.synchronize(other).done()
                try trial.require(
                    trial.read(4096, from: second, of: 4096, other),
                    is: [UInt8](repeating: expected, count: 4096),
                    "Submission \(round)")
            }
            try unsafe trial.destroy(table, recording).done()
        },
        .runtime(
            "recording/not-released", "a context is not destroyed while its recordings live", 9,
            group: HENG_KIND_RECORDING_TABLE
        ) { trial in
            let table = try unsafe trial.recordingTable()
            let context = try trial.rig.contextCreate().made()
            let stream = try trial.rig.streamCreate(context).made()
            try unsafe trial.begin(table, stream).done()
            let recording = try unsafe trial.end(table, stream).made()
            try trial.rig.streamDestroy(stream).done()
            try trial.rig.contextDestroy(context).gives(.notReleased, when: "with a living recording")
            try unsafe trial.destroy(table, recording).done()
            try trial.rig.contextDestroy(context).done("without its recording")
        },
        .runtime(
            "recording/misuse",
            "waiting while a stream records is misuse, and so is ending what was not begun",
            group: HENG_KIND_RECORDING_TABLE
        ) {
            trial in
            let table = try unsafe trial.recordingTable()
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            try unsafe trial.end(table, stream).gives(
                .misuse, .invalidArgument, when: "of a stream that records nothing")
            try unsafe trial.begin(table, stream).done()
            try trial.rig.synchronize(stream, 0).gives(.misuse, when: "of a stream that records")
            try unsafe trial.begin(table, stream).gives(.misuse, when: "of a stream that records already")
            let recording = try unsafe trial.end(table, stream).made("after refused calls")
            try trial.rig.synchronize(stream).done("of a stream that records no more")
            try unsafe trial.destroy(table, recording).done()
        },
    ]
}
