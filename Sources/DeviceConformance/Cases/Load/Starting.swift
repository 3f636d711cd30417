internal import AcceleratorAPI
internal import CHengAccelerator
internal import Essentials

private let headerSize = UInt32(16)

extension DeviceCases {
    static let starting: [DeviceCase] = [
        .load("initialize/once", "initialize works, and devices can be counted and opened", 1, 6) { trial in
            let rig = try trial.opened()
            let (answer, count) = rig.deviceCount()
            try answer.done()
            try trial.require(
                count > trial.target.index,
                "There are \(count) devices; number \(trial.target.index) is asked for.")
            try rig.finalize().done()
        },
        .load("initialize/before", "calls before initialize say that it is missing", 5) { trial in
            let rig = try trial.rig()
            try rig.deviceCount().answer.gives(.notInitialized, when: "before initialize")
            try rig.deviceGet(0).gives(.notInitialized, when: "before initialize")
            try rig.finalize().gives(.notInitialized, .repeatedFinalize, when: "before initialize")
            try rig.initialize().done("after calls that came too early")
            try rig.finalize().done()
        },
        .load("initialize/repeated", "a second initialize is refused in its own class and harms nothing", 1) {
            trial in
            let rig = try trial.opened()
            try rig.initialize().gives(.repeatedInitialize, when: "called a second time")
            try rig.deviceCount().answer.done("after a refused second initialize")
            try rig.finalize().done("once, after two calls of initialize")
        },
        .load("initialize/again", "initialize and finalize may follow each other a hundred times", 1, 2) {
            trial in
            let rig = try trial.rig()
            for round in 0..<100 {
                try rig.initialize().done("in round \(round)")
                let device = try rig.deviceGet(trial.target.index).made("in round \(round)")
                let context = try rig.contextCreate(on: device).made("in round \(round)")
                try rig.contextDestroy(context).done("in round \(round)")
                try rig.finalize().done("in round \(round)")
            }
        },
        .load("initialize/version", "another major number is refused in its own class", 3) { trial in
            let rig = try trial.rig()
            for major in [UInt32(HENG_ACCELERATOR_MAJOR) + 1, 0, 9999] {
                try rig.initialize(.init(major: major)).gives(.version, when: "for major number \(major)")
            }
            try rig.initialize().done("after a refused version")
        },
        .load("initialize/minor", "another minor number is welcome", 3) { trial in
            let rig = try trial.rig()
            try rig.initialize(.init(minor: 4711)).done("from a caller of a later minor version")
        },
        .load("struct/older", "a shorter struct of an older caller serves, and nothing behind it is read") {
            trial in
            let rig = try trial.rig()
            try rig.initialize(.init(size: headerSize + 8)).done("with a struct that ends before the path")
        },
        .load("struct/newer", "a longer struct of a newer caller serves") { trial in
            let rig = try trial.rig()
            try rig.initialize(.init(size: 400)).done("with a struct of 400 bytes")
        },
        .load("struct/tiny", "a struct without a size, or shorter than a header, is refused") { trial in
            let rig = try trial.rig()
            for size in [UInt32(0), 4, headerSize - 1] {
                try rig.initialize(.init(size: size)).gives(
                    .version, .invalidArgument, when: "with a struct_size of \(size)")
            }
            try rig.initialize().done("after structs that were too small")
        },
        .load("extension/optional", "an extension that is not known and need not be is skipped") { trial in
            let rig = try trial.rig()
            try rig.initialize(.init(extensionKind: 0x7123)).done("with an extension that may be skipped")
        },
        .load("extension/mandatory", "an extension that is not known and must be is refused", 62) { trial in
            let rig = try trial.rig()
            try rig.initialize(.init(extensionKind: 0x7123 | HENG_KIND_MUST_UNDERSTAND)).gives(
                .unsupported, when: "with an extension that must be understood")
            try rig.deviceCount().answer.gives(.notInitialized, when: "after a refused initialize")
            try rig.initialize().done("after a refused extension")
        },
        .load("services/null", "services of the host may be given without any function") { trial in
            let rig = try trial.rig()
            var services = unsafe heng_host_services()
            unsafe services.header = StructCrossing.header(
                HENG_KIND_HOST_SERVICES, of: heng_host_services.self)
            try unsafe rig.initialize(services: &services).done("with services that are all null")
            let device = try rig.deviceGet(trial.target.index).made()
            let context = try rig.contextCreate(on: device).made("with services that are all null")
            try rig.contextDestroy(context).done()
            try rig.finalize().done()
        },
        .load("finalize/repeated", "a second finalize is refused in its own class", 2) { trial in
            let rig = try trial.opened()
            try rig.finalize().done()
            try rig.finalize().gives(.repeatedFinalize, when: "called a second time")
        },
        .load("finalize/after", "calls after finalize say that initialize is missing", 2, 5) { trial in
            let rig = try trial.opened()
            try rig.finalize().done()
            try rig.deviceCount().answer.gives(.notInitialized, when: "after finalize")
            try rig.deviceGet(0).gives(.notInitialized, when: "after finalize")
        },
        .load("finalize/living", "finalize refuses while a context lives, which stays usable", 2) { trial in
            let rig = try trial.opened()
            let context = try rig.contextCreate().made()
            try rig.finalize().gives(.notReleased, when: "with a living context")
            let stream = try rig.streamCreate(context).made("after a refused finalize")
            try rig.synchronize(stream).done("after a refused finalize")
            try rig.streamDestroy(stream).done()
            try rig.contextDestroy(context).done()
            try rig.finalize().done("with nothing left")
        },
        .load("errors/outlive", "an error object can be read and destroyed after finalize") { trial in
            let rig = try trial.opened()
            let table = try unsafe trial.table()
            guard let get = unsafe table.device_get, let describe = unsafe table.error_describe else {
                throw CaseEnd.failed("Required functions are missing.")
            }
            var (device, error): (OpaquePointer?, OpaquePointer?) = (nil, nil)
            let code = unsafe get(UInt32.max, &device, &error)
            try rig.finalize().done()
            guard let error = unsafe error else {
                throw CaseEnd.failed("device_get stores no error object for an index that is none.")
            }
            defer { unsafe table.error_destroy?(error) }
            var raw = unsafe heng_error_description()
            unsafe raw.header = StructCrossing.header(
                HENG_KIND_ERROR_DESCRIPTION, of: heng_error_description.self)
            let answer = unsafe describe(error, &raw)
            try unsafe trial.require(
                answer == 0 && raw.code == code
                    && raw.text.map { unsafe String(cString: $0) }?.isEmpty == false,
                "An error object says nothing any more after finalize.")
        },
    ]
}
