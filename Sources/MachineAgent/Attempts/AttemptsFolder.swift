package import Essentials

#if canImport(Glibc)
internal import Glibc
#endif

/// Where the folders of attempts lie: in memory where that is safe, and then `attempts` in the state folder links there.
///
/// Nothing of an attempt outlives the machine's kernel, so the disk, which has enough to do with what must not be lost,
/// is spared. Only the machine's administrator gets a place in memory, because the system clears away those of
/// other users when they log out, while their jobs may go on.
package struct AttemptsFolder: Sendable {
    package let path: String
    private let link: String?
    /// Where the virtual devices are kept.
    private var devices: String { path + "/devices" }
    private static let ownerName = "state-folder"

    /// Finds the folder that a state folder used before, or makes one.
    package init(of stateFolder: String) throws(Failure) {
        try self.init(
            of: stateFolder, memory: geteuid() == 0 ? Self.memoryFileSystem(of: ["/run", "/dev/shm"]) : nil)
    }

    /// `memory` is a folder in memory; nil is to stay in the state folder.
    package init(of stateFolder: String, memory: String?) throws(Failure) {
        let usual = stateFolder + "/attempts"
        var status = stat()
        let isThere = unsafe lstat(usual, &status) == 0
        let isLink = isThere && status.st_mode & S_IFMT == S_IFLNK
        if isLink, let target = Self.target(of: usual), Self.belongs(target, to: stateFolder) {
            path = target
            link = usual
        } else if !isThere || isLink, let memory,
            let made = Self.make(in: memory, for: stateFolder, link: usual)
        {
            path = made
            link = usual
        } else {
            if isLink { unsafe unlink(usual) }
            guard unsafe mkdir(usual, 0o700) == 0 || errno == EEXIST else {
                throw Failure("The folder \(usual) for attempts cannot be made: \(sentence(errno)).")
            }
            path = usual
            link = nil
        }
    }

    /// Takes a place in memory away again when nothing is left in it.
    package func giveBack() {
        guard let link else { return }
        _ = SmallFile.removeFolder(devices)
        guard SmallFile.names(in: path) == [Self.ownerName] else { return }
        unsafe unlink("\(path)/\(Self.ownerName)")
        if SmallFile.removeFolder(path) == 0 { unsafe unlink(link) }
    }

    private static func memoryFileSystem(of folders: [String]) -> String? {
        // Number, parent, device, root, place, options..., "-", type, ...
        let mounts = (SmallFile.read("/proc/self/mountinfo") ?? "").split(separator: "\n").map {
            $0.split(separator: " ")
        }
        return folders.first { folder in
            let mount = mounts.last { $0.count > 5 && $0[4] == folder }
            guard let mount, let dash = mount.firstIndex(of: "-") else { return false }
            let isWritable = unsafe access(folder, W_OK) == 0
            return isWritable && mount[dash...].dropFirst().first == "tmpfs"
        }
    }

    private static func make(in memory: String, for stateFolder: String, link: String) -> String? {
        guard let owner = identity(of: stateFolder) else { return nil }
        var template = Array("\(memory)/heng-attempts-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else { return nil }
        let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let hidden = link + ".new"
        unsafe unlink(hidden)
        if SmallFile.replace("\(path)/\(ownerName)", with: Array(owner.utf8)) == 0,
            unsafe symlink(path, hidden) == 0, unsafe rename(hidden, link) == 0
        {
            return path
        }
        unsafe unlink("\(path)/\(ownerName)")
        _ = SmallFile.removeFolder(path)
        return nil
    }

    private static func target(of link: String) -> String? {
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: Int(PATH_MAX)) { buffer, count in
            count = unsafe max(
                0,
                buffer.withMemoryRebound(to: CChar.self) { place in
                    unsafe place.baseAddress.map { unsafe readlink(link, $0, place.count) } ?? 0
                })
        }
        return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
    }

    /// Whether a folder is ours, and of this state folder rather than of one that this was copied from.
    private static func belongs(_ path: String, to stateFolder: String) -> Bool {
        var status = stat()
        guard unsafe lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR,
            status.st_uid == geteuid(), let owner = identity(of: stateFolder)
        else { return false }
        return SmallFile.read("\(path)/\(ownerName)") == owner
    }

    private static func identity(of folder: String) -> String? {
        var status = stat()
        return unsafe stat(folder, &status) == 0 ? "\(status.st_dev)-\(status.st_ino)\n" : nil
    }
}
