internal import AcceleratorAPI
internal import Essentials

extension DeviceCases {
    static let copies: [DeviceCase] = [
        .runtime("copy/borrowed", "memory of the host that a range names stays the caller's", 40) { trial in
            let (first, second) = (pattern(4096), pattern(4096, seed: 2))
            let memory = trial.memory(first)
            for _ in 0..<2 {
                let context = try trial.rig.contextCreate().made()
                let streams = try (0..<2).map { _ in try trial.rig.streamCreate(context).made() }
                let buffers = try streams.map { _ in try trial.rig.allocate(context, 4096).made() }
                // Two streams read overlapping ranges of it.
                for (index, stream) in streams.enumerated() {
                    try trial.rig.copy(
                        stream, to: .buffer(buffers[index], size: 4096), from: .host(memory, index * 1000),
                        3000
                    ).done()
                }
                for (index, stream) in streams.enumerated() {
                    try trial.rig.synchronize(stream).done()
                    try trial.require(
                        trial.read(3000, from: buffers[index], of: 4096, stream),
                        is: Array(memory.bytes[index * 1000..<index * 1000 + 3000]), "A borrowed range")
                    try trial.rig.streamDestroy(stream).done()
                    try trial.rig.free(buffers[index]).done()
                }
                try trial.rig.contextDestroy(context).done()
                try trial.require(
                    memory.bytes == first || memory.bytes == second, "Borrowed memory was changed.")
                // All objects are gone, and the memory is not.
                memory.bytes = second
            }
            try trial.require(whole: memory, what: "Copies out of borrowed memory")
        },
        .runtime("copy/round-trip", "bytes brought into a buffer come out the same, at many sizes", 32, 65) {
            trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            for size in [1, 2, 3, 7, 8, 63, 64, 65, 255, 4095, 4096, 4097, 65_537, (1 << 20) + 3] {
                let step = Int(trial.facts.copyAlignment)
                guard size % step == 0 || step == 1 else { continue }
                let buffer = try trial.buffer(in: context, size)
                let bytes = pattern(size, seed: size)
                try trial.write(bytes, to: buffer, of: size, stream)
                try trial.require(
                    trial.read(size, from: buffer, of: size, stream), is: bytes, "\(size) bytes")
            }
        },
        .runtime("copy/kinds", "copies go in all four directions", 32, 65) { trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let size = 8192
            let bytes = pattern(size, seed: 4)
            let (source, middle, target) = (trial.memory(bytes), trial.memory(size), trial.memory(size))
            let (first, second) = (try trial.buffer(in: context, size), try trial.buffer(in: context, size))
            let steps: [(String, Place, Place)] = [
                ("host to host", .host(middle), .host(source)),
                ("host to device", .buffer(first, size: size), .host(middle)),
                ("device to device", .buffer(second, size: size), .buffer(first, size: size)),
                ("device to host", .host(target), .buffer(second, size: size)),
            ]
            for (name, to, from) in steps { try trial.rig.copy(stream, to: to, from: from, size).done(name) }
            try trial.rig.synchronize(stream).done()
            try trial.require(middle.bytes, is: bytes, "Host to host")
            try trial.require(target.bytes, is: bytes, "Through two buffers")
            try trial.require(source.bytes, is: bytes, "The source")
            try trial.require(whole: source, middle, target, what: "Copies")
        },
        .runtime("copy/alignments", "copies start at every allowed address, and touch nothing else", 33) {
            trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let (room, step) = (256, Int(trial.facts.copyAlignment))
            let buffer = try trial.buffer(in: context, room)
            let offsets = Array(stride(from: 0, to: max(16, step + 1), by: step))
            for to in offsets {
                for from in offsets where from < 16 {
                    let count = 97 / step * step + (step > 97 ? step : 0)
                    guard to + count <= room else { continue }
                    let bytes = pattern(count, seed: to * 16 + from)
                    var expected = [UInt8](repeating: 0x11, count: room)
                    expected.replaceSubrange(to..<to + count, with: bytes)
                    let source = trial.memory(bytes, offset: from)
                    try trial.rig.fill(stream, .buffer(buffer, size: room), with: 0x11, room).done()
                    try trial.rig.copy(
                        stream, to: .buffer(buffer, to, size: room - to), from: .host(source), count
                    ).done()
                    try trial.require(
                        trial.read(room, from: buffer, of: room, stream), is: expected,
                        "From an address \(from) off to one \(to) off")
                }
            }
        },
        .runtime("copy/alignments-out", "copies out of a buffer start at every allowed address", 33) {
            trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let (room, step) = (256, Int(trial.facts.copyAlignment))
            let buffer = try trial.buffer(in: context, room)
            let bytes = pattern(room, seed: 9)
            try trial.write(bytes, to: buffer, of: room, stream)
            for from in stride(from: 0, to: max(16, step + 1), by: step) {
                for to in 0..<4 {
                    let count = 65 / step * step + (step > 65 ? step : 0)
                    guard from + count <= room else { continue }
                    let target = trial.memory(count, offset: to * step)
                    try trial.rig.copy(
                        stream, to: .host(target), from: .buffer(buffer, from, size: room - from), count
                    ).done()
                    try trial.rig.synchronize(stream).done()
                    try trial.require(target.bytes, is: Array(bytes[from..<from + count]), "From \(from) off")
                    try trial.require(whole: target, what: "A copy out of a buffer")
                }
            }
        },
        .runtime("copy/unaligned", "a start that the device cannot take is refused in its own class", 33) {
            trial in
            let step = Int(trial.facts.copyAlignment)
            guard step > 1 else { throw CaseEnd.outside("The device copies from and to every address.") }
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let buffer = try trial.buffer(in: context, 4 * step)
            let source = trial.memory(step)
            try trial.rig.copy(
                stream, to: .buffer(buffer, 1, size: step), from: .host(source), step
            ).gives(.alignment, when: "to an address that is 1 off")
        },
        .runtime("copy/zero", "a copy of no bytes is allowed and does nothing", 32) { trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let buffer = try trial.buffer(in: context, 64)
            try trial.rig.fill(stream, .buffer(buffer, size: 64), with: 5, 64).done()
            let source = trial.memory(pattern(64))
            try trial.rig.copy(stream, to: .buffer(buffer, size: 64), from: .host(source), 0).done(
                "of 0 bytes")
            try trial.rig.copy(stream, to: .buffer(buffer, size: 0), from: .host(source, size: 0), 0).done(
                "of 0 bytes between ranges of 0")
            try trial.require(
                trial.read(64, from: buffer, of: 64, stream), is: [UInt8](repeating: 5, count: 64),
                "After a copy of 0 bytes")
        },
        .runtime("copy/capacity", "more bytes than a stated capacity are refused, and nothing is copied", 32)
        { trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let buffer = try trial.buffer(in: context, 256)
            try trial.rig.fill(stream, .buffer(buffer, size: 256), with: 7, 256).done()
            let source = trial.memory(pattern(256))
            try trial.rig.copy(stream, to: .buffer(buffer, size: 64), from: .host(source), 65).gives(
                .outOfRange, when: "of 65 bytes into a capacity of 64")
            try trial.rig.copy(stream, to: .buffer(buffer, size: 256), from: .host(source, size: 64), 65)
                .gives(
                    .outOfRange, when: "of 65 bytes from a capacity of 64")
            try trial.rig.copy(stream, to: .buffer(buffer, size: 256), from: .host(source), Int.max).gives(
                .outOfRange, when: "of 2^63 - 1 bytes")
            try trial.require(
                trial.read(256, from: buffer, of: 256, stream), is: [UInt8](repeating: 7, count: 256),
                "After refused copies")
        },
        .runtime("copy/beyond-buffer", "a range that leaves its buffer is refused", 32) { trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            // Makers may round sizes up, so the range leaves the buffer by far.
            let buffer = try trial.buffer(in: context, 4096)
            let source = trial.memory(8)
            for offset in [1 << 40, Int.max - 7] {
                try trial.rig.copy(stream, to: .buffer(buffer, offset, size: 8), from: .host(source), 8)
                    .gives(
                        .outOfRange, .invalidArgument,
                        when: "to an offset of \(offset) in a buffer of 4096 bytes")
                try trial.rig.copy(stream, to: .host(source), from: .buffer(buffer, offset, size: 8), 8)
                    .gives(
                        .outOfRange, .invalidArgument,
                        when: "from an offset of \(offset) in a buffer of 4096 bytes")
            }
        },
        .runtime("copy/within", "a copy may stay within one buffer where the ranges do not overlap", 32) {
            trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let (size, half) = (2048, 1024)
            let buffer = try trial.buffer(in: context, size)
            let bytes = pattern(size, seed: 77)
            try trial.write(bytes, to: buffer, of: size, stream)
            try trial.rig.copy(
                stream, to: .buffer(buffer, half, size: half), from: .buffer(buffer, size: half), half
            ).done()
            try trial.require(
                trial.read(size, from: buffer, of: size, stream),
                is: Array(bytes[..<half]) + Array(bytes[..<half]),
                "Half of a buffer over its other half")
        },
        .runtime("copy/large", "a large copy arrives whole") { trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let size = (trial.settings.isQuick ? 4 : 32) << 20
            let (first, second) = (try trial.buffer(in: context, size), try trial.buffer(in: context, size))
            let bytes = pattern(size, seed: 3)
            try trial.write(bytes, to: first, of: size, stream)
            try trial.rig.copy(
                stream, to: .buffer(second, size: size), from: .buffer(first, size: size), size
            ).done()
            try trial.require(trial.read(size, from: second, of: size, stream), is: bytes, "\(size) bytes")
        },
        .runtime("copy/many", "thousands of small copies all arrive", 33) { trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let (count, step) = (4096, max(8, Int(trial.facts.copyAlignment)))
            let buffer = try trial.buffer(in: context, count * step)
            let bytes = pattern(count * step, seed: 12)
            let source = trial.memory(bytes)
            for index in 0..<count {
                try trial.rig.copy(
                    stream, to: .buffer(buffer, index * step, size: step),
                    from: .host(source, index * step, size: step), step
                ).done()
            }
            try trial.require(
                trial.read(count * step, from: buffer, of: count * step, stream), is: bytes, "\(count) copies"
            )
        },
    ]

