extension [Double] {
    /// Adds `factor * source[first + i * step]` to the element at `start + i`, for each i below `count`.
    ///
    /// The loop under matrix products and convolutions. Bounds are checked once, so that it runs as fast as plain
    /// loops do and large models can be checked against their references.
    mutating func add(
        _ factor: Double, times source: [Double], from first: Int, step: Int, count: Int, at start: Int
    ) {
        guard count > 0 else { return }
        precondition(start >= 0 && start + count <= self.count, "the sum leaves its target")
        precondition(
            first >= 0 && step > 0 && first + (count - 1) * step < source.count, "the sum leaves its source")
        unsafe source.withUnsafeBufferPointer { source in
            unsafe withUnsafeMutableBufferPointer { target in
                if step == 1 {
                    for index in 0..<count { unsafe target[start + index] += factor * source[first + index] }
                } else {
                    for index in 0..<count {
                        unsafe target[start + index] += factor * source[first + index * step]
                    }
                }
            }
        }
    }

    /// The `rows` x `columns` matrix from `first` on, with rows and columns swapped.
    func transposedMatrix(from first: Int, rows: Int, columns: Int) -> [Double] {
        var result = [Double](repeating: 0, count: rows * columns)
        for row in 0..<rows {
            for column in 0..<columns { result[column * rows + row] = self[first + row * columns + column] }
        }
        return result
    }
}
