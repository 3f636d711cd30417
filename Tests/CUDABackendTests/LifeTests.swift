import AcceleratorAPI
import CHengAccelerator
import CUDABackend
import Essentials
import Foundation
import Testing

extension CUDABackendTests {
    @Suite struct Life {
        @Test func `without a driver there are no devices, and that is no error`() throws {
            let table = unsafe try #require(CUDADevices.backend.getter(HENG_ACCELERATOR_MAJOR)?.pointee)
            let libraries = try StubDriver.shared.libraries(without: ["libcuda.so.1"])
            #expect(try unsafe StubSession.initialize(table, libraries: libraries, cache: "") == 0)
            var count: UInt32 = 7
            #expect(unsafe table.device_count(&count, nil) == 0)
            #expect(count == 0)
            #expect(unsafe table.finalize(nil) == 0)
        }

        @Test func `a driver that finds no GPU is a machine without devices`() throws {
            let stub = StubDriver.shared
            stub.reset()
            stub.set("devices", 0)
            let table = unsafe try #require(CUDADevices.backend.getter(HENG_ACCELERATOR_MAJOR)?.pointee)
            #expect(try unsafe StubSession.initialize(table, libraries: stub.libraries(), cache: "") == 0)
            var count: UInt32 = 7
            #expect(unsafe table.device_count(&count, nil) == 0)
            #expect(count == 0)
            #expect(unsafe table.finalize(nil) == 0)
        }

        @Test func `it starts once and ends once, and may start again`() throws {
            let session = try StubSession()
            var again: Int32 = 0
            again = try unsafe StubSession.initialize(
                session.table, libraries: session.stub.libraries(), cache: "")
            #expect(again == Int32(HENG_ERROR_REPEATED_INITIALIZE))
            let context = unsafe try session.context()
            #expect(
                session.failure { try unsafe session.call { unsafe $0.finalize($1) } }?.code
                    == HENG_ERROR_NOT_RELEASED)
            try unsafe session.destroy(context: context)
            session.end()
            #expect(unsafe session.table.finalize(nil) == Int32(HENG_ERROR_REPEATED_FINALIZE))
            try StubSession().end()
        }

