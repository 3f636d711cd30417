internal import Foundation

/// Reads bodies of requests, and refuses what nobody would look at.
enum StrictJSON {
    /// The value, or the problem in words that name the field.
    static func decode<Value: Codable>(_ type: Value.Type, from body: Data) throws(HTTPProblem) -> Value {
        let value: Value
        do {
            value = try JSONDecoder().decode(Value.self, from: body)
        } catch let error as DecodingError {
            throw HTTPProblem(400, sentence(error))
        } catch {
            throw HTTPProblem(400, "The body of the request is not JSON.")
        }
        if let unknown = unknownField(in: body, of: value) {
            throw HTTPProblem(
                400, "The request has a field that this hengd does not know: \(unknown).",
                nextStep: "Leave it out, or update hengd.")
        }
        return value
    }

    /// A field that is given and not null, and which the value, written again, does not have.
    private static func unknownField(in body: Data, of value: some Encodable) -> String? {
        // Both were read or made by a coder just now, so neither fails.
        guard let written = try? JSONEncoder().encode(value),
            let given = try? JSONSerialization.jsonObject(with: body, options: .fragmentsAllowed),
            let known = try? JSONSerialization.jsonObject(with: written, options: .fragmentsAllowed)
        else { return nil }
        return unknown(given, known, at: "")
    }

    private static func unknown(_ given: Any, _ known: Any, at path: String) -> String? {
        if let given = given as? [String: Any] {
            guard let known = known as? [String: Any] else { return nil }
            for (name, value) in given.sorted(by: { $0.key < $1.key }) where !(value is NSNull) {
                let place = path.isEmpty ? name : "\(path).\(name)"
                guard let other = known[name] else { return place.debugDescription }
                if let found = unknown(value, other, at: place) { return found }
            }
        } else if let given = given as? [Any], let known = known as? [Any] {
            for (place, pair) in zip(given, known).enumerated() {
                if let found = unknown(pair.0, pair.1, at: "\(path)[\(place)]") { return found }
            }
        }
        return nil
    }

    private static func sentence(_ error: DecodingError) -> String {
        func place(_ context: DecodingError.Context) -> String {
            let path = context.codingPath.map(\.stringValue).joined(separator: ".")
            return path.isEmpty ? "The body of the request" : "The field \(path.debugDescription)"
        }
        switch error {
        case .keyNotFound(let key, let context):
            let parent = context.codingPath.map(\.stringValue) + [key.stringValue]
            return "The request lacks the field \(parent.joined(separator: ".").debugDescription)."
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            return "\(place(context)) has a value of the wrong kind."
        case .dataCorrupted(let context): return "\(place(context)) cannot be read."
        @unknown default: return "The body of the request cannot be read."
        }
    }
}
