internal import AcceleratorAPI
internal import ArgumentParser
internal import Backends
internal import Conformance
internal import DeviceConformance
internal import Essentials
internal import ModelRunning

/// What `heng conform device` and its kin start to run cases; not for people.
struct ConformDeviceWorkerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "conform-device-worker",
        abstract: "Runs cases of the kit that it reads from standard input.",
        shouldDisplay: false)

    @Option var device: String?
    @Option var backend: String?
    @Option var plugin: String?
    @Option var index = 0
    @Option var id = ""
    @Option var soak = 2.0
    @Flag var quick = false

    func run() throws {
        try WorkerLoop.confine(memory: nil)
        let program = WorkerProgram(
            path: try ownProgram(), arguments: Array(CommandLine.arguments.dropFirst()))
        let settings = TrialSettings(
            soak: .milliseconds(Int64((soak * 1000).rounded())), isQuick: quick,
            peer: { KitPeer.passes(program) })
        // A library may end this process while it is loaded: that must be the first case's affair.
        var opened: DeviceCaseRunner?
        var operators: OperatorWorker?
        try WorkerLoop.serve { (given: KitCase) -> KitReport in
            do {
                let runner = try opened ?? DeviceCaseRunner(try target(), settings: settings)
                opened = runner
                if given.name == KitDescription.caseName { return try describe(runner) }
                if let known = DeviceCases.named(given.name) { return runner.run(known) }
                let worker = try operators ?? operatorWorker(runner)
                operators = worker
                return worker.run(given)
            } catch {
                return KitReport(outcome: .fail((error as? any ReportableError)?.summary ?? "\(error)"))
            }
        }
    }

    private func describe(_ runner: DeviceCaseRunner) throws -> KitReport {
        var report = runner.describe(as: id)
        guard device != nil, var description = try? KitDescription(report) else { return report }
        let (origin, place) = try found()
        (description.backend, description.index) = (origin.backend.name, place)
        try report.tell(description)
        return report
    }

    private func target() throws -> KitTarget {
        if let plugin { return try KitTarget(library: plugin, index: UInt32(clamping: index)) }
        let (origin, index) = try found()
        let backend = CheckingLayer.isRequested ? CheckingLayer.wrap(origin.backend) : origin.backend
        return unsafe KitTarget(
            name: id, index: UInt32(clamping: index), library: origin.library, getter: backend.getter)
    }

    /// The backend that is meant, compiled in or of a plugin; asking for a device by its id wakes them up.
    private func found() throws -> (origin: Backends.Origin, index: Int) {
        if let backend {
            guard let origin = Backends.origin(named: backend) else {
                throw Failure("There is no backend \(backend).", exitCode: .setupMissing)
            }
            return (origin, index)
        }
        var inventory = Backends.Inventory()
        let device = try Backends.firstDevice(checked: false, noting: &inventory) {
            $0.id.description == self.device
        }
        guard let device, let found = Backends.origin(of: device) else {
            throw Failure(
                "There is no device \(self.device ?? id).", nextStep: "`heng devices` lists them.",
                exitCode: .setupMissing)
        }
        return found
    }

    private func operatorWorker(_ runner: DeviceCaseRunner) throws -> OperatorWorker {
        let device = try runner.sharedDevice()
        return OperatorWorker(
            device: device, kernels: try Backends.kernels(for: device), registry: ModelSetup.allOperators)
    }
}
