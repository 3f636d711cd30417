import AcceleratorAPI
import CPUBackend
import Essentials
import Testing

@Suite("Ceilings of the CPU device")
struct DeviceCeilingsTests {
    @Test func `ceilings are positive, their best is among the samples, and say how they were measured`()
        throws
    {
        let device = try DeviceForm.plain.open()

        let ceilings = try DeviceCeilings.measure(device, budget: .milliseconds(300))

        for ceiling in [ceilings.matrixProduct, ceilings.multiplyAdd, ceilings.bandwidth] {
            #expect(ceiling.best > 1e8)
            #expect(ceiling.samples.contains(ceiling.best))
            #expect(ceiling.samples.count >= 3)
            #expect(!ceiling.how.isEmpty)
        }
        #expect(ceilings.device == device.id)
        #expect(ceilings.threads == WorkerPool.shared.width)
    }
}
