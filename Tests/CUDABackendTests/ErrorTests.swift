import AcceleratorAPI
import CHengAccelerator
import CUDABackend
import Essentials
import Testing

extension CUDABackendTests {
    @Suite struct Errors {
        /// What the driver answers, and the class and reach it must get.
        static let classes: [(Int32, Int, Int)] = [
            (1, HENG_ERROR_INVALID_ARGUMENT, HENG_SCOPE_CALL),
            (2, HENG_ERROR_OUT_OF_STREAMS, HENG_SCOPE_CALL),
            (201, HENG_ERROR_CONTEXT, HENG_SCOPE_CALL), (400, HENG_ERROR_INVALID_HANDLE, HENG_SCOPE_CALL),
            (801, HENG_ERROR_UNSUPPORTED, HENG_SCOPE_CALL), (999, HENG_ERROR_GENERAL, HENG_SCOPE_CALL),
            (4711, HENG_ERROR_GENERAL, HENG_SCOPE_CALL),
        ]

        @Test(arguments: classes)
        func `each answer of the driver has a class, and keeps its number`(_ known: (Int32, Int, Int)) throws
        {
            unsafe try withContext { session, context, _ in
                session.stub.fail("cuStreamCreateWithPriority", with: known.0)
                let error = session.failure { _ = unsafe try session.stream(context) }
                #expect(error?.code == known.1)
                #expect(error?.scope == known.2)
                #expect(error?.native == Int(known.0))
            }
        }

        @Test func `a buffer that does not fit is told with what there is`() throws {
            unsafe try withContext(settings: ["memory": 1 << 20]) { session, context, _ in
                let error = session.failure { _ = unsafe try session.buffer(context, 2 << 20) }
                #expect(error?.code == HENG_ERROR_OUT_OF_DEVICE_MEMORY)
                #expect(error?.requested == 2 << 20)
                #expect(error?.native == 2)
                let inUse = unsafe try session.memory(context).in_use
                #expect(inUse == 0)
            }
        }

        @Test func `a broken context says what broke it until it is rebuilt`() throws {
            unsafe try withContext { session, context, stream in
                let buffer = unsafe try session.buffer(context, 64)
                try unsafe session.fill(buffer, 1, 64, stream, correlation: 41)
                try unsafe session.wait(stream)
                session.stub.breakContext(700)
                // The fill is let in, and never gets done.
                let first = session.failure {
                    try unsafe session.fill(buffer, 2, 64, stream, correlation: 42)
                    try unsafe session.wait(stream)
                }
                #expect(first?.code == HENG_ERROR_EXECUTION)
                #expect(first?.scope == HENG_SCOPE_CONTEXT)
                #expect(first?.native == 700)
                #expect(first?.correlation == 42)
                let later = session.failure { _ = unsafe try session.event(context) }
                #expect(later?.code == HENG_ERROR_NEEDS_REBUILD)
                #expect(later?.native == 700)
                #expect(later?.correlation == 42)
                #expect(later?.text.contains("CUDA_ERROR_ILLEGAL_ADDRESS") == true)
                let health = unsafe try session.status().health
                #expect(health == Int32(HENG_HEALTH_BROKEN))
                var (epoch, cause): (UInt64, OpaquePointer?) = (9, nil)
                try unsafe session.call { unsafe $0.context_state(context, &epoch, &cause, $1) }
                #expect(epoch == 0)
                let told = unsafe session.describe(cause, 0)
                #expect(told.code == HENG_ERROR_EXECUTION)

                session.stub.clearCalls()
                try unsafe session.call { unsafe $0.context_rebuild(context, $1) }
                let calls = session.stub.calls.filter { $0.hasPrefix("cuDevicePrimary") }
                #expect(
                    calls == [
                        "cuDevicePrimaryCtxReset_v2", "cuDevicePrimaryCtxRelease_v2",
                        "cuDevicePrimaryCtxRetain",
                    ])
                try unsafe session.call { unsafe $0.context_state(context, &epoch, &cause, $1) }
                #expect(epoch == 1)
                let isWell = unsafe cause == nil
                #expect(isWell)
                // What was made before can only be destroyed.
                let dead = session.failure { try unsafe session.fill(buffer, 0, 64, stream) }
                #expect(dead?.code == HENG_ERROR_CONTEXT)
                try unsafe session.free(buffer)
                let fresh = unsafe try session.stream(context)
                let other = unsafe try session.buffer(context, 8)
                try unsafe session.fill(other, 7, 8, fresh)
                let bytes = try unsafe session.read(8, from: other, fresh)
                #expect(bytes == [UInt8](repeating: 7, count: 8))
                try unsafe session.free(other)
                try unsafe session.destroy(stream: fresh)
            }
        }

        @Test func `all contexts of a broken device need a rebuild, and one reset serves them`() throws {
            unsafe try withContext { session, context, stream in
                let other = unsafe try session.context()
                session.stub.breakContext(719)
                let error = session.failure { try unsafe session.wait(stream) }
                #expect(error?.native == 719)
                try unsafe session.call { unsafe $0.context_rebuild(context, $1) }
                let left = session.failure { _ = unsafe try session.buffer(other, 8) }
                #expect(left?.code == HENG_ERROR_NEEDS_REBUILD)
                #expect(left?.native == 719)
                session.stub.clearCalls()
                try unsafe session.call { unsafe $0.context_rebuild(other, $1) }
                #expect(!session.stub.calls.contains("cuDevicePrimaryCtxReset_v2"))
                let well = session.failure {
                    try unsafe session.call { unsafe $0.context_rebuild(other, $1) }
                }
                #expect(well?.code == HENG_ERROR_MISUSE)
                unsafe try session.destroy(context: other)
            }
        }

