internal import AcceleratorAPI
internal import CHengAccelerator

extension DeviceCases {
    static let concurrency: [DeviceCase] = [
        .runtime("threads/streams", "threads submit to streams of their own at once", 16) { trial in
            let context = try trial.context()
            let rig = trial.rig
            try trial.concurrently(8) { index in
                let stream = try rig.streamCreate(context).made()
                let buffer = try rig.allocate(context, 8192).made()
                let target = HostMemory(8192)
                for round in 0..<40 {
                    let value = UInt8(truncatingIfNeeded: index * 40 + round)
                    try rig.fill(stream, .buffer(buffer, size: 8192), with: value, 8192).done()
                    try rig.copy(stream, to: .host(target), from: .buffer(buffer, size: 8192), 8192).done()
                    try rig.synchronize(stream).done()
                    guard target.bytes.allSatisfy({ $0 == value }) else {
                        throw CaseEnd.failed("Thread \(index) finds bytes of another in round \(round).")
                    }
                }
                try rig.free(buffer).done()
                try rig.streamDestroy(stream).done()
            }
        },
        .runtime("threads/one-stream", "threads submit to one stream at once, and nothing is lost", 16) {
            trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let (rig, step) = (trial.rig, max(1, Int(trial.facts.copyAlignment)))
            let size = 4 * 500 * step
            let buffer = try trial.buffer(in: context, size)
            try rig.fill(stream, .buffer(buffer, size: size), with: 0, size).done()
            try trial.concurrently(4) { index in
                for place in 0..<500 {
                    let offset = (index * 500 + place) * step
                    try rig.fill(stream, .buffer(buffer, offset, size: step), with: UInt8(index + 1), step)
                        .done()
                }
            }
            let found = try trial.read(size, from: buffer, of: size, stream)
            try trial.require(
                found, is: (0..<size).map { UInt8($0 / (500 * step) + 1) }, "Fills of four threads")
        },
        .runtime("threads/objects", "threads make and destroy objects of one context at once", 16) { trial in
            let context = try trial.context()
            let rig = trial.rig
            try trial.concurrently(8) { index in
                for round in 0..<50 {
                    let buffer = try rig.allocate(context, UInt64(64 + index * 100 + round)).made()
                    let event = try rig.eventCreate(context).made()
                    try rig.eventDestroy(event).done()
                    try rig.free(buffer).done()
                }
            }
            guard trial.facts.capabilities.contains(.countMemory) else { return }
            let (answer, info) = unsafe rig.memoryInfo(context)
            try answer.done()
            try unsafe trial.require(info.in_use == 0, "\(info.in_use) bytes are in use when all is freed.")
        },
        .runtime("threads/events", "one thread waits for what another records", 28) { trial in
            let context = try trial.context()
            let streams = try (0..<2).map { _ in try trial.stream(in: context) }
            let event = try trial.event(in: context)
            let rig = trial.rig
            try rig.record(event, in: streams[0]).done()
            try trial.concurrently(4) { index in
                for _ in 0..<50 {
                    if index == 0 {
                        try rig.record(event, in: streams[1]).done()
                    } else {
                        try rig.synchronize(event: event, 5000).done()
                    }
                }
            }
        },
        .runtime("process/peer", "another process uses the device at the same time", 7) { trial in
            guard let peer = trial.settings.peer else {
                throw CaseEnd.notRun("This run cannot start another process.")
            }
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let buffer = try trial.buffer(in: context, 1 << 20)
            try trial.write(pattern(4096, seed: 6), to: buffer, of: 1 << 20, stream)
            try trial.require(peer(), "A second process cannot use the device while this one does.")
            try trial.require(
                trial.read(4096, from: buffer, of: 1 << 20, stream), is: pattern(4096, seed: 6),
                "A buffer after another process used the device")
        },
    ]
}
