/// What is measured: something that answers queries.
///
/// The generator knows nothing else of it, neither model nor device, and so cannot favour any.
package protocol SystemUnderTest: Sendable {
    var name: String { get }

    /// Begins to answer a query of one or more samples, and returns soon.
    ///
    /// Each sample is answered by one call to `completions`, from any thread and in any order, also during this
    /// call. The span is gone when the call returns. A thrown error counts as the answer to every sample of the
    /// query that has none, and makes the run invalid.
    func issue(_ query: Span<QuerySample>, completions: Completions) throws

    /// Tells that no further query comes, so that half-filled batches start now.
    func flush()
}

extension SystemUnderTest {
    package func flush() {}
}

/// One input of a query.
package struct QuerySample: Equatable, Sendable {
    /// Names this request in the answer; each is used once in a run.
    package var id: Int
    /// The input's place in the sample library.
    package var index: Int32

    package init(id: Int, index: Int32) {
        self.id = id
        self.index = index
    }
}

/// The inputs, brought into memory before the clock runs.
package protocol SampleLibrary: Sendable {
    var name: String { get }
    /// How many samples there are.
    var count: Int { get }
    /// How many of them fit into memory at once; between 1 and `count`.
    var loadableCount: Int { get }

    /// Makes these samples ready; not timed.
    func load(_ indices: [Int32]) throws
    func unload(_ indices: [Int32])
}

/// A library whose samples need no loading.
package struct ResidentLibrary: SampleLibrary {
    package let name: String
    package let count: Int
    package var loadableCount: Int { count }

    package init(name: String, count: Int) {
        precondition(count > 0, "a sample library holds at least one sample")
        self.name = name
        self.count = count
    }

    package func load(_ indices: [Int32]) {}
    package func unload(_ indices: [Int32]) {}
}

/// A system that answers at once: what is left of a run is the generator's own cost.
package struct NullSystem: SystemUnderTest {
    package let name = "null"

    package init() {}

    package func issue(_ query: Span<QuerySample>, completions: Completions) {
        for index in query.indices { completions.complete(Response(id: query[index].id)) }
    }
}
