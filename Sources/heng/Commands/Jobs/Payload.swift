internal import Essentials
internal import Foundation
internal import JobSubmission

/// What a submission runs: a command, or a script with its arguments.
struct Payload {
    var command: [String]
    var script: BatchScript?
    /// Where the script was read from; nil for a text and for standard input.
    var path: String?

    /// Words behind the options: `-- command`, or a script file and its arguments; without any, standard input.
    init(_ words: [String], wrap: String?) throws {
        if let wrap {
            guard words.isEmpty else {
                throw Failure(
                    "--wrap and a command of its own exclude each other.",
                    nextStep: "Put the whole command into --wrap, or after --.", exitCode: .wrongUse)
            }
            script = try BatchScript(Array("#!/bin/sh\n\(wrap)\n".utf8), name: "wrap")
            command = ["wrap"]
        } else if words.first == "--" {
            command = Array(words.dropFirst())
        } else if let file = words.first {
            guard !file.hasPrefix("-") else {
                throw Failure(
                    "Unknown option '\(file)'.", nextStep: "See `heng submit --help`.", exitCode: .wrongUse)
            }
            let name = URL(fileURLWithPath: file).lastPathComponent
            script = try BatchScript(Payload.read(file), name: name)
            command = [name] + words.dropFirst()
            path = URL(fileURLWithPath: file).path
        } else {
            let bytes = try Payload.standardInput()
            command = []
            guard !bytes.isEmpty else { return }
            script = try BatchScript(bytes, name: "stdin")
            command = ["stdin"]
        }
    }

    /// As a command that needs nobody to keep the script, for jobs that this process starts itself.
    func direct(in folder: String) throws -> [String] {
        guard let script else { return command }
        let file = path ?? folder + "/script"
        if path == nil {
            guard FileManager.default.createFile(atPath: file, contents: Data(script.text.utf8)) else {
                throw Failure(
                    "The script cannot be kept in \(file).",
                    nextStep: "Set TMPDIR to a folder that you may write to.")
            }
        }
        return script.interpreter + [file] + command.dropFirst()
    }

    private static func read(_ file: String) throws -> [UInt8] {
        var isFolder: ObjCBool = false
        guard unsafe FileManager.default.fileExists(atPath: file, isDirectory: &isFolder) else {
            throw Failure(
                "There is no script '\(file)'.",
                nextStep: "Put a command after --, as in `heng submit -- \(file)`.",
                exitCode: .wrongUse)
        }
        guard !isFolder.boolValue, let handle = FileHandle(forReadingAtPath: file) else {
            throw Failure(
                "The script '\(file)' cannot be read.",
                nextStep: "Check that it is a file and its permissions.",
                exitCode: .wrongUse)
        }
        // One byte more than allowed tells that it is too long, and a file of any size is no danger.
        return try [UInt8](handle.read(upToCount: BatchScript.mostBytes + 1) ?? Data())
    }

    private static func standardInput() throws -> [UInt8] {
        guard isatty(STDIN_FILENO) == 0 else { return [] }
        var bytes = Data()
        while bytes.count <= BatchScript.mostBytes,
            let more = try FileHandle.standardInput.read(upToCount: 65_536), !more.isEmpty
        {
            bytes += more
        }
        return [UInt8](bytes)
    }
}
