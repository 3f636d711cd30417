import Foundation

/// Folders and damaged files for tests.
enum TemporaryFiles {
    enum Damage: CaseIterable { case empty, cut, changed, longer }

    static func folder() -> String {
        let path = FileManager.default.temporaryDirectory.path + "/heng-opencl-\(UUID().uuidString)"
        return path
    }

    static func remove(_ path: String) { try? FileManager.default.removeItem(atPath: path) }

    /// Damages every file in a folder.
    static func damage(_ folder: String, _ damage: Damage) throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
            let url = URL(fileURLWithPath: "\(folder)/\(name)")
            var data = try Data(contentsOf: url)
            switch damage {
            case .empty: data = Data()
            case .cut: data = data.prefix(data.count / 2)
            case .changed: data[data.count - 100] ^= 0x40
            case .longer: data.append(7)
            }
            try data.write(to: url)
        }
    }
}
