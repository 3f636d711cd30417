/// One case of the kit, as the plan has it and as a worker process gets it.
package struct KitCase: WorkerCase, Hashable {
    /// Unique among all cases: `runtime/copy/unaligned`, `operators/onnx/as-is/test_relu`.
    package var name: String
    package var level: Level
    package var title: String
    /// The requirements that it speaks to: 33 for R280-33.
    package var clauses: [Int]
    package var needsFreshProcess: Bool
    /// What else the worker must know of it, in a form of its own.
    package var work: String?
    /// The operators and types that it checks, where they are known before it runs.
    package var cells: [OperatorCell]
    /// The case runs once on each of these numbers of threads, and must give the same bits; empty for one plain run.
    package var threads: [Int]
    /// The case runs on the device and on these others, and must give the same bits.
    package var devices: [String]

    package init(
        name: String, level: Level, title: String, clauses: [Int] = [], needsFreshProcess: Bool = false,
        work: String? = nil, cells: [OperatorCell] = [], threads: [Int] = [],
        devices: [String] = []
    ) {
        self.name = name
        self.level = level
        self.title = title
        self.clauses = clauses
        self.needsFreshProcess = needsFreshProcess
        self.work = work
        self.cells = cells
        self.threads = threads
        self.devices = devices
    }

    /// What graphs leave behind is their own; the bare table's objects may be anything after a failure.
    package var endsProcessByFailing: Bool { work == nil }

    package init(_ given: DeviceCase) {
        self.init(
            name: given.id, level: given.level, title: given.title, clauses: given.clauses,
            needsFreshProcess: given.needsFreshProcess)
    }
}

/// An operator in the version of its operator set that a case's model is written for.
package struct OperatorVersion: Codable, Hashable, Sendable {
    /// With its domain where that is not ONNX's own: `ai.heng.Frobnicate`.
    package var name: String
    package var version: Int

    package init(name: String, version: Int) {
        self.name = name
        self.version = version
    }
}

/// An operator on an element type: a cell of the report's matrix.
package struct OperatorCell: Codable, Hashable, Sendable, Comparable {
    /// With its domain where that is not ONNX's own: `ai.heng.Frobnicate`.
    package var operatorName: String
    /// As ONNX spells it: `float32`.
    package var type: String

    package init(operatorName: String, type: String) {
        self.operatorName = operatorName
        self.type = type
    }

    package static func < (left: OperatorCell, right: OperatorCell) -> Bool {
        (left.operatorName, left.type) < (right.operatorName, right.type)
    }

    private enum CodingKeys: String, CodingKey {
        case operatorName = "operator"
        case type
    }
}
