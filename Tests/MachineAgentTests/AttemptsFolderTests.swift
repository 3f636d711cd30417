import Essentials
import MachineAgent
import Testing

#if canImport(Glibc)
import Glibc
#endif

@Suite("The folder of attempts")
struct AttemptsFolderTests {
    let scratch: Scratch
    let state: String
    let memory: String

    init() throws {
        scratch = try Scratch()
        state = scratch.file("state")
        memory = scratch.file("memory")
        unsafe mkdir(state, 0o700)
        unsafe mkdir(memory, 0o700)
    }

    @Test("lies in memory, and is found again through the link in the state folder")
    func isFoundAgain() throws {
        let first = try AttemptsFolder(of: state, memory: memory)
        #expect(first.path.hasPrefix(memory))
        #expect(link == first.path)
        // Also by a daemon that would not choose a place in memory by itself.
        #expect(try AttemptsFolder(of: state, memory: nil).path == first.path)
    }

    @Test("is made anew when the memory was lost, as by a new start of the machine")
    func isMadeAnew() throws {
        let first = try AttemptsFolder(of: state, memory: memory)
        unsafe unlink(first.path + "/state-folder")
        unsafe rmdir(first.path)
        let second = try AttemptsFolder(of: state, memory: memory)
        #expect(link == second.path)
        #expect(names(in: second.path) == ["state-folder"])
    }

    @Test("is not shared by a copy of the state folder")
    func isNotShared() throws {
        let first = try AttemptsFolder(of: state, memory: memory)
        let copy = scratch.file("copy")
        unsafe mkdir(copy, 0o700)
        unsafe symlink(first.path, copy + "/attempts")
        #expect(try AttemptsFolder(of: copy, memory: memory).path != first.path)
        #expect(try AttemptsFolder(of: state, memory: memory).path == first.path)
    }

    @Test("stays in the state folder without memory, and where one is there already")
    func staysOnDisk() throws {
        #expect(try AttemptsFolder(of: state, memory: nil).path == state + "/attempts")
        #expect(try AttemptsFolder(of: state, memory: memory).path == state + "/attempts")
    }

    @Test("is given back when it is empty, and only then")
    func isGivenBack() throws {
        let folder = try AttemptsFolder(of: state, memory: memory)
        unsafe mkdir(folder.path + "/1.1", 0o700)
        folder.giveBack()
        #expect(link == folder.path)
        unsafe rmdir(folder.path + "/1.1")
        folder.giveBack()
        #expect(names(in: memory).isEmpty)
        #expect(names(in: state).isEmpty)
    }

    private var link: String? {
        var target = [CChar](repeating: 0, count: 1024)
        let count = unsafe readlink(state + "/attempts", &target, target.count)
        return count < 0
            ? nil : String(decoding: target[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
