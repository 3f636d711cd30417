internal import AcceleratorAPI
internal import CHengAccelerator
internal import Essentials

extension DeviceCases {
    static let devices: [DeviceCase] = [
        .runtime("device/count", "the count of devices stays the same", 6) { trial in
            let first = trial.rig.deviceCount()
            try first.answer.done()
            try trial.require(first.count > 0, "There is no device.")
            for _ in 0..<10 {
                let again = trial.rig.deviceCount()
                try again.answer.done()
                try trial.require(again.count == first.count, "The count changed to \(again.count).")
            }
        },
        .runtime(
            "device/get", "an index gives the same device each time, and different indices different ones", 6
        ) {
            trial in
            let count = trial.rig.deviceCount().count
            let devices = try (0..<count).map { try trial.rig.deviceGet($0).made() }
            let again = try (0..<count).map { try trial.rig.deviceGet($0).made() }
            try trial.require(devices == again, "The same index gives another pointer.")
            try trial.require(Set(devices).count == devices.count, "Two indices give one pointer.")
        },
        .runtime("device/index", "an index that is none is refused in its own class", 12) { trial in
            let count = trial.rig.deviceCount().count
            for index in [count, count + 1, UInt32.max] {
                try trial.rig.deviceGet(index).gives(
                    .invalidDeviceIndex, when: "for index \(index) of \(count)")
            }
        },
        .runtime("device/description", "the description makes sense", 4) { trial in
            let facts = trial.facts
            try trial.require(
                !facts.kind.isEmpty && facts.kind == facts.kind.lowercased()
                    && facts.kind.allSatisfy { $0.isLetter || $0.isNumber },
                "The kind “\(facts.kind)” is no lower-case word.")
            try trial.require(!facts.name.isEmpty, "The device has no name.")
            try trial.require(!facts.vendor.isEmpty, "The device has no vendor.")
            for (name, value) in [("buffer", facts.bufferAlignment), ("copy", facts.copyAlignment)] {
                try trial.require(
                    value > 0 && value & (value - 1) == 0,
                    "The \(name) alignment \(value) is no power of two.")
            }
            try trial.require(
                facts.memory == 0 || facts.memory >= 1 << 16,
                "The device says that it has \(facts.memory) bytes.")
            try trial.require(facts.determinism <= 4, "The determinism \(facts.determinism) is no level.")
            try trial.require(
                !facts.capabilities.contains(.addressBuffers) || facts.isHostAddressable,
                "The device claims addresses of buffers, and says that the host does not reach them.")
        },
        .runtime("device/description-stable", "the description is the same each time") { trial in
            var raw = unsafe Self.emptyDescription()
            try unsafe trial.rig.describe(&raw).done()
            let facts = unsafe DeviceFacts(raw)
            try trial.require(
                facts.kind == trial.facts.kind && facts.name == trial.facts.name
                    && facts.memory == trial.facts.memory && facts.capabilities == trial.facts.capabilities
                    && facts.uuid == trial.facts.uuid,
                "The description changed from one call to the next.")
        },
        .runtime(
            "device/description-older",
            "a shorter description of an older caller is not written beyond its size"
        ) {
            trial in
            for size in [UInt32(16), 24, 48, 64] {
                var raw = unsafe Self.emptyDescription()
                unsafe withUnsafeMutableBytes(of: &raw) { bytes in
                    for index in 16..<bytes.count { unsafe bytes[index] = 0xC3 }
                }
                unsafe raw.header.struct_size = size
                try unsafe trial.rig.describe(&raw).done("for a struct of \(size) bytes")
                let untouched = unsafe withUnsafeBytes(of: raw) { bytes in
                    unsafe bytes[Int(size)...].allSatisfy { $0 == 0xC3 }
                }
                try trial.require(untouched, "Bytes behind a struct of \(size) were written.")
                let written = unsafe withUnsafeBytes(of: raw) { bytes in
                    unsafe size > 16 && bytes[16..<24].allSatisfy { $0 == 0xC3 }
                }
                try trial.require(!written, "A struct of \(size) bytes was not filled.")
            }
        },
        .runtime("device/description-tiny", "a description without a size is refused") { trial in
            for size in [UInt32(0), 8] {
                var raw = unsafe Self.emptyDescription()
                unsafe raw.header.struct_size = size
                try unsafe trial.rig.describe(&raw).gives(
                    .version, .invalidArgument, when: "with a struct_size of \(size)")
            }
        },
        .runtime("device/claims", "every function that the claims promise is there", 62) { trial in
            let missing = unsafe RequiredFunctions.promised(
                trial.facts.capabilities, missingIn: trial.rig.functions)
            try trial.require(missing.isEmpty, "Claimed and missing: \(missing.joined(separator: ", ")).")
        },
        .runtime("device/attributes", "the attributes end, and their names differ", optional: true) { trial in
            var keys: Set<String> = []
            var index: UInt32 = 0
            while true {
                let (answer, key, value) = trial.rig.attribute(index)
                if index == 0 && answer.isMissing {
                    throw CaseEnd.outside("The table has no device_attribute.")
                }
                guard answer.code == 0 else {
                    try answer.gives(.outOfRange, when: "behind the last attribute")
                    return
                }
                guard let key, !key.isEmpty, value != nil else {
                    try trial.fail("Attribute \(index) has no name or value.")
                }
                try trial.require(keys.insert(key).inserted, "There are two attributes “\(key)”.")
                index += 1
                try trial.require(index < 1000, "The attributes do not end.")
            }
        },
        .runtime("device/status", "the status makes sense", needs: .reportStatus) { trial in
            let context = try trial.context()
            _ = try trial.buffer(in: context, 4096)
            let (answer, status) = unsafe trial.rig.status()
            try answer.done()
            try unsafe trial.require(
                (Int32(HENG_HEALTH_UNKNOWN)...Int32(HENG_HEALTH_BROKEN)).contains(status.health),
                "The health \(status.health) is none.")
            try unsafe trial.require(
                status.utilization.isNaN || status.utilization < 0 || status.utilization <= 1,
                "The utilization is \(status.utilization).")
            try unsafe trial.require(
                status.memory_total <= 0 || status.memory_free <= status.memory_total,
                "There is more free memory than there is at all.")
            try unsafe trial.require(
                status.contexts != 0, "There are no contexts while one lives.")
            try unsafe trial.require(status.buffers != 0, "There are no buffers while one lives.")
        },
        .runtime(
            "device/clock", "the clocks go forward, and the host's is that of the host",
            needs: .correlateClocks
        ) {
            trial in
            var last = (device: Int64.min, host: Int64.min)
            for _ in 0..<50 {
                let before = TimePoint.monotonicNow().nanoseconds
                let now = trial.rig.clock()
                let after = TimePoint.monotonicNow().nanoseconds
                try now.answer.done()
                try trial.require(
                    now.host >= before && now.host <= after, "The host's time is not that of CLOCK_MONOTONIC."
                )
                try trial.require(
                    now.device >= last.device && now.host >= last.host, "A clock goes backward.")
                last = (now.device, now.host)
            }
        },
        .runtime("device/synchronize", "a synchronized device has done all work of all streams", 11) {
            trial in
            let context = try trial.context()
            let streams = try (0..<3).map { _ in try trial.stream(in: context) }
            let size = 1 << 20
            let buffers = try streams.map { _ in try trial.buffer(in: context, size) }
            let targets = streams.map { _ in trial.memory(size) }
            for (index, stream) in streams.enumerated() {
                let place = Place.buffer(buffers[index], size: size)
                try trial.rig.fill(stream, place, with: UInt8(index + 1), size).done()
                try trial.rig.copy(stream, to: .host(targets[index]), from: place, size).done()
            }
            try trial.rig.deviceSynchronize().done()
            for (index, target) in targets.enumerated() {
                try trial.require(
                    target.bytes, is: [UInt8](repeating: UInt8(index + 1), count: size), "Stream \(index)")
            }
        },
        .runtime("device/partition", "a part of the device is a device of its own", needs: .partition) {
            trial in
            let part = try trial.rig.partition(units: 1).made()
            var raw = unsafe Self.emptyDescription()
            try unsafe trial.rig.describe(&raw, part).done("for a part")
            let units = unsafe raw.compute_units
            try trial.require(units == 1, "A part of one compute unit says that it has \(units).")
            let context = try trial.rig.contextCreate(on: part).made()
            try trial.rig.release(part: part).gives(.notReleased, when: "while a context of the part lives")
            try trial.rig.contextDestroy(context).done()
            try trial.rig.release(part: part).done()
            try trial.rig.partition(units: trial.facts.computeUnits &+ 1).gives(
                .invalidArgument, .outOfResources, .outOfRange, when: "for more units than there are")
            try trial.rig.partition(units: 0).gives(.invalidArgument, when: "for no unit")
        },
    ]

    static func emptyDescription() -> heng_device_description {
        var raw = unsafe heng_device_description()
        unsafe raw.header = StructCrossing.header(
            HENG_KIND_DEVICE_DESCRIPTION, of: heng_device_description.self)
        return unsafe raw
    }
}
