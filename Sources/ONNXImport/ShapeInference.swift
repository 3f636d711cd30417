package import ComputeGraph
internal import Essentials

/// The open extents of a model's inputs, by name.
///
/// An extent without a name of its own is called after its input and axis: `x.0`.
package struct OpenDimensions: Sendable {
    package let names: [String]
    private let inputs: [ModelValue]

    package init(of model: ONNXModel) {
        inputs = model.inputs.filter { !model.optionalInputs.contains($0.name) }
        var names: [String] = []
        for input in inputs {
            for (axis, extent) in (input.type?.extents ?? []).enumerated() where extent == nil {
                let name = input.dimensionName(axis)
                if !names.contains(name) { names.append(name) }
            }
        }
        self.names = names
    }

    /// The inputs' types with every open extent chosen.
    package func types(_ extents: [String: Int]) throws -> [String: TensorType] {
        var types: [String: TensorType] = [:]
        for input in inputs {
            guard case .tensor(let element, let shape?) = input.type else {
                throw ONNXError.wrongInput(
                    name: input.name,
                    reason: "is \(input.type?.description ?? "of no declared type"), which says no shape")
            }
            var known: [Int] = []
            for (axis, extent) in shape.enumerated() {
                let name = input.dimensionName(axis)
                guard let extent = extent ?? extents[name] else {
                    throw ONNXError.wrongInput(
                        name: input.name,
                        reason: "has the open extent \(name); choose it with --dimension \(name)=N")
                }
                known.append(extent)
            }
            guard let shape = try? Shape(checking: known) else {
                throw ONNXError.wrongInput(
                    name: input.name, reason: "has extents that are no shape: \(known)")
            }
            types[input.name] = TensorType(element, shape)
        }
        return types
    }
}

extension ModelValue {
    fileprivate func dimensionName(_ axis: Int) -> String {
        dimensionNames[axis].flatMap { $0.isEmpty ? nil : $0 } ?? "\(name).\(axis)"
    }
}

extension ValueType {
    fileprivate var extents: [Int?]? {
        guard case .tensor(_, let shape) = self else { return nil }
        return shape
    }
}

/// The shapes of a model's outputs as formulas in the open extents of its inputs.
///
/// The graph is built for a few choices of the extents, and a formula is what agrees with all of them: a number, a
/// sum `a*n + b` in one extent, or a product of extents and a number. An extent that none fits is shown as `?`. The
/// choices are coprime and one more than a formula needs, so that a wrong one is found out.
package struct InferredShapes: Sendable {
    /// For each output, its element type and the formulas of its extents; none where an output is no tensor.
    package let outputs: [(name: String, element: ElementType, extents: [String])]

    package init(of model: ONNXModel) throws {
        let open = OpenDimensions(of: model)
        let names = Array(open.names.prefix(Self.mostNames))
        let probes = Self.probes(names, open.names)
        let results = try probes.map { probe in try model.graph(for: open.types(probe)) }
        // A sequence is as many tensors as it happens to have.
        guard results.allSatisfy({ $0.outputs.count == model.outputs.count }) else {
            outputs = []
            return
        }
        outputs = model.outputs.indices.map { index in
            let types = results.map { $0.type(of: $0.outputs[index]) }
            let shape = types[0].shape
            let hasOneRank = types.allSatisfy { $0.shape.rank == shape.rank }
            let extents = (0..<(hasOneRank ? shape.rank : 0)).map { axis in
                Self.formula(types.map { $0.shape[axis] }, probes, names) ?? "?"
            }
            return (model.outputs[index].name, types[0].element, hasOneRank ? extents : ["..."])
        }
    }

    /// Formulas have no other names than the first so many, because each takes two more graphs.
    private static let mostNames = 16

    /// One base choice, two more for each name alone, and one where all differ.
    private static func probes(_ names: [String], _ allNames: [String]) -> [[String: Int]] {
        let primes = [11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53]
        let base = Dictionary(
            uniqueKeysWithValues: allNames.enumerated().map { ($1, primes[$0 % primes.count]) })
        var probes = [base]
        for name in names {
            probes.append(base.merging([name: 61]) { $1 })
            probes.append(base.merging([name: 67]) { $1 })
        }
        if !names.isEmpty { probes.append(base.mapValues { $0 + 60 }) }
        return probes
    }

    private static func formula(_ found: [Int], _ probes: [[String: Int]], _ names: [String]) -> String? {
        if Set(found).count == 1 { return "\(found[0])" }
        for name in names {
            let at = probes.map { $0[name] ?? 0 }
            guard let other = at.firstIndex(where: { $0 != at[0] }) else { continue }
            let (rise, run) = (found[other] - found[0], at[other] - at[0])
            guard rise % run == 0 else { continue }
            let factor = rise / run
            let rest = found[0] - factor * at[0]
            if zip(at, found).allSatisfy({ factor * $0 + rest == $1 }) {
                let product = factor == 1 ? name : "\(factor)*\(name)"
                return rest == 0 ? product : "\(product)\(rest < 0 ? "-" : "+")\(abs(rest))"
            }
        }
        return productFormula(found, probes, names)
    }

    private static func productFormula(
        _ found: [Int], _ probes: [[String: Int]], _ names: [String]
    ) -> String? {
        // The names whose change alone changes the extent.
        let taking = names.enumerated().filter { found[1 + 2 * $0.offset] != found[0] }.map(\.element)
        guard taking.count > 1 else { return nil }
        let products = probes.map { probe in taking.reduce(1) { $0.saturatingProduct(probe[$1] ?? 1) } }
        guard found[0] % products[0] == 0 else { return nil }
        let factor = found[0] / products[0]
        guard zip(products, found).allSatisfy({ factor.saturatingProduct($0) == $1 }) else { return nil }
        return ((factor == 1 ? [] : ["\(factor)"]) + taking).joined(separator: "*")
    }
}
