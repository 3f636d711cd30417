/// Products of several tensors summed over axes, by Einstein's notation: `ij,jk->ik`.
///
/// It becomes matrix products of two operands at a time, from the left to the right, with sums over axes that only
/// one of the two has, and a transposition at the end.
package enum Einsum: ModelOperator {
    package static let schema = OperatorSchema(
        "Einsum", since: 12, "Products of tensors, summed along axes that an equation names by letters.",
        inputs: [.variadic("Inputs", .numbers, "one for each term of the equation")],
        outputs: [.required("Output", .numbers, "the axes that the right side of the equation names")],
        attributes: [
            .string(
                "equation", nil,
                "terms of letters, joined by commas; after `->` those of the result; `...` for axes without names"
            ).required
        ])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let inputs = try call.allInputs()
        let ranks = inputs.map { graph.type(of: $0).shape.rank }
        let equation = try EinsumEquation(call.string("equation"), ranks: ranks, for: call)
        var operands: [LabelledValue] = []
        for (input, term) in zip(inputs, equation.terms) {
            operands.append(try graph.distinct(LabelledValue(id: input, labels: term), for: call))
        }
        var result = operands.removeFirst()
        while !operands.isEmpty {
            let next = operands.removeFirst()
            let later = Set(operands.flatMap(\.labels) + equation.result)
            result = try graph.product(result, next, keeping: later, for: call)
        }
        result = try graph.summed(result, keeping: Set(equation.result))
        let permutation = equation.result.compactMap { result.labels.firstIndex(of: $0) }
        return [.tensor(try graph.transposed(result.id, permutation))]
    }
}

/// An equation with a label for each axis: letters have their code, and axes without names numbers below zero.
private struct EinsumEquation {
    var terms: [[Int]] = []
    var result: [Int] = []

    init(_ text: String, ranks: [Int], for call: OperatorCall) throws(GraphError) {
        let sides = EinsumEquation.sides(of: Array(text.unicodeScalars).filter { $0 != " " })
        try call.require(sides.count <= 2, "the equation \(text) has more than one arrow")
        let written = sides[0].split(separator: ",", omittingEmptySubsequences: false).map(Array.init)
        try call.require(
            written.count == ranks.count,
            "the equation \(text) has \(written.count) terms for \(ranks.count) inputs")
        var unnamed = 0
        for (term, rank) in zip(written, ranks) {
            let labels = try EinsumEquation.labels(term, rank: rank, for: call)
            unnamed = max(unnamed, labels.count { $0 < 0 })
            terms.append(labels)
        }
        if sides.count == 2 {
            let named = sides[1].count { $0 != "." }
            let rank = named == sides[1].count ? named : named + unnamed
            result = try EinsumEquation.labels(sides[1], rank: rank, for: call)
        } else {
            result = implicitResult(unnamed: unnamed)
        }
        let known = Set(terms.joined())
        for label in result where !known.contains(label) {
            throw call.error("the result of \(text) names an axis that no term has")
        }
        try call.require(Set(result).count == result.count, "the result of \(text) names an axis twice")
    }

    /// The axes without names, then in the order of the alphabet what appears once.
    private func implicitResult(unnamed: Int) -> [Int] {
        var counts: [Int: Int] = [:]
        for label in terms.joined() where label >= 0 { counts[label, default: 0] += 1 }
        return (0..<unnamed).map { $0 - unnamed } + counts.filter { $0.value == 1 }.keys.sorted()
    }

    private static func sides(of text: [Unicode.Scalar]) -> [[Unicode.Scalar]] {
        var parts: [[Unicode.Scalar]] = [[]]
        var place = 0
        while place < text.count {
            if text[place] == "-", place + 1 < text.count, text[place + 1] == ">" {
                parts.append([])
                place += 1
            } else {
                parts[parts.count - 1].append(text[place])
            }
            place += 1
        }
        return parts
    }

