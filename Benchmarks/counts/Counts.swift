// What the runtime itself costs: small programs, each with one question.
//
//   heng-counts                     host cost of a launch, cost of a fork and join
//   heng-counts instructions NAME   the same work once, a fixed number of times; see check.sh

import AcceleratorAPI
import CPUBackend
import Essentials
import Foundation

/// What is launched: the smallest operator there is.
private let nothing: @convention(c) (UnsafeRawPointer) -> Void = { _ in }

/// Below a stream's capacity, so that no launch of a batch waits for the device.
private let batch = 200

/// The part that is measured and counted; its name is how callgrind finds it.
@inline(never)
func submitBatch(_ stream: borrowing DeviceStream, _ count: Int) throws(DeviceError) {
    for index in 0..<count { unsafe try stream.launch(nothing, with: UInt64(index)) }
}

/// Records one event again and again; named like the other, so that one pattern finds both.
@inline(never)
func submitBatch(
    _ event: borrowing DeviceEvent, on stream: borrowing DeviceStream, _ count: Int
) throws(DeviceError) {
    for _ in 0..<count { try stream.record(event) }
}

@inline(never)
func joinOnce() { unsafe WorkerPool.shared.parallelFor(count: 64, grain: 1, context: nil) { _, _, _ in } }

private func firstDevice(_ backend: Backend) throws -> Device {
    guard let device = try DeviceRegistry.shared.devices(of: backend).first else {
        throw Failure("The backend \(backend.name) has no device.")
    }
    return device
}

/// Nanoseconds per launch of one batch, submission alone.
private func submissionCost(_ stream: borrowing DeviceStream) throws -> Double {
    let start = TimePoint.monotonicNow()
    try submitBatch(stream, batch)
    let end = TimePoint.monotonicNow()
    try stream.synchronize()
    return Double((end - start).nanoseconds) / Double(batch)
}

/// Nanoseconds per launch when the device has to keep up: many launches and the wait for the last.
private func sustainedCost(_ stream: borrowing DeviceStream) throws -> Double {
    let count = 20_000
    let start = TimePoint.monotonicNow()
    try submitBatch(stream, count)
    try stream.synchronize()
    return Double((TimePoint.monotonicNow() - start).nanoseconds) / Double(count)
}

private func summary(_ samples: [Double]) -> String {
    let sorted = samples.sorted()
    func at(_ share: Double) -> String { sorted[Int(Double(sorted.count - 1) * share)].formatted(digits: 0) }
    return "median \(at(0.5)), 5 % \(at(0.05)), 95 % \(at(0.95))"
}

private func measureLaunches() throws {
    let cpu = try firstDevice(CPUDevices.backend).makeContext()
    let null = try firstDevice(NullDevice.backend).makeContext()
    let cpuStream = try cpu.makeStream()
    let nullStream = try null.makeStream()
    var cpuSamples: [Double] = []
    var nullSamples: [Double] = []
    // Interleaved, so that a slow spell of the machine falls on both.
    for round in 0..<1_050 {
        let (one, other) = (try submissionCost(cpuStream), try submissionCost(nullStream))
        guard round >= 50 else { continue }
        cpuSamples.append(one)
        nullSamples.append(other)
    }
    let sustained = try (0..<20).map { _ in try sustainedCost(cpuStream) }
    print("launch on cpu, ns of the caller's time:    \(summary(cpuSamples))")
    print("launch on null, ns (the interface alone):  \(summary(nullSamples))")
    print("launch on cpu, ns until all have run:      \(summary(sustained))")
}

private func measureRecords() throws {
    let context = try firstDevice(NullDevice.backend).makeContext()
    let stream = try context.makeStream()
    let event = try context.makeEvent()
    let samples = try (0..<1_000).map { _ in
        let start = TimePoint.monotonicNow()
        try submitBatch(event, on: stream, batch)
        return Double((TimePoint.monotonicNow() - start).nanoseconds) / Double(batch)
    }
    print("event record on null, ns:                  \(summary(samples))")
}

private func measureForkJoin() {
    let samples = (0..<2_000).map { _ in
        let start = TimePoint.monotonicNow()
        joinOnce()
        return Double((TimePoint.monotonicNow() - start).nanoseconds)
    }
    print("fork and join of \(WorkerPool.shared.width) threads, ns:       \(summary(samples))")
}

private func countInstructions(_ name: String) throws {
    switch name {
    case "launch":
        let context = try firstDevice(CPUDevices.backend).makeContext()
        let stream = try context.makeStream()
        for _ in 0..<50 {
            try submitBatch(stream, batch)
            try stream.synchronize()
        }
    case "launch-null":
        let context = try firstDevice(NullDevice.backend).makeContext()
        let stream = try context.makeStream()
        for _ in 0..<50 { try submitBatch(stream, batch) }
    case "record-null":
        let context = try firstDevice(NullDevice.backend).makeContext()
        let stream = try context.makeStream()
        let event = try context.makeEvent()
        for _ in 0..<50 { try submitBatch(event, on: stream, batch) }
    default:
        throw Failure(
            "There is no count named \(name).", nextStep: "Known: launch, launch-null, record-null.",
            exitCode: .wrongUse)
    }
}

@main
enum Counts {
    static func main() {
        do {
            let arguments = CommandLine.arguments.dropFirst()
            if arguments.first == "instructions", let name = arguments.dropFirst().first {
                try countInstructions(name)
            } else {
                try measureLaunches()
                try measureRecords()
                measureForkJoin()
            }
        } catch {
            FileHandle.standardError.write(Data("\(error)\n".utf8))
            exit((error as? any ReportableError)?.exitCode.rawValue ?? ExitCode.executionFailed.rawValue)
        }
    }
}
