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
        commandName: "conform-device-worker", abstract: "Runs cases of the kit that it reads from standard input.",
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
        let program = WorkerProgram(path: try ownProgram(), arguments: Array(CommandLine.arguments.dropFirst()))
        let settings = TrialSettings(
            soak: .milliseconds(Int64((soak * 1000).rounded())), isQuick: quick,
            peer: { KitPeer.passes(program) })
        let runner = Result { DeviceCaseRunner(try target(), settings: settings) }
        var operators: OperatorWorker?
        try WorkerLoop.serve { (given: KitCase) -> KitReport in
            do {
                let runner = try runner.get()
                if given.name == KitDescription.caseName { return try describe(runner) }
                if let known = DeviceCases.named(given.name) { return runner.run(known) }
                let worker = try operators ?? operatorWorker()
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
        description.backend = try found().backend.name
        try report.tell(description)
        return report
    }

    private func target() throws -> KitTarget {
        if let plugin { return try KitTarget(library: plugin, index: UInt32(clamping: index)) }
        let (backend, index) = try found()
        return unsafe KitTarget(name: id, index: UInt32(clamping: index), getter: backend.getter)
    }

    /// The compiled-in backend that is meant; asking for a device by its id wakes all of them up.
    private func found() throws -> (backend: Backend, index: Int) {
        if let backend {
            guard let known = Backends.all.first(where: { $0.name == backend }) else {
                throw Failure("There is no backend \(backend).", exitCode: .setupMissing)
            }
            return (known, index)
        }
        for backend in Backends.all {
            // A backend that does not start has no device that could be meant.
            let devices = (try? DeviceRegistry.shared.devices(of: backend, checked: false)) ?? []
            if let index = devices.firstIndex(where: { $0.id.description == device }) { return (backend, index) }
        }
        throw Failure(
            "There is no device \(device ?? id).", nextStep: "`heng devices` lists them.", exitCode: .setupMissing)
    }

    private func operatorWorker() throws -> OperatorWorker {
        let backend: Backend
        let place: Int
        if let plugin {
            let target = try KitTarget(library: plugin, index: UInt32(clamping: index))
            (backend, place) = (unsafe Backend(name: plugin, getter: target.getter), index)
        } else {
            (backend, place) = try found()
        }
        let devices = try DeviceRegistry.shared.devices(of: backend, checked: false)
        guard devices.indices.contains(place) else { throw Failure("There is no device \(place) of \(backend.name).") }
        let device = devices[place]
        return OperatorWorker(
            device: device, kernels: try Backends.kernels(for: device), registry: ModelSetup.allOperators)
    }
}
