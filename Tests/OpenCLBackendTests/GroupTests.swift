import AcceleratorAPI
import CHengAccelerator
import Essentials
import OpenCLBackend
import Synchronization
import Testing

private let source = """
    kernel void add(global int *y, global const int *x, int n, int by) {
        int i = get_global_id(0);
        if (i < n) y[i] = x[i] + by;
    }
    kernel void shared(global int *y, local int *scratch) {
        scratch[get_local_id(0)] = get_local_id(0);
        barrier(CLK_LOCAL_MEM_FENCE);
        y[get_global_id(0)] = scratch[get_local_size(0) - 1 - get_local_id(0)];
    }
    """

@Suite(.enabled(if: TestDevice.isThere, TestDevice.reason)) struct GroupTests {
    private func load(
        _ harness: Harness, _ table: heng_kernel_table, _ code: Int, _ bytes: [UInt8]
    ) throws -> OpaquePointer {
        var module: OpaquePointer?
        unsafe try bytes.withUnsafeBytes { place in
            var arguments = unsafe heng_module_arguments()
            unsafe arguments.header.struct_size = UInt32(MemoryLayout<heng_module_arguments>.size)
            unsafe arguments.code = Int32(code)
            unsafe arguments.bytes = place.baseAddress
            unsafe arguments.size = UInt64(place.count)
            unsafe try harness.call { unsafe table.module_load(harness.context, &arguments, &module, $0) }
        }
        return unsafe try #require(unsafe module)
    }

    private func kernel(
        _ harness: Harness, _ table: heng_kernel_table, _ module: OpaquePointer, _ name: String
    ) throws -> OpaquePointer {
        var kernel: OpaquePointer?
        unsafe try harness.call { unsafe table.kernel_get(module, name, &kernel, $0) }
        return unsafe try #require(unsafe kernel)
    }

    private func launchAdd(
        _ harness: Harness, _ table: heng_kernel_table, _ kernel: OpaquePointer, _ y: OpaquePointer,
        _ x: OpaquePointer, _ count: Int32, by: Int32, correlation: UInt64 = 0
    ) throws {
        var (count, by) = (count, by)
        var grid = unsafe heng_grid(
            header: StructCrossing.header(HENG_KIND_GRID, of: heng_grid.self),
            groups: (UInt32(count + 31) / 32, 1, 1), items: (32, 1, 1), local_bytes: 0)
        unsafe try withUnsafePointer(to: &count) { count in
            unsafe try withUnsafePointer(to: &by) { by in
                let none = unsafe heng_range(buffer: nil, host: nil, offset: 0, size: 0)
                let arguments = unsafe [
                    heng_kernel_argument(
                        range: heng_range(buffer: y, host: nil, offset: 0, size: 4), bytes: nil, size: 0),
                    heng_kernel_argument(
                        range: heng_range(buffer: x, host: nil, offset: 0, size: 4), bytes: nil, size: 0),
                    heng_kernel_argument(range: none, bytes: count, size: 4),
                    heng_kernel_argument(range: none, bytes: by, size: 4),
                ]
                unsafe try harness.call {
                    unsafe table.kernel_launch(kernel, harness.stream, &grid, arguments, 4, correlation, $0)
                }
            }
        }
    }

    @Test func `Kernels of the caller's run from text and from a binary`() throws {
        let harness = try Harness()
        let table = try unsafe harness.group(HENG_KIND_KERNEL_TABLE, heng_kernel_table.self).pointee
        var supported: UInt8 = 9
        for (code, expected) in [(HENG_CODE_OPENCL_C, 1), (HENG_CODE_BINARY, 1), (HENG_CODE_PTX, 0)] {
            unsafe try harness.call {
                unsafe table.code_supported(harness.device.handle, Int32(code), &supported, $0)
            }
            #expect(supported == UInt8(expected))
        }
        let x = Numbers.constant(Array(0..<100), type: 6)
        let (from, to) = unsafe (try harness.makeBuffer(400), try harness.makeBuffer(400))
        unsafe try harness.write(x.bytes, to: from)
        let text = unsafe try load(harness, table, HENG_CODE_OPENCL_C, Array(source.utf8))
        var (bytes, size): (UnsafeRawPointer?, UInt64) = (nil, 0)
        unsafe try harness.call { unsafe table.module_binary(text, &bytes, &size, $0) }
        let binary = unsafe Array(UnsafeRawBufferPointer(start: bytes, count: Int(size)))
        let again = unsafe try load(harness, table, HENG_CODE_BINARY, binary)
        for by in [5, 9] as [Int32] {
            let module = unsafe by == 5 ? text : again
            let add = unsafe try kernel(harness, table, module, "add")
            unsafe try launchAdd(harness, table, add, to, from, 100, by: by)
            unsafe try harness.synchronize()
            let y = unsafe Numbers(type: 6, dims: [100], bytes: try harness.read(to, count: 400))
            #expect(y.values == x.values.map { $0 + Double(by) })
        }
        var info = unsafe heng_kernel_info()
        unsafe info.header.struct_size = UInt32(MemoryLayout<heng_kernel_info>.size)
        let shared = unsafe try kernel(harness, table, text, "shared")
        unsafe try harness.call { unsafe table.kernel_describe(shared, &info, $0) }
        #expect(unsafe info.group_limit >= 1)
        var grid = unsafe heng_grid(
            header: StructCrossing.header(HENG_KIND_GRID, of: heng_grid.self), groups: (2, 1, 1),
            items: (8, 1, 1), local_bytes: 32)
        var argument = unsafe heng_kernel_argument(
            range: heng_range(buffer: to, host: nil, offset: 0, size: 64), bytes: nil, size: 0)
        unsafe try harness.call {
            unsafe table.kernel_launch(shared, harness.stream, &grid, &argument, 1, 0, $0)
        }
        unsafe try harness.synchronize()
        unsafe #expect(
            Numbers(type: 6, dims: [16], bytes: try harness.read(to, count: 64)).values
                == (0..<16).map { Double(7 - $0 % 8) })
        var none: OpaquePointer?
        unsafe #expect(
            harness.code { unsafe table.kernel_get(text, "missing", &none, $0) } == .invalidArgument)
        unsafe #expect(
            harness.code { unsafe table.kernel_launch(shared, harness.stream, &grid, nil, 0, 0, $0) }
                == .invalidArgument)
        unsafe try harness.call { unsafe table.module_unload(text, $0) }
        unsafe try harness.call { unsafe table.module_unload(again, $0) }
        unsafe harness.free(from)
        unsafe harness.free(to)
    }

    @Test func `What the compiler says is the error's text, and damaged binaries are refused`() throws {
        let harness = try Harness()
        let table = try unsafe harness.group(HENG_KIND_KERNEL_TABLE, heng_kernel_table.self).pointee
        do {
            _ = unsafe try load(
                harness, table, HENG_CODE_OPENCL_C, Array("kernel void f() { nonsense; }".utf8))
            Issue.record("nonsense compiles")
        } catch {
            let failure = try #require(error as? TableFailure)
            #expect(failure.code == .operatorCompile && failure.text.contains("nonsense"))
        }
        #expect(throws: TableFailure.self) {
            _ = unsafe try load(harness, table, HENG_CODE_BINARY, [UInt8](repeating: 7, count: 100))
        }
        #expect(throws: TableFailure.self) { _ = unsafe try load(harness, table, HENG_CODE_PTX, [1, 2, 3]) }
    }

    @Test func `A recording runs many times and nothing before`() throws {
        let harness = try Harness()
        let kernels = try unsafe harness.group(HENG_KIND_KERNEL_TABLE, heng_kernel_table.self).pointee
        let table = try unsafe harness.group(HENG_KIND_RECORDING_TABLE, heng_recording_table.self).pointee
        let module = unsafe try load(harness, kernels, HENG_CODE_OPENCL_C, Array(source.utf8))
        let add = unsafe try kernel(harness, kernels, module, "add")
        let buffer = unsafe try harness.makeBuffer(40)
        unsafe try harness.fill(buffer, 0, 40)
        let gate = Gate()
        gate.open()
        unsafe try harness.call { unsafe table.recording_begin(harness.stream, $0) }
        unsafe #expect(harness.code { unsafe table.recording_begin(harness.stream, $0) } == .misuse)
        unsafe try launchAdd(harness, kernels, add, buffer, buffer, 10, by: 3)
        unsafe try harness.launch(gate)
        unsafe try launchAdd(harness, kernels, add, buffer, buffer, 10, by: 4)
        let event = unsafe try harness.makeEvent()
        unsafe #expect(
            harness.code { unsafe harness.functions.event_record(event, harness.stream, 0, $0) } == .misuse)
        unsafe #expect(
            harness.code { unsafe harness.functions.stream_synchronize(harness.stream, -1, $0) } == .misuse)
        var recording: OpaquePointer?
        unsafe try harness.call { unsafe table.recording_end(harness.stream, &recording, $0) }
        var count: UInt64 = 0
        unsafe try harness.call { unsafe table.recording_count(recording, &count, $0) }
        #expect(count == 3)
        unsafe #expect(try harness.read(buffer, count: 40).allSatisfy { $0 == 0 })
        for _ in 0..<5 {
            unsafe try harness.call { unsafe table.recording_submit(recording, harness.stream, 0, $0) }
        }
        unsafe try harness.synchronize()
        #expect(gate.count.load(ordering: .relaxed) == 5)
        unsafe #expect(
            Numbers(type: 6, dims: [10], bytes: try harness.read(buffer, count: 40)).values
                == [Double](repeating: 35, count: 10))
        unsafe #expect(harness.code { unsafe table.recording_end(harness.stream, &recording, $0) } == .misuse)
        unsafe try harness.call { unsafe table.recording_destroy(recording, $0) }
        unsafe try harness.call { unsafe harness.functions.event_destroy(event, $0) }
        unsafe try harness.call { unsafe kernels.module_unload(module, $0) }
        unsafe harness.free(buffer)
    }

    @Test func `Profiles name work, its number and its time`() throws {
        let harness = try Harness()
        let table = try unsafe harness.group(HENG_KIND_PROFILE_TABLE, heng_profile_table.self).pointee
        var arguments = unsafe heng_profile_arguments()
        unsafe arguments.header.struct_size = UInt32(MemoryLayout<heng_profile_arguments>.size)
        unsafe arguments.capacity = 6
        let begin = TimePoint.monotonicNow().nanoseconds
        unsafe try harness.call { unsafe table.profile_start(harness.context, &arguments, $0) }
        unsafe #expect(
            harness.code { unsafe table.profile_start(harness.context, &arguments, $0) } == .misuse)
        let gate = Gate()
        gate.open()
        unsafe try harness.call { unsafe table.range_begin(harness.stream, "phase", 50, $0) }
        _ = try harness.run("Relu", [Numbers(dims: [3], values: [-1, 0, 1])])
        unsafe try harness.launch(gate, correlation: 60)
        unsafe try harness.call { unsafe table.mark(harness.stream, "here", 70, $0) }
        unsafe try harness.call { unsafe table.range_end(harness.stream, $0) }
        unsafe try harness.synchronize()
        let end = TimePoint.monotonicNow().nanoseconds
        var records = [heng_profile_record](repeating: heng_profile_record(), count: 32)
        var (count, dropped): (UInt64, UInt64) = (0, 0)
        unsafe try harness.call {
            unsafe table.profile_read(harness.context, &records, 32, &count, &dropped, $0)
        }
        #expect(count == 6 && dropped > 0, "the first six are kept, the rest is counted")
        for record in records.prefix(Int(count)) {
            // The device's clock is set against ours to about the time that a marker takes.
            #expect(record.begin <= record.end)
            #expect(record.begin > begin - 50_000_000 && record.end < end + 50_000_000)
        }
        #expect(records.prefix(Int(count)).contains { $0.kind == Int32(HENG_RECORD_COPY) && $0.bytes > 0 })
        // Once more, with room for all.
        unsafe try harness.call { unsafe table.profile_stop(harness.context, $0) }
        unsafe arguments.capacity = 1000
        unsafe try harness.call { unsafe table.profile_start(harness.context, &arguments, $0) }
        unsafe try harness.call { unsafe table.range_begin(harness.stream, "phase", 50, $0) }
        _ = try harness.run("Relu", [Numbers(dims: [3], values: [-1, 0, 1])])
        unsafe try harness.launch(gate, correlation: 60)
        unsafe try harness.call { unsafe table.mark(harness.stream, "here", 70, $0) }
        unsafe try harness.call { unsafe table.range_end(harness.stream, $0) }
        unsafe try harness.synchronize()
        unsafe try harness.call {
            unsafe table.profile_read(harness.context, &records, 32, &count, &dropped, $0)
        }
        let seen = records.prefix(Int(count)).map { record in
            let name = unsafe withUnsafeBytes(of: record.name) {
                unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            return "\(record.kind) \(name) \(record.correlation)"
        }
        for expected in [
            "\(HENG_RECORD_RANGE) phase 50", "\(HENG_RECORD_OPERATOR) Relu 7",
            "\(HENG_RECORD_LAUNCH) launch 60",
            "\(HENG_RECORD_MARK) here 70",
        ] { #expect(seen.contains(expected), "\(expected) among \(seen)") }
        unsafe try harness.call { unsafe table.profile_stop(harness.context, $0) }
        unsafe #expect(harness.code { unsafe table.profile_stop(harness.context, $0) } == .misuse)
    }

    @Test func `Kept programs are read whole, for their own key, or not at all`() throws {
        let folder = "\(TemporaryFiles.folder())/programs"
        defer { TemporaryFiles.remove(folder) }
        let file = try #require(ProgramFile(key: "device\n1\noptions", folder: folder))
        #expect(file.read() == nil)
        let payload = (0..<10_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        file.write(payload)
        #expect(file.read() == payload)
        let other = try #require(ProgramFile(key: "device\n2\noptions", folder: folder))
        #expect(other.read() == nil)
        for damage in TemporaryFiles.Damage.allCases {
            file.write(payload)
            try TemporaryFiles.damage(folder, damage)
            #expect(file.read() == nil, "\(damage)")
        }
        file.write(payload)
        #expect(file.read() == payload)
    }
}
