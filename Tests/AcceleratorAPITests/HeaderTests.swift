import CHengAccelerator
import Foundation
import Testing

@Suite("heng_accelerator.h")
struct HeaderTests {
    /// A C program that knows the header and nothing else of ours.
    static let program = """
        #include "heng_accelerator.h"
        #include <stdio.h>
        int main(void)
        {
            printf("%zu %zu %zu %zu %zu %zu %zu %zu\\n", sizeof(heng_accelerator_table),
                sizeof(heng_initialize_arguments), sizeof(heng_device_description), sizeof(heng_stream_arguments),
                sizeof(heng_buffer_arguments), sizeof(heng_memory_info), sizeof(heng_range),
                sizeof(heng_error_description));
            return 0;
        }
        """

    @Test(.enabled(if: compiler != nil, "no C compiler is installed"), arguments: ["c11", "c++"])
    func `the header stands alone under strict warnings, with the sizes that Swift sees`(language: String)
        throws
    {
        let folder = FileManager.default.temporaryDirectory.appending(path: "heng-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }  // The system cleans its temporary folder.
        let source = folder.appending(path: "program.c")
        try Self.program.write(to: source, atomically: true, encoding: .utf8)
        let standard = language == "c11" ? ["-std=c11"] : ["-x", "c++", "-std=c++17"]
        let binary = folder.appending(path: "program").path

        let compile = try run(
            #require(compiler),
            standard + [
                "-Wall", "-Wextra", "-Werror", "-pedantic", "-I", headerFolder, source.path, "-o", binary,
            ])
        #expect(compile.status == 0, "\(compile.output)")
        let sizes = try run(binary, []).output.split(separator: " ").compactMap { Int($0.filter(\.isNumber)) }

        let expected = unsafe [
            MemoryLayout<heng_accelerator_table>.size, MemoryLayout<heng_initialize_arguments>.size,
            MemoryLayout<heng_device_description>.size, MemoryLayout<heng_stream_arguments>.size,
            MemoryLayout<heng_buffer_arguments>.size, MemoryLayout<heng_memory_info>.size,
            MemoryLayout<heng_range>.size, MemoryLayout<heng_error_description>.size,
        ]
        #expect(sizes == expected)
    }
}

private let compiler = ["/usr/bin/cc", "/usr/bin/gcc", "/usr/bin/clang"].first {
    FileManager.default.isExecutableFile(atPath: $0)
}

private let headerFolder = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Sources/CHengAccelerator/include").path

private func run(_ program: String, _ arguments: [String]) throws -> (status: Int32, output: String) {
    let process = Process()
    let pipe = Pipe()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: output, as: UTF8.self))
}
