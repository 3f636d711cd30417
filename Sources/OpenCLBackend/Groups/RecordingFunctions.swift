internal import AcceleratorAPI
internal import CHengAccelerator
internal import Essentials

/// Work that was submitted once and runs many times.
final class OpenCLRecording: Sendable {
    let context: OpenCLContext
    let work: [OpenCLStream.Submission]

    init(of work: [OpenCLStream.Submission], in context: OpenCLContext) {
        self.work = work
        self.context = context
        context.living.count(\.recordings, 1)
    }

    func submit(to stream: OpenCLStream, _ correlation: UInt64) throws(DeviceError) {
        guard stream.context.device === context.device else {
            throw DeviceError(
                .wrongOwner, operation: "recording_submit",
                text: "The recording belongs to another device than the stream.")
        }
        for piece in work {
            // The number of this run names its work, where it has one.
            try stream.submit(
                piece.command, correlation == 0 ? piece.correlation : correlation, "recording_submit")
        }
    }
}

enum RecordingFunctions {
    static func make() -> heng_recording_table {
        var table = unsafe heng_recording_table()
        unsafe table.header = StructCrossing.header(HENG_KIND_RECORDING_TABLE, of: heng_recording_table.self)
        unsafe table.recording_begin = { stream, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe object(stream, OpenCLStream.self, "recording_begin").beginRecording()
            }
        }
        unsafe table.recording_end = { stream, result, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let stream = try unsafe object(stream, OpenCLStream.self, "recording_end")
                let target = try unsafe place(result, "recording_end")
                let recording = OpenCLRecording(of: try stream.endRecording(), in: stream.context)
                unsafe target.pointee = unsafe handle(recording)
            }
        }
        unsafe table.recording_count = { recording, count, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let recording = try unsafe object(recording, OpenCLRecording.self, "recording_count")
                try unsafe place(count, "recording_count").pointee = UInt64(recording.work.count)
            }
        }
        unsafe table.recording_submit = { recording, stream, correlation, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                let recording = try unsafe object(recording, OpenCLRecording.self, "recording_submit")
                try recording.submit(
                    to: unsafe object(stream, OpenCLStream.self, "recording_submit"), correlation)
            }
        }
        unsafe table.recording_destroy = { recording, error in
            unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
                try unsafe object(recording, OpenCLRecording.self, "recording_destroy").context.living.count(
                    \.recordings, -1)
                unsafe release(recording, OpenCLRecording.self)
            }
        }
        return unsafe table
    }
}
