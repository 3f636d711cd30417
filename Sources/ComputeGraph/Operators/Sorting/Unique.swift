/// The elements that differ, or with an axis the slices, and where they lie.
///
/// All NaNs are one element, the largest.
package enum Unique: ModelOperator {
    package static let schema = OperatorSchema(
        "Unique", since: 11, "The elements or slices that differ.",
        inputs: [.required("X", [.numbers, .bool, .string], "any shape")],
        outputs: [
            .required("Y", [.numbers, .bool, .string], "each element or slice once"),
            .optional("indices", .int64, "where each of them lies first"),
            .optional("inverse_indices", .int64, "for each element or slice of X, which of them it is"),
            .optional("counts", .int64, "how often each of them is there"),
        ],
        attributes: [
            .int("axis", nil, "the axis of the slices; without it elements are compared, in row-major order"),
            .int("sorted", 1, "whether they are in order, or as they come first"),
        ])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        var data = try call.input(0)
        let axis = try call.optionalInt("axis")
        if axis == nil { data = try graph.reshaped(data, to: [graph.type(of: data).shape.count]) }
        let tensor = try graph.tensor(data)
        let place = try call.resolved(axis: axis ?? 0, rank: tensor.type.shape.rank)
        let slices = DistinctSlices(tensor, axis: place, areSorted: try call.flag("sorted"))
        let numbers = [slices.first, slices.inverse, slices.counts].map { list in
            graph.constant(HostTensor(.int64(list.count), integers: list.map(Int64.init)))
        }
        let distinct = try graph.addForAny(Gather(axis: place), [data, numbers[0]])
        return ([distinct] + numbers).map { .tensor($0) }
    }
}

/// The slices along an axis that differ.
private struct DistinctSlices {
    /// For each of them the first place where it lies.
    private(set) var first: [Int] = []
    /// For each slice, which of them it is.
    private(set) var inverse: [Int]
    private(set) var counts: [Int] = []

    init(_ tensor: HostTensor, axis: Int, areSorted: Bool) {
        let view = AxisView(tensor.type.shape, axis: axis)
        let keys = tensor.type.shape.count == 0 ? [] : tensor.orderKeys()
        func slice(_ place: Int) -> some Sequence<Int64> {
            (0..<(keys.isEmpty ? 0 : view.outer * view.inner)).lazy.map { element in
                keys[(element / view.inner * view.length + place) * view.inner + element % view.inner]
            }
        }
        func areEqual(_ left: Int, _ right: Int) -> Bool { slice(left).elementsEqual(slice(right)) }
        // Equal slices lie together then, the first one in front.
        let order = (0..<view.length).sorted { left, right in
            if slice(left).lexicographicallyPrecedes(slice(right)) { return true }
            return left < right && areEqual(left, right)
        }
        inverse = [Int](repeating: 0, count: view.length)
        for (rank, place) in order.enumerated() {
            if rank == 0 || !areEqual(order[rank - 1], place) {
                first.append(place)
                counts.append(0)
            }
            counts[counts.count - 1] += 1
            inverse[place] = first.count - 1
        }
        if !areSorted { keepOrderOfFirst() }
    }

    private mutating func keepOrderOfFirst() {
        let order = first.indices.sorted { first[$0] < first[$1] }
        var ranks = order
        for (rank, old) in order.enumerated() { ranks[old] = rank }
        first = order.map { first[$0] }
        counts = order.map { counts[$0] }
        inverse = inverse.map { ranks[$0] }
    }
}