        @Test func `a device that cannot be reset is lost`() throws {
            unsafe try withContext { session, context, stream in
                session.stub.breakContext(719)
                _ = session.failure { try unsafe session.wait(stream) }
                session.stub.fail("cuDevicePrimaryCtxReset_v2", with: 46)
                let error = session.failure {
                    try unsafe session.call { unsafe $0.context_rebuild(context, $1) }
                }
                #expect(error?.code == HENG_ERROR_DEVICE_LOST)
                #expect(error?.scope == HENG_SCOPE_DEVICE)
                let later = session.failure { _ = unsafe try session.buffer(context, 8) }
                #expect(later?.code == HENG_ERROR_DEVICE_LOST)
                // The device comes back by a reset that somebody asks for.
                try unsafe session.call { unsafe $0.device_reset(session.device, $1) }
            }
        }

        @Test func `a reset ends what was there, and new contexts work`() throws {
            unsafe try withContext { session, context, stream in
                let buffer = unsafe try session.buffer(context, 8)
                try unsafe session.call { unsafe $0.device_reset(session.device, $1) }
                let dead = session.failure { try unsafe session.fill(buffer, 0, 8, stream) }
                #expect(dead?.code == HENG_ERROR_CONTEXT)
                let rebuilt = session.failure {
                    try unsafe session.call { unsafe $0.context_rebuild(context, $1) }
                }
                #expect(rebuilt?.code == HENG_ERROR_CONTEXT)
                let fresh = unsafe try session.context()
                let other = unsafe try session.buffer(fresh, 8)
                try unsafe session.free(other)
                unsafe try session.destroy(context: fresh)
                try unsafe session.free(buffer)
            }
        }

        @Test func `a failed allocation leaves nothing behind`() throws {
            let session = try StubSession()
            for function in [
                "cuDevicePrimaryCtxRetain", "cuCtxSetCurrent", "cuStreamCreateWithPriority",
                "cuMemPoolCreate",
            ] {
                session.stub.fail(function, with: 304)
                let error = session.failure { _ = unsafe try session.context() }
                #expect(error?.native == 304, "\(function)")
            }
            session.end()
        }
    }

    @Suite struct Memory {
        @Test func `the account counts what lives, what is kept and what is reused`() throws {
            unsafe try withContext { session, context, _ in
                let first = unsafe try session.buffer(context, 1000)
                let second = unsafe try session.buffer(context, 2000)
                var info = unsafe try session.memory(context)
                let inUse = unsafe info.in_use
                #expect(inUse == 1024 + 2048)
                try unsafe session.free(second)
                unsafe info = unsafe try session.memory(context)
                let (now, high, reserved) = unsafe (info.in_use, info.high_water, info.reserved)
                #expect(now == 1024)
                #expect(high == 1024 + 2048)
                #expect(reserved >= 3000)
                let third = unsafe try session.buffer(context, 1500)
                let reuses = unsafe try session.memory(context).reuses
                #expect(reuses == 1)
                try unsafe session.free(third)
                var released: UInt64 = 0
                try unsafe session.call { unsafe $0.context_trim_memory(context, &released, $1) }
                #expect(released >= 1500)
                try unsafe session.free(first)
            }
        }

        @Test func `the limit holds, and is told`() throws {
            unsafe try withContext { session, context, _ in
                try unsafe session.call { unsafe $0.context_limit_memory(context, 4096, $1) }
                let first = unsafe try session.buffer(context, 3000)
                let error = session.failure { _ = unsafe try session.buffer(context, 2000) }
                #expect(error?.code == HENG_ERROR_OUT_OF_DEVICE_MEMORY)
                #expect(error?.requested == 2000)
                try unsafe session.free(first)
            }
        }

        @Test func `what is kept comes on top of what is in use`() throws {
            unsafe try withContext { session, context, _ in
                try unsafe session.call { unsafe $0.context_keep_memory(context, 100, $1) }
                let buffer = unsafe try session.buffer(context, 512)
                try unsafe session.call { unsafe $0.context_keep_memory(context, 100, $1) }
                #expect(
                    session.stub.calls.last { $0.hasPrefix("cuMemPoolSet") } == "cuMemPoolSetAttribute 4 612")
                try unsafe session.free(buffer)
                #expect(
                    session.stub.calls.last { $0.hasPrefix("cuMemPoolSet") } == "cuMemPoolSetAttribute 4 100")
            }
        }

        @Test func `memory comes and goes in a stream's order`() throws {
            unsafe try withContext { session, context, stream in
                var arguments = unsafe session.arguments(256)
                var made: OpaquePointer?
                try unsafe session.call { unsafe $0.stream_allocate(stream, &arguments, &made, $1) }
                let buffer = unsafe try #require(made)
                try unsafe session.fill(buffer, 3, 256, stream)
                try unsafe session.call { unsafe $0.stream_free(stream, buffer, $1) }
                try unsafe session.wait(stream)
                let inUse = unsafe try session.memory(context).in_use
                #expect(inUse == 0)
            }
        }

        @Test func `a context that owns something is not destroyed`() throws {
            unsafe try withContext { session, context, _ in
                let buffer = unsafe try session.buffer(context, 8)
                let error = session.failure { try unsafe session.destroy(context: context) }
                #expect(error?.code == HENG_ERROR_NOT_RELEASED)
                try unsafe session.free(buffer)
            }
        }
    }
}
