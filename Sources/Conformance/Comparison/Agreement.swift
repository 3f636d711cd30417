internal import ComputeGraph
package import ONNXImport

/// How the outputs of a case agree with what it expects, under both rules at once.
package struct Agreement: Hashable, Sendable {
    /// The first difference that a rule does not allow, by rule; empty where all is well.
    package private(set) var problems: [ToleranceRule: String] = [:]
    /// The largest distance of two finite floats, in steps between neighbouring floats of their type.
    package private(set) var worstSteps: UInt64 = 0
    /// The largest ratio of an output's squared errors to its expected squares.
    package private(set) var worstError = 0.0

    private let tolerances: [(rule: ToleranceRule, tolerance: Tolerance?)]

    package init(for given: ConformanceCase) {
        tolerances = ToleranceRule.allCases.map { ($0, $0.tolerance(for: given)) }
    }

    package static func == (left: Agreement, right: Agreement) -> Bool {
        left.problems == right.problems && left.worstSteps == right.worstSteps
            && left.worstError == right.worstError
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(problems) }
}

extension Agreement {
    /// Adds one output.
    ///
    /// `name` says which in problems. Kind, element type and shape must be the same; an optional that holds a value
    /// is as good as the value.
    package mutating func compare(_ found: HostValue, with expected: HostValue, name: String) {
        switch (found, expected) {
        case (.tensor(let found), .tensor(let expected)): compare(found, with: expected, name: name)
        case (.sequence(let found, _), .sequence(let expected, _)):
            guard found.count == expected.count else {
                return note("\(name) has \(found.count) elements, and should have \(expected.count)")
            }
            for (index, pair) in zip(found, expected).enumerated() {
                compare(pair.0, with: pair.1, name: "\(name)[\(index)]")
            }
        case (.map(let found), .map(let expected)): compare(found, with: expected, name: name)
        case (.optional(nil, _), .optional(nil, _)): break
        case (.optional(let found?, _), .optional(let expected?, _)):
            compare(found, with: expected, name: name)
        case (.optional(let found?, _), let expected), (let found, .optional(let expected?, _)):
            compare(found, with: expected, name: name)
        default: note("\(name) is \(found.kind), and should be \(expected.kind)")
        }
    }

    /// Notes what no rule allows.
    package mutating func note(_ problem: String) {
        for rule in ToleranceRule.allCases { note(problem, for: rule) }
    }

    private mutating func note(_ problem: String, for rule: ToleranceRule) {
        if problems[rule] == nil { problems[rule] = problem }
    }

    private mutating func compare(_ found: HostMap, with expected: HostMap, name: String) {
        compare(found.keys, with: expected.keys, name: "\(name).keys")
        guard found.values.count == expected.values.count else { return }
        for (index, pair) in zip(found.values, expected.values).enumerated() {
            compare(pair.0, with: pair.1, name: "\(name)[\(index)]")
        }
    }

    private mutating func compare(_ found: HostTensor, with expected: HostTensor, name: String) {
        guard found.type == expected.type else {
            return note("\(name) is \(found.type), and should be \(expected.type)")
        }
        switch expected.type.element {
        case .string: compareEqual(found.strings, expected.strings, name, expected.type.shape)
        case .float16, .bfloat16, .float32, .float64, .complex64, .complex128:
            if !found.hasSameBytes(as: expected) { compareFloats(found, expected, name) }
        case .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float8e8m0, .float4e2m1:
            if !found.hasSameBytes(as: expected) { compareBits(found, expected, name) }
        default:
            if !found.hasSameBytes(as: expected) {
                compareEqual(found.wholes, expected.wholes, name, expected.type.shape)
            }
        }
    }

    private mutating func compareEqual<Element: Equatable>(
        _ found: [Element], _ expected: [Element], _ name: String, _ shape: Shape
    ) {
        let wrong = found.indices.filter { found[$0] != expected[$0] }
        guard let first = wrong.first else { return }
        note(sentence(name, first, "\(found[first])", "\(expected[first])", wrong.count, shape))
    }

    /// Small floats: the same pattern, or both NaN.
    private mutating func compareBits(_ found: HostTensor, _ expected: HostTensor, _ name: String) {
        let (bits, wanted) = (found.elements(UInt8.self), expected.elements(UInt8.self))
        let (values, truths) = (found.doubles, expected.doubles)
        let wrong = bits.indices.filter {
            bits[$0] != wanted[$0] && !(values[$0].isNaN && truths[$0].isNaN)
        }
        guard let first = wrong.first else { return }
        note(
            sentence(
                name, first, "\(values[first])", "\(truths[first])", wrong.count, expected.type.shape))
    }

    private mutating func compareFloats(_ found: HostTensor, _ expected: HostTensor, _ name: String) {
        let (values, truths) = (FloatElements(found), FloatElements(expected))
        worstSteps = max(worstSteps, values.worstSteps(from: truths))
        worstError = max(worstError, values.error(against: truths))
        for (rule, tolerance) in tolerances {
            let wrong = (0..<values.count).filter { !values.agree(with: truths, at: $0, tolerance) }
            guard let first = wrong.first else { continue }
            let text = sentence(
                name, first, values.text(first), truths.text(first), wrong.count, expected.type.shape)
            note(text, for: rule)
        }
    }

    private func sentence(
        _ name: String, _ index: Int, _ found: String, _ expected: String, _ count: Int, _ shape: Shape
    ) -> String {
        let place = zip(shape.strides, shape.extents).map { "\(index / max($0, 1) % max($1, 1))" }
        let element = shape.rank == 0 ? name : "\(name)[\(place.joined(separator: ", "))]"
        let others = count == 1 ? "" : "; \(count) of \(shape.count) elements differ"
        return "\(element) is \(found), and should be \(expected)\(others)"
    }
}

extension HostValue {
    fileprivate var kind: String {
        switch self {
        case .tensor: "a tensor"
        case .sequence: "a sequence"
        case .optional(nil, _): "an empty optional"
        case .optional: "an optional"
        case .map: "a map"
        }
    }
}

extension HostTensor {
    fileprivate func hasSameBytes(as other: HostTensor) -> Bool {
        unsafe withBytes { own in
            unsafe other.withBytes { other in
                guard own.count == other.count else { return false }
                return unsafe own.elementsEqual(other)
            }
        }
    }
}
