internal import ArgumentParser
internal import Foundation
internal import Results

/// How a command shows its one value.
struct OutputOptions: ParsableArguments {
    @Flag(name: .long, help: "Print JSON instead of a table.")
    var json = false

    /// Prints the value as JSON or as the text made from it.
    func show(_ value: some Encodable, text: () -> String) throws {
        try writeOut((json ? try encodedJSON(value) : text()) + "\n")
    }
}

/// The same for commands about things with numbers or names, which scripts want alone.
struct ListingOptions: ParsableArguments {
    @Flag(name: .long, help: "Print JSON instead of text.")
    var json = false

    @Flag(name: .shortAndLong, help: "Print nothing; the exit code tells.")
    var quiet = false

    @Flag(name: .long, help: "Print only numbers or names, one a line.")
    var parsable = false

    func validate() throws {
        if [json, quiet, parsable].count(where: { $0 }) > 1 {
            throw ValidationError("--json, --quiet and --parsable exclude each other.")
        }
    }

    /// Prints the value in the way that was chosen.
    func show(_ value: some Encodable, names: [String] = [], text: () -> String) throws {
        if quiet { return }
        let lines = parsable ? names.joined(separator: "\n") : json ? try encodedJSON(value) : text()
        if !lines.isEmpty { try writeOut(lines + "\n") }
    }
}

/// Writes to standard output; throws when not all of it arrived, as on a full disk.
func writeOut(_ text: String) throws {
    let failure = write(text, to: STDOUT_FILENO)
    guard failure == 0 else { throw FileFailure(.writing, "the output", failure) }
}

/// Writes bytes to a descriptor; throws when not all of them arrived.
func writeOut(_ bytes: [UInt8], to descriptor: Int32) throws {
    let failure = write(bytes[...], to: descriptor)
    guard failure == 0 else { throw FileFailure(.writing, "the output", failure) }
}

/// Writes one line to standard error; where that is full or gone, there is nobody left to tell.
func report(_ line: String) { _ = write(line + "\n", to: STDERR_FILENO) }

/// Zero when all of it arrived, else the error's number.
private func write(_ text: String, to descriptor: Int32) -> Int32 {
    write(Array(text.utf8)[...], to: descriptor)
}

private func write(_ bytes: ArraySlice<UInt8>, to descriptor: Int32) -> Int32 {
    var rest = bytes
    while !rest.isEmpty {
        let count = unsafe rest.withUnsafeBytes {
            unsafe Foundation.write(descriptor, $0.baseAddress, $0.count)
        }
        if count < 0, errno == EINTR { continue }
        guard count >= 0 else { return errno }
        rest = rest.dropFirst(count)
    }
    return 0
}

func encodedJSON(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
}
