/// How often each n-gram of a pool is found in a sequence, or in each row of a matrix.
///
/// An n-gram's items may lie up to `max_skip_count` others apart, at equal distances. With the mode IDF a count is
/// cut to 1, and with IDF and TFIDF it is multiplied by the n-gram's weight.
package enum TfIdfVectorizer: ModelOperator {
    package static let schema = OperatorSchema(
        "TfIdfVectorizer", since: 9, "How often each n-gram of a pool is found in a sequence.",
        inputs: [.required("X", [.string, .indices], "[items] or [rows, items]")],
        outputs: [.required("Y", .float32, "[coordinates] or [rows, coordinates]")],
        attributes: [
            .int("max_gram_length", nil, "the most items of an n-gram that is looked for").required,
            .int("max_skip_count", nil, "how many items may lie between neighbours of an n-gram").required,
            .int("min_gram_length", nil, "the fewest items of an n-gram that is looked for").required,
            .string("mode", nil, "TF, IDF or TFIDF").required,
            .ints("ngram_counts", nil, "where the n-grams of 1, 2, ... items begin in the pool").required,
            .ints("ngram_indexes", nil, "the coordinate of each n-gram of the pool").required,
            .ints("pool_int64s", nil, "the items of all n-grams, one after the other"),
            .strings("pool_strings", nil, "the items of all n-grams, if they are strings"),
            .floats("weights", nil, "one for each n-gram of the pool; 1 by default"),
        ])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        let tensor = try graph.tensor(call.input(0))
        if tensor.type.element == .string {
            guard let pool = try call.optionalStrings("pool_strings") else {
                throw call.error("strings are looked for in pool_strings, which is missing")
            }
            let counter = try NgramCounter(call, pool: pool.map(ExactText.init))
            return try counter.counts(of: tensor.strings.map(ExactText.init), tensor.type.shape, call, &graph)
        }
        guard let pool = try call.optionalInts("pool_int64s") else {
            throw call.error("integers are looked for in pool_int64s, which is missing")
        }
        let counter = try NgramCounter(call, pool: pool)
        return try counter.counts(of: tensor.indices, tensor.type.shape, call, &graph)
    }
}

/// Counts the n-grams of a pool by walking a tree of them.
private struct NgramCounter<Item: Hashable> {
    /// A place in the tree: where each next item leads, and the coordinate and factor of the n-gram that ends here.
    private struct Branch {
        var next: [Item: Int] = [:]
        var ngram: Int?
    }

    private var branches = [Branch()]
    private let coordinates: [Int]
    private let weights: [Double]?
    private let cutsCounts: Bool
    private let lengths: ClosedRange<Int>
    private let maximalSkip: Int

    /// Items looked at in one call, so that a file cannot ask for hours.
    private static var workLimit: Int { 1 << 34 }

    init(_ call: OperatorCall, pool: [Item]) throws(GraphError) {
        coordinates = try call.ints("ngram_indexes")
        try call.require(
            !coordinates.isEmpty && coordinates.allSatisfy { $0 >= 0 && $0 < Shape.maximalCount },
            "ngram_indexes holds coordinates of at least 0")
        let (least, most) = (try call.int("min_gram_length"), try call.int("max_gram_length"))
        try call.require(least >= 1 && least <= most, "n-grams have \(least) to \(most) items")
        lengths = least...most
        maximalSkip = try call.int("max_skip_count")
        try call.require(maximalSkip >= 0, "max_skip_count is at least 0, not \(maximalSkip)")
        let mode = try call.string("mode")
        try call.require(["TF", "IDF", "TFIDF"].contains(mode), "mode is TF, IDF or TFIDF, not \(mode)")
        cutsCounts = mode == "IDF"
        let given = try call.optionalFloats("weights") ?? []
        weights = mode == "TF" || given.isEmpty ? nil : given
        try call.require(
            given.isEmpty || given.count == coordinates.count,
            "there are \(given.count) weights for \(coordinates.count) n-grams")
        try plant(pool, starts: try call.ints("ngram_counts"), call)
    }

    /// Puts the n-grams of the wanted lengths into the tree; of equal ones the last counts.
    private mutating func plant(_ pool: [Item], starts: [Int], _ call: OperatorCall) throws(GraphError) {
        var ngram = 0
        for (index, start) in starts.enumerated() {
            let (length, end) = (index + 1, index + 1 < starts.count ? starts[index + 1] : pool.count)
            try call.require(
                start >= 0 && start <= end && end <= pool.count && (end - start) % length == 0,
                "ngram_counts \(starts.prefix(8)) does not divide a pool of \(pool.count) items into n-grams")
            for first in stride(from: start, to: end, by: length) {
                try call.require(
                    ngram < coordinates.count, "the pool has more n-grams than ngram_indexes has coordinates")
                if lengths.contains(length) { plant(pool[first..<first + length], ngram) }
                ngram += 1
            }
        }
    }

    private mutating func plant(_ items: ArraySlice<Item>, _ ngram: Int) {
        var place = 0
        for item in items {
            if let next = branches[place].next[item] {
                place = next
            } else {
                branches.append(Branch())
                branches[place].next[item] = branches.count - 1
                place = branches.count - 1
            }
        }
        branches[place].ngram = ngram
    }

    func counts(
        of items: [Item], _ shape: Shape, _ call: OperatorCall, _ graph: inout GraphBuilder
    ) throws -> [GraphValue] {
        try call.require(shape.rank <= 2, "takes [items] or [rows, items], not \(shape)")
        let width = (coordinates.max() ?? 0) + 1
        let (rows, length) = (shape.rank == 2 ? shape[0] : 1, shape.extents.last ?? 1)
        let type = TensorType(.float32, try Shape(checking: shape.rank == 2 ? [rows, width] : [width]))
        // The sums are doubles.
        try graph.requireRoom(toMake: TensorType(.float64, type.shape), name: call.schema.name)
        try call.require(
            items.count <= Self.workLimit / (min(maximalSkip, length) + 1),
            "\(items.count) items with up to \(maximalSkip) skipped are more than it looks at")
        var sums = [Double](repeating: 0, count: type.shape.count)
        for row in 0..<rows {
            count(items[row * length..<(row + 1) * length], into: &sums, from: row * width)
        }
        return [.tensor(graph.constant(HostTensor(type, doubles: sums)))]
    }

    private func count(_ items: ArraySlice<Item>, into sums: inout [Double], from base: Int) {
        var found: [Int: Int] = [:]
        for distance in 1...min(maximalSkip, items.count) + 1 {
            for start in items.indices {
                var (place, item, length) = (0, start, 0)
                while item < items.endIndex, let next = branches[place].next[items[item]] {
                    place = next
                    length += 1
                    // Single items are the same at every distance.
                    if let ngram = branches[place].ngram, length > 1 || distance == 1 {
                        found[ngram, default: 0] += 1
                    }
                    item += distance
                }
            }
        }
        for (ngram, count) in found {
            sums[base + coordinates[ngram]] += Double(cutsCounts ? 1 : count) * (weights?[ngram] ?? 1)
        }
    }
}
