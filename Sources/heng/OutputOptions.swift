internal import ArgumentParser
internal import Foundation

/// How a command shows its one value.
struct OutputOptions: ParsableArguments {
    @Flag(name: .long, help: "Print JSON instead of a table.")
    var json = false

    /// Prints the value as JSON or as the text made from it.
    func show(_ value: some Encodable, text: () -> String) throws {
        print(json ? try encodedJSON(value) : text())
    }
}

func encodedJSON(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
}
