internal import ControlAPI
internal import Essentials
internal import Foundation
internal import Scheduling
internal import TestSupport
internal import Testing

#if canImport(Glibc)
internal import Glibc
#endif

@Suite("Bad input to a daemon", .serialized)
struct BadInputTests {
    /// A connection that says what it likes.
    private final class RawSocket {
        let descriptor: Int32

        init(_ path: String) throws {
            descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
            let status = unsafe withUnsafePointer(to: &address) {
                unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
            guard status == 0 else { throw Failure("connect: errno \(errno)") }
        }

        deinit { close(descriptor) }

        func send(_ text: String) { send(Array(text.utf8)) }

        func send(_ bytes: [UInt8]) {
            _ = unsafe Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        }

        /// What comes until the other side closes or is silent for a moment.
        func answer() -> String {
            var all: [UInt8] = []
            var look = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            while unsafe poll(&look, 1, 2000) > 0 {
                var bytes = [UInt8](repeating: 0, count: 65_536)
                let count = unsafe recv(descriptor, &bytes, bytes.count, 0)
                guard count > 0 else { break }
                all += bytes.prefix(count)
                if String(decoding: all, as: UTF8.self).contains("}") { break }
            }
            return String(decoding: all, as: UTF8.self)
        }
    }

    private func post(_ body: String, to path: String = "/v1/jobs", on daemon: TestDaemon) throws -> String {
        let socket = try RawSocket(daemon.paths.socket)
        socket.send(
            "POST \(path) HTTP/1.1\r\nhost: x\r\ncontent-length: \(body.utf8.count)\r\n\r\n\(body)")
        return socket.answer()
    }

    private func text(of request: SubmitRequest) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return String(decoding: try encoder.encode(request), as: UTF8.self)
    }

    @Test func `garbage is answered or dropped, and the daemon goes on`() throws {
        let daemon = try TestDaemon()
        var random = SeededGenerator(seed: 5)

        for _ in 0..<100 {
            let socket = try RawSocket(daemon.paths.socket)
            socket.send((0..<random.below(3000)).map { _ in UInt8(random.below(256)) })
            socket.send("\r\n\r\n")
        }
        for body in ["", "{", "null", "[]", "\"x\"", "{\"job\":1}", "\u{0}\u{1}", "{\"job\":{}}"] {
            let answer = try post(body, on: daemon)
            #expect(answer.hasPrefix("HTTP/1.1 400"))
            #expect(answer.contains("summary"))
        }

        #expect(try daemon.client().status().isReady)
    }

    @Test func `fields that nobody knows are refused by name, and so are missing ones`() throws {
        let daemon = try TestDaemon()
        let good = try text(of: .small(held: true))

        let unknown = try post(
            good.replacing("\"priority\":0", with: "\"priority\":0,\"prioritty\":5"), on: daemon)
        let missing = try post(good.replacing("\"priority\":0,", with: ""), on: daemon)
        let wrong = try post(good.replacing("\"priority\":0", with: "\"priority\":\"high\""), on: daemon)
        let accepted = try post(
            good.replacing("\"priority\":0", with: "\"priority\":0,\"payload\":null"), on: daemon)

        #expect(unknown.contains("job.prioritty"))
        #expect(missing.contains("lacks the field") && missing.contains("job.priority"))
        #expect(wrong.hasPrefix("HTTP/1.1 400"))
        #expect(accepted.hasPrefix("HTTP/1.1 200"))
        #expect(try daemon.client().status().jobsWaiting == 1)
    }

    @Test func `a script over the limit is refused with a sentence, at any size`() throws {
        let daemon = try TestDaemon()
        let large = String(repeating: "x", count: DaemonProtocol.scriptLimit.bytes + 1)

        let error = #expect(throws: DaemonRefusal.self) {
            _ = try daemon.client().submit(.small(script: large))
        }
        let socket = try RawSocket(daemon.paths.socket)
        socket.send("POST /v1/jobs HTTP/1.1\r\nhost: x\r\ncontent-length: 100000000\r\n\r\n{")

        #expect(error?.summary.contains("at most 4 MiB") == true)
        #expect(socket.answer().hasPrefix("HTTP/1.1 413"))
        let fitting = String(repeating: "\n", count: DaemonProtocol.scriptLimit.bytes)
        #expect(try daemon.client().submit(.small(held: true, script: fitting)).count == 1)
    }

    @Test(arguments: ["../../etc", "a\nb", "", "é", String(repeating: "x", count: 5000), "a/b", "\u{7}"])
    func `unusual names of jobs are data, and unusual names of queues are refused`(name: String) throws {
        let daemon = try TestDaemon()
        let client = daemon.client()

        let reply = try client.submit(.small(name, held: true))
        #expect(try client.job(reply.job).name == name)
        #expect(throws: DaemonRefusal.self) { try client.set(Queue(name: name)) }
        #expect(try client.status().isReady)
    }

    @Test func `thousands of connections and slow requests keep nobody else from being served`() throws {
        let daemon = try TestDaemon()
        var limit = rlimit()
        _ = unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        limit.rlim_cur = limit.rlim_max
        _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        let count = min(10_000, Int(limit.rlim_cur) - 500)

        var sockets: [RawSocket] = []
        for number in 0..<count {
            let socket = try RawSocket(daemon.paths.socket)
            // A third says nothing, a third begins a head, a third begins a body.
            if number % 3 == 1 { socket.send("POST /v1/jobs HT") }
            if number % 3 == 2 {
                socket.send("POST /v1/jobs HTTP/1.1\r\nhost: x\r\ncontent-length: 50\r\n\r\n{")
            }
            sockets.append(socket)
        }

        let client = daemon.client()
        #expect(try client.submit(.small(held: true)).count == 1)
        #expect(try client.status().jobsWaiting == 1)
        #expect(sockets.count == count)
    }

    @Test(.enabled(if: RecordedDisk.library != nil, "no C compiler is installed"))
    func `a full disk refuses submissions, says so, and harms nothing that is there`() throws {
        let library = try #require(RecordedDisk.library)
        let marker = NSTemporaryDirectory() + "/heng-full-\(UUID().uuidString)"
        let daemon = try TestDaemon(
            ["--null-duration", "100000"], environment: ["LD_PRELOAD": library, "HENG_DISK_FULL": marker],
            watchesDisk: true)
        defer { try? FileManager.default.removeItem(atPath: marker) }
        let client = daemon.client()
        let before = try client.submit(.small())
        while try client.status().jobsRunning == 0 { usleep(2000) }

        _ = FileManager.default.createFile(atPath: marker, contents: nil)
        let error = #expect(throws: DaemonRefusal.self) { _ = try client.submit(.small()) }
        let status = try client.status()
        try FileManager.default.removeItem(atPath: marker)
        let after = try client.submit(.small(held: true))

        #expect(error?.summary.contains("is full") == true)
        #expect(status.trouble?.contains("is full") == true)
        #expect(status.jobsRunning == 1)
        #expect(after.job.number == before.job.number + 1)
        #expect(try client.status().trouble == nil)
    }
}
