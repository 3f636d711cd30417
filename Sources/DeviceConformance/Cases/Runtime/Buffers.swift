internal import AcceleratorAPI
internal import CHengAccelerator

extension DeviceCases {
    static let buffers: [DeviceCase] = [
        .runtime("buffer/allocate", "buffers are made and freed, in any order", 30) { trial in
            let context = try trial.context()
            for round in 0..<3 {
                var buffers = try (1...64).map { try trial.rig.allocate(context, UInt64($0 * 97)).made() }
                try trial.require(Set(buffers).count == buffers.count, "Two buffers have one handle.")
                if round == 1 { buffers.reverse() }
                for buffer in buffers { try trial.rig.free(buffer).done() }
            }
        },
        .runtime("buffer/apart", "buffers do not share bytes", 30) { trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let sizes = [1, 3, 64, 100, 1000, 4096, 5000, 70_000]
            let step = Int(trial.facts.copyAlignment)
            let buffers = try sizes.map { try trial.buffer(in: context, $0) }
            for (index, buffer) in buffers.enumerated() where sizes[index] % step == 0 {
                try trial.rig.fill(
                    stream, .buffer(buffer, size: sizes[index]), with: UInt8(index + 1), sizes[index]
                ).done()
            }
            for (index, buffer) in buffers.enumerated() where sizes[index] % step == 0 {
                try trial.require(
                    trial.read(sizes[index], from: buffer, of: sizes[index], stream),
                    is: [UInt8](repeating: UInt8(index + 1), count: sizes[index]), "Buffer \(index)")
            }
        },
        .runtime("buffer/zero", "a buffer of no bytes is refused", 30) { trial in
            let context = try trial.context()
            try trial.rig.allocate(context, 0).gives(.invalidArgument, when: "of 0 bytes")
        },
        .runtime(
            "buffer/huge", "a buffer that cannot be is out of device memory, and says what was asked for", 30,
            36
        ) {
            trial in
            let context = try trial.context()
            for size in [UInt64(1) << 50, UInt64(1) << 62, UInt64.max] {
                let made = trial.rig.allocate(context, size)
                if made.answer.code == 0 { trial.atEnd { [rig = trial.rig] in rig.free(made.handle) } }
                try made.gives(.outOfDeviceMemory, when: "of \(size) bytes")
                guard let error = made.answer.error else { try trial.fail("There is no error object.") }
                try trial.require(error.requested > 0, "The error does not say what was asked for.")
            }
            _ = try trial.buffer(in: context, 4096)
        },
        .runtime(
            "buffer/arguments", "buffer arguments without a size, or of an unknown policy, are refused", 30
        ) { trial in
            let context = try trial.context()
            for size in [UInt32(0), 8] {
                var raw = unsafe trial.rig.bufferArguments(4096)
                unsafe raw.header.struct_size = size
                try unsafe trial.rig.allocate(context, raw: &raw).gives(
                    .version, .invalidArgument, when: "with a struct_size of \(size)")
            }
            let made = trial.rig.allocate(context, 4096, pages: 77)
            if made.answer.code == 0 { trial.atEnd { [rig = trial.rig] in rig.free(made.handle) } }
            try made.gives(.invalidArgument, .unsupported, when: "with the page policy 77")
        },
        .runtime("buffer/pages", "page policies are taken, or refused in a class that says why", 30) {
            trial in
            let context = try trial.context()
            for pages in [HENG_PAGES_DEFAULT, HENG_PAGES_NORMAL, HENG_PAGES_HUGE_FIRST, HENG_PAGES_HUGE_ONLY]
            {
                let made = trial.rig.allocate(context, 4 << 20, pages: Int32(pages))
                guard made.answer.code != 0 else {
                    try trial.rig.free(made.made()).done()
                    continue
                }
                try made.gives(.outOfDeviceMemory, .unsupported, when: "with the page policy \(pages)")
                try trial.require(pages != HENG_PAGES_DEFAULT, "The default page policy is refused.")
            }
        },
        .runtime("buffer/address", "the host reads and writes what the device sees", needs: .addressBuffers) {
            trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            for size in [1, 100, 4096, 100_000] {
                let buffer = try trial.buffer(in: context, size)
                let (answer, address) = trial.rig.hostAddress(buffer)
                try answer.done()
                guard let place = unsafe UnsafeMutableRawPointer(bitPattern: address) else {
                    try trial.fail("The address of a buffer is null.")
                }
                try trial.require(
                    address % UInt(trial.facts.bufferAlignment) == 0,
                    "A buffer starts at an address that is no multiple of \(trial.facts.bufferAlignment).")
                try trial.rig.fill(stream, .buffer(buffer, size: size), with: 0x42, size).done()
                try trial.rig.synchronize(stream).done()
                let seen = unsafe Array(UnsafeRawBufferPointer(start: place, count: size))
                try trial.require(seen, is: [UInt8](repeating: 0x42, count: size), "What the host sees")
                unsafe place.initializeMemory(as: UInt8.self, repeating: 0x24, count: size)
                try trial.require(
                    trial.read(size, from: buffer, of: size, stream),
                    is: [UInt8](repeating: 0x24, count: size),
                    "What the device sees")
            }
        },
        .runtime("buffer/no-address", "a device whose memory the host does not reach says so", 62) { trial in
            guard !trial.facts.capabilities.contains(.addressBuffers), !trial.facts.isHostAddressable else {
                throw CaseEnd.outside("The host reaches the device's buffers.")
            }
            let context = try trial.context()
            let buffer = try trial.buffer(in: context, 64)
            let answer = trial.rig.hostAddress(buffer).answer
            if !answer.isMissing {
                try answer.gives(.unsupported, when: "of a buffer that the host does not reach")
            }
        },
    ]

