internal import Essentials
internal import Foundation
internal import ONNXFormat
internal import SwiftProtobuf

/// A case that was changed until it may be wrong in any way.
package struct Mutant: Sendable {
    /// Its place in the endless list of mutants of a seed.
    package var index: Int
    package var changed: ModelCase
    /// What was done, for people.
    package var changes: [String]
}

/// An endless list of mutants: the same cases and seed give the same list on every machine.
package struct MutantList: Sendable {
    private let cases: [ModelCase]
    private let seed: UInt64

    package init(of cases: [ModelCase], seed: UInt64) {
        precondition(!cases.isEmpty, "mutants are made of cases")
        self.cases = cases
        self.seed = seed
    }

    package subscript(index: Int) -> Mutant {
        var random = SeededGenerator(seed: seed, purpose: "mutant \(index)")
        let original = cases[random.below(cases.count)]
        let other = cases[random.below(cases.count)]
        var mutant = Mutant(index: index, changed: original, changes: [])
        for _ in 0...[0, 0, 0, 1, 1, 2, 4][random.below(7)] {
            switch random.below(20) {
            case 0...1:
                let mutation = ByteMutation.allCases[random.below(ByteMutation.allCases.count)]
                mutation.apply(to: &mutant.changed.model, other: other.model, &random)
                mutant.changes.append("\(mutation) \(other.name)")
            case 2...11: mutant.changeModel(other, &random)
            default: mutant.changeInput(&random)
            }
        }
        return mutant
    }
}

extension Mutant {
    fileprivate mutating func changeModel(_ other: ModelCase, _ random: inout SeededGenerator) {
        guard var model = try? ProtoModel(serializedBytes: changed.model),
            let otherModel = try? ProtoModel(serializedBytes: other.model)
        else { return }
        let mutation = ModelMutation.allCases[random.below(ModelMutation.allCases.count)]
        mutation.apply(to: &model, other: otherModel, &random)
        changes.append("\(mutation) \(other.name)")
        if let bytes: [UInt8] = try? model.serializedBytes() { changed.model = bytes }
    }

    /// Changes the value of an input; mostly the model then declares what is given, so that it gets to its nodes.
    fileprivate mutating func changeInput(_ random: inout SeededGenerator) {
        let given = changed.inputs.indices.filter { changed.inputs[$0] != nil }
        guard let index = random.pick(given), var bytes = changed.inputs[index] else { return }
        if random.isOne(in: 20) {
            let mutation = ByteMutation.allCases[random.below(ByteMutation.allCases.count)]
            mutation.apply(to: &bytes, other: changed.model, &random)
            changes.append("\(mutation) of input \(index)")
        } else if var tensor = try? ProtoTensor(serializedBytes: bytes) {
            let choices = random.isOne(in: 10) ? TensorMutation.allCases : TensorMutation.honest
            let mutation = choices[random.below(choices.count)]
            mutation.apply(to: &tensor, &random)
            changes.append("\(mutation) of input \(index)")
            if let changed: [UInt8] = try? tensor.serializedBytes() { bytes = changed }
            if !random.isOne(in: 10) { declare(tensor, at: index) }
        }
        changed.inputs[index] = bytes
    }

    private mutating func declare(_ tensor: ProtoTensor, at index: Int) {
        guard var model = try? ProtoModel(serializedBytes: changed.model),
            model.graph.input.indices.contains(index), model.graph.input[index].type.hasTensorType
        else { return }
        model.graph.input[index].type.tensorType.elemType = tensor.dataType
        model.graph.input[index].type.tensorType.clearShape()
        if let bytes: [UInt8] = try? model.serializedBytes() { changed.model = bytes }
    }
}
