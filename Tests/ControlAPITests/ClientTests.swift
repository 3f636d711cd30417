internal import ControlAPI
internal import Essentials
internal import Foundation
internal import Testing

@Suite("The client")
struct ClientTests {
    @Test func `a daemon that is not there is said with what to do`() {
        let client = DaemonClient(StatePaths(folder: "/tmp/heng-nobody-here"))

        let error = #expect(throws: Failure.self) { _ = try client.status() }

        #expect(error?.summary == "hengd does not answer on /tmp/heng-nobody-here/hengd.sock.")
        #expect(error?.nextStep == "Start it with `heng up`.")
        #expect(error?.exitCode == .setupMissing)
    }

    @Test func `a path that is too long for a socket is said`() {
        let client = DaemonClient(StatePaths(folder: "/tmp/" + String(repeating: "x", count: 120)))

        let error = #expect(throws: Failure.self) { _ = try client.status() }

        #expect(error?.summary.contains("longer than the system allows") == true)
    }

    @Test func `the state folder is found as the guides say`() throws {
        /// Below a file nobody can make a folder, root included.
        func folder(_ environment: [String: String], system: String = "/dev/null/heng") throws -> String {
            try StatePaths(environment: environment, system: system).folder
        }
        #expect(try folder(["HENG_STATE_DIR": "/a", "HOME": "/h"], system: "/tmp/heng") == "/a")
        #expect(try folder(["HOME": "/h"], system: "/tmp") == "/tmp")
        #expect(try folder(["HOME": "/h"], system: "/tmp/not/there/yet") == "/tmp/not/there/yet")
        #expect(try folder(["XDG_STATE_HOME": "/x", "HOME": "/h"]) == "/x/heng")
        #expect(try folder(["HOME": "/h"]) == "/h/.local/state/heng")
        #expect(throws: Failure.self) { _ = try folder([:]) }
    }

    @Test(arguments: [
        ("http://a.b:80", DaemonAddress.host("a.b", port: 80)), ("a:1/", .host("a", port: 1)),
        ("[::1]:7878", .host("::1", port: 7878)), ("a", nil), (":80", nil), ("a:99999", nil), ("", nil),
    ])
    func `addresses are read`(text: String, address: DaemonAddress?) {
        #expect(DaemonAddress(parsing: text) == address)
    }
}
