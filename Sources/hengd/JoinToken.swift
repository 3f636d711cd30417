internal import ControlAPI
internal import Essentials
internal import Foundation

/// The secret that machines show when they join.
enum JoinToken {
    /// Reads the copy that an agent shows; nobody sees it in the list of processes then.
    static func read(file path: String) throws -> String {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw Failure(
                "The token file \(path) cannot be read.",
                nextStep: "Copy join-token from the state folder of the daemon.", exitCode: .setupMissing)
        }
        return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Reads it, and makes it at the first time.
    static func read(_ paths: StatePaths) throws -> String {
        if let data = FileManager.default.contents(atPath: paths.joinToken) {
            let text = String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
            guard text.utf8.count >= 16 else {
                throw Failure(
                    "The join token in \(paths.joinToken) is too short.",
                    nextStep: "Remove the file, and hengd makes a new one.", exitCode: .setupMissing)
            }
            return text
        }
        var random = SystemRandomNumberGenerator()
        let token = (0..<4).map { _ in String(random.next(), radix: 36) }.joined()
        let isMade = FileManager.default.createFile(
            atPath: paths.joinToken, contents: Data("\(token)\n".utf8), attributes: [.posixPermissions: 0o600]
        )
        guard isMade else {
            throw Failure("The join token cannot be kept in \(paths.joinToken).", exitCode: .setupMissing)
        }
        return token
    }
}
