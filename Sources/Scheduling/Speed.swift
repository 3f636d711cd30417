/// How long one job of a workload took on a kind of device.
package struct SpeedSample: Hashable, Codable, Sendable {
    package var workload: String
    /// The kind of device and its size, as `SpeedModel.deviceClass` writes it.
    package var device: String
    package var duration: Duration

    package init(workload: String, device: String, duration: Duration) {
        self.workload = workload
        self.device = device
        self.duration = duration
    }
}
