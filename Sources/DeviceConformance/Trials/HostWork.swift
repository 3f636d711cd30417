internal import CHengAccelerator
internal import Essentials
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#endif

/// What host functions of a case wrote down, in the order in which they ran.
final class HostLog: Sendable {
    private let entries = Mutex<[UInt64]>([])

    var values: [UInt64] { entries.withLock { $0 } }
    func add(_ value: UInt64) { entries.withLock { $0.append(value) } }
}

/// A door that holds a stream until the case opens it, or ten seconds have passed.
final class Gate: Sendable {
    private let isOpen = Atomic<Bool>(false)
    private let begun = Atomic<Bool>(false)
    private let left = Atomic<Bool>(false)

    var hasBegun: Bool { begun.load(ordering: .acquiring) }
    var hasLeft: Bool { left.load(ordering: .acquiring) }
    func open() { isOpen.store(true, ordering: .releasing) }

    func pass() {
        begun.store(true, ordering: .releasing)
        let deadline = TimePoint.monotonicNow() + .seconds(10)
        while !isOpen.load(ordering: .acquiring), TimePoint.monotonicNow() < deadline { usleep(200) }
        left.store(true, ordering: .releasing)
    }
}

/// What a host function calls in the table while it runs.
final class HostCall: Sendable {
    private let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    func run() { body() }
}

/// A host function and its argument bytes.
///
/// The objects that it names must live until it has run; a trial keeps them.
@safe struct HostWork: @unchecked Sendable {
    // Unchecked: functions never change.
    var plain: heng_host_function?
    var fallible: heng_fallible_host_function?
    var bytes: [UInt8]

    /// Adds a value to a log.
    static func note(_ value: UInt64, in log: HostLog) -> HostWork {
        unsafe HostWork(plain: noteFunction, words: [address(log), value])
    }

    /// Adds the sum of all argument bytes and their alignment to a log: `size` bytes of arguments in all.
    static func sum(in log: HostLog, size: Int) -> HostWork {
        var work = unsafe HostWork(plain: sumFunction, words: [address(log), UInt64(size)])
        work.bytes += (0..<max(0, size - 16)).map { UInt8(truncatingIfNeeded: $0 * 7 + 3) }
        return work
    }

    static func hold(_ gate: Gate) -> HostWork {
        unsafe HostWork(plain: holdFunction, words: [address(gate)])
    }

    static func call(_ call: HostCall) -> HostWork {
        unsafe HostWork(plain: callFunction, words: [address(call)])
    }

    /// Returns a code of its own.
    static func returning(_ code: Int32) -> HostWork {
        unsafe HostWork(fallible: returnFunction, words: [UInt64(UInt32(bitPattern: code))])
    }

    /// Runs for so many milliseconds.
    static func sleep(milliseconds: UInt64) -> HostWork {
        unsafe HostWork(plain: sleepFunction, words: [milliseconds])
    }

    /// Does nothing, without arguments.
    static var nothing: HostWork { unsafe HostWork(plain: nothingFunction, words: []) }

    private init(
        plain: heng_host_function? = nil, fallible: heng_fallible_host_function? = nil, words: [UInt64]
    ) {
        unsafe self.plain = unsafe plain
        unsafe self.fallible = unsafe fallible
        bytes = words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> ($0 * 8)) } }
    }

    private static func address(_ object: some AnyObject) -> UInt64 {
        unsafe UInt64(UInt(bitPattern: Unmanaged.passUnretained(object).toOpaque()))
    }
}

private func word(_ arguments: UnsafeRawPointer?, _ index: Int) -> UInt64 {
    unsafe arguments?.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self) ?? 0
}

private func object<Object: AnyObject>(_ arguments: UnsafeRawPointer?, _ type: Object.Type) -> Object? {
    guard let place = unsafe UnsafeRawPointer(bitPattern: UInt(word(arguments, 0))) else { return nil }
    return unsafe Unmanaged<Object>.fromOpaque(place).takeUnretainedValue()
}

nonisolated(unsafe) private let noteFunction: heng_host_function = { arguments in
    unsafe object(arguments, HostLog.self)?.add(word(arguments, 1))
}

nonisolated(unsafe) private let sumFunction: heng_host_function = { arguments in
    let size = unsafe Int(word(arguments, 1))
    var sum: UInt64 = 0
    if let arguments = unsafe arguments, size > 16 {
        let rest = unsafe UnsafeRawBufferPointer(start: arguments + 16, count: size - 16)
        sum = unsafe rest.reduce(0) { $0 &* 31 &+ UInt64($1) }
    }
    let log = unsafe object(arguments, HostLog.self)
    log?.add(sum)
    log?.add(UInt64(UInt(bitPattern: arguments) % 16))
}

nonisolated(unsafe) private let holdFunction: heng_host_function = { arguments in
    unsafe object(arguments, Gate.self)?.pass()
}

nonisolated(unsafe) private let callFunction: heng_host_function = { arguments in
    unsafe object(arguments, HostCall.self)?.run()
}

nonisolated(unsafe) private let returnFunction: heng_fallible_host_function = { arguments in
    unsafe Int32(bitPattern: UInt32(truncatingIfNeeded: word(arguments, 0)))
}

nonisolated(unsafe) private let sleepFunction: heng_host_function = { arguments in
    let end = TimePoint.monotonicNow() + .milliseconds(Int64(clamping: unsafe word(arguments, 0)))
    while TimePoint.monotonicNow() < end { usleep(500) }
}

nonisolated(unsafe) private let nothingFunction: heng_host_function = { _ in }
