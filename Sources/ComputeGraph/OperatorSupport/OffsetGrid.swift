/// Where the elements of a result lie in another tensor: for each axis of the result a list of offsets that add up.
///
/// A negative offset means nowhere, whatever the other axes say. Transposing, slicing, repeating, padding and
/// choosing are all of this kind, and one walk serves them: no coordinates are computed for single elements.
package struct OffsetGrid: Sendable {
    /// The lists of all axes before those that `row` joins.
    private let outer: [[Int]]
    /// The offsets within one row: the last axes joined, as long as a row stays small.
    let row: [Int]

    /// The last axes are joined into rows of at most so many elements.
    private static let rowLimit = 4096

    init(_ axes: [[Int]]) {
        var outer = axes.filter { $0 != [0] }
        var row = outer.popLast() ?? [0]
        while let last = outer.last, last.count * row.count <= OffsetGrid.rowLimit {
            row = last.flatMap { base in row.map { base < 0 || $0 < 0 ? -1 : base + $0 } }
            outer.removeLast()
        }
        self.outer = outer
        self.row = row
    }

    /// A tensor of the shape read with a stride for each axis; strides are not negative.
    init(_ shape: Shape, strides: [Int]) {
        self.init(zip(shape.extents, strides).map { OffsetGrid.steps($0, stride: $1) })
    }

    static func steps(_ count: Int, stride: Int) -> [Int] { (0..<count).map { $0 * stride } }

    var rows: Rows { Rows(outer) }

    /// The offsets of all elements in row-major order.
    var offsets: [Int] {
        var result: [Int] = []
        var rows = rows
        while let base = rows.next() {
            for offset in row { result.append(base < 0 || offset < 0 ? -1 : base + offset) }
        }
        return result
    }

    /// Walks over the rows and tells each one's base: what its offsets are added to, or a negative number.
    struct Rows: IteratorProtocol {
        private let axes: [[Int]]
        private var places: [Int]
        /// For each axis the sum of the offsets of the axes up to it.
        private var sums: [Int]
        private var left: Int

        init(_ axes: [[Int]]) {
            self.axes = axes
            places = axes.map { _ in 0 }
            sums = places
            left = axes.contains { $0.isEmpty } ? 0 : axes.reduce(1) { $0 * $1.count }
            if left > 0 { addUp(from: 0) }
        }

        mutating func next() -> Int? {
            guard left > 0 else { return nil }
            left -= 1
            let base = sums.last ?? 0
            if left > 0 { advance() }
            return base
        }

        private mutating func advance() {
            var axis = axes.count - 1
            while places[axis] + 1 == axes[axis].count {
                places[axis] = 0
                axis -= 1
            }
            places[axis] += 1
            addUp(from: axis)
        }

        private mutating func addUp(from first: Int) {
            for axis in first..<axes.count {
                let before = axis == 0 ? 0 : sums[axis - 1]
                let own = axes[axis][places[axis]]
                sums[axis] = before < 0 || own < 0 ? -1 : before + own
            }
        }
    }
}

extension HostTensor {
    /// A tensor whose elements are those of this one at the offsets of a grid, and `fill` where it says nowhere.
    ///
    /// The fill is one element of the same type; without one it is zero, or the empty string.
    func moved(to type: TensorType, by grid: OffsetGrid, filling fill: HostTensor? = nil) -> HostTensor {
        switch type.element.size {
        case 0:
            let from = strings
            let missing = fill?.strings.first ?? ""
            return HostTensor(type, strings: grid.offsets.map { $0 < 0 ? missing : from[$0] })
        case 16: return moved(UInt128.self, to: type, by: grid, filling: fill)
        case 8: return moved(UInt64.self, to: type, by: grid, filling: fill)
        case 4: return moved(UInt32.self, to: type, by: grid, filling: fill)
        case 2: return moved(UInt16.self, to: type, by: grid, filling: fill)
        default: return moved(UInt8.self, to: type, by: grid, filling: fill)
        }
    }

    private func moved<Element: BitwiseCopyable & ExpressibleByIntegerLiteral>(
        _ element: Element.Type, to type: TensorType, by grid: OffsetGrid, filling fill: HostTensor?
    ) -> HostTensor {
        var result = HostTensor(zeros: type)
        let missing = fill?.elements(element).first ?? 0
        let row = grid.row
        withElements(element) { from in
            result.withMutableElements(element) { to in
                var rows = grid.rows
                var place = 0
                while let base = rows.next() {
                    for offset in row {
                        to[place] = base < 0 || offset < 0 ? missing : from[base + offset]
                        place += 1
                    }
                }
            }
        }
        return result
    }

    /// This tensor with the elements of another one in the places that a grid of the other's shape names.
    ///
    /// Of several for one place the last stays.
    func replacing(_ updates: HostTensor, at grid: OffsetGrid) -> HostTensor {
        switch type.element.size {
        case 0:
            var result = strings
            for (value, offset) in zip(updates.strings, grid.offsets) where offset >= 0 {
                result[offset] = value
            }
            return HostTensor(type, strings: result)
        case 16: return replacing(UInt128.self, updates, at: grid)
        case 8: return replacing(UInt64.self, updates, at: grid)
        case 4: return replacing(UInt32.self, updates, at: grid)
        case 2: return replacing(UInt16.self, updates, at: grid)
        default: return replacing(UInt8.self, updates, at: grid)
        }
    }

    private func replacing<Element: BitwiseCopyable>(
        _ element: Element.Type, _ updates: HostTensor, at grid: OffsetGrid
    ) -> HostTensor {
        var result = self
        let row = grid.row
        updates.withElements(element) { from in
            result.withMutableElements(element) { to in
                var rows = grid.rows
                var place = 0
                while let base = rows.next() {
                    for offset in row {
                        if base >= 0 && offset >= 0 { to[base + offset] = from[place] }
                        place += 1
                    }
                }
            }
        }
        return result
    }

    /// What stands for an element that an index outside a tensor names: NaN where there is one, else zero.
    static func missing(_ element: ElementType) -> HostTensor {
        let one = TensorType(element, [])
        return element.isFloating ? HostTensor(one, doubles: [.nan]) : HostTensor(zeros: one)
    }
}

/// An operator that moves elements of its first input by a rule that each axis of the result has on its own.
package protocol GridOperator: MovementOperator {
    /// Where the elements of the result come from; asked only where the result has elements.
    func grid(_ inputs: [HostTensor], to result: Shape) -> OffsetGrid

    /// What stands where the grid says nowhere, one element; nil means zero.
    func filling(_ inputs: [HostTensor]) -> HostTensor?
}

extension GridOperator {
    package func filling(_ inputs: [HostTensor]) -> HostTensor? { nil }

    package func reference(_ inputs: [HostTensor]) -> [HostTensor] {
        let type = knownOutputTypes(inputs)[0]
        guard type.shape.count > 0 else { return [HostTensor(zeros: type)] }
        return [inputs[0].moved(to: type, by: grid(inputs, to: type.shape), filling: filling(inputs))]
    }
}
