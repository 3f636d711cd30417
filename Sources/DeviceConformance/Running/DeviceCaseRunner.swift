package import AcceleratorAPI
internal import CHengAccelerator
internal import Essentials

/// Runs cases on the bare table in this process.
package final class DeviceCaseRunner {
    let target: KitTarget
    private let settings: TrialSettings
    private var opened: Result<(rig: Rig, facts: DeviceFacts), CaseEnd>?

    package init(_ target: KitTarget, settings: TrialSettings = TrialSettings()) {
        self.target = target
        self.settings = settings
    }

    /// Runs one case, and says how it ended.
    package func run(_ given: DeviceCase) -> KitReport {
        let start = TimePoint.monotonicNow()
        var report = KitReport(outcome: .pass)
        do {
            switch given.body {
            case .load(let body): try body(LoadTrial(target))
            case .device(let body): try run(given, body, &report)
            }
        } catch { report.outcome = outcome(of: error, given) }
        report.seconds = (TimePoint.monotonicNow() - start).inSeconds
        return report
    }

    private func run(
        _ given: DeviceCase, _ body: (Trial) throws -> Void, _ report: inout KitReport
    ) throws {
        let (shared, facts) = try device().get()
        guard facts.capabilities.isSuperset(of: given.needs) else {
            let missing = given.needs.subtracting(facts.capabilities)
            let names = DeviceCapabilities.names.filter { missing.contains($0.capability) }.map(\.name)
            report.outcome = .unsupported("The device does not claim: \(names.joined(separator: ", ")).")
            return
        }
        // A rig of its own, so that what one case's calls broke is not another's.
        let trial = unsafe Trial(
            Rig(shared.functions, device: shared.device), facts: facts, settings: settings)
        let result = Result { try body(trial) }
        trial.finish()
        report.measurements = trial.measurements
        try result.get()
        if let flaw = trial.rig.broken.first { throw CaseEnd.failed(flaw) }
    }

    private func outcome(of error: any Error, _ given: DeviceCase) -> CaseOutcome {
        switch error {
        case CaseEnd.failed(let sentence): return .fail(sentence)
        case CaseEnd.notRun(let sentence): return .notRun(sentence)
        case CaseEnd.absent(let sentence):
            // What is required or claimed must be there; what need not be claimed may be missing.
            let mayBeMissing = given.needs.isEmpty && (given.isOptional || given.group != nil)
            return mayBeMissing ? .unsupported(sentence) : .fail(sentence)
        case CaseEnd.outside(let sentence): return .unsupported(sentence)
        case let error as any ReportableError: return .fail(error.summary)
        default: return .fail("\(error)")
        }
    }

    /// The initialized device, opened once.
    private func device() -> Result<(rig: Rig, facts: DeviceFacts), CaseEnd> {
        if let opened { return opened }
        let result = Result { () throws(CaseEnd) in try open() }
        opened = result
        return result
    }

    private func open() throws(CaseEnd) -> (rig: Rig, facts: DeviceFacts) {
        do {
            let rig = try LoadTrial(target).openedShared()
            var raw = unsafe DeviceCases.emptyDescription()
            try unsafe rig.describe(&raw).done()
            return unsafe (rig, DeviceFacts(raw))
        } catch let end as CaseEnd {
            throw end
        } catch { throw CaseEnd.failed("The device cannot be opened: \(error).") }
    }

    /// The device as other parts of ours use it, on the same table; its cases and theirs share what is initialized.
    package func sharedDevice() throws -> Device {
        do {
            let (rig, _) = try device().get()
            guard let handle = unsafe rig.device.raw else { throw CaseEnd.failed("There is no device.") }
            return try unsafe Device(
                table: DeviceTable(owning: rig.functions), handle: handle, index: Int(target.index))
        } catch CaseEnd.failed(let sentence), CaseEnd.absent(let sentence), CaseEnd.outside(let sentence),
            CaseEnd.notRun(let sentence)
        {
            throw Failure("The device \(target.name) cannot be opened. \(sentence)")
        }
    }

    /// What the device says of itself and which operators it lists; throws a sentence where it cannot be opened.
    package func description() throws -> (facts: DeviceFacts, operators: [OfferedOperator]?) {
        do {
            let (rig, facts) = try device().get()
            return (facts, try rig.operators())
        } catch CaseEnd.failed(let sentence), CaseEnd.absent(let sentence), CaseEnd.outside(let sentence),
            CaseEnd.notRun(let sentence)
        {
            throw Failure("The device \(target.name) cannot be opened. \(sentence)")
        }
    }
}

extension LoadTrial {
    /// As `opened`, where others of this process may have initialized the library already.
    fileprivate func openedShared() throws -> Rig {
        let rig = try rig()
        let answer = rig.initialize()
        if answer.code != DeviceError.Code.repeatedInitialize.rawValue { try answer.done() }
        let device = try rig.deviceGet(target.index).made()
        return try unsafe Rig(table(), device: device)
    }
}
