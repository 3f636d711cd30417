import AcceleratorAPI
import CHengAccelerator
import Essentials
import Foundation
import PluginBackend
import TestSupport
import Testing

/// A promise that a plugin breaks, and the class of error that loading or opening it must give; nil: it works.
struct Misbehaviour: Sendable, CustomTestStringConvertible {
    var name: String
    var code: DeviceError.Code?
    var says: String = ""

    var testDescription: String { name }

    static let loading = [
        Misbehaviour(name: "well_behaved"),
        Misbehaviour(name: "short_table"),
        Misbehaviour(name: "long_table"),
        Misbehaviour(name: "null_table", code: .version, says: "its table is null"),
        Misbehaviour(name: "wrong_version", code: .version, says: "of interface version 2, not 1"),
        Misbehaviour(name: "wrong_kind", code: .version, says: "is of kind 100"),
        Misbehaviour(name: "tiny_table", code: .version, says: "has 24 bytes"),
        Misbehaviour(name: "no_name", code: .general, says: "has no name"),
        Misbehaviour(name: "missing_functions", code: .general, says: "stream_copy, buffer_free."),
        Misbehaviour(name: "no_error_describe", code: .general, says: "functions: error_describe."),
    ]

    static let opening = [
        Misbehaviour(name: "well_behaved"),
        Misbehaviour(name: "short_table"),
        Misbehaviour(name: "long_table"),
        Misbehaviour(name: "null_strings"),
        Misbehaviour(name: "many_devices", code: .general, says: "4294967295 devices"),
        Misbehaviour(name: "bad_kind", code: .general, says: "'GPU 0:1'"),
        Misbehaviour(name: "refuses_to_initialize", code: .permission, says: "This is how it is."),
    ]

    static let creating = [
        Misbehaviour(name: "well_behaved"),
        Misbehaviour(name: "positive_status", code: .general, says: "failed with code 7"),
        Misbehaviour(
            name: "unknown_code", code: DeviceError.Code(rawValue: -9999), says: "This is how it is."),
        Misbehaviour(name: "null_error", code: .outOfResources, says: "failed with code -59"),
        Misbehaviour(name: "undescribed_error", code: .outOfResources, says: "failed with code -59"),
        Misbehaviour(
            name: "no_handle", code: .general, says: "reported success in context_create but made nothing"),
    ]
}

/// The devices of a plugin, unchecked.
func devices(of plugin: Plugin) throws -> [Device] {
    try DeviceRegistry.shared.devices(of: plugin.backend, checked: false)
}

/// Copies bytes to the device and back.
func expectRoundTrip(_ device: Device) throws {
    let context = try device.makeContext()
    let stream = try context.makeStream()
    let buffer = try context.makeBuffer(of: ByteCount(bytes: 1000))
    let sent = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 13) }
    var received = [UInt8](repeating: 0, count: 1000)
    try unsafe sent.withUnsafeBytes { try unsafe stream.copy(from: $0, to: buffer.view()) }
    try unsafe received.withUnsafeMutableBytes { received in
        try unsafe stream.copy(from: buffer.view(), to: received)
        try stream.synchronize()
    }
    #expect(received == sent)
}

@Suite("Loading plugins", .enabled(if: !PluginBuild.compilers.isEmpty, "no C compiler is installed"))
struct PluginLoadTests {
    @Test(arguments: PluginBuild.compilers, Misbehaviour.loading)
    func `a table is checked before anything in it is called`(compiler: String, case: Misbehaviour) throws {
        let path = try PluginBuild.misbehaving(`case`.name, compiler: compiler)

        let outcome = Result { () throws(PluginError) in try Plugin.load(path) }

        expect(outcome.failure, `case`)
        if case .success(let plugin) = outcome {
            #expect(plugin.name == "misbehaving")
            #expect(plugin.vendor == "Nobody")
            try expectRoundTrip(#require(try devices(of: plugin).first))
        }
    }

    @Test(arguments: Misbehaviour.opening)
    func `what a plugin says of its devices is checked`(case: Misbehaviour) throws {
        let plugin = try Plugin.load(PluginBuild.misbehaving(`case`.name))

        let outcome = Result { () throws(DeviceError) in
            try DeviceRegistry.shared.devices(of: plugin.backend, checked: false)
        }

        expect(outcome.failure, `case`)
        let again = Result { () throws(DeviceError) in
            try DeviceRegistry.shared.devices(of: plugin.backend, checked: false)
        }
        #expect(again.failure == outcome.failure)
        if case .success(let devices) = outcome {
            let device = try #require(devices.first)
            #expect(devices.count == 1)
            #expect(device.id == DeviceID(kind: "misbehaving", index: 0))
            #expect(
                device.description.name == (`case`.name == "null_strings" ? "unnamed" : "Misbehaving device"))
        }
    }

    @Test(arguments: Misbehaviour.creating)
    func `whatever a call returns becomes an object or an error`(case: Misbehaviour) throws {
        let plugin = try Plugin.load(PluginBuild.misbehaving(`case`.name))
        let device = try #require(try devices(of: plugin).first)

        var failure: DeviceError?
        do throws(DeviceError) { _ = try device.makeContext() } catch { failure = error }

        expect(failure, `case`)
    }

    @Test func `a library is loaded once, whatever path leads to it`() throws {
        let path = try PluginBuild.misbehaving("well_behaved")
        let link = PluginBuild.folder + "/link.so"
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: path)
        defer { try? FileManager.default.removeItem(atPath: link) }

        let found = Plugins.load(PluginSearch(list: "\(path):\(link)"))

        #expect(found.problems.isEmpty)
        #expect(found.plugins.map(\.path) == [path])
        #expect(try Plugin.load(link).library == Plugin.load(path).library)
    }

    @Test func `one plugin that fails stops no other`() throws {
        let good = try PluginBuild.misbehaving("well_behaved")
        let bad = try PluginBuild.misbehaving("null_table")

        let found = Plugins.load(PluginSearch(list: "/no/such.so:\(bad):\(good):/etc/passwd:/tmp"))

        #expect(found.plugins.map(\.path) == [good])
        #expect(found.problems.map(\.code) == [.file, .version, .file, .fileAttribute])
        #expect(found.problems.map(\.plugin) == ["/no/such.so", bad, "/etc/passwd", "/tmp"])
        #expect(found.problems[2].text.contains("invalid ELF header"))
    }

    @Test func `the sample device is loaded by its manifest, and computes`() throws {
        let plugin = try Plugin.load(PluginBuild.sampleDevice())
        let device = try #require(try devices(of: plugin).first)

        #expect(plugin.vendor == "Sample Makers")
        #expect(plugin.version == "1.0.0")
        #expect(device.id.description == "sample:0")
        #expect(!device.description.isHostAddressable)
        try expectRoundTrip(device)
        try expectRoundTrip(CheckingLayer.wrap(device))
    }

    private func expect(_ failure: (any ReportableError)?, _ expected: Misbehaviour) {
        let code = (failure as? PluginError)?.code ?? (failure as? DeviceError)?.code
        #expect(code == expected.code)
        let text = (failure as? PluginError)?.text ?? (failure as? DeviceError)?.text ?? ""
        #expect(expected.says.isEmpty ? text.isEmpty : text.contains(expected.says), "\(text)")
    }
}

extension Result {
    /// The error of a failure.
    var failure: Failure? { if case .failure(let error) = self { error } else { nil } }
}
