/// What a model from anywhere may take: a small file can ask for any amount of memory and time.
package struct ModelLimits: Sendable {
    /// In bytes, for all values that are held at once, and so for each of them.
    package var memory: Int
    /// Multiplications, additions and moved elements; one without a kernel counts as `referenceWeight`.
    package var operations: Int
    /// Calls of operators and functions, each turn of a loop counted.
    package var calls: Int

    /// The defaults leave room for hours of work: the largest models in use need less.
    package init(memory: Int = 1 << 36, operations: Int = 1 << 48, calls: Int = 1 << 24) {
        self.memory = memory
        self.operations = operations
        self.calls = calls
    }

    package static let none = ModelLimits(memory: .max, operations: .max, calls: .max)

    /// A reference implementation is about so many times slower than a kernel.
    package static let referenceWeight = 1024
    /// The bytes that a reference implementation uses for one element of an operand: a few lists of doubles.
    package static let referenceBytes = 24
    /// The bytes that a value of a graph takes beside its elements: its node, names and types.
    static let valueBytes = 512
    /// No shape of a model has more axes.
    package static let rank = 64
}

/// What a model has taken of its limits.
package struct ModelAccount: Sendable {
    package let limits: ModelLimits
    package private(set) var heldBytes = 0
    package private(set) var operations = 0
    package private(set) var calls = 0

    package init(_ limits: ModelLimits) { self.limits = limits }

    /// What is left for values.
    package var freeBytes: Int { max(0, limits.memory - heldBytes) }

    package mutating func hold(_ bytes: Int) { heldBytes = heldBytes.saturatingSum(bytes) }
    package mutating func release(_ bytes: Int) { heldBytes -= min(bytes, heldBytes) }

    /// Notes a call; throws where any limit has been passed.
    package mutating func call() throws(GraphError) {
        calls += 1
        guard calls <= limits.calls else { throw .limitPassed(.calls, limits.calls) }
        try check()
    }

    /// Notes that so much is about to be computed, by a kernel or by a reference implementation.
    package mutating func spend(_ count: Int, byReference: Bool = false) throws(GraphError) {
        let weight = byReference ? ModelLimits.referenceWeight : 1
        operations = operations.saturatingSum(count.saturatingProduct(weight))
        guard operations <= limits.operations else { throw .limitPassed(.operations, limits.operations) }
    }

    /// Throws where more is held than may be, or would be with so many bytes more.
    package func check(more bytes: Int = 0) throws(GraphError) {
        guard heldBytes.saturatingSum(bytes) <= limits.memory else {
            throw .limitPassed(.memory, limits.memory)
        }
    }
}

extension Int {
    /// The sum of two counts, or the largest number where it has no room.
    package func saturatingSum(_ other: Int) -> Int {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }

    /// The product of two counts, or the largest number where it has no room.
    package func saturatingProduct(_ other: Int) -> Int {
        let (product, overflow) = multipliedReportingOverflow(by: other)
        return overflow ? .max : product
    }
}

/// The product of counts; one beyond 2^60, which nobody ever computes, counts as that.
func operationCount(_ factors: Int...) -> Int { operationCount(factors) }

func operationCount(_ factors: [Int]) -> Int {
    factors.contains(0) ? 0 : min(1 << 60, factors.reduce(1) { $0.saturatingProduct($1) })
}

extension TensorType {
    /// The bytes of a tensor in host memory; for strings, those of empty ones.
    package var heldBytes: Int { element == .string ? shape.count * MemoryLayout<String>.size : byteCount }
}

extension HostTensor {
    /// The bytes that the tensor takes, its texts included.
    package var heldBytes: Int {
        // A string of up to 15 bytes lies in itself.
        strings.reduce(type.heldBytes) { $0 + ($1.utf8.count > 15 ? $1.utf8.count + 32 : 0) }
    }
}

extension Operator {
    /// What a run costs, as `ModelLimits.operations` counts.
    package func work(inputs: [TensorType], outputs: [TensorType]) -> Int {
        (inputs + outputs).reduce(floatingPointOperations(inputs: inputs, outputs: outputs)) {
            $0.saturatingSum($1.shape.count)
        }
    }
}

extension GraphBuilder {
    /// The bytes that no value may exceed.
    package var memoryLimit: Int { modelState?.account.limits.memory ?? .max }

    /// Notes a call of an operator or function; throws where the model has passed a limit.
    package mutating func noteCall() throws(GraphError) { try modelState?.account.call() }

    /// Notes work that an operator does by itself while the graph is built, beyond once over its operands.
    package mutating func spend(_ operations: Int) throws(GraphError) {
        try modelState?.account.spend(operations, byReference: true)
    }

    /// Refuses an output of an operator for which the limit leaves no room, before anybody allocates it.
    package func requireRoom(for type: TensorType, name: String) throws(GraphError) {
        guard let account = modelState?.account else { return }
        guard type.shape.rank <= ModelLimits.rank else {
            throw .failed(
                "The output of \(name) has \(type.shape.rank) axes, and there are at most \(ModelLimits.rank)."
            )
        }
        guard type.shape.isPossible else { throw .impossibleShape(type.shape.extents) }
        guard type.heldBytes <= account.limits.memory else {
            throw .tooLarge(name: "The output of \(name)", type: type, limit: account.limits.memory)
        }
        try account.check(more: type.heldBytes)
    }

    /// The same for a value that is computed while the graph is built, by way of lists of numbers.
    mutating func requireRoom(toMake type: TensorType, name: String) throws(GraphError) {
        try requireRoom(for: type, name: name)
        try noteReference(elements: type.shape.count, work: type.shape.count)
    }

    /// Notes that a reference implementation is about to run, and refuses where it has no room.
    mutating func noteReference(elements: Int, work: Int) throws(GraphError) {
        try modelState?.account.check(more: elements.saturatingProduct(ModelLimits.referenceBytes))
        try modelState?.account.spend(work, byReference: true)
    }
}