    static let memoryAccounts: [DeviceCase] = [
        .runtime("memory/account", "the account follows buffers up and down", 35, needs: .countMemory) {
            trial in
            let context = try trial.context()
            func info() throws -> heng_memory_info {
                let (answer, info) = unsafe trial.rig.memoryInfo(context)
                try answer.done()
                return unsafe info
            }
            let empty = try unsafe info().in_use
            try trial.require(empty == 0, "A new context has \(empty) bytes in use.")
            let first = try trial.rig.allocate(context, 100_000).made()
            let one = try unsafe info()
            try unsafe trial.require(
                one.in_use >= 100_000, "\(one.in_use) bytes are in use with a buffer of 100000.")
            let second = try trial.rig.allocate(context, 200_000).made()
            let two = try unsafe info()
            try unsafe trial.require(
                two.in_use >= one.in_use + 200_000,
                "A second buffer of 200000 adds \(two.in_use - one.in_use).")
            try unsafe trial.require(
                two.high_water >= two.in_use, "The high water lies below what is in use.")
            try unsafe trial.require(two.reserved >= two.in_use, "Less is reserved than is in use.")
            try trial.rig.free(second).done()
            try trial.rig.free(first).done()
            let end = try unsafe info()
            try unsafe trial.require(end.in_use == 0, "\(end.in_use) bytes are in use when all is freed.")
            try unsafe trial.require(end.high_water >= two.high_water, "The high water sank.")
        },
        .runtime(
            "memory/account-older", "a shorter account of an older caller is not written beyond its size", 35,
            needs: .countMemory
        ) {
            trial in
            let context = try trial.context()
            var raw = unsafe heng_memory_info()
            unsafe raw.header = StructCrossing.header(HENG_KIND_MEMORY_INFO, of: heng_memory_info.self)
            unsafe raw.header.struct_size = 24
            unsafe raw.high_water = 0x1234_5678
            unsafe raw.reuses = 0x8765_4321
            try unsafe trial.rig.call(trial.rig.functions.context_memory_info, "context_memory_info") {
                unsafe $0(context.raw, &raw, $1)
            }.done("with a struct of 24 bytes")
            try unsafe trial.require(
                raw.high_water == 0x1234_5678 && raw.reuses == 0x8765_4321,
                "Bytes behind the struct were written.")
        },
        .runtime("memory/apart", "each context has an account of its own", 35, needs: .countMemory) { trial in
            let (first, second) = (try trial.context(), try trial.context())
            _ = try trial.buffer(in: first, 1 << 20)
            let (answer, info) = unsafe trial.rig.memoryInfo(second)
            try answer.done()
            try unsafe trial.require(info.in_use == 0, "A context counts another's buffers.")
        },
        .runtime(
            "memory/limit", "a limit holds, and going above it changes nothing", 36,
            needs: [.countMemory, .limitMemory]
        ) {
            trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let buffer = try trial.buffer(in: context, 1 << 20)
            try trial.write(pattern(4096, seed: 2), to: buffer, of: 1 << 20, stream)
            try trial.rig.limitMemory(context, 3 << 20).done()
            let before = unsafe trial.rig.memoryInfo(context).info
            try unsafe trial.require(before.limit == 3 << 20, "The account says a limit of \(before.limit).")
            let made = trial.rig.allocate(context, 4 << 20)
            if made.answer.code == 0 { trial.atEnd { [rig = trial.rig] in rig.free(made.handle) } }
            try made.gives(.outOfDeviceMemory, when: "above the limit")
            try trial.require(
                (made.answer.error?.requested ?? 0) >= 4 << 20, "The error does not say what was asked for.")
            try trial.require(
                (made.answer.error?.available ?? .max) <= 3 << 20,
                "The error says that more was there than the limit.")
            let after = unsafe trial.rig.memoryInfo(context).info
            try unsafe trial.require(
                after.in_use == before.in_use && after.high_water == before.high_water,
                "A refused buffer changed the account.")
            try trial.require(
                trial.read(4096, from: buffer, of: 1 << 20, stream), is: pattern(4096, seed: 2),
                "A living buffer after a refusal")
            _ = try trial.buffer(in: context, 1 << 20)
            try trial.rig.limitMemory(context, 0).done("to none")
            _ = try trial.buffer(in: context, 4 << 20)
        },
        .runtime(
            "memory/limit-below", "a limit below what is in use leaves living buffers alone", 36,
            needs: [.countMemory, .limitMemory]
        ) {
            trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let buffer = try trial.buffer(in: context, 1 << 20)
            try trial.rig.limitMemory(context, 4096).done("below what is in use")
            try trial.write(pattern(4096), to: buffer, of: 1 << 20, stream)
            try trial.require(
                trial.read(4096, from: buffer, of: 1 << 20, stream), is: pattern(4096),
                "A buffer above the limit")
            let made = trial.rig.allocate(context, 64)
            if made.answer.code == 0 { trial.atEnd { [rig = trial.rig] in rig.free(made.handle) } }
            try made.gives(.outOfDeviceMemory, when: "above a limit that was passed already")
        },
        .runtime("memory/trim", "what is kept for reuse goes back", 36, needs: [.countMemory, .trimMemory]) {
            trial in
            let context = try trial.context()
            let buffer = try trial.rig.allocate(context, 8 << 20).made()
            try trial.rig.free(buffer).done()
            let before = unsafe trial.rig.memoryInfo(context).info
            let (answer, released) = trial.rig.trimMemory(context)
            try answer.done()
            let after = unsafe trial.rig.memoryInfo(context).info
            try unsafe trial.require(
                after.reserved + released == before.reserved,
                "\(released) bytes were released, and the reserved ones went from \(before.reserved) to \(after.reserved)."
            )
            try unsafe trial.require(
                after.reserved == 0, "\(after.reserved) bytes are reserved when all is trimmed.")
            let null = unsafe trial.rig.call(trial.rig.functions.context_trim_memory, "context_trim_memory") {
                unsafe $0(context.raw, nil, $1)
            }
            try null.done("without a place for the number")
        },
        .runtime(
            "memory/keep", "a context keeps no more than it may", 36, needs: [.countMemory, .trimMemory]
        ) { trial in
            let context = try trial.context()
            try trial.rig.keepMemory(context, 0).done("to nothing")
            let buffers = try (0..<4).map { _ in try trial.rig.allocate(context, 4 << 20).made() }
            for buffer in buffers { try trial.rig.free(buffer).done() }
            let info = unsafe trial.rig.memoryInfo(context).info
            try unsafe trial.require(
                info.reserved < 4 << 20, "\(info.reserved) bytes are kept by a context that may keep none.")
        },
    ]

