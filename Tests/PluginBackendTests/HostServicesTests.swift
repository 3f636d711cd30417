import CHengAccelerator
import PluginBackend
import Synchronization
import TestSupport
import Testing

/// Counts how often each index was given to a loop's body.
private final class Visits: Sendable {
    let counts = Mutex<[Int]>([])
    let grains = Mutex<Set<UInt64>>([])

    init(_ count: Int) { counts.withLock { $0 = [Int](repeating: 0, count: count) } }
}

@Suite("Services for plugins")
struct HostServicesTests {
    @Test(arguments: [(0, 1), (1, 1), (1, 0), (1000, 1), (1000, 7), (1000, 1000), (1000, 5000)])
    func `a loop visits every index once, in pieces of the grain`(count: Int, grain: Int) throws {
        let services = unsafe HostServices.make(for: "test")
        let visits = Visits(count)
        let loop = unsafe try #require(services.pointee.parallel_for)

        unsafe loop(
            nil, UInt64(count), UInt64(grain),
            { argument, begin, end in
                guard let argument = unsafe argument else { return }
                let visits = unsafe Unmanaged<Visits>.fromOpaque(argument).takeUnretainedValue()
                visits.counts.withLock { for index in begin..<end { $0[Int(index)] += 1 } }
                visits.grains.withLock { _ = $0.insert(end - begin) }
            }, Unmanaged.passUnretained(visits).toOpaque())

        #expect(visits.counts.withLock { $0 } == [Int](repeating: 1, count: count))
        #expect(visits.grains.withLock { $0.allSatisfy { $0 <= max(1, grain) } })
    }

    @Test func `a message is one line, whatever it holds`() {
        #expect(HostServices.line("a", 1, 0, "two\nlines\u{1B}[31m") == "heng: a: warning: two lines [31m\n")
        #expect(HostServices.line("a", 0, 7, "text") == "heng: a: error: text (work 7)\n")
        #expect(HostServices.line("a", 99, 0, "") == "heng: a: level 99: \n")
        #expect(HostServices.line("a", 3, 0, String(repeating: "x", count: 5000)).count < 1100)
    }
}
