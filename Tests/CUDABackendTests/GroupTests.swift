import AcceleratorAPI
import CHengAccelerator
import CUDABackend
import Essentials
import Foundation
import Synchronization
import Testing

extension CUDABackendTests {
    @Suite struct Recordings {
        @Test func `a recording runs many times, host functions included`() throws {
            unsafe try withContext { session, context, stream in
                let table = unsafe try session.group(HENG_KIND_RECORDING_TABLE, as: heng_recording_table.self)
                let buffer = unsafe try session.buffer(context, 16)
                try unsafe session.fill(buffer, 0, 16, stream)
                let gate = Gate()
                gate.open()
                try unsafe session.call { unsafe table.recording_begin(stream, $1) }
                try unsafe session.fill(buffer, 9, 16, stream)
                try unsafe session.launch(stream, Gate.function, gate.pointer)
                for code in [
                    session.failure { try unsafe session.wait(stream) },
                    session.failure { try unsafe session.call { unsafe table.recording_begin(stream, $1) } },
                ] { #expect(code?.code == HENG_ERROR_MISUSE) }
                var made: OpaquePointer?
                try unsafe session.call { unsafe table.recording_end(stream, &made, $1) }
                let recording = unsafe try #require(made)
                var count: UInt64 = 0
                try unsafe session.call { unsafe table.recording_count(recording, &count, $1) }
                #expect(count == 2)
                let before = try unsafe session.read(16, from: buffer, stream)
                #expect(before == [UInt8](repeating: 0, count: 16))
                // In another stream, twice, after the first one is gone.
                let other = unsafe try session.stream(context)
                for _ in 0..<2 {
                    try unsafe session.fill(buffer, 1, 16, other)
                    try unsafe session.call { unsafe table.recording_submit(recording, other, 5, $1) }
                    let after = try unsafe session.read(16, from: buffer, other)
                    #expect(after == [UInt8](repeating: 9, count: 16))
                }
                let hasRun = gate.hasArrived.load(ordering: .acquiring)
                #expect(hasRun)
                gate.result.store(3, ordering: .relaxed)
                try unsafe session.call { unsafe table.recording_submit(recording, other, 5, $1) }
                let failed = session.failure { try unsafe session.wait(other) }
                #expect(failed?.native == 3)
                _ = session.failure { try unsafe session.destroy(stream: other) }
                try unsafe session.call { unsafe table.recording_destroy(recording, $1) }
                try unsafe session.free(buffer)
            }
        }
    }

    @Suite struct Profiles {
        @Test func `records carry kind, bytes, name and number, in the host's time`() throws {
            unsafe try withContext { session, context, stream in
                let table = unsafe try session.group(HENG_KIND_PROFILE_TABLE, as: heng_profile_table.self)
                let buffer = unsafe try session.buffer(context, 32)
                let start = TimePoint.monotonicNow().nanoseconds
                try unsafe session.call { unsafe table.profile_start(context, nil, $1) }
                let twice = session.failure {
                    try unsafe session.call { unsafe table.profile_start(context, nil, $1) }
                }
                #expect(twice?.code == HENG_ERROR_MISUSE)
                try unsafe "step".withCString { name in
                    try unsafe session.call { unsafe table.range_begin(stream, name, 7, $1) }
                    try unsafe session.fill(buffer, 1, 32, stream, correlation: 6)
                    try unsafe session.call { unsafe table.range_end(stream, $1) }
                    try unsafe session.call { unsafe table.mark(stream, name, 8, $1) }
                }
                try unsafe session.wait(stream)
                let end = TimePoint.monotonicNow().nanoseconds
                var records = [heng_profile_record](repeating: heng_profile_record(), count: 8)
                var (count, dropped): (UInt64, UInt64) = (0, 9)
                try unsafe session.call {
                    unsafe table.profile_read(context, &records, 8, &count, &dropped, $1)
                }
                let kinds = records.prefix(Int(count)).map { Int($0.kind) }
                #expect(kinds == [HENG_RECORD_FILL, HENG_RECORD_RANGE, HENG_RECORD_MARK])
                #expect(records.prefix(Int(count)).map { $0.correlation } == [6, 7, 8])
                #expect(records[0].bytes == 32)
                #expect(dropped == 0)
                for record in records.prefix(Int(count)) {
                    #expect(record.begin >= start - 5_000_000 && record.end <= end + 5_000_000)
                    #expect(record.begin <= record.end)
                }
                try unsafe session.call { unsafe table.profile_stop(context, $1) }
                try unsafe session.free(buffer)
            }
        }
    }

