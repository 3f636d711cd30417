import Foundation
import Testing

@Suite("make install", .installed, .timeLimit(.minutes(20)))
struct InstallTests {
    @Test func `the library shows one symbol`() throws {
        let prefix = try Installation.shared.get().prefix
        let symbols = try Ran("nm", "-D", "--defined-only", "\(prefix)/lib/libheng.so")
        // Of a name's kind a capital letter says that others see it; A is the name of a version.
        let shown = symbols.output.split(separator: "\n").map { $0.split(separator: " ") }.filter {
            $0.count == 3 && $0[1].allSatisfy(\.isUppercase) && $0[1] != "A"
        }

        #expect(shown.map { String($0[2]) } == ["heng_accelerator_get@@HENG_1"])
    }

    @Test func `the library needs no Swift toolchain`() throws {
        let prefix = try Installation.shared.get().prefix
        let needed = try Ran("readelf", "-d", "\(prefix)/lib/libheng.so").output

        #expect(needed.contains("Library soname: [libheng.so.1]"))
        #expect(!needed.contains("libswift") && !needed.contains("libFoundation"))
        #expect(!needed.contains("/swift/"))
    }

    @Test func `pkg-config finds an installation wherever it was moved`() throws {
        let installation = try Installation.shared.get()
        let moved = installation.work + "/moved"
        try FileManager.default.createDirectory(atPath: moved, withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: installation.prefix + "/lib", toPath: moved + "/lib")
        let answer = try Ran(
            "pkg-config", "--variable=libdir", "heng", with: ["PKG_CONFIG_PATH": moved + "/lib/pkgconfig"])

        let folder = answer.output.trimmingCharacters(in: .whitespacesAndNewlines)
        #expect(URL(fileURLWithPath: folder).standardized.path == moved + "/lib")
    }

    @Test func `the installed program runs, and finds its supervisor`() throws {
        let installation = try Installation.shared.get()
        let state = ["HENG_STATE_DIR": installation.work + "/state", "HOME": installation.work]
        try FileManager.default.createDirectory(
            atPath: installation.work + "/state", withIntermediateDirectories: true)
        let heng = installation.prefix + "/bin/heng"

        #expect(try Ran(heng, "devices", with: state).output.contains("cpu"))
        let run = try Ran(heng, "submit", "--cores", "1", "--mem", "64MiB", "--", "echo", "done", with: state)
        #expect(run.status == 0 && run.output.contains("done"), "\(run.text)")
    }

    @Test func `uninstall leaves no file`() throws {
        let folder = try Installation.shared.get().work + "/staged"
        let place = ["DESTDIR=\(folder)", "PREFIX=/opt/heng", "BUILD=\(Installation.programs)"]
        let make = ["make", "-C", Installation.repository]
        let installed = try Ran(make + ["install"] + place)
        #expect(installed.status == 0, "\(installed.text)")
        for header in ["accelerator", "device_support", "device_operators", "device_queue"] {
            #expect(FileManager.default.fileExists(atPath: folder + "/opt/heng/include/heng_\(header).h"))
        }
        #expect(
            FileManager.default.fileExists(atPath: folder + "/opt/heng/share/doc/heng/examples/c/Makefile"))

        #expect(try Ran(make + ["uninstall"] + place).status == 0)
        let left = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
        let files = try left.filter {
            let kind = try FileManager.default.attributesOfItem(atPath: "\(folder)/\($0)")[.type]
            return kind as? FileAttributeType != .typeDirectory
        }
        #expect(files.isEmpty, "\(files)")
    }

    @Test func `what is not built is not installed`() throws {
        let run = try Ran(
            "make", "-C", Installation.repository, "install", "PREFIX=/tmp/none", "BUILD=/nonexistent")

        #expect(run.status != 0 && run.errors.contains("make build"))
    }
}
