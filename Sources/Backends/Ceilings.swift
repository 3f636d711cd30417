package import AcceleratorAPI
internal import CPUBackend
package import Essentials

/// What a device was measured to reach at best, for rooflines and ceilings of results.
package struct MeasuredCeilings: Hashable, Codable, Sendable {
    package var device: DeviceID
    /// The best rate in fp32 operations per second, of a matrix product or of multiply-adds in registers.
    package var operationsPerSecond: Double
    /// The best rate of an fp32 matrix product.
    package var matrixProduct: Double
    /// The best rate of a memory triad, in bytes per second.
    package var bytesPerSecond: Double
    package var how: String

    package init(
        device: DeviceID, operationsPerSecond: Double, matrixProduct: Double, bytesPerSecond: Double,
        how: String
    ) {
        self.device = device
        self.operationsPerSecond = operationsPerSecond
        self.matrixProduct = matrixProduct
        self.bytesPerSecond = bytesPerSecond
        self.how = how
    }
}

extension Backends {
    /// Measures a device in about `budget`; blocks.
    package static func ceilings(of device: Device, budget: Duration) throws -> MeasuredCeilings {
        let measured = try DeviceCeilings.measure(device, budget: budget)
        return MeasuredCeilings(
            device: device.id, operationsPerSecond: measured.operationsPerSecond,
            matrixProduct: measured.matrixProduct.best, bytesPerSecond: measured.bandwidth.best,
            how: [measured.matrixProduct, measured.multiplyAdd, measured.bandwidth].map(\.how)
                .joined(separator: "; "))
    }
}