    static let fills: [DeviceCase] = [
        .runtime("fill/values", "every byte value fills", 34) { trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let (size, step) = (256, max(1, Int(trial.facts.copyAlignment)))
            let buffer = try trial.buffer(in: context, size * step)
            for value in 0..<size {
                try trial.rig.fill(
                    stream, .buffer(buffer, value * step, size: step), with: UInt8(value), step
                ).done()
            }
            try trial.require(
                trial.read(size * step, from: buffer, of: size * step, stream),
                is: (0..<size * step).map { UInt8($0 / step) }, "256 fills")
        },
        .runtime("fill/edges", "a fill covers its range and touches nothing else", 34) { trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let (size, step) = (1024, max(1, Int(trial.facts.copyAlignment)))
            let buffer = try trial.buffer(in: context, size)
            for (offset, count) in [(0, 1), (1, 1), (3, 5), (7, 64), (63, 65), (100, 333), (1, 1023)] {
                let (start, length) = (offset * step, count * step)
                guard start + length <= size else { continue }
                try trial.rig.fill(stream, .buffer(buffer, size: size), with: 1, size).done()
                try trial.rig.fill(stream, .buffer(buffer, start, size: size - start), with: 0xFE, length)
                    .done()
                var expected = [UInt8](repeating: 1, count: size)
                for index in start..<start + length { expected[index] = 0xFE }
                try trial.require(
                    trial.read(size, from: buffer, of: size, stream), is: expected,
                    "\(length) bytes from \(start)")
            }
        },
        .runtime("fill/host", "memory of the host can be filled in stream order", 34) { trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let target = trial.memory(1000)
            try trial.rig.fill(stream, .host(target), with: 0x3C, 1000).done("of host memory")
            try trial.rig.synchronize(stream).done()
            try trial.require(target.bytes, is: [UInt8](repeating: 0x3C, count: 1000), "Host memory")
            try trial.require(whole: target, what: "A fill of host memory")
        },
        .runtime("fill/zero", "a fill of no bytes is allowed and does nothing", 34) { trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let buffer = try trial.buffer(in: context, 64)
            try trial.rig.fill(stream, .buffer(buffer, size: 64), with: 9, 64).done()
            try trial.rig.fill(stream, .buffer(buffer, size: 64), with: 1, 0).done("of 0 bytes")
            try trial.require(
                trial.read(64, from: buffer, of: 64, stream), is: [UInt8](repeating: 9, count: 64),
                "After a fill of 0 bytes")
        },
        .runtime("fill/capacity", "more bytes than a stated capacity are refused, and nothing is filled", 34)
        { trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let buffer = try trial.buffer(in: context, 256)
            try trial.rig.fill(stream, .buffer(buffer, size: 256), with: 9, 256).done()
            try trial.rig.fill(stream, .buffer(buffer, size: 64), with: 1, 65).gives(
                .outOfRange, when: "of 65 bytes in a capacity of 64")
            try trial.rig.fill(stream, .buffer(buffer, 1 << 40, size: 64), with: 1, 64).gives(
                .outOfRange, .invalidArgument, when: "of a range that leaves its buffer")
            try trial.require(
                trial.read(256, from: buffer, of: 256, stream), is: [UInt8](repeating: 9, count: 256),
                "After refused fills")
        },
    ]

