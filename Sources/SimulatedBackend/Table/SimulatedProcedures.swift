internal import AcceleratorAPI
internal import CHengAccelerator

/// Functions beyond the header: faults that a program adds while it runs.
enum SimulatedProcedures {
    private typealias AddFault =
        @convention(c) (OpaquePointer?, UnsafePointer<CChar>?, ErrorPlace?) -> Int32
    private typealias ClearFaults = @convention(c) (OpaquePointer?, ErrorPlace?) -> Int32

    static func find(_ name: String) throws(DeviceError) -> @convention(c) () -> Void {
        switch name {
        case "heng_simdev_add_fault_1": unsafe unsafeBitCast(addFault, to: (@convention(c) () -> Void).self)
        case "heng_simdev_clear_faults_1":
            unsafe unsafeBitCast(clearFaults, to: (@convention(c) () -> Void).self)
        default:
            throw DeviceError(
                .unsupported, operation: "procedure", text: "Simulated devices have no function \(name).")
        }
    }

    /// Adds one entry, as a text in the form of the configuration's fault scripts.
    private static let addFault: AddFault = { device, text, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            guard let text = unsafe text else {
                throw invalid("heng_simdev_add_fault_1", "The text of the fault is null.")
            }
            let bytes = unsafe Array(String(cString: text).utf8)
            let fault = try FaultReader.read(ConfigurationField.root(of: bytes, source: "fault"))
            try unsafe SimulatedTable.with(device: device, "heng_simdev_add_fault_1") {
                $0.machine.script.add(fault)
            }
        }
    }

    private static let clearFaults: ClearFaults = { device, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            try unsafe SimulatedTable.with(device: device, "heng_simdev_clear_faults_1") {
                $0.machine.script.clear()
            }
        }
    }
}