    @Suite struct Kernels {
        /// A kernel with a barrier, arguments of several sizes, and a part that is compiled in by an option.
        static let source = """
            extern "C" __global__ void turn(const int *x, int *y, int count, double factor, unsigned char add) {
                __shared__ int kept[64];
                kept[threadIdx.x] = threadIdx.x < count ? x[blockIdx.x * 64 + threadIdx.x] : 0;
                __syncthreads();
                if (threadIdx.x < count)
                    y[blockIdx.x * 64 + threadIdx.x] = (int)(kept[count - 1 - threadIdx.x] * factor) + add + BONUS;
            }
            """

        @Test func `CUDA C is compiled, launched with its arguments, and kept`() throws {
            let cache = StubDriver.shared.folder + "/cache-\(UInt32.random(in: 0...UInt32.max))"
            for round in 0..<2 {
                let session = try StubSession(cache: cache)
                let context = unsafe try session.context()
                let stream = unsafe try session.stream(context)
                try unsafe run(session, context, stream)
                #expect(session.stub.calls.contains { $0.hasPrefix("nvrtcCompileProgram") } == (round == 0))
                try unsafe session.destroy(stream: stream)
                unsafe try session.destroy(context: context)
                session.end()
            }
        }

        private func run(_ session: StubSession, _ context: OpaquePointer, _ stream: OpaquePointer) throws {
            let table = unsafe try session.group(HENG_KIND_KERNEL_TABLE, as: heng_kernel_table.self)
            let module = unsafe try load(
                session, table, context, Kernels.source, HENG_CODE_CUDA_C, "-DBONUS=1000")
            var found: OpaquePointer?
            try unsafe session.call { unsafe table.kernel_get(module, "turn", &found, $1) }
            let kernel = unsafe try #require(found)
            let missing = session.failure {
                try unsafe session.call { unsafe table.kernel_get(module, "twist", &found, $1) }
            }
            #expect(missing?.code == HENG_ERROR_INVALID_ARGUMENT)
            let (x, y) = unsafe (try session.buffer(context, 512), try session.buffer(context, 512))
            let numbers = (0..<128).map { Int32($0) }
            try unsafe session.write(numbers.withUnsafeBytes { unsafe Array($0) }, to: x, stream)
            var (count, factor, add): (Int32, Double, UInt8) = (64, 2, 5)
            try unsafe withUnsafeBytes(of: &count) { count in
                try unsafe withUnsafeBytes(of: &factor) { factor in
                    try unsafe withUnsafeBytes(of: &add) { add in
                        var arguments = unsafe [
                            heng_kernel_argument(range: session.range(x, 512), bytes: nil, size: 0),
                            heng_kernel_argument(range: session.range(y, 512), bytes: nil, size: 0),
                            heng_kernel_argument(range: heng_range(), bytes: count.baseAddress, size: 4),
                            heng_kernel_argument(range: heng_range(), bytes: factor.baseAddress, size: 8),
                            heng_kernel_argument(range: heng_range(), bytes: add.baseAddress, size: 1),
                        ]
                        var grid = unsafe heng_grid()
                        unsafe grid.groups = (2, 1, 1)
                        unsafe grid.items = (64, 1, 1)
                        try unsafe session.call {
                            unsafe table.kernel_launch(kernel, stream, &grid, &arguments, 5, 3, $1)
                        }
                        let few = session.failure {
                            try unsafe session.call {
                                unsafe table.kernel_launch(kernel, stream, &grid, &arguments, 4, 3, $1)
                            }
                        }
                        #expect(few?.code == HENG_ERROR_INVALID_ARGUMENT)
                        unsafe arguments[2].size = 8
                        let wide = session.failure {
                            try unsafe session.call {
                                unsafe table.kernel_launch(kernel, stream, &grid, &arguments, 5, 3, $1)
                            }
                        }
                        #expect(wide?.code == HENG_ERROR_INVALID_ARGUMENT)
                    }
                }
            }
            let back = try unsafe session.read(512, from: y, stream)
            let result = unsafe back.withUnsafeBytes { unsafe Array($0.bindMemory(to: Int32.self)) }
            let expected = (0..<128).map { (index: Int) -> Int32 in
                let mirrored = index / 64 * 64 + 63 - index % 64
                return Int32(mirrored * 2 + 1005)
            }
            #expect(result == expected)
            try unsafe session.free(x)
            try unsafe session.free(y)
            try unsafe session.call { unsafe table.module_unload(module, $1) }
        }

