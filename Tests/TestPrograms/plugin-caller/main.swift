import AcceleratorAPI
import CHengAccelerator
import Essentials
import PluginBackend

#if canImport(Glibc)
import Glibc
#endif

// Loads one plugin and works with its first device: copies there and back, an event, and a second stream. It prints
// the name of each step before it, so that whoever started it knows how far it came; then the code of an error, or
// "done". The plugin may do to this process whatever it likes.

func say(_ text: String) {
    print(text)
    fflush(nil)
}

/// Bytes that went through the device.
func roundTrip(_ bytes: [UInt8], _ context: borrowing DeviceContext) throws -> [UInt8] {
    say("stream")
    let stream = try context.makeStream()
    let event = try context.makeEvent()
    say("buffer")
    let buffer = try context.makeBuffer(of: ByteCount(bytes: bytes.count))
    var received = [UInt8](repeating: 0, count: bytes.count)
    say("copy")
    try unsafe bytes.withUnsafeBytes { bytes in
        try unsafe stream.copy(from: bytes, to: buffer.view())
        try stream.record(event)
        try event.synchronize()
    }
    try unsafe received.withUnsafeMutableBytes { received in
        try unsafe stream.copy(from: buffer.view(), to: received)
        say("synchronize")
        try stream.synchronize()
    }
    return received
}

func use(_ device: Device) throws {
    say("context")
    let context = try device.makeContext()
    let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    let received = try roundTrip(bytes, context)
    say(received == bytes ? "done" : "other bytes")
}

// No backtraces: they take seconds.
for number in [SIGSEGV, SIGABRT] { signal(number, SIG_DFL) }

do {
    say("load")
    let plugin = try Plugin.load(CommandLine.arguments.count > 1 ? CommandLine.arguments[1] : "")
    say("devices")
    guard let device = try DeviceRegistry.shared.devices(of: plugin.backend, checked: false).first else {
        throw Failure("There is no device.")
    }
    try use(device)
} catch let error as PluginError {
    say("error \(error.code.rawValue)")
} catch let error as DeviceError {
    say("error \(error.code.rawValue)")
} catch {
    say("\(error)")
}
exit(0)
