import Foundation
import Testing

/// The stub of NVIDIA's libraries: compiled once, then linked under their names into a folder for each test.
@safe struct StubDriver: @unchecked Sendable {
    // Unchecked: written once, before the tests use it.
    /// Why it cannot be used on this machine; nil where it can.
    let problem: String?
    let folder: String
    private let library: UnsafeMutableRawPointer?

    static let shared = StubDriver()

    /// The files that stand for NVIDIA's libraries.
    static let names = ["libcuda.so.1", "libnvrtc.so.13", "libcublasLt.so.13", "libnvidia-ml.so.1"]

    private init() {
        let folder = NSTemporaryDirectory() + "heng-cuda-stub-\(getpid())"
        self.folder = folder
        let native = URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/Native"
        let headers =
            URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().path + "/Sources/CCUDA/include"
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let header = folder + "/emulation.h"
            try? FileManager.default.removeItem(atPath: header)
            try FileManager.default.copyItem(atPath: native + "/emulation.h", toPath: header)
            let outcome = try Command.run([
                "c++", "-std=c++17", "-O1", "-fPIC", "-shared", "-pthread", "-I", headers,
                native + "/stub_driver.cpp", native + "/stub_libraries.cpp", "-o", folder + "/libstub.so",
            ])
            let opened = unsafe outcome.status == 0 ? dlopen(folder + "/libstub.so", RTLD_NOW) : nil
            unsafe library = unsafe opened
            problem = unsafe opened == nil ? "the stub driver does not compile: \(outcome.text)" : nil
        } catch {
            unsafe library = nil
            problem = "there is no C++ compiler: \(error)"
        }
    }

    var isHere: Bool { problem == nil }

    private func symbol(_ name: String) -> UnsafeMutableRawPointer? { unsafe dlsym(library, name) }

    /// Forgets everything, as if the process had just begun.
    func reset() {
        guard let function = unsafe symbol("stub_reset") else { return }
        unsafe folder.withCString {
            unsafe unsafeBitCast(function, to: (@convention(c) (UnsafePointer<CChar>) -> Void).self)($0)
        }
    }

    /// Lets the nth call from now on fail.
    func fail(_ name: String, call: Int32 = 1, with result: Int32) {
        guard let function = unsafe symbol("stub_fail") else { return }
        typealias Function = @convention(c) (UnsafePointer<CChar>, Int32, Int32) -> Void
        unsafe name.withCString { unsafe unsafeBitCast(function, to: Function.self)($0, call, result) }
    }

    /// A property of the stub's machine, as "devices" or "memory".
    func set(_ name: String, _ value: Int) {
        guard let function = unsafe symbol("stub_set") else { return }
        typealias Function = @convention(c) (UnsafePointer<CChar>, Int) -> Void
        unsafe name.withCString { unsafe unsafeBitCast(function, to: Function.self)($0, value) }
    }

    /// Breaks the context, as a kernel that reads a wrong address does.
    func breakContext(_ result: Int32 = 700) {
        guard let function = unsafe symbol("stub_break") else { return }
        unsafe unsafeBitCast(function, to: (@convention(c) (Int32) -> Void).self)(result)
    }

    func clearCalls() {
        guard let function = unsafe symbol("stub_clear_calls") else { return }
        unsafe unsafeBitCast(function, to: (@convention(c) () -> Void).self)()
    }

    /// The calls so far, a line each: the function and what of its arguments is worth telling.
    var calls: [String] { text(0) }
    /// What a correct caller never does.
    var violations: [String] { text(1) }
    /// What was made and not destroyed, by kind.
    var living: [String] { text(2) }
    /// Descriptors of products that were made and not destroyed.
    var livingProducts: Int {
        guard let function = unsafe symbol("stub_products") else { return -1 }
        return Int(unsafe unsafeBitCast(function, to: (@convention(c) () -> Int32).self)())
    }

    private func text(_ what: Int32) -> [String] {
        guard let function = unsafe symbol("stub_text") else { return [] }
        typealias Function = @convention(c) (Int32, UnsafeMutablePointer<CChar>?, Int) -> Int
        let call = unsafe unsafeBitCast(function, to: Function.self)
        // Other threads may write meanwhile, so there is room for more.
        var bytes = [CChar](repeating: 0, count: call(what, nil, 0) + 4096)
        _ = unsafe call(what, &bytes, bytes.count)
        return String(decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            .split(separator: "\n").map { String($0) }
    }

    /// A folder with links for the libraries, without those named.
    func libraries(without missing: [String] = []) throws -> String {
        let place = folder + "/libraries" + missing.map { "-without-\($0)" }.joined()
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        for name in StubDriver.names where !missing.contains(name) {
            let link = "\(place)/\(name)"
            if !FileManager.default.fileExists(atPath: link) {
                try FileManager.default.createSymbolicLink(
                    atPath: link, withDestinationPath: folder + "/libstub.so")
            }
        }
        return place
    }
}

/// Programs that tests run.
enum Command {
    static func run(_ words: [String]) throws -> (status: Int32, text: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = words
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: data, as: UTF8.self))
    }
}
