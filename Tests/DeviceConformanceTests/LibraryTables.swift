import AcceleratorAPI
import CHengAccelerator
import DeviceConformance
import Essentials
import Foundation
import Testing

/// The tables of libheng.so as this build made it, which is the only library with models and graphs.
@safe struct LibraryTables: @unchecked Sendable {
    // Unchecked: tables never change.
    let path: String
    let table: heng_accelerator_table
    let models: heng_model_table
    let graphs: heng_graph_table
    let kernels: heng_kernel_table
    let operators: heng_operator_table
    /// The device on which kernels of the caller's can be compiled; nil where there is none.
    let compiling: UInt32?

    /// Nil where the library was not built beside the tests, or cannot be loaded by other programs.
    static let shared: LibraryTables? = {
        guard ProcessInfo.processInfo.environment["HENG_SANITIZE"] != "1" else { return nil }
        let own = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let folder = URL(fileURLWithPath: own ?? CommandLine.arguments[0]).deletingLastPathComponent().path
        return LibraryTables(folder + "/libHengLibrary.so")
    }()

    private init?(_ path: String) {
        self.path = path
        guard let target = try? KitTarget(library: path, index: 0),
            let table = unsafe target.getter(HENG_ACCELERATOR_MAJOR)?.pointee
        else { return nil }
        func group<Table>(_ kind: Int, _ zero: Table) -> Table {
            var place: UnsafePointer<heng_header>?
            guard unsafe table.group?(UInt32(kind), &place, nil) == 0, let place = unsafe place else {
                return zero
            }
            let typed = unsafe UnsafeRawPointer(place).assumingMemoryBound(to: Table.self)
            return unsafe StructCrossing.read(typed, zero: zero) ?? zero
        }
        unsafe self.table = unsafe table
        unsafe models = unsafe group(HENG_KIND_MODEL_TABLE, heng_model_table())
        unsafe graphs = unsafe group(HENG_KIND_GRAPH_TABLE, heng_graph_table())
        unsafe kernels = unsafe group(HENG_KIND_KERNEL_TABLE, heng_kernel_table())
        unsafe operators = unsafe group(HENG_KIND_OPERATOR_TABLE, heng_operator_table())
        // The first case's runner initializes it; here it is needed earlier.
        guard (try? DeviceCaseRunner(target).description()) != nil else { return nil }
        compiling = unsafe Self.compilingDevice(table, kernels)
    }

    private static func compilingDevice(
        _ table: heng_accelerator_table, _ kernels: heng_kernel_table
    ) -> UInt32? {
        var count: UInt32 = 0
        guard unsafe table.device_count(&count, nil) == 0 else { return nil }
        return (0..<count).first { index in
            var device: OpaquePointer?
            var isTaken: UInt8 = 0
            return unsafe table.device_get(index, &device, nil) == 0
                && kernels.code_supported?(device, Int32(HENG_CODE_OPENCL_C), &isTaken, nil) == 0
                && isTaken == 1
        }
    }
}

/// The same tables where faults are called from: functions of C hold nothing themselves.
nonisolated(unsafe) let models = unsafe LibraryTables.shared?.models ?? heng_model_table()
nonisolated(unsafe) let graphs = unsafe LibraryTables.shared?.graphs ?? heng_graph_table()
nonisolated(unsafe) let kernels = unsafe LibraryTables.shared?.kernels ?? heng_kernel_table()
nonisolated(unsafe) let operators = unsafe LibraryTables.shared?.operators ?? heng_operator_table()
nonisolated(unsafe) let library = unsafe LibraryTables.shared?.table ?? heng_accelerator_table()

/// The groups that the library under test shows; one fault at a time stands in them.
@safe enum PlantedGroups {
    nonisolated(unsafe) static let models = unsafe place(heng_model_table())
    nonisolated(unsafe) static let graphs = unsafe place(heng_graph_table())
    nonisolated(unsafe) static let kernels = unsafe place(heng_kernel_table())
    nonisolated(unsafe) static let operators = unsafe place(heng_operator_table())

    private static func place<Table>(_ table: Table) -> UnsafeMutablePointer<Table> {
        let place = UnsafeMutablePointer<Table>.allocate(capacity: 1)
        unsafe place.initialize(to: table)
        return unsafe place
    }

