internal import CLinux
package import Essentials
internal import Glibc

/// Binding threads and processes to processing units, and asking the kernel how they are bound.
package enum Binding {
    /// The kernel's number of the calling thread, as in /proc/self/task.
    package static var currentThread: Int32 { clinux_thread_id() }

    /// The processing unit that runs the calling thread at this moment.
    package static var currentCPU: Int { Int(clinux_current_cpu()) }

    /// Confines the calling thread; threads and processes that it starts inherit that.
    package static func bindCurrentThread(to cpus: CPUSet) throws(BindingError) {
        try bind(thread: clinux_thread_id(), to: cpus)
    }

    /// Confines one thread of this or another process.
    package static func bind(thread: Int32, to cpus: CPUSet) throws(BindingError) {
        let units = cpus.units.map { Int32($0) }
        let status = unsafe clinux_set_affinity(thread, units, units.count)
        try check(status, "bind thread \(thread) to CPUs \(cpus)")
    }

    /// Confines every thread of a process, also those that its threads start meanwhile.
    ///
    /// Affinity belongs to threads, and a new one inherits from its starter. So this binds all that are listed
    /// until a look at the list finds no new one: whoever starts later was started by a bound one.
    package static func bind(process: Int32, to cpus: CPUSet) throws(BindingError) {
        var bound: Set<Int32> = []
        while true {
            let new = threads(of: process).subtracting(bound)
            guard !new.isEmpty else { break }
            for thread in new { try bindUnlessEnded(thread, of: process, to: cpus) }
            bound.formUnion(new)
        }
        guard !bound.isEmpty else {
            throw BindingError(attempt: "bind process \(process) to CPUs \(cpus)", code: ESRCH)
        }
    }

    private static func bindUnlessEnded(
        _ thread: Int32, of process: Int32, to cpus: CPUSet
    ) throws(BindingError) {
        do {
            try bind(thread: thread, to: cpus)
        } catch {
            // A thread other than the first may end at any time, and then needs no binding.
            guard error.code == ESRCH, thread != process else { throw error }
        }
    }

    /// The threads a process has now; none when it has ended.
    package static func threads(of process: Int32) -> Set<Int32> {
        guard let folder = unsafe opendir("/proc/\(process)/task") else { return [] }
        defer { unsafe closedir(folder) }
        var threads: Set<Int32> = []
        while let entry = unsafe readdir(folder) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { name in
                unsafe String(cString: UnsafeRawPointer(name).assumingMemoryBound(to: CChar.self))
            }
            if let thread = Int32(name) { threads.insert(thread) }
        }
        return threads
    }

    /// The processing units the kernel lets a thread run on; 0 is the calling thread.
    package static func affinity(ofThread thread: Int32 = 0) throws(BindingError) -> CPUSet {
        var capacity = 256
        while true {
            var units = [Int32](repeating: 0, count: capacity)
            let count = unsafe clinux_get_affinity(thread, &units, capacity)
            try check(count, "say where thread \(thread) may run")
            if Int(count) <= capacity { return CPUSet(units.prefix(Int(count)).map(Int.init)) }
            capacity = Int(count)
        }
    }

    /// Turns a negative errno of CLinux into an error.
    static func check(_ status: Int32, _ attempt: @autoclosure () -> String) throws(BindingError) {
        guard status < 0 else { return }
        throw BindingError(attempt: attempt(), code: -status)
    }
}
