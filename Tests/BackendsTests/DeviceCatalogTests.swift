import AcceleratorAPI
import Backends
import Essentials
import Foundation
import Synchronization
import Testing

/// A driver that counts how often it is asked.
private final class CountingDriver: Sendable {
    private let calls = Atomic<Int>(0)
    var count: Int { calls.load(ordering: .relaxed) }

    var source: DeviceCatalog.Source {
        DeviceCatalog.Source(name: "test") { [self] in
            let number = calls.wrappingAdd(1, ordering: .relaxed).newValue
            return [device("answer \(number)")]
        }
    }
}

private func device(_ name: String) -> ListedDevice {
    ListedDevice(
        id: DeviceID(kind: "test", index: 0),
        description: DeviceDescription(
            kind: "test", name: name, vendor: "nobody", memory: .gibibytes(1), numaNode: 0,
            cpus: CPUSet([0]), computeUnits: 1, bufferAlignment: 64, copyAlignment: 1,
            isHostAddressable: true))
}

@Suite("The list of devices")
struct DeviceCatalogTests {
    private let folder = NSTemporaryDirectory() + "heng-catalog-\(UUID().uuidString)"
    private var file: String { folder + "/cache/devices.json" }

    /// A catalog to which every driver, or none, is slow.
    private func catalog(key: [String] = ["a"], slow: Duration = .nanoseconds(-1), file: String? = nil)
        -> DeviceCatalog
    {
        DeviceCatalog(file: file ?? self.file, key: key, slow: slow)
    }

    private func names(_ catalog: DeviceCatalog, _ driver: CountingDriver, probe: Bool = false) throws
        -> [String]
    {
        try catalog.list([driver.source], probe: probe).devices.map(\.description.name)
    }

    @Test func `a slow driver is asked once, until someone probes`() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let driver = CountingDriver()

        #expect(try names(catalog(), driver) == ["answer 1"])
        #expect(try names(catalog(), driver) == ["answer 1"])
        #expect(try names(catalog(), driver, probe: true) == ["answer 2"])
        #expect(try names(catalog(), driver) == ["answer 2"])
    }

    @Test func `another key asks again`() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let driver = CountingDriver()
        _ = try names(catalog(key: ["boot 1"]), driver)

        #expect(try names(catalog(key: ["boot 2"]), driver) == ["answer 2"])
    }

    @Test func `a quick driver is asked each time, and leaves no file`() throws {
        let driver = CountingDriver()

        for call in 1...3 {
            #expect(try names(catalog(slow: .seconds(3600)), driver) == ["answer \(call)"])
        }

        #expect(!FileManager.default.fileExists(atPath: folder))
    }

    @Test(arguments: ["", "{", "[]", "{\"key\": [\"a\"]}", "\0\0\0"])
    func `a damaged file is as good as none`(content: String) throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.createDirectory(atPath: folder + "/cache", withIntermediateDirectories: true)
        try content.write(toFile: file, atomically: true, encoding: .utf8)
        let driver = CountingDriver()

        #expect(try names(catalog(), driver) == ["answer 1"])
        #expect(try names(catalog(), driver) == ["answer 1"])
    }

    @Test(arguments: ["/proc/no/such/devices.json", "/dev/null/devices.json", ""])
    func `a folder that cannot be written fails nobody`(file: String) throws {
        let driver = CountingDriver()

        #expect(try names(catalog(file: file), driver) == ["answer 1"])
        #expect(try names(catalog(file: file), driver) == ["answer 2"])
    }

    @Test func `the key holds for two calls, and not for another environment or version`() {
        let key = DeviceCatalog.currentKey(version: "1", environment: [:])

        #expect(key == DeviceCatalog.currentKey(version: "1", environment: ["LANG": "C"]))
        #expect(key != DeviceCatalog.currentKey(version: "2", environment: [:]))
        #expect(key != DeviceCatalog.currentKey(version: "1", environment: ["CUDA_VISIBLE_DEVICES": "1"]))
    }
}
