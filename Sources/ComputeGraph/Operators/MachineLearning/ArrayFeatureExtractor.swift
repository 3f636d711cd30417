/// The named places of the last axis; from one axis it makes a row.
package enum ArrayFeatureExtractor: ModelOperator {
    package static let schema = OperatorSchema(
        "ArrayFeatureExtractor", domain: .machineLearning, "The elements at some places of the last axis.",
        inputs: [
            .required("X", [.features, .string], "at least one axis"),
            .required("Y", .int64, "places on the last axis of X, counted from 0"),
        ],
        outputs: [
            .required(
                "Z", [.features, .string],
                "X with one element for each of Y on the last axis; from [F] [1, n]")
        ])

    package static func build(_ call: OperatorCall, in graph: inout GraphBuilder) throws -> [GraphValue] {
        var (data, places) = (try call.input(0), try call.input(1))
        let type = graph.type(of: data)
        try call.require(type.shape.rank > 0, "takes a tensor of at least one axis, not \(type)")
        if type.element == .string {
            data = graph.constant(try graph.tensor(data))
            places = graph.constant(try graph.tensor(places))
        }
        if graph.isKnown(places) {
            let extent = type.shape[type.shape.rank - 1]
            for place in try graph.integers(places) where place < 0 || place >= extent {
                throw call.error("the last axis of \(type.shape) has no place \(place)")
            }
        }
        let count = graph.type(of: places).shape.count
        let flat = try graph.add(Reshape([count], allowsZero: true), [places])
        let found = try graph.add(Gather(axis: type.shape.rank - 1), [data, flat])
        guard type.shape.rank == 1 else { return [.tensor(found)] }
        return [.tensor(try graph.add(Reshape([1, count], allowsZero: true), [found]))]
    }
}
