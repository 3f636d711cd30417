internal import AcceleratorAPI
internal import Essentials

/// A simulated device, or a part of one.
///
/// Everything that changes, here and in all objects of the device, is guarded by its monitor; a part shares that
/// of the whole. Functions expect it to be held unless they say otherwise.
@safe final class SimulatedDevice: SimulatedObject, @unchecked Sendable {
    static let kindName = "a device"

    let settings: SimulatedSettings
    let monitor: Monitor
    /// The device that this one is a part of.
    let parent: SimulatedDevice?
    /// What is true of the machine, one for a device and all its parts.
    let machine: Machine
    let texts: DeviceTexts
    var contexts: [SimulatedContext] = []
    var madeContexts = 0
    /// Bytes that contexts hold, parts' included.
    var reserved = 0
    /// Compute units lent to parts.
    var lentUnits = 0
    var isReleased = false
    /// Objects that a fault kept alive.
    var leakedStreams = 0
    var leakedEvents = 0

    init(_ settings: SimulatedSettings, number: Int) {
        self.settings = settings
        monitor = Monitor()
        parent = nil
        machine = Machine(settings)
        texts = DeviceTexts(settings, number: number, part: nil)
    }

    init(partOf parent: SimulatedDevice, _ settings: SimulatedSettings) {
        self.settings = settings
        monitor = parent.monitor
        self.parent = parent
        machine = parent.machine
        machine.parts += 1
        texts = DeviceTexts(settings, number: parent.texts.number, part: machine.parts)
    }

    var name: String { settings.name }
    var isVirtual: Bool { settings.time == .virtual }
    var streams: [SimulatedStream] { contexts.flatMap(\.streams) }

    /// Bytes that could still be reserved.
    var free: Int {
        let own = settings.memory.bytes - reserved
        return parent.map { min(own, $0.free) } ?? own
    }

    func reserve(_ bytes: Int) {
        reserved += bytes
        parent?.reserve(bytes)
    }

    func require(_ capability: DeviceCapabilities, _ operation: String) throws(DeviceError) {
        guard settings.capabilities.contains(capability) else {
            throw DeviceError(
                .unsupported, operation: operation, text: "The device \(name) does not offer \(operation).")
        }
    }
}

/// What a device and its parts share: the clock, the health, the script of faults, the lanes.
@safe final class Machine: @unchecked Sendable {
    // Unchecked: guarded by the monitor of the device.
    let isVirtual: Bool
    /// The monotonic clock when the device's own clock was 0.
    let base = monotonicNanoseconds()
    var script: FaultScript
    var streams: [SimulatedStream] = []
    var parts = 0
    /// The virtual clock as the host has come to know it.
    private var known: Int64 = 0
    var lost: Sticky?
    var health = Health()
    /// When each lane is free again.
    var lanes: [Int64]
    var lanesInUse = 0

    init(_ settings: SimulatedSettings) {
        isVirtual = settings.time == .virtual
        script = FaultScript(settings.faults)
        lanes = Array(repeating: 0, count: settings.lanes)
    }

    /// What status reports beyond counts.
    struct Health {
        var corrected = 0
        var uncorrected = 0
        /// Something that a person should look at: repaired errors, slow work.
        var isDegraded = false
        var lastError: DeviceError.Code?
        /// How long work has run, in sum, and what of that was reported already.
        var busy: Int64 = 0
        var reportedBusy: Int64 = 0
        var reportedAt: Int64 = 0
    }

    /// The device's clock.
    var now: Int64 { isVirtual ? known : monotonicNanoseconds() - base }

    /// Turns the virtual clock forward.
    func advance(to time: Int64) { known = max(known, time) }

    /// A time of the device on the monotonic clock.
    func hostTime(_ time: Int64) -> Int64 { base + time }
}

/// An error that stays, and whether the host has come as far as its time.
///
/// Work runs ahead of the virtual clock. What goes wrong at a later time is not seen before the clock gets there,
/// so that a program meets the same errors in every run.
struct Sticky {
    var error: DeviceError
    var time: Int64
    var isSeen: Bool
}
