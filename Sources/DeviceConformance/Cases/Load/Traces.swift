internal import AcceleratorAPI
internal import CHengAccelerator
internal import Essentials

#if canImport(Glibc)
internal import Glibc
#endif

extension DeviceCases {
    static let traces: [DeviceCase] = [
        .load("output/silent", "loading, starting, working and ending print nothing") { trial in
            let printed = try ProcessTraces.printed {
                let rig = try trial.opened()
                let context = try rig.contextCreate().made()
                let stream = try rig.streamCreate(context).made()
                _ = rig.deviceGet(UInt32.max)
                try rig.streamDestroy(stream).done()
                try rig.contextDestroy(context).done()
                try rig.finalize().done()
            }
            try trial.require(
                printed.isEmpty,
                "The library printed “\(printed.prefix(80))”; lines for people go to the host's log.")
        },
        .load("threads/none-left", "no thread of the library is left after finalize") { trial in
            _ = try unsafe trial.table()
            // What the process itself needs once is not the library's.
            ProcessTraces.pause()
            let before = ProcessTraces.threads()
            for _ in 0..<3 {
                let rig = try trial.opened()
                let context = try rig.contextCreate().made()
                let streams = try (0..<4).map { _ in try rig.streamCreate(context).made() }
                for stream in streams { try rig.streamDestroy(stream).done() }
                try rig.contextDestroy(context).done()
                try rig.finalize().done()
            }
            let left = ProcessTraces.settled { ProcessTraces.threads() - before }
            try trial.require(left <= 0, "\(left) threads are left after finalize.")
        },
        .load("files/none-left", "no open file of the library is left after finalize") { trial in
            func cycle() throws {
                let rig = try trial.opened()
                let context = try rig.contextCreate().made()
                try rig.contextDestroy(context).done()
                try rig.finalize().done()
            }
            try cycle()
            let before = ProcessTraces.files()
            for _ in 0..<20 { try cycle() }
            let left = ProcessTraces.settled { ProcessTraces.files() - before }
            try trial.require(left <= 0, "\(left) more files are open after twenty starts and ends.")
        },
        .load("symbols/getter-only", "the library exports the getter and nothing else", 66) { trial in
            guard let library = trial.target.library else {
                throw CaseEnd.outside("The table is compiled in; only a library has symbols.")
            }
            let exported = try ExportedSymbols.names(of: library)
            try trial.require(
                exported.contains(HENG_ACCELERATOR_GETTER_NAME),
                "The getter is not among the exported symbols.")
            let others = exported.filter { $0 != HENG_ACCELERATOR_GETTER_NAME }.sorted()
            try trial.require(
                others.isEmpty,
                "The library exports \(others.count) symbols beside the getter: "
                    + others.prefix(5).joined(separator: ", ") + ".")
        },
    ]
}

/// What the library leaves behind in this process.
enum ProcessTraces {
    static func pause() { usleep(500) }

    static func threads() -> Int { count("/proc/self/task") }
    /// The reading itself opens one, each time.
    static func files() -> Int { count("/proc/self/fd") }

    private static func count(_ folder: String) -> Int {
        guard let directory = unsafe opendir(folder) else { return 0 }
        defer { unsafe closedir(directory) }
        var entries = 0
        while unsafe readdir(directory) != nil { entries += 1 }
        return entries
    }

    /// The resident memory of this process in bytes; 0 where it cannot be read.
    static func residentBytes() -> Int {
        guard let file = unsafe fopen("/proc/self/statm", "re") else { return 0 }
        defer { unsafe fclose(file) }
        var line = [CChar](repeating: 0, count: 128)
        guard unsafe fgets(&line, 128, file) != nil else { return 0 }
        let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
    }

    /// A number that may need a moment to reach zero: threads end a little after they are joined.
    static func settled(_ number: () -> Int) -> Int {
        let deadline = TimePoint.monotonicNow() + .seconds(2)
        while number() > 0, TimePoint.monotonicNow() < deadline { usleep(2000) }
        return number()
    }

    /// What is written to the standard outputs meanwhile.
    static func printed(by body: () throws -> Void) throws -> String {
        var name = Array("/tmp/heng-printed-XXXXXX".utf8CString)
        let file = unsafe mkstemp(&name)
        guard file >= 0 else { throw CaseEnd.notRun("No temporary file can be made.") }
        _ = unsafe unlink(name)
        fflush(nil)
        let (output, errors) = (dup(STDOUT_FILENO), dup(STDERR_FILENO))
        _ = (dup2(file, STDOUT_FILENO), dup2(file, STDERR_FILENO))
        defer { for descriptor in [file, output, errors] { close(descriptor) } }
        let result = Result { try body() }
        fflush(nil)
        _ = (dup2(output, STDOUT_FILENO), dup2(errors, STDERR_FILENO))
        try result.get()
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe pread(file, $0.baseAddress, $0.count, 0) }
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }
}
