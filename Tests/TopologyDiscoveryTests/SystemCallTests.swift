import CLinux
import Essentials
import Glibc
import HardwareTopology
import Synchronization
import TestSupport
import Testing
import TopologyDiscovery

@Suite("System calls of CLinux")
struct SystemCallTests {
    @Test(arguments: [true, false])
    func `a wait ends at once when the word has changed, and in time when nobody wakes it`(isShared: Bool) {
        var word: UInt32 = 3

        #expect(unsafe clinux_futex_wait(&word, 2, -1, isShared) == -EAGAIN)
        #expect(unsafe clinux_futex_wait(&word, 3, 1000, isShared) == -ETIMEDOUT)
        #expect(unsafe clinux_futex_wake(&word, 1, isShared) == 0)
    }

    @Test(.timeLimit(.minutes(10)))
    func `a sleeper is woken through another mapping of the same memory file`() throws {
        let file = unsafe clinux_memory_file("heng-test", UInt32(CLINUX_MEMORY_FILE_CLOSE_ON_EXEC))
        try #require(file >= 0 && ftruncate(file, 4096) == 0)
        defer { close(file) }
        let here = try #require(SharedWord(file: file))
        let there = try #require(SharedWord(file: file))
        var sleeper = pthread_t()
        try #require(unsafe pthread_create(&sleeper, nil, sleepWhileZero, here.address) == 0)

        // Zero means that it does not sleep yet; one, that it was found asleep through the other mapping.
        while unsafe clinux_futex_wake(there.address, 1, true) == 0 { clinux_cpu_pause() }
        there.store(1)
        unsafe clinux_futex_wake(there.address, 1, true)

        #expect(pthread_join(sleeper, nil) == 0)
    }

    @Test func `pages move to the node they are told, and are reported there`() throws {
        let node = try #require(try Topology.discover().numaNodes.first { !$0.cpus.isEmpty }).osIndex
        let buffer = try NUMABuffer(size: .mebibytes(4), policy: .firstTouch, isTouched: true)
        let count = (4 << 20) / PagePlacement.pageSize
        var results = [Int32](repeating: -1, count: count)

        let left = unsafe clinux_move_pages(
            0, buffer.base, PagePlacement.pageSize, count, Int32(node), &results)

        #expect(left == 0)
        #expect(results.allSatisfy { $0 == Int32(node) })
        #expect(try buffer.placement().pagesOnNode == [node: count])
    }
}

/// Sleeps as long as the word at the address is zero.
private func sleepWhileZero(_ address: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let word = unsafe address?.assumingMemoryBound(to: Atomic<UInt32>.self) else { return nil }
    while unsafe word.pointee.load(ordering: .acquiring) == 0 {
        _ = unsafe clinux_futex_wait(word, 0, -1, true)
    }
    return nil
}

/// The first word of a file, in a mapping of its own.
@safe private final class SharedWord {
    let address: UnsafeMutableRawPointer

    init?(file: Int32) {
        let mapped = unsafe mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0)
        guard let mapped = unsafe mapped, unsafe mapped != MAP_FAILED else { return nil }
        unsafe address = mapped
    }

    deinit { unsafe munmap(address, 4096) }

    func store(_ value: UInt32) {
        unsafe address.assumingMemoryBound(to: Atomic<UInt32>.self).pointee.store(value, ordering: .releasing)
    }
}
