internal import CHengAccelerator
internal import Essentials

/// Why a use of an operator is not taken: one of HENG_REFUSAL_..., the input it is about, and a sentence.
struct Refusal: Error {
    var reason: Int
    var argument: Int = -1
    var text: String
}

/// A tensor as an operator's description tells of it.
struct TensorFacts: Sendable {
    var type: Int32
    var dims: [Int]
    /// The numbers, where they are known, whole and few.
    var integers: [Int]?
    /// The numbers, where they are known, real and few.
    var reals: [Double]?

    var rank: Int { dims.count }
    var count: Int { dims.reduce(1, *) }
    var elementSize: Int { ElementTypes.size(type) }
    var bytes: Int { count * elementSize }
}

/// Element types that our kernels know.
enum ElementTypes {
    static let float32: Int32 = 1
    static let int32: Int32 = 6
    static let int64: Int32 = 7
    static let bool: Int32 = 9
    static let float64: Int32 = 11

    /// Types that are computed with as real numbers.
    static let reals: Set<Int32> = [1, 10, 16, 11]
    static let integers: Set<Int32> = [2, 3, 4, 5, 6, 7, 12, 13]
    static let numbers = reals.union(integers)
    static let movable = numbers.union([9])

    static func size(_ type: Int32) -> Int { Int(heng_type_size(type)) }
    /// The bytes of what a kernel computes with for that type.
    static func valueSize(_ type: Int32) -> Int { type == 10 || type == 16 ? 4 : size(type) }
    /// The bytes of what a kernel adds up in.
    static func sumSize(_ type: Int32, hasDouble: Bool) -> Int {
        reals.contains(type) ? (hasDouble || type == float64 ? 8 : 4) : 8
    }

    static func name(_ type: Int32) -> String {
        let names: [Int32: String] = [
            1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64", 8: "string",
            9: "bool", 10: "float16", 11: "float64", 12: "uint32", 13: "uint64", 16: "bfloat16",
        ]
        return names[type] ?? "element type \(type)"
    }
}

/// One use of an operator, as a value: what the description of the C table says, checked.
struct OperatorUse {
    enum Attribute: Sendable {
        case integers([Int])
        case reals([Double])
        case text(String)
        case other
    }

    var name: String
    var version: Int
    var determinism: Int
    var accumulation: Int
    var inputs: [TensorFacts?]
    /// What the caller says the outputs are; nil for one left out.
    var outputs: [TensorFacts?]
    /// Which outputs the caller wants, whether or not it knows their shapes.
    var wanted: [Bool]
    var attributes: [String: Attribute]
    var hasDouble: Bool
    var isCPU: Bool

    /// Whether the version is that or a later one; 0 is the newest.
    func isVersion(_ number: Int) -> Bool { version == 0 || version >= number }

    func wants(_ index: Int) -> Bool { index < wanted.count && wanted[index] }

    func has(_ index: Int) -> Bool { index < inputs.count && inputs[index] != nil }

    func input(_ index: Int) throws(Refusal) -> TensorFacts {
        guard index < inputs.count, let tensor = inputs[index] else {
            throw Refusal(
                reason: HENG_REFUSAL_OTHER, argument: index, text: "\(name) lacks its input \(index).")
        }
        return tensor
    }

    /// An input of one of those types.
    func input(_ index: Int, of types: Set<Int32>) throws(Refusal) -> TensorFacts {
        let tensor = try input(index)
        guard types.contains(tensor.type), hasDouble || tensor.type != ElementTypes.float64 else {
            throw Refusal(
                reason: HENG_REFUSAL_TYPE, argument: index,
                text: "\(name) does not take \(ElementTypes.name(tensor.type)) on this device.")
        }
        return tensor
    }

    /// An input of the same type as another.
    func input(_ index: Int, like first: TensorFacts) throws(Refusal) -> TensorFacts {
        let tensor = try input(index)
        guard tensor.type == first.type else {
            throw Refusal(
                reason: HENG_REFUSAL_TYPE, argument: index,
                text: "\(name) takes inputs of one type, not \(ElementTypes.name(first.type)) and "
                    + "\(ElementTypes.name(tensor.type)).")
        }
        return tensor
    }

    /// Whole numbers that have to be known when the operator is prepared.
    func constantIntegers(_ index: Int) throws(Refusal) -> [Int] {
        guard let numbers = try input(index).integers else {
            throw Refusal(
                reason: HENG_REFUSAL_CONSTANT, argument: index,
                text: "Input \(index) of \(name) has to be constant, because it makes a shape.")
        }
        return numbers
    }

    func constantReal(_ index: Int) throws(Refusal) -> Double {
        let tensor = try input(index)
        guard let number = tensor.reals?.first ?? tensor.integers?.first.map({ Double($0) }) else {
            throw Refusal(
                reason: HENG_REFUSAL_CONSTANT, argument: index,
                text: "Input \(index) of \(name) has to be constant on this device.")
        }
        return number
    }
}

// MARK: - Attributes

extension OperatorUse {
    func integer(_ key: String) -> Int? {
        switch attributes[key] {
        case .integers(let values): values.first
        case .reals(let values): values.first.map { Int($0) }
        default: nil
        }
    }

    func integers(_ key: String) -> [Int]? {
        if case .integers(let values) = attributes[key] { values } else { nil }
    }

    func real(_ key: String) -> Double? {
        switch attributes[key] {
        case .reals(let values): values.first
        case .integers(let values): values.first.map { Double($0) }
        default: nil
        }
    }

    func text(_ key: String) -> String? {
        if case .text(let value) = attributes[key] { value } else { nil }
    }

    /// The axes of an operator that has them as an attribute or, in later versions, as an input; nil for none given.
    func axes(input index: Int) throws(Refusal) -> [Int]? {
        if let axes = integers("axes") { return axes }
        return has(index) ? try constantIntegers(index) : nil
    }

    /// An axis from 0 on.
    func axis(_ axis: Int, rank: Int) throws(Refusal) -> Int {
        let axis = axis < 0 ? axis + rank : axis
        guard axis >= 0, axis < rank else {
            throw Refusal(
                reason: HENG_REFUSAL_ATTRIBUTE, text: "\(name) has an axis beyond the \(rank) there are.")
        }
        return axis
    }

    func refuse(_ reason: Int, _ text: String, argument: Int = -1) -> Refusal {
        Refusal(reason: reason, argument: argument, text: "\(name) \(text)")
    }
}