    static func show(_ fault: GroupFault) -> KitTarget {
        unsafe models.pointee = unsafe DeviceConformanceTests.models
        unsafe graphs.pointee = unsafe DeviceConformanceTests.graphs
        unsafe kernels.pointee = unsafe DeviceConformanceTests.kernels
        unsafe operators.pointee = unsafe DeviceConformanceTests.operators
        fault.plant()
        var table = unsafe library
        unsafe table.group = { kind, place, error in
            switch Int(kind) {
            case HENG_KIND_MODEL_TABLE:
                unsafe place?.pointee = UnsafePointer(
                    UnsafeMutableRawPointer(PlantedGroups.models).assumingMemoryBound(to: heng_header.self))
            case HENG_KIND_GRAPH_TABLE:
                unsafe place?.pointee = UnsafePointer(
                    UnsafeMutableRawPointer(PlantedGroups.graphs).assumingMemoryBound(to: heng_header.self))
            case HENG_KIND_KERNEL_TABLE:
                unsafe place?.pointee = UnsafePointer(
                    UnsafeMutableRawPointer(PlantedGroups.kernels).assumingMemoryBound(to: heng_header.self))
            case HENG_KIND_OPERATOR_TABLE:
                unsafe place?.pointee = UnsafePointer(
                    UnsafeMutableRawPointer(PlantedGroups.operators).assumingMemoryBound(
                        to: heng_header.self))
            default: return unsafe library.group?(kind, place, error) ?? code(HENG_ERROR_UNSUPPORTED)
            }
            return 0
        }
        return unsafe PlantedFault.target(of: table, index: fault.device)
    }
}

/// A wrong function in a group of libheng.so, and the case that must notice.
@safe struct GroupFault: Sendable, CustomStringConvertible {
    var name: String
    var caught: String
    /// Which of the library's devices it is planted on.
    var device: UInt32 = 0
    let plant: @Sendable () -> Void
    var description: String { name }

    static func model(
        _ name: String, caughtBy caught: String,
        _ plant: @escaping @Sendable (inout heng_model_table) -> Void
    ) -> GroupFault {
        GroupFault(name: name, caught: "models/table/\(caught)") {
            unsafe plant(&PlantedGroups.models.pointee)
        }
    }

    static func graph(
        _ name: String, caughtBy caught: String,
        _ plant: @escaping @Sendable (inout heng_graph_table) -> Void
    ) -> GroupFault {
        GroupFault(name: name, caught: "models/graph/\(caught)") {
            unsafe plant(&PlantedGroups.graphs.pointee)
        }
    }

    static func kernel(
        _ name: String, caughtBy caught: String,
        _ plant: @escaping @Sendable (inout heng_kernel_table) -> Void
    ) -> GroupFault {
        GroupFault(
            name: name, caught: "runtime/kernel/\(caught)", device: LibraryTables.shared?.compiling ?? 0
        ) { unsafe plant(&PlantedGroups.kernels.pointee) }
    }
}

extension GroupFault {
    static func `operator`(
        _ name: String, caughtBy caught: String,
        _ plant: @escaping @Sendable (inout heng_operator_table) -> Void
    ) -> GroupFault {
        GroupFault(name: name, caught: "operators/table/\(caught)") {
            unsafe plant(&PlantedGroups.operators.pointee)
        }
    }
}

/// The number of a class, as a function of C returns it.
func code(_ value: Int) -> Int32 { Int32(value) }

private let quick = TrialSettings(soak: .milliseconds(100), isQuick: true)

@Suite(
    "Cases of groups", .serialized, .timeLimit(.minutes(10)),
    .enabled(if: LibraryTables.shared != nil, "libheng.so was not built here, or is sanitized"))
struct GroupCaseTests {
    /// All cases that need the group of models or that of graphs, and those of wishes for an operator's results.
    static let cases = DeviceCases.all.map(\.id).filter { id in
        ["models/table/", "models/graph/", "operators/table/determinism", "operators/table/accumulation"]
            .contains { id.hasPrefix($0) }
    }

    @Test(arguments: cases) func `libheng.so does what the header says`(id: String) throws {
        let given = try #require(DeviceCases.named(id))
        let target = try KitTarget(library: #require(LibraryTables.shared).path, index: 0)
        let report = DeviceCaseRunner(target, settings: quick).run(given)

        // No operator of the CPU fails while it runs.
        let expected: CaseOutcome.Word = id.hasPrefix("models/table/failure") ? .unsupported : .pass
        #expect(report.outcome.word == expected, "\(report.outcome)")
    }

    @Test(arguments: GroupFault.all)
    func `a fault in a group is found by the case that looks for it`(fault: GroupFault) throws {
        let given = try #require(DeviceCases.named(fault.caught))

        let report = DeviceCaseRunner(PlantedGroups.show(fault), settings: quick).run(given)

        #expect(report.outcome.word == .fail, "\(report.outcome)")
        #expect(report.outcome.reason?.isEmpty == false)
    }

    @Test(
        .enabled(if: LibraryTables.shared?.compiling != nil, "no device compiles OpenCL C"),
        arguments: GroupFault.ofKernels)
    func `a fault in the kernels is found by the case that looks for it`(fault: GroupFault) throws {
        let given = try #require(DeviceCases.named(fault.caught))

        let report = DeviceCaseRunner(PlantedGroups.show(fault), settings: quick).run(given)

        #expect(report.outcome.word == .fail, "\(report.outcome)")
    }

    @Test func `every one of these cases can fail`() {
        let caught = Set(GroupFault.all.map(\.caught))
        #expect(Self.cases.filter { !caught.contains($0) } == [])
        #expect(Set(GroupFault.all.map(\.name)).count == GroupFault.all.count)
    }
}
