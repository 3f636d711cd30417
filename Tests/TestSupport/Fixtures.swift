/// The path of a file under Tests/Fixtures, wherever the repository lies.
package func fixturePath(_ name: String) -> String {
    let tests = "\(#filePath)".split(separator: "/").dropLast(2).joined(separator: "/")
    return "/\(tests)/Fixtures/\(name)"
}
