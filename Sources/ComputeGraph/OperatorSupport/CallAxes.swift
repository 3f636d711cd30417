extension OperatorCall {
    /// The axis counted from the front, of a tensor of so many axes; a negative one counts from the back.
    func axis(_ axis: Int, rank: Int) throws(GraphError) -> Int {
        try require(axis >= -rank && axis < rank, "axis \(axis) is not in a tensor of \(rank) axes")
        return axis < 0 ? axis + rank : axis
    }
}
