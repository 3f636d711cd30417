/// A public case that no correct implementation can be expected to pass, and why.
package struct Exclusion: Hashable, Sendable {
    package var name: String
    package var reason: String

    /// The reason for a case; nil for nearly all.
    package static func reason(for name: String) -> String? { all.first { $0.name == name }?.reason }

    package static let all: [Exclusion] = []
}