        private func load(
            _ session: StubSession, _ table: heng_kernel_table, _ context: OpaquePointer, _ text: String,
            _ code: Int,
            _ options: String
        ) throws -> OpaquePointer {
            var made: OpaquePointer?
            try unsafe Array(text.utf8).withUnsafeBytes { bytes in
                try unsafe options.withCString { options in
                    var arguments = unsafe heng_module_arguments()
                    unsafe arguments.header = unsafe StructCrossing.header(
                        HENG_KIND_MODULE_ARGUMENTS, of: heng_module_arguments.self)
                    unsafe arguments.code = Int32(code)
                    unsafe arguments.bytes = bytes.baseAddress
                    unsafe arguments.size = UInt64(bytes.count)
                    unsafe arguments.options = unsafe options
                    try unsafe session.call { unsafe table.module_load(context, &arguments, &made, $1) }
                }
            }
            return unsafe try #require(made)
        }

        @Test func `the compiler's messages come back`() throws {
            unsafe try withContext { session, context, _ in
                let table = unsafe try session.group(HENG_KIND_KERNEL_TABLE, as: heng_kernel_table.self)
                let broken = session.failure {
                    _ = unsafe try load(session, table, context, "extern \"C\" int 5;", HENG_CODE_CUDA_C, "")
                }
                #expect(broken?.code == HENG_ERROR_OPERATOR_COMPILE)
                #expect(broken?.text.contains("kernel.cu:1") == true)
                let wrong = session.failure {
                    _ = unsafe try load(session, table, context, "nonsense", HENG_CODE_PTX, "")
                }
                #expect(wrong?.code == HENG_ERROR_OPERATOR_COMPILE)
                #expect(wrong?.text == "line 1: expected .version")
                let module = unsafe try load(
                    session, table, context, ".version 6.0\n.visible .entry nothing() { ret; }",
                    HENG_CODE_PTX, "")
                try unsafe session.call { unsafe table.module_unload(module, $1) }
            }
        }

        @Test func `without the compiler there is no CUDA C, and the rest works`() throws {
            unsafe try withContext(without: ["libnvrtc.so.13"]) { session, context, _ in
                let table = unsafe try session.group(HENG_KIND_KERNEL_TABLE, as: heng_kernel_table.self)
                var supported: UInt8 = 9
                try unsafe session.call {
                    unsafe table.code_supported(session.device, Int32(HENG_CODE_CUDA_C), &supported, $1)
                }
                #expect(supported == 0)
                try unsafe session.call {
                    unsafe table.code_supported(session.device, Int32(HENG_CODE_PTX), &supported, $1)
                }
                #expect(supported == 1)
                let error = session.failure {
                    _ = unsafe try load(session, table, context, Kernels.source, HENG_CODE_CUDA_C, "")
                }
                #expect(error?.code == HENG_ERROR_COMPILER)
            }
        }
    }
}
