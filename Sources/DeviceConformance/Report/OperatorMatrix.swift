/// Which operators work on which element types, as the cases showed.
package struct OperatorMatrix: Sendable {
    package enum Cell: String, Sendable {
        /// All cases that check it pass.
        case pass
        /// Some pass, or something is outside the profile.
        case partial
        /// None passes, and one was executed.
        case fail
        /// Nothing was executed.
        case none
    }

    package let operators: [String]
    package let types: [String]
    private let cells: [OperatorCell: Cell]

    package init(_ results: [KitCaseResult]) {
        var verdicts: [OperatorCell: [Verdict]] = [:]
        for result in results {
            for cell in result.cells ?? [] { verdicts[cell, default: []].append(result.verdict) }
        }
        cells = verdicts.mapValues(Self.cell)
        operators = Set(verdicts.keys.map(\.operatorName)).sorted()
        let present = Set(verdicts.keys.map(\.type))
        types = ElementTypeNames.all.map(\.name).filter { present.contains($0) }
    }

    private static func cell(_ verdicts: [Verdict]) -> Cell {
        let executed = verdicts.filter(\.isExecuted)
        guard !executed.isEmpty else { return .none }
        if !executed.contains(.pass) { return .fail }
        return verdicts.allSatisfy { $0 == .pass || $0 == .excluded } ? .pass : .partial
    }

    package subscript(operatorName: String, type: String) -> Cell? {
        cells[OperatorCell(operatorName: operatorName, type: type)]
    }
}
