internal import AcceleratorAPI

/// One value of a configuration with its path, which its errors name: `sim.json:7: devices[0].faults[1].do`.
struct ConfigurationField {
    /// Where the text comes from: a file's path.
    let source: String
    let path: String
    let node: JSONNode

    /// The whole text.
    static func root(of bytes: [UInt8], source: String) throws(DeviceError) -> ConfigurationField {
        do throws(JSONFailure) {
            return ConfigurationField(source: source, path: "", node: try JSONReader.read(bytes))
        } catch {
            throw DeviceError(
                .fileParse, operation: "initialize",
                text: "\(source):\(error.line): this is not JSON: \(error.text).")
        }
    }

    func failure(_ text: String, line: Int? = nil) -> DeviceError {
        let place = path.isEmpty ? "" : " \(path):"
        return DeviceError(
            .fileParse, operation: "initialize", text: "\(source):\(line ?? node.line):\(place) \(text).")
    }

    private func wrongKind(_ wanted: String) -> DeviceError {
        failure("\(wanted) is wanted here, not \(node.kindName)")
    }
}

// An object's fields.
extension ConfigurationField {
    /// Refuses fields that nobody knows, so that a misspelt one is not overlooked.
    func check(only known: [String]) throws(DeviceError) {
        guard case .object(let members) = node.value else { throw wrongKind("an object") }
        for member in members where !known.contains(member.key) {
            throw failure(
                "there is no field \"\(member.key)\" here; there are \(known.joined(separator: ", "))",
                line: member.line)
        }
    }

    /// The field of that name; nil where it is not given.
    subscript(_ name: String) -> ConfigurationField? {
        guard case .object(let members) = node.value,
            let member = members.first(where: { $0.key == name })
        else { return nil }
        return ConfigurationField(
            source: source, path: path.isEmpty ? name : "\(path).\(name)", node: member.node)
    }

    func required(_ name: String) throws(DeviceError) -> ConfigurationField {
        guard case .object = node.value else { throw wrongKind("an object") }
        guard let field = self[name] else { throw failure("the field \"\(name)\" is missing") }
        return field
    }
}

// Values.
extension ConfigurationField {
    var isObject: Bool { if case .object = node.value { true } else { false } }

    func list() throws(DeviceError) -> [ConfigurationField] {
        guard case .array(let nodes) = node.value else { throw wrongKind("a list") }
        return nodes.enumerated().map { index, node in
            ConfigurationField(source: source, path: "\(path)[\(index)]", node: node)
        }
    }

    func text() throws(DeviceError) -> String {
        guard case .string(let text) = node.value else { throw wrongKind("a text") }
        return text
    }

    func bool() throws(DeviceError) -> Bool {
        guard case .bool(let value) = node.value else { throw wrongKind("true or false") }
        return value
    }

    func integer(_ range: ClosedRange<Int>) throws(DeviceError) -> Int {
        guard case .number(let text) = node.value else { throw wrongKind("a whole number") }
        guard let value = Int(text) ?? Double(text).flatMap({ Int(exactly: $0) }), range.contains(value)
        else {
            throw failure(
                "a whole number from \(range.lowerBound) to \(range.upperBound) is wanted, not \(text)")
        }
        return value
    }

    func number(_ range: ClosedRange<Double>) throws(DeviceError) -> Double {
        guard case .number(let text) = node.value, let value = Double(text) else {
            throw wrongKind("a number")
        }
        guard range.contains(value) else {
            throw failure("a number from \(range.lowerBound) to \(range.upperBound) is wanted, not \(text)")
        }
        return value
    }

    /// One of the words of a table.
    func choice<Value>(_ what: String, _ table: [(String, Value)]) throws(DeviceError) -> Value {
        let word = try text()
        guard let found = table.first(where: { $0.0 == word }) else {
            throw failure(
                "there is no \(what) \"\(word)\"; there are \(table.map(\.0).joined(separator: ", "))")
        }
        return found.1
    }
}
