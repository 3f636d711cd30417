package import Essentials

#if canImport(Glibc)
internal import Glibc
#endif

/// What the kernel says about others using this machine's processors, counted since boot or process start.
///
/// Two readings around a run give its `HostContention`.
package struct ContentionReading: Equatable, Sendable {
    /// The moment of the reading on the monotonic clock.
    package var moment: TimePoint
    /// Time in which at least one runnable thread of the machine waited for a processor (PSI `cpu some`).
    package var pressure: Reading<Duration>
    /// Time that the hypervisor gave to other guests, summed over processors.
    package var steal: Reading<Duration>
    /// How often this process was taken off a processor although it could run on.
    package var involuntarySwitches: Reading<Int>
    /// Page faults of this process that needed input or output.
    package var majorFaults: Reading<Int>
    package var processorCount: Int

    package init(
        moment: TimePoint, pressure: Reading<Duration>, steal: Reading<Duration>,
        involuntarySwitches: Reading<Int>, majorFaults: Reading<Int>, processorCount: Int
    ) {
        self.moment = moment
        self.pressure = pressure
        self.steal = steal
        self.involuntarySwitches = involuntarySwitches
        self.majorFaults = majorFaults
        self.processorCount = processorCount
    }

    /// Reads the machine now; what it does not offer carries the reason.
    package static func now() -> ContentionReading {
        var usage = rusage()
        let usageStatus = unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        func fromUsage(_ value: Int) -> Reading<Int> {
            usageStatus == 0 ? .available(value) : .unavailable(reason: "getrusage failed: errno \(errno)")
        }
        return ContentionReading(
            moment: .monotonicNow(),
            pressure: parsed("/proc/pressure/cpu", pressureTotal),
            steal: parsed("/proc/stat") { stealTime(in: $0, ticksPerSecond: sysconf(Int32(_SC_CLK_TCK))) },
            involuntarySwitches: fromUsage(usage.ru_nivcsw), majorFaults: fromUsage(usage.ru_majflt),
            processorCount: max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))))
    }

    private static func parsed(_ path: String, _ parse: (String) -> Duration?) -> Reading<Duration> {
        switch readKernelFile(path) {
        case .unavailable(let reason): .unavailable(reason: reason)
        case .available(let text):
            if let value = parse(text) {
                .available(value)
            } else {
                .unavailable(reason: "\(path) has no such field")
            }
        }
    }

    /// The total of the `some` line of a pressure file, which counts microseconds.
    package static func pressureTotal(in text: String) -> Duration? {
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("some ") }),
            let field = line.split(separator: " ").first(where: { $0.hasPrefix("total=") }),
            let microseconds = Int64(field.dropFirst("total=".count))
        else { return nil }
        return .microseconds(microseconds)
    }

    /// The eighth count of the `cpu` line of `/proc/stat`, which is in clock ticks.
    package static func stealTime(in text: String, ticksPerSecond: Int) -> Duration? {
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("cpu ") }) else {
            return nil
        }
        let fields = line.split(separator: " ")
        guard fields.count > 8, let ticks = Double(fields[8]), ticksPerSecond > 0 else { return nil }
        return .seconds(ticks / Double(ticksPerSecond))
    }
}

/// How far others disturbed a run: the difference of two readings.
package struct HostContention: Equatable, Sendable {
    package var elapsed: Duration
    /// The part of the run, 0 to 1, in which some runnable thread of the machine waited; our own count too.
    package var pressureShare: Reading<Double>
    /// The part of all processors' time, 0 to 1, that other guests of the hypervisor took.
    package var stealShare: Reading<Double>
    package var involuntarySwitches: Reading<Int>
    package var majorFaults: Reading<Int>

    package init(from start: ContentionReading, to end: ContentionReading) {
        let seconds = max((end.moment - start.moment).inSeconds, 1e-9)
        elapsed = end.moment - start.moment
        pressureShare = combine(start.pressure, end.pressure) { ($1 - $0).inSeconds / seconds }
        stealShare = combine(start.steal, end.steal) {
            ($1 - $0).inSeconds / seconds / Double(end.processorCount)
        }
        involuntarySwitches = combine(start.involuntarySwitches, end.involuntarySwitches) { $1 - $0 }
        majorFaults = combine(start.majorFaults, end.majorFaults) { $1 - $0 }
    }
}

private func combine<Value, Outcome>(
    _ first: Reading<Value>, _ second: Reading<Value>, _ body: (Value, Value) -> Outcome
) -> Reading<Outcome> {
    switch (first, second) {
    case (.available(let first), .available(let second)): .available(body(first, second))
    case (.unavailable(let reason), _), (_, .unavailable(let reason)): .unavailable(reason: reason)
    }
}

/// The text of a small file that the kernel makes up on reading, or why it cannot be read.
package func readKernelFile(_ path: String, limit: Int = 1 << 20) -> Reading<String> {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return .unavailable(reason: "\(path): \(systemMessage(errno))") }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while bytes.count < limit {
        let count = unsafe chunk.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
        if count < 0 && errno == EINTR { continue }
        guard count >= 0 else { return .unavailable(reason: "\(path): \(systemMessage(errno))") }
        if count == 0 { break }
        bytes += chunk[..<count]
    }
    return .available(String(decoding: bytes, as: UTF8.self))
}

/// The system's own words for an error number.
package func systemMessage(_ number: Int32) -> String {
    unsafe String(cString: strerror(number))
}
