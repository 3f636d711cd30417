import AcceleratorAPI
import Essentials
import Foundation
import PluginBackend
import TestSupport
import Testing

/// A struct of the header, with the names of its fields.
private struct HeaderStruct {
    var name: String
    var fields: [String]
}

/// The structs that a header defines; comments and function parameters are left out.
private func structs(in header: String) -> [HeaderStruct] {
    let code = header.replacing(#/\/\*(.|\n)*?\*\//#, with: "")
    return code.matches(of: #/typedef struct (\w+) \{((?:.|\n)*?)\n\} \w+;/#).map { match in
        // A function pointer's parameters hold no semicolon, so that fields end at semicolons.
        let fields = match.2.split(separator: ";").compactMap { field -> String? in
            if let function = field.firstMatch(of: #/\(\*(\w+)\)/#) { return String(function.1) }
            let plain = field.replacing(#/\[[^\]]*\]/#, with: "")
            return plain.matches(of: #/\w+/#).last.map { String($0.0) }
        }
        return HeaderStruct(name: String(match.1), fields: fields)
    }
}

private func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

private let module = PluginBuild.root + "/Sources/CHengAccelerator"

@Suite("The interface over time")
struct FirstHeaderTests {
    @Test(
        .enabled(if: !PluginBuild.compilers.isEmpty, "no C compiler is installed"),
        arguments: PluginBuild.compilers)
    func `a plugin built against the first header works with today's runtime`(compiler: String) throws {
        let plugin = try Plugin.load(PluginBuild.first(compiler: compiler))
        let device = try #require(try devices(of: plugin).first)

        #expect(device.id.description == "first:0")
        try expectRoundTrip(device)
        try expectRoundTrip(CheckingLayer.wrap(device))
        let context = try device.makeContext()
        let error = try #require(throws: DeviceError.self) {
            _ = try context.makeBuffer(of: .mebibytes(2))
        }
        #expect(error.code == .outOfDeviceMemory)
        #expect(error.text == "The first device says no.")
        #expect(throws: DeviceError.self) { try context.memory() }
    }

    @Test func `every struct and field of the header has its place held`() throws {
        let found = try structs(in: text(module + "/include/heng_accelerator.h"))
        let layout = try text(module + "/layout.c")

        #expect(found.count >= 40)
        #expect(found.map(\.fields.count).reduce(0, +) >= 300)
        for item in found {
            #expect(layout.contains("\nSIZE(\(item.name), "), "\(item.name)")
            for field in item.fields {
                #expect(layout.contains("\nAT(\(item.name), \(field), "), "\(item.name).\(field)")
            }
        }
    }

    @Test func `what the first header had is still there, in its order`() throws {
        let first = try structs(in: text(fixturePath("first-header/heng_accelerator.h")))
        let now = try structs(in: text(module + "/include/heng_accelerator.h"))
        let fields = Dictionary(now.map { ($0.name, $0.fields) }) { one, _ in one }

        #expect(!first.isEmpty)
        for item in first {
            let today = try #require(fields[item.name], "\(item.name) is gone")
            #expect(today.prefix(item.fields.count) == item.fields[...], "\(item.name)")
        }
    }
}
