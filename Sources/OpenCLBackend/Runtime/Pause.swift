#if canImport(Glibc)
internal import Glibc
#endif

enum Pause {
    static func microseconds(_ count: UInt32) { _ = usleep(count) }
}