    /// The labels of a term; dots stand for as many axes as are left of the rank.
    private static func labels(
        _ term: [Unicode.Scalar], rank: Int, for call: OperatorCall
    ) throws(GraphError) -> [Int] {
        var labels: [Int] = []
        let dots = term.count { $0 == "." }
        let unnamed = dots == 0 ? 0 : rank - (term.count - dots)
        let start = term.firstIndex(of: ".") ?? 0
        let areTogether = dots == 0 || dots == 3 && term[start...].prefix(3).allSatisfy { $0 == "." }
        try call.require(areTogether, "an ellipsis is three dots, once in a term")
        try call.require(unnamed >= 0, "a term names more axes than the \(rank) of its input")
        for (place, letter) in term.enumerated() {
            if letter == "." {
                if place == start { labels += (0..<unnamed).map { $0 - unnamed } }
            } else {
                try call.require(
                    letter.isASCII && letter.properties.isAlphabetic,
                    "axes are named by letters, not by \(letter)")
                labels.append(Int(letter.value))
            }
        }
        try call.require(labels.count == rank, "a term names \(labels.count) axes of an input of \(rank)")
        return labels
    }
}

/// A tensor with a label for each axis.
private struct LabelledValue {
    var id: ValueID
    var labels: [Int]
}

extension GraphBuilder {
    /// Takes the diagonal of axes with the same label, until none is left.
    fileprivate mutating func distinct(
        _ value: LabelledValue, for call: OperatorCall
    ) throws -> LabelledValue {
        var value = value
        while let second = value.labels.indices.first(where: {
            value.labels[..<$0].contains(value.labels[$0])
        }),
            let first = value.labels.firstIndex(of: value.labels[second])
        {
            let others = value.labels.indices.filter { $0 != first && $0 != second }
            let shape = type(of: value.id).shape
            let extent = shape[first]
            try call.require(
                shape[second] == extent, "an axis named twice has the extents \(extent) and \(shape[second])")
            let last = try transposed(value.id, others + [first, second])
            let joined = try reshaped(last, to: others.map { shape[$0] } + [extent * extent])
            let diagonal = Slice(
                starts: [0], ends: [extent * extent], axes: [others.count], steps: [extent + 1])
            let labels = others.map { value.labels[$0] } + [value.labels[first]]
            value = LabelledValue(id: try add(diagonal, [joined]), labels: labels)
        }
        return value
    }

    /// The sum over the axes that nothing needs.
    fileprivate mutating func summed(_ value: LabelledValue, keeping: Set<Int>) throws -> LabelledValue {
        let axes = value.labels.indices.filter { !keeping.contains(value.labels[$0]) }
        if axes.isEmpty { return value }
        let sum = try add(ReduceSum(axes: axes, keepDims: false), [value.id])
        return LabelledValue(id: sum, labels: value.labels.filter(keeping.contains))
    }

    /// The product of two operands, summed over the axes that nothing later needs.
    fileprivate mutating func product(
        _ left: LabelledValue, _ right: LabelledValue, keeping: Set<Int>, for call: OperatorCall
    ) throws -> LabelledValue {
        let left = try summed(left, keeping: keeping.union(right.labels))
        let right = try summed(right, keeping: keeping.union(left.labels))
        let both = left.labels.filter(right.labels.contains)
        var extents: [Int: Int] = [:]
        for value in [left, right] {
            for (label, extent) in zip(value.labels, type(of: value.id).shape.extents) {
                let known = extents[label] ?? 1
                try call.require(
                    known == extent || known == 1 || extent == 1,
                    "axes of one name have the extents \(known) and \(extent)")
                extents[label] = known == 1 ? extent : known
            }
        }
        let batch = both.filter(keeping.contains)
        let terms = both.filter { !keeping.contains($0) }
        let rows = left.labels.filter { !both.contains($0) }
        let columns = right.labels.filter { !both.contains($0) }
        let product = try add(
            MatMul(),
            [
                matrices(left, [batch, rows, terms], extents),
                matrices(right, [batch, terms, columns], extents),
            ])
        let labels = batch + rows + columns
        return LabelledValue(id: try reshaped(product, to: labels.map { extents[$0] ?? 1 }), labels: labels)
    }

    /// The value as a tensor of as many axes as there are groups of labels, each group joined into one axis.
    private mutating func matrices(
        _ value: LabelledValue, _ groups: [[Int]], _ extents: [Int: Int]
    ) throws -> ValueID {
        let order = groups.joined().compactMap { value.labels.firstIndex(of: $0) }
        var id = try transposed(value.id, order)
        let full = try Shape(checking: groups.joined().map { extents[$0] ?? 1 })
        if type(of: id).shape != full { id = try addForAny(Expand(full), [id]) }
        let joined = try Shape(checking: groups.map { $0.reduce(1) { $0 * (extents[$1] ?? 1) } })
        return try reshaped(id, to: joined.extents)
    }
}
