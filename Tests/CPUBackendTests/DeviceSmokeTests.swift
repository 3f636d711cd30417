import AcceleratorAPI
import CPUBackend
import Essentials
import Testing

@Suite("CPU device smoke") struct DeviceSmokeTests {
    @Test func `a copy through a stream arrives`() throws {
        let device = try #require(try DeviceRegistry.shared.devices(of: CPUDevices.backend).first)
        let context = try device.makeContext()
        let stream = try context.makeStream()
        let buffer = try context.makeBuffer(of: .bytes(256))
        try stream.fill(buffer.view(), with: 7)
        var out = [UInt8](repeating: 0, count: 256)
        try unsafe out.withUnsafeMutableBytes {
            try unsafe stream.copy(from: buffer.view(), to: $0)
            try stream.synchronize()
        }
        #expect(out.allSatisfy { $0 == 7 })
    }
}