    static let blocks: [DeviceCase] = [
        .runtime("block/rows", "rows keep their distances", 32, needs: .copyBlocks) { trial in
            try copiesBlocks(trial, width: 5, height: 7, depth: 1, from: (11, 77), to: (16, 112))
        },
        .runtime("block/planes", "planes keep their distances", 32, needs: .copyBlocks) { trial in
            try copiesBlocks(trial, width: 8, height: 3, depth: 4, from: (10, 40), to: (8, 31))
        },
        .runtime("block/dense", "a block without gaps is a plain copy", 32, needs: .copyBlocks) { trial in
            try copiesBlocks(trial, width: 64, height: 16, depth: 2, from: (64, 1024), to: (64, 1024))
        },
        .runtime(
            "block/single", "the distance of rows or planes does not count where there is one", 32,
            needs: .copyBlocks
        ) { trial in
            try copiesBlocks(trial, width: 40, height: 1, depth: 1, from: (0, 0), to: (1, 0))
            try copiesBlocks(trial, width: 8, height: 5, depth: 1, from: (8, 0), to: (10, 1))
        },
        .runtime("block/pitch", "rows and planes that overlap are refused", 32, needs: .copyBlocks) { trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let buffer = try trial.buffer(in: context, 1024)
            let source = trial.memory(1024)
            for (row, plane) in [(15, 128), (16, 63), (0, 0)] {
                for isTarget in [true, false] {
                    let (wrong, right) = ((row, plane), (16, 64))
                    let (to, from) = isTarget ? (wrong, right) : (right, wrong)
                    try trial.rig.copyBlock(
                        stream,
                        to: .init(place: .buffer(buffer, size: 1024), rowPitch: to.0, planePitch: to.1),
                        from: .init(place: .host(source), rowPitch: from.0, planePitch: from.1), width: 16,
                        height: 4, depth: 2
                    ).gives(
                        .invalidArgument, when: "of 4 rows of 16 bytes, \(row) and in planes \(plane) apart")
                }
            }
            try trial.rig.synchronize(stream).done()
        },
        .runtime("block/range", "a block that its range does not hold is refused", 32, needs: .copyBlocks) {
            trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let buffer = try trial.buffer(in: context, 1024)
            let source = trial.memory(1024)
            try trial.rig.copyBlock(
                stream, to: .init(place: .buffer(buffer, size: 100), rowPitch: 16, planePitch: 112),
                from: .init(place: .host(source), rowPitch: 16, planePitch: 112), width: 16, height: 7,
                depth: 1
            ).gives(.outOfRange, when: "of 7 rows of 16 bytes into a range of 100")
            try trial.rig.synchronize(stream).done()
        },
    ]
}

private func copiesBlocks(
    _ trial: Trial, width: Int, height: Int, depth: Int, from: (row: Int, plane: Int),
    to: (row: Int, plane: Int)
) throws {
    let context = try trial.context()
    let stream = try trial.stream(in: context)
    let size = 4096
    let buffer = try trial.buffer(in: context, size)
    let source = trial.memory(pattern(size, seed: width))
    try trial.rig.fill(stream, .buffer(buffer, size: size), with: 0xAB, size).done()
    try trial.rig.copyBlock(
        stream, to: .init(place: .buffer(buffer, size: size), rowPitch: to.row, planePitch: to.plane),
        from: .init(place: .host(source), rowPitch: from.row, planePitch: from.plane), width: width,
        height: height, depth: depth
    ).done()
    var expected = [UInt8](repeating: 0xAB, count: size)
    for plane in 0..<depth {
        for row in 0..<height {
            let (start, begin) = (plane * to.plane + row * to.row, plane * from.plane + row * from.row)
            for column in 0..<width { expected[start + column] = source.bytes[begin + column] }
        }
    }
    try trial.require(
        trial.read(size, from: buffer, of: size, stream), is: expected,
        "A block of \(width) x \(height) x \(depth)")
}
