internal import CLinux
internal import Essentials
internal import Glibc

/// On which memory nodes new pages are put; nodes by the operating system's numbers.
package enum MemoryPolicy: Hashable, Codable, Sendable {
    /// On the node of the thread that touches a page first: the kernel's own way.
    case firstTouch
    /// On one node while it has room, then anywhere.
    case preferred(node: Int)
    /// Only on these nodes; when they are full, the kernel ends the process.
    case strict(nodes: [Int])
    /// Page by page around these nodes.
    case interleaved(nodes: [Int])

    /// The nodes it names, rising.
    package var nodes: [Int] {
        switch self {
        case .firstTouch: []
        case .preferred(let node): [node]
        case .strict(let nodes), .interleaved(let nodes): nodes.sorted()
        }
    }

    fileprivate var mode: Int32 {
        switch self {
        case .firstTouch: Int32(CLINUX_POLICY_DEFAULT)
        case .preferred: Int32(CLINUX_POLICY_PREFERRED)
        case .strict: Int32(CLINUX_POLICY_BIND)
        case .interleaved: Int32(CLINUX_POLICY_INTERLEAVE)
        }
    }
}

extension MemoryPolicy: CustomStringConvertible {
    package var description: String {
        let list = CPUSet(nodes)
        return switch self {
        case .firstTouch: "first touch"
        case .preferred: "preferred on node \(list)"
        case .strict: "strict on nodes \(list)"
        case .interleaved: "interleaved over nodes \(list)"
        }
    }
}

extension Binding {
    /// The policy of the calling thread, which threads and processes it starts inherit.
    ///
    /// Set it on the first thread before others start, and it is the process's policy.
    package static func setMemoryPolicy(_ policy: MemoryPolicy) throws(BindingError) {
        let nodes = policy.nodes.map { Int32($0) }
        try check(
            unsafe clinux_set_memory_policy(policy.mode, nodes, nodes.count),
            "put new memory of this thread \(policy)")
    }

    /// The calling thread's policy, from the kernel.
    package static func memoryPolicy() throws(BindingError) -> MemoryPolicy {
        try unsafe policy(at: nil)
    }

    /// The policy that the kernel keeps for the range which holds an address.
    package static func memoryPolicy(at address: UnsafeRawPointer) throws(BindingError) -> MemoryPolicy {
        try unsafe policy(at: address)
    }

    private static func policy(at address: UnsafeRawPointer?) throws(BindingError) -> MemoryPolicy {
        var mode: Int32 = 0
        var nodes = [Int32](repeating: 0, count: Int(CLINUX_NODE_LIMIT))
        let count = unsafe clinux_get_memory_policy(address, &mode, &nodes, nodes.count)
        try check(count, "say what the memory policy is")
        let list = nodes.prefix(Int(count)).map(Int.init)
        // The high bits are flags that only libraries of others set.
        switch Int(mode & 0xFF) {
        case Int(CLINUX_POLICY_PREFERRED): return list.first.map { .preferred(node: $0) } ?? .firstTouch
        case Int(CLINUX_POLICY_BIND): return .strict(nodes: list)
        case Int(CLINUX_POLICY_INTERLEAVE): return .interleaved(nodes: list)
        default: return .firstTouch
        }
    }

    /// Gives a range of memory its own policy: for pages not yet touched, and by moving those that are.
    ///
    /// The range must start on a page (`PagePlacement.pageSize`); its end is rounded up to one. Pages that other
    /// processes map too stay where they are.
    package static func bindMemory(
        _ range: UnsafeRawBufferPointer, to policy: MemoryPolicy
    ) throws(BindingError) {
        guard let start = range.baseAddress, range.count > 0 else { return }
        let nodes = policy.nodes.map { Int32($0) }
        let status = unsafe clinux_bind_memory(
            UnsafeMutableRawPointer(mutating: start), range.count, policy.mode, nodes, nodes.count,
            UInt32(CLINUX_BIND_MOVE))
        try check(status, "put \(ByteCount(bytes: range.count)) of memory \(policy)")
    }
}
