package import AcceleratorAPI
internal import Backends
package import Essentials
package import Results

/// What one process of a run does: the arguments of the hidden command `heng bench-worker`.
///
/// A run measures nothing in its own process: everything that computes is a job that the scheduler placed.
package enum Worker: Sendable {
    /// Measures the ceilings of the devices that this process may use.
    case ceilings(seconds: Double, answer: String)
    /// Generates a model, checks it against the reference, and leaves it in the cache.
    case prepare(model: String, tier: Tier, samples: Int, batch: Int, cache: String?, answer: String)
    /// Answers requests of the job's queue until it is closed.
    case serve(model: String, tier: Tier, samples: Int, batch: Int, cache: String?)
    /// Trains the digits, alone or as one of the job's ranks.
    case train(seed: UInt64, target: Double?, steps: Int?, answer: String)

    package func run() throws {
        switch self {
        case .ceilings(let seconds, let answer): try CeilingsWorker.run(seconds: seconds, answer: answer)
        case .prepare(let model, let tier, let samples, let batch, let cache, let answer):
            try PreparationWorker.run(
                model: model, tier: tier, samples: samples, batch: batch, cache: cache, answer: answer)
        case .serve(let model, let tier, let samples, let batch, let cache):
            try ReplicaWorker.run(model: model, tier: tier, samples: samples, batch: batch, cache: cache)
        case .train(let seed, let target, let steps, let answer):
            try TrainingWorker.run(seed: seed, target: target, steps: steps, answer: answer)
        }
    }
}

extension Worker {
    /// The memory quota of one process, some times what it was measured to need; none for ceilings, whose arrays grow
    /// with the machine's caches.
    var memory: ByteCount {
        switch self {
        case .ceilings: .zero
        case .prepare, .serve: .gibibytes(2)
        case .train: .mebibytes(512)
        }
    }

    /// The arguments after `heng bench-worker` that say the same.
    package var arguments: [String] {
        func option(_ name: String, _ value: String?) -> [String] { value.map { ["--\(name)", $0] } ?? [] }
        func modelOptions(_ model: String, _ tier: Tier, _ samples: Int, _ batch: Int) -> [String] {
            ["--model", model, "--tier", tier.rawValue, "--samples", "\(samples)", "--batch", "\(batch)"]
        }
        return switch self {
        case .ceilings(let seconds, let answer):
            ["ceilings", "--seconds", "\(seconds)", "--answer", answer]
        case .prepare(let model, let tier, let samples, let batch, let cache, let answer):
            ["prepare"] + modelOptions(model, tier, samples, batch) + ["--answer", answer]
                + option("cache", cache)
        case .serve(let model, let tier, let samples, let batch, let cache):
            ["serve"] + modelOptions(model, tier, samples, batch) + option("cache", cache)
        case .train(let seed, let target, let steps, let answer):
            ["train", "--seed", "\(seed)", "--answer", answer] + option("target", target.map { "\($0)" })
                + option("steps", steps.map { "\($0)" })
        }
    }
}

/// The first device of the process: a job is bound to one NUMA node, so there is one.
func ownDevice() throws -> Device {
    guard let device = try Backends.firstDevice() else {
        throw Failure("This process may use no device.", exitCode: .setupMissing)
    }
    try MeasuredDevices.check([(device.id, device.description)])
    return device
}

/// The devices that benchmarks measure: real ones only.
package enum MeasuredDevices {
    /// All devices of the process; refuses where one of them is simulated.
    package static func all() throws -> [Device] {
        let devices = try Backends.devices()
        try check(devices.map { ($0.id, $0.description) })
        return devices
    }

    /// The times of a simulated device are made up, so no figure may come from it.
    package static func check(_ devices: [(id: DeviceID, description: DeviceDescription)]) throws {
        guard let simulated = devices.first(where: \.description.isSimulated) else { return }
        throw Failure(
            "\(simulated.id) is a simulated device, and benchmarks measure only real ones.",
            nextStep: simulated.id.kind == "simdev"
                ? "Unset HENG_SIMDEV and run again." : "Take its plugin away and run again.",
            exitCode: .wrongUse)
    }
}

enum CeilingsWorker {
    static func run(seconds: Double, answer: String) throws {
        // Ceilings are measured by the CPU's kernels.
        let devices = try MeasuredDevices.all().filter { $0.description.isHostAddressable }
        let share = Duration.milliseconds(Int64(seconds * 1000)) / devices.count
        try WorkerAnswer.write(try devices.map { try Backends.ceilings(of: $0, budget: share) }, to: answer)
    }
}
