internal import CLinux
internal import Essentials
internal import Glibc

/// Where the pages of a range of memory lie, as the kernel says.
package struct PagePlacement: Equatable, Sendable {
    /// How many pages lie on each node, by the operating system's number of the node.
    package var pagesOnNode: [Int: Int] = [:]
    /// Pages that nobody has touched yet, so that they lie nowhere.
    package var untouched = 0

    /// How large the pages of `move_pages` and of this type are.
    package static let pageSize = sysconf(Int32(_SC_PAGESIZE))

    package var pages: Int { pagesOnNode.values.reduce(untouched, +) }

    /// How much of the touched memory lies on the given nodes; nil when nothing is touched.
    package func share(onNodes nodes: [Int]) -> Double? {
        let touched = pages - untouched
        guard touched > 0 else { return nil }
        return Double(nodes.reduce(0) { $0 + pagesOnNode[$1, default: 0] }) / Double(touched)
    }
}

extension PagePlacement {
    /// Asks where each page of a range lies, without touching any.
    ///
    /// The range may begin and end within pages. Another's process needs its user's rights. Costs some 50 ns a page.
    package init(of range: UnsafeRawBufferPointer, process: Int32 = 0) throws(BindingError) {
        for node in try unsafe PagePlacement.nodeOfEachPage(of: range, process: process) {
            if let node { pagesOnNode[node, default: 0] += 1 } else { untouched += 1 }
        }
    }

    /// The node of each page that the range touches, in order; nil for a page nobody has touched yet.
    package static func nodeOfEachPage(
        of range: UnsafeRawBufferPointer, process: Int32 = 0
    ) throws(BindingError) -> [Int?] {
        guard let base = range.baseAddress, range.count > 0 else { return [] }
        let offset = Int(bitPattern: base) % pageSize
        let count = (offset + range.count + pageSize - 1) / pageSize
        var nodes = [Int32](repeating: 0, count: count)
        try Binding.check(
            unsafe clinux_page_nodes(process, base - offset, pageSize, count, &nodes),
            "say where \(count) pages lie")
        // A negative number is the reason why a page lies nowhere: not there yet, or the shared page of zeros.
        return nodes.map { $0 >= 0 ? Int($0) : nil }
    }
}