        @Test func `the driver is called in order, and everything that was made is destroyed`() throws {
            unsafe try withContext { session, _, _ in
                let calls = session.stub.calls.filter {
                    !$0.hasPrefix("cuDeviceGet") && !$0.hasPrefix("cuCtxSet")
                }
                #expect(
                    calls == [
                        "cuInit", "cuDeviceTotalMem_v2", "cuDriverGetVersion", "cuDevicePrimaryCtxRetain",
                        "cuStreamCreateWithPriority 1 0", "cuMemPoolCreate",
                        "cuMemPoolSetAttribute 4 18446744073709551615", "cuMemHostAlloc 4096 3",
                        "cuMemHostGetDevicePointer_v2", "cuStreamCreateWithPriority 1 0",
                    ])
                session.stub.clearCalls()
            }
            let calls = StubDriver.shared.calls.filter { !$0.hasPrefix("cuCtxSet") }
            #expect(
                calls == [
                    "cuStreamSynchronize", "cuStreamDestroy_v2", "cuStreamSynchronize", "cuMemPoolDestroy",
                    "cuStreamDestroy_v2", "cuMemFreeHost", "cuDevicePrimaryCtxRelease_v2",
                ])
        }

        @Test func `a device is described by what the driver says`() throws {
            let session = try StubSession()
            var description = unsafe heng_device_description()
            unsafe description.header = unsafe StructCrossing.header(
                HENG_KIND_DEVICE_DESCRIPTION, of: heng_device_description.self)
            try unsafe session.call { unsafe $0.device_describe(session.device, &description, $1) }
            #expect(unsafe String(cString: description.kind) == "cuda")
            #expect(unsafe String(cString: description.name) == "Stub GPU")
            #expect(unsafe String(cString: description.pci_address) == "0000:3b:00.0")
            #expect(unsafe description.memory_bytes == 1 << 30)
            #expect(unsafe description.compute_units == 4)
            #expect(unsafe description.uuid.bytes.15 == 15)
            let bits = unsafe DeviceCapabilities(rawValue: description.capabilities)
            #expect(bits.contains([.allocateInStreams, .trimMemory, .rebuild, .reset, .copyBlocks]))
            #expect(
                bits.isDisjoint(with: [
                    .addressBuffers, .abort, .limitWorkTime, .partition, .continueAfterFailure,
                ]))
            var facts: [String: String] = [:]
            for index in 0..<UInt32(100) {
                var (key, value): (UnsafePointer<CChar>?, UnsafePointer<CChar>?) = (nil, nil)
                let status = unsafe session.table.device_attribute(session.device, index, &key, &value, nil)
                guard status == 0, let key = unsafe key, let value = unsafe value else {
                    #expect(status == Int32(HENG_ERROR_OUT_OF_RANGE))
                    break
                }
                unsafe facts[String(cString: key)] = unsafe String(cString: value)
            }
            #expect(facts["compute capability"] == "9.0")
            #expect(facts["driver interface"] == "13.0")
            session.end()
        }

        @Test func `a device without pools works, and says what it lacks`() throws {
            unsafe try withContext(settings: ["pools": 0]) { session, context, stream in
                let buffer = unsafe try session.buffer(context, 100)
                #expect(session.stub.calls.contains("cuMemAlloc_v2 100"))
                try unsafe session.free(buffer)
                var arguments = unsafe session.arguments(100)
                var made: OpaquePointer?
                let error = session.failure {
                    try unsafe session.call { unsafe $0.stream_allocate(stream, &arguments, &made, $1) }
                }
                #expect(error?.code == HENG_ERROR_UNSUPPORTED)
            }
        }

        @Test func `a wrong configuration is told, and nothing is begun`() throws {
            let table = unsafe try #require(CUDADevices.backend.getter(HENG_ACCELERATOR_MAJOR)?.pointee)
            let path = StubDriver.shared.folder + "/wrong"
            try "library = /tmp\n".write(toFile: path, atomically: true, encoding: .utf8)
            var arguments = unsafe heng_initialize_arguments()
            unsafe arguments.header = unsafe StructCrossing.header(
                HENG_KIND_INITIALIZE_ARGUMENTS, of: heng_initialize_arguments.self)
            unsafe arguments.abi_major = HENG_ACCELERATOR_MAJOR
            let status = unsafe path.withCString { path in
                unsafe arguments.configuration_path = unsafe path
                return unsafe table.initialize(&arguments, nil)
            }
            #expect(status == Int32(HENG_ERROR_FILE_PARSE))
            unsafe arguments.abi_major = 2
            unsafe arguments.configuration_path = nil
            #expect(unsafe table.initialize(&arguments, nil) == Int32(HENG_ERROR_VERSION))
        }

        @Test func `the state of a device comes from the management library`() throws {
            unsafe try withContext { session, _, _ in
                let status = unsafe try session.status()
                #expect(unsafe status.health == Int32(HENG_HEALTH_GOOD))
                #expect(unsafe status.temperature_celsius == 41)
                #expect(unsafe status.power_watts == 123.456)
                #expect(unsafe status.energy_joules == 5)
                #expect(unsafe status.utilization == 0.75)
                #expect(unsafe status.memory_free == 600)
                #expect(unsafe status.corrected_errors == 3)
                #expect(unsafe (status.contexts, status.streams) == (1, 1))
            }
            #expect(StubDriver.shared.calls.contains("nvmlShutdown"))
        }

        @Test func `without the management library the state is unknown`() throws {
            unsafe try withContext(without: ["libnvidia-ml.so.1"]) { session, _, _ in
                let status = unsafe try session.status()
                #expect(unsafe status.health == Int32(HENG_HEALTH_UNKNOWN))
                #expect(unsafe status.temperature_celsius.isNaN)
                #expect(unsafe status.memory_free == -1)
                #expect(unsafe status.streams == 1)
            }
        }

        @Test func `the device's clock is read between two looks at the host's`() throws {
            let session = try StubSession()
            var (device, host): (Int64, Int64) = (0, 0)
            try unsafe session.call { unsafe $0.device_clock(session.device, &device, &host, $1) }
            // The stub's device is a second ahead.
            #expect(abs(device - host - 1_000_000_000) < 500_000_000)
            session.end()
        }
    }
}
