package import AcceleratorAPI
internal import Essentials

/// Something that a simulated device does wrong: at which calls, and what.
package struct Fault: Hashable, Sendable {
    /// Only calls of this function of the table; nil: of any.
    package var function: String?
    /// Only work with this correlation.
    package var correlation: UInt64?
    /// Only work of this operator.
    package var operatorName: String?
    /// Which of the calls that match.
    package var occurrence: Occurrence
    package var action: Action

    package init(
        function: String? = nil, correlation: UInt64? = nil, operatorName: String? = nil,
        _ occurrence: Occurrence = .always, _ action: Action
    ) {
        self.function = function
        self.correlation = correlation
        self.operatorName = operatorName
        self.occurrence = occurrence
        self.action = action
    }

    package enum Occurrence: Hashable, Sendable {
        case always
        /// The n-th call that matches, from 1.
        case call(Int)
        /// Each k-th call that matches.
        case every(Int)
        /// Calls drawn by chance, the same ones for the same seed.
        case random(probability: Double, seed: UInt64)
    }

    package enum Action: Hashable, Sendable {
        /// The call itself fails, and does nothing.
        case fail(DeviceError.Code, DeviceError.Scope)
        /// The work never ends by itself.
        case hang
        case loseDevice
        case wrongResult(Damage)
        /// The work is taken and fails when it has run.
        case lateError(DeviceError.Code, DeviceError.Scope)
        /// The work takes so many times as long.
        case slow(Double)
        /// The work meets memory that error correction cannot repair.
        case corruptMemory
        /// The work meets memory that error correction repairs, and counts.
        case repairMemory
        /// What is freed is not given back.
        case leak
    }

    /// How a result is wrong; places beyond its end wrap around.
    package enum Damage: Hashable, Sendable {
        case flip(byte: Int, bit: Int)
        /// Adds to an element of an operator's output; other results get a bit flipped in that place.
        case add(element: Int, amount: Double)
    }
}

extension Fault.Action {
    /// Whether it happens to work in a stream, after the call that submitted it returned.
    var isAboutWork: Bool {
        switch self {
        case .fail, .leak: false
        case .hang, .loseDevice, .wrongResult, .lateError, .slow, .corruptMemory, .repairMemory: true
        }
    }
}

/// A script of faults, and how far it has come.
struct FaultScript {
    private var entries: [Entry] = []

    private struct Entry {
        var fault: Fault
        var matches = 0
        var generator: SeededGenerator

        mutating func isDue() -> Bool {
            matches += 1
            switch fault.occurrence {
            case .always: return true
            case .call(let number): return matches == number
            case .every(let step): return matches % step == 0
            case .random(let probability, _): return generator.uniform() < probability
            }
        }
    }

    init(_ faults: [Fault]) { for fault in faults { add(fault) } }

    mutating func add(_ fault: Fault) {
        var seed: UInt64 = 0
        if case .random(_, let given) = fault.occurrence { seed = given }
        entries.append(Entry(fault: fault, generator: SeededGenerator(seed: seed)))
    }

    mutating func clear() { entries.removeAll() }
    var isEmpty: Bool { entries.isEmpty }
    var count: Int { entries.count }

    /// Counts a call and says what goes wrong with it, in the script's order.
    mutating func strike(_ function: String, correlation: UInt64, operatorName: String?) -> [Fault.Action] {
        var actions: [Fault.Action] = []
        for index in entries.indices
        where entries[index].fault.matches(function, correlation, operatorName) {
            if entries[index].isDue() { actions.append(entries[index].fault.action) }
        }
        return actions
    }
}

extension Fault {
    fileprivate func matches(_ function: String, _ correlation: UInt64, _ operatorName: String?) -> Bool {
        (self.function == nil || self.function == function)
            && (self.correlation == nil || self.correlation == correlation)
            && (self.operatorName == nil || self.operatorName == operatorName)
    }
}
