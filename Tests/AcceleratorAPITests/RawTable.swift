import AcceleratorAPI
import CHengAccelerator
import Essentials
import Testing

/// A device's table as a C program uses it: handles, codes and error objects, without Swift's ownership.
@safe struct RawTable {
    let functions: heng_accelerator_table
    let device: OpaquePointer

    init(_ device: Device) {
        unsafe functions = unsafe device.table.functions.pointee
        unsafe self.device = unsafe device.handle
    }

    /// What a call made, or the code and text of its failure.
    @safe struct Outcome {
        var code: Int32
        var text: String
        var made: OpaquePointer?
    }

    /// Calls, reads the error object, and destroys it.
    func call(_ body: (inout OpaquePointer?, ErrorPlace) -> Int32) -> Outcome {
        var made: OpaquePointer?
        var error: OpaquePointer?
        let code = unsafe body(&made, &error)
        var text = ""
        if let error = unsafe error {
            var description = unsafe heng_error_description()
            unsafe description.header = unsafe StructCrossing.header(
                HENG_KIND_ERROR_DESCRIPTION, of: heng_error_description.self)
            if unsafe functions.error_describe(error, &description) == 0, let bytes = unsafe description.text
            {
                text = unsafe String(cString: bytes)
            }
            unsafe functions.error_destroy(error)
        }
        return unsafe Outcome(code: code, text: text, made: made)
    }

    func makeContext() -> Outcome { unsafe call { unsafe functions.context_create(device, &$0, $1) } }
    func makeStream(_ context: OpaquePointer?) -> Outcome {
        unsafe call { unsafe functions.stream_create(context, nil, &$0, $1) }
    }
    func makeEvent(_ context: OpaquePointer?) -> Outcome {
        unsafe call { unsafe functions.event_create(context, &$0, $1) }
    }
    func makeBuffer(_ context: OpaquePointer?, _ size: UInt64) -> Outcome {
        var arguments = unsafe heng_buffer_arguments()
        unsafe arguments.header = unsafe StructCrossing.header(
            HENG_KIND_BUFFER_ARGUMENTS, of: heng_buffer_arguments.self)
        unsafe arguments.size = size
        unsafe arguments.numa_node = -1
        return unsafe call { unsafe functions.buffer_allocate(context, &arguments, &$0, $1) }
    }
    func copy(_ stream: OpaquePointer?, to: heng_range, from: heng_range, _ bytes: UInt64) -> Outcome {
        var to = unsafe to
        var from = unsafe from
        return unsafe call { unsafe functions.stream_copy(stream, &to, &from, bytes, 0, $1) }
    }
}

func nullDevice() throws -> Device {
    try #require(try DeviceRegistry.shared.devices(of: NullDevice.backend, checked: false).first)
}

func codeOf(_ code: Int) -> Int32 { Int32(code) }
