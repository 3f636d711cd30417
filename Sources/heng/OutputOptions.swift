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

/// Writes to standard output; throws when not all of it arrived, as on a full disk.
func writeOut(_ text: String) throws {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
        let count = unsafe rest.withUnsafeBytes { unsafe write(STDOUT_FILENO, $0.baseAddress, $0.count) }
        if count < 0, errno == EINTR { continue }
        guard count >= 0 else { throw FileFailure(.writing, "the output", errno) }
        rest = rest.dropFirst(count)
    }
}

func encodedJSON(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
}
