import AcceleratorAPI
import CPUBackend
import DeviceConformance
import Essentials
import Testing

private let quick = TrialSettings(soak: .milliseconds(100), isQuick: true)

@Suite("Cases of the kit", .timeLimit(.minutes(10)))
struct DeviceCaseTests {
    /// Load cases need a process that nobody has started the backend in; `heng conform device` gives them one.
    ///
    /// So do those that look at the whole process or device, since other tests use both at the same time.
    static let ownCases = DeviceCases.all.filter { given in
        !given.needsFreshProcess && given.level != .performance
            && !["robustness/soak/leaks", "robustness/errors/storm", "robustness/sticky/device"].contains(
                given.id)
    }

    @Test(arguments: ownCases.map(\.id))
    func `the CPU device passes what it claims`(id: String) throws {
        let given = try #require(DeviceCases.named(id))
        let report = unsafe DeviceCaseRunner(PlantedFault.target(of: cpu), settings: quick).run(given)

        switch report.outcome {
        case .pass, .unsupported: break
        // There is no second process in a test of one.
        case .notRun: #expect(id == "runtime/process/peer")
        default: Issue.record("\(report.outcome)")
        }
    }

    @Test func `most cases have something to check on the CPU device`() throws {
        let runner = unsafe DeviceCaseRunner(PlantedFault.target(of: cpu), settings: quick)
        let passed = Self.ownCases.filter { $0.level == .runtime }.count { runner.run($0).outcome == .pass }
        #expect(passed >= 70, "\(passed)")
    }

    @Test(arguments: PlantedFault.all)
    func `a planted fault is found by the case that looks for it`(fault: PlantedFault) throws {
        let given = try #require(DeviceCases.named(fault.caught))

        let report = DeviceCaseRunner(fault.target, settings: quick).run(given)

        #expect(report.outcome.word == .fail, "\(report.outcome)")
        #expect(report.outcome.reason?.isEmpty == false)
    }

    @Test func `a getter that serves every version is found`() throws {
        let table = unsafe PlantedFault.target(of: cpu)
        let target = unsafe KitTarget(name: "any", index: 0) { _ in unsafe table.getter(1) }
        let given = try #require(DeviceCases.named("load/getter/version"))
        #expect(DeviceCaseRunner(target).run(given).outcome.word == .fail)
    }

    @Test func `there are at least twenty-five different faults`() {
        #expect(Set(PlantedFault.all.map(\.name)).count >= 45)
        #expect(Set(PlantedFault.all.map(\.caught)).count >= 25)
    }

    @Test func `names are unique, stable in form, and named after their level`() {
        let names = DeviceCases.all.map(\.id)
        #expect(Set(names).count == names.count)
        for given in DeviceCases.all {
            #expect(given.id.hasPrefix("\(given.level.prefix)/"), "\(given.id)")
            #expect(given.id.allSatisfy { $0.isLowercase || $0.isNumber || "-/".contains($0) }, "\(given.id)")
            #expect(!given.title.isEmpty && !given.title.hasSuffix("."))
            #expect(given.clauses.allSatisfy { (1...66).contains($0) })
        }
    }
}
