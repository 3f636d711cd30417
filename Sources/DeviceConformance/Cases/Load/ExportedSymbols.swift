internal import Results

/// The symbols that a shared library of the ELF format exports.
///
/// Reference: the System V ABI, https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html. Only little-endian
/// files of 64 bits are read, which is what runs here.
enum ExportedSymbols {
    static func names(of library: String) throws -> [String] {
        let bytes = try DurableFile.read(library)
        guard let names = ELFFile(bytes: bytes).exported else {
            throw CaseEnd.notRun("\(library) is not a shared library that can be read.")
        }
        return names
    }
}

struct ELFFile {
    let bytes: [UInt8]

    private func number(_ offset: Int, _ width: Int) -> Int? {
        guard offset >= 0, offset <= bytes.count - width else { return nil }
        let value = (0..<width).reduce(UInt64(0)) { $0 | UInt64(bytes[offset + $1]) << (8 * $1) }
        return Int(exactly: value)
    }

    private func text(_ offset: Int) -> String? {
        guard bytes.indices.contains(offset) else { return nil }
        return String(decoding: bytes[offset...].prefix { $0 != 0 }, as: UTF8.self)
    }

    /// The defined global and weak symbols of the dynamic table; nil when the file is none of ours.
    var exported: [String]? {
        guard bytes.starts(with: [0x7F, 0x45, 0x4C, 0x46, 2, 1]), let table = number(40, 8),
            let size = number(58, 2), let count = number(60, 2)
        else { return nil }
        let sections = (0..<count).map { table + $0 * size }
        // Type 11 is the dynamic symbol table; its link names the section of its strings.
        guard let symbols = sections.first(where: { number($0 + 4, 4) == 11 }),
            let start = number(symbols + 24, 8), let length = number(symbols + 32, 8),
            let link = number(symbols + 40, 4), sections.indices.contains(link),
            let strings = number(sections[link] + 24, 8)
        else { return nil }
        return stride(from: start, to: start + length, by: 24).compactMap { symbol in
            guard let name = number(symbol, 4), let info = number(symbol + 4, 1),
                let visibility = number(symbol + 5, 1), let section = number(symbol + 6, 2)
            else { return nil }
            let isShared = [1, 2].contains(info >> 4) && visibility & 3 != 2 && visibility & 3 != 1
            // Symbols that the linker itself adds are nobody's export.
            // 0 is undefined, and 0xfff1 an absolute number, such as the name of a version.
            guard isShared, section != 0, section != 0xfff1, let text = text(strings + name),
                !linkersOwn.contains(text)
            else {
                return nil
            }
            return text
        }
    }
}

private let linkersOwn: Set<String> = [
    "_init", "_fini", "_edata", "_end", "__bss_start", "_ITM_deregisterTMCloneTable",
    "_ITM_registerTMCloneTable",
    "__gmon_start__", "__cxa_finalize",
]
