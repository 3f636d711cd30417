internal import AcceleratorAPI
internal import CHengAccelerator
internal import Essentials

extension Trial {
    func profileTable() throws -> heng_profile_table {
        guard let table = unsafe rig.group(HENG_KIND_PROFILE_TABLE, zero: heng_profile_table()) else {
            throw CaseEnd.outside("The maker offers no profiling.")
        }
        return unsafe table
    }

    func start(_ table: heng_profile_table, _ context: Handle, capacity: UInt64) -> Answer {
        var raw = unsafe heng_profile_arguments()
        unsafe raw.header = StructCrossing.header(
            HENG_KIND_PROFILE_ARGUMENTS, of: heng_profile_arguments.self)
        unsafe raw.capacity = capacity
        return unsafe rig.call(table.profile_start, "profile_start") { unsafe $0(context.raw, &raw, $1) }
    }

    func stop(_ table: heng_profile_table, _ context: Handle) -> Answer {
        unsafe rig.call(table.profile_stop, "profile_stop") { unsafe $0(context.raw, $1) }
    }

    func records(
        _ table: heng_profile_table, _ context: Handle
    ) throws -> (records: [heng_profile_record], dropped: UInt64) {
        var records = [heng_profile_record](repeating: heng_profile_record(), count: 256)
        var (count, dropped): (UInt64, UInt64) = (0, 0)
        try unsafe records.withUnsafeMutableBufferPointer { records in
            try unsafe rig.call(table.profile_read, "profile_read") {
                unsafe $0(context.raw, records.baseAddress, 256, &count, &dropped, $1)
            }.done()
        }
        return (Array(records.prefix(Int(min(count, 256)))), dropped)
    }
}

extension DeviceCases {
    static let profiling: [DeviceCase] = [
        .runtime(
            "profile/correlation", "each piece of work has a record with its number, kind and times",
            group: HENG_KIND_PROFILE_TABLE
        ) {
            trial in
            let table = try unsafe trial.profileTable()
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let (first, second) = (try trial.buffer(in: context, 4096), try trial.buffer(in: context, 4096))
            try unsafe trial.start(table, context, capacity: 100).done()
            let begin = TimePoint.monotonicNow().nanoseconds
            for number in UInt64(0)..<10 {
                try trial.rig.fill(
                    stream, .buffer(first, size: 4096), with: 1, 4096, correlation: 1000 + number
                ).done()
                try trial.rig.copy(
                    stream, to: .buffer(second, size: 4096), from: .buffer(first, size: 4096), 4096,
                    correlation: 2000 + number
                ).done()
            }
            try trial.rig.synchronize(stream).done()
            let end = TimePoint.monotonicNow().nanoseconds
            let (records, dropped) = try unsafe trial.records(table, context)
            try unsafe trial.stop(table, context).done()
            try trial.require(dropped == 0, "\(dropped) records were dropped of 20 in a room of 100.")
            let fills = records.filter { $0.kind == Int32(HENG_RECORD_FILL) }.map(\.correlation).sorted()
            let copies = records.filter { $0.kind == Int32(HENG_RECORD_COPY) }.map(\.correlation).sorted()
            try trial.require(
                fills == (1000..<1010).map { UInt64($0) }, "The records of fills have the numbers \(fills).")
            try trial.require(
                copies == (2000..<2010).map { UInt64($0) },
                "The records of copies have the numbers \(copies).")
            let isSimulated = trial.facts.isSimulated
            try trial.require(
                records.allSatisfy {
                    $0.begin <= $0.end && (isSimulated || $0.begin >= begin && $0.end <= end)
                },
                "A record's times lie outside those of its work.")
        },
        .runtime("profile/dropped", "records that find no room are counted", group: HENG_KIND_PROFILE_TABLE) {
            trial in
            let table = try unsafe trial.profileTable()
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let buffer = try trial.buffer(in: context, 64)
            try unsafe trial.start(table, context, capacity: 4).done()
            for number in UInt64(1)...20 {
                try trial.rig.fill(stream, .buffer(buffer, size: 64), with: 1, 64, correlation: number).done()
            }
            try trial.rig.synchronize(stream).done()
            let (records, dropped) = try unsafe trial.records(table, context)
            try trial.require(
                UInt64(records.count) + dropped == 20 && dropped > 0,
                "Of 20 records in a room of 4, \(records.count) came and \(dropped) count as dropped.")
            let (_, again) = try unsafe trial.records(table, context)
            try trial.require(again == 0, "What was dropped is counted twice.")
            try unsafe trial.stop(table, context).done()
        },
        .runtime("profile/twice", "starting twice is misuse", group: HENG_KIND_PROFILE_TABLE) { trial in
            let table = try unsafe trial.profileTable()
            let context = try trial.context()
            try unsafe trial.start(table, context, capacity: 16).done()
            try unsafe trial.start(table, context, capacity: 16).gives(
                .misuse, when: "of a context that is profiled")
            try unsafe trial.stop(table, context).done()
            try unsafe trial.start(table, context, capacity: 16).done("after an end")
            try unsafe trial.stop(table, context).done()
        },
        .runtime(
            "profile/ranges", "ranges and marks come back with their names", group: HENG_KIND_PROFILE_TABLE
        ) { trial in
            let table = try unsafe trial.profileTable()
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            try unsafe trial.start(table, context, capacity: 16).done()
            try unsafe trial.rig.call(table.range_begin, "range_begin") {
                unsafe $0(stream.raw, "outer", 5, $1)
            }.done()
            try unsafe trial.rig.call(table.mark, "mark") { unsafe $0(stream.raw, "here", 6, $1) }.done()
            try unsafe trial.rig.call(table.range_end, "range_end") { unsafe $0(stream.raw, $1) }.done()
            try trial.rig.synchronize(stream).done()
            let (records, _) = try unsafe trial.records(table, context)
            try unsafe trial.stop(table, context).done()
            func name(_ kind: Int) -> String? {
                guard let record = records.first(where: { $0.kind == Int32(kind) }) else { return nil }
                return unsafe withUnsafeBytes(of: record.name) {
                    unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
                }
            }
            try trial.require(
                name(HENG_RECORD_RANGE) == "outer",
                "The range comes back as \(name(HENG_RECORD_RANGE) ?? "nothing").")
            try trial.require(
                name(HENG_RECORD_MARK) == "here",
                "The mark comes back as \(name(HENG_RECORD_MARK) ?? "nothing").")
        },
    ]
}