    static let otherMemory: [DeviceCase] = [
        .runtime(
            "stream-memory/order", "a buffer made in a stream serves work behind it", 30,
            needs: .allocateInStreams
        ) { trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            for round in 0..<20 {
                let size = 1000 + round * 500
                let buffer = try trial.rig.allocate(in: stream, UInt64(size)).made()
                let target = trial.memory(size)
                try trial.rig.fill(stream, .buffer(buffer, size: size), with: UInt8(round), size).done()
                try trial.rig.copy(stream, to: .host(target), from: .buffer(buffer, size: size), size).done()
                try trial.rig.free(buffer, in: stream).done()
                try trial.rig.synchronize(stream).done()
                try trial.require(
                    target.bytes, is: [UInt8](repeating: UInt8(round), count: size), "Round \(round)")
            }
        },
        .runtime(
            "stream-memory/mixed", "a buffer is freed in a stream or at once, however it was made", 30,
            needs: .allocateInStreams
        ) {
            trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let plain = try trial.rig.allocate(context, 4096).made()
            try trial.rig.fill(stream, .buffer(plain, size: 4096), with: 1, 4096).done()
            try trial.rig.free(plain, in: stream).done("of a buffer that no stream made")
            let ordered = try trial.rig.allocate(in: stream, 4096).made()
            try trial.rig.synchronize(stream).done()
            try trial.rig.free(ordered).done("of a buffer that a stream made")
        },
        .runtime(
            "host-memory/allocate", "memory of the host is made, copied from and to, and freed", 31,
            needs: .allocateHostMemory
        ) {
            trial in
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let (answer, address) = trial.rig.hostAllocate(context, 8192)
            try answer.done()
            guard let place = unsafe UnsafeMutableRawPointer(bitPattern: address) else {
                try trial.fail("host_allocate gives no address.")
            }
            unsafe place.initializeMemory(as: UInt8.self, repeating: 0x77, count: 8192)
            let buffer = try trial.buffer(in: context, 8192)
            try trial.rig.copy(
                stream, to: .buffer(buffer, size: 8192), from: .address(address, size: 8192), 8192
            ).done()
            try trial.require(
                trial.read(8192, from: buffer, of: 8192, stream), is: [UInt8](repeating: 0x77, count: 8192),
                "From memory of the host")
            try trial.rig.hostFree(context, address).done()
        },
        .runtime(
            "host-memory/free", "only what host_allocate made can be freed so", 31, 36,
            needs: .allocateHostMemory
        ) { trial in
            let context = try trial.context()
            let memory = trial.memory(64)
            unsafe try trial.rig.hostFree(context, UInt(bitPattern: memory.start)).gives(
                .free, .invalidHandle, .invalidArgument, .memoryType, when: "of memory that it did not make")
        },
    ]
}
