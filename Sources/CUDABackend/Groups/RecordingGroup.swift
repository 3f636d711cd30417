internal import AcceleratorAPI
internal import CCUDA
internal import CHengAccelerator
internal import Essentials

/// Work of a stream as a graph of the driver, which runs many times.
@safe final class CUDARecording: @unchecked Sendable {
    // Unchecked: nothing changes after init.
    let context: CUDAContext
    let generation: Int
    let count: UInt64
    private let graph: OpaquePointer
    private let executable: OpaquePointer
    /// Host functions in the graph, kept alive as long as it.
    private let calls: [any AnyObject & Sendable]
    private let failures: CUDAFailures

    init(ending stream: CUDAStream) throws(DeviceError) {
        let (graph, parts) = unsafe try stream.endCapture()
        let device = stream.device
        let driver = unsafe device.libraries.driver
        var executable: OpaquePointer?
        let result = unsafe driver.pointee.cuGraphInstantiate(&executable, graph, 0)
        guard result == 0, let executable = unsafe executable else {
            _ = unsafe driver.pointee.cuGraphDestroy(graph)
            throw device.failure(result, "recording_end", on: stream)
        }
        unsafe self.graph = unsafe graph
        unsafe self.executable = unsafe executable
        context = stream.context
        generation = stream.generation
        count = parts.count
        calls = parts.calls
        failures = parts.failures
        context.living.count(\.recordings, 1)
    }

    func submit(_ stream: CUDAStream, correlation: UInt64) throws(DeviceError) {
        guard context.device === stream.context.device else {
            throw DeviceError(
                .wrongOwner, operation: "recording_submit",
                text: "A recording and a stream belong to different contexts.")
        }
        try stream.enter("recording_submit")
        guard generation == stream.generation else {
            throw context.device.deadError("recording_submit", generation: generation, isContext: false)
        }
        try stream.refuseWhileRecording("recording_submit")
        let work = CUDAWork(
            operation: "recording_submit", kind: HENG_RECORD_LAUNCH, correlation: correlation,
            name: "recording")
        try stream.submit(work) { () throws(DeviceError) in
            try context.device.check(
                unsafe context.device.libraries.driver.pointee.cuGraphLaunch(executable, stream.native),
                "recording_submit", on: stream)
        }
        stream.failures.inherit(failures.all)
    }

    func close() {
        if generation == context.device.generation, (try? context.enter("recording_destroy")) != nil {
            let driver = unsafe context.device.libraries.driver
            _ = unsafe driver.pointee.cuGraphExecDestroy(executable)
            _ = unsafe driver.pointee.cuGraphDestroy(graph)
        }
        context.living.count(\.recordings, -1)
    }
}

enum CUDARecordingGroup {
    private static let table = unsafe GroupTable(makeTable())
    static var header: UnsafePointer<heng_header> { unsafe table.header }

    private static func makeTable() -> heng_recording_table {
        var table = unsafe heng_recording_table()
        unsafe table.header = StructCrossing.header(HENG_KIND_RECORDING_TABLE, of: heng_recording_table.self)
        unsafe table.recording_begin = { stream, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe object(stream, CUDAStream.self, "recording_begin").beginCapture()
            }
        }
        unsafe table.recording_end = { stream, result, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let stream = try unsafe object(stream, CUDAStream.self, "recording_end")
                let target = try unsafe place(result, "recording_end")
                unsafe target.pointee = unsafe handle(try CUDARecording(ending: stream))
            }
        }
        unsafe table.recording_count = { recording, count, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let recording = try unsafe object(recording, CUDARecording.self, "recording_count")
                try unsafe place(count, "recording_count").pointee = recording.count
            }
        }
        unsafe table.recording_submit = { recording, stream, correlation, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let recording = try unsafe object(recording, CUDARecording.self, "recording_submit")
                let stream = try unsafe object(stream, CUDAStream.self, "recording_submit")
                try recording.submit(stream, correlation: correlation)
            }
        }
        unsafe table.recording_destroy = { recording, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe object(recording, CUDARecording.self, "recording_destroy").close()
                unsafe release(recording, CUDARecording.self)
            }
        }
        return unsafe table
    }
}
