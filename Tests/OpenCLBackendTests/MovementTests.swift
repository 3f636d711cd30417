import AcceleratorAPI
import CHengAccelerator
import Essentials
import TestSupport
import Testing

@Suite(.enabled(if: TestDevice.isThere, TestDevice.reason)) struct MovementTests {
    private static let types: [Int32] = [1, 2, 7, 9, 10, 11]

    private static func counted(_ dims: [Int], _ type: Int32) -> Numbers {
        Numbers(
            type: type, dims: dims,
            values: (0..<dims.reduce(1, *)).map { Double(type == 9 ? $0 % 2 : $0 % 120) })
    }

    @Test(arguments: Array(0..<30) as [UInt64]) func `Transposes, slices, repeats and joins`(_ seed: UInt64)
        throws
    {
        var generator = SeededGenerator(seed: seed)
        let harness = try Harness()
        let type = generator.pick(Self.types)
        let dims = randomDims(&generator, rank: 1...5, most: 5)
        let x = Self.counted(dims, type)
        let order = Array(dims.indices).shuffled(using: &generator)
        let turned = try harness.run("Transpose", [x], [("perm", .ints(order))])[0]
        #expect(turned.dims == order.map { dims[$0] })
        #expect(
            turned.values
                == indices(of: turned.dims).map { at in
                    var source = at
                    for (place, axis) in order.enumerated() { source[axis] = at[place] }
                    return x.values[flat(source, dims)]
                })
        let repeats = dims.map { _ in 1 + generator.below(3) }
        let tiled = try harness.run("Tile", [x, .constant(repeats)])[0]
        #expect(
            tiled.values
                == indices(of: tiled.dims).map { at in
                    x.values[flat(zip(at, dims).map { $0 % max(1, $1) }, dims)]
                })
        let axis = generator.below(dims.count)
        let joined = try harness.run("Concat", [x, x, x], [("axis", .int(axis - dims.count))])[0]
        #expect(joined.dims[axis] == 3 * dims[axis])
        #expect(
            joined.values
                == indices(of: joined.dims).map { at in
                    var source = at
                    source[axis] %= max(1, dims[axis])
                    return x.values[flat(source, dims)]
                })
        guard dims[axis] > 1 else { return }
        let parts = try harness.run(
            "Split", [x, .constant([1, dims[axis] - 1])], [("axis", .int(axis))], outputs: 2)
        #expect(try harness.run("Concat", [parts[0], parts[1]], [("axis", .int(axis))])[0] == x)
    }

    @Test(arguments: Array(0..<40) as [UInt64]) func `Slices with any starts, ends and steps`(_ seed: UInt64)
        throws
    {
        var generator = SeededGenerator(seed: seed)
        let dims = randomDims(&generator, rank: 1...3, most: 9)
        let x = Self.counted(dims, generator.pick(Self.types))
        let axes = dims.indices.filter { _ in generator.below(2) == 0 }
        let starts = axes.map { _ in Int.random(in: -12...12, using: &generator) }
        let ends = axes.map { _ in generator.pick([Int.max, Int(Int32.min), 0, 3, -2, 7, -9]) }
        let steps = axes.map { _ in generator.pick([1, 2, 3, -1, -2]) }
        let y = try Harness().run(
            "Slice", [x, .constant(starts), .constant(ends), .constant(axes), .constant(steps)])[0]
        var chosen = dims.map { Array(0..<$0) }
        for (index, axis) in axes.enumerated() {
            // As the operator's text says: a start before all is the first element, also when going back.
            let extent = dims[axis]
            let step = steps[index]
            func place(_ value: Int, _ low: Int, _ high: Int) -> Int {
                min(max(value < 0 ? value + extent : value, low), high)
            }
            let (low, high) = step > 0 ? (0, extent) : (-1, extent - 1)
            chosen[axis] = Array(
                stride(
                    from: place(starts[index], 0, high), to: place(ends[index], low, high),
                    by: step))
        }
        #expect(y.dims == chosen.map(\.count))
        #expect(
            y.values
                == indices(of: y.dims).map { at in x.values[flat(zip(at, chosen).map { $1[$0] }, dims)] })
    }

    @Test func `Shapes change and bytes stay`() throws {
        let harness = try Harness()
        let x = Self.counted([2, 1, 3, 4], 1)
        func dims(_ name: String, _ inputs: [Numbers?], _ attributes: [(String, TestAttribute)] = []) throws
            -> [Int]
        {
            let y = try harness.run(name, inputs, attributes)[0]
            #expect(y.values == x.values)
            return y.dims
        }
        #expect(try dims("Reshape", [x, .constant([0, -1, 2])]) == [2, 6, 2])
        #expect(try dims("Flatten", [x], [("axis", .int(2))]) == [2, 12])
        #expect(try dims("Flatten", [x], [("axis", .int(0))]) == [1, 24])
        #expect(try dims("Squeeze", [x]) == [2, 3, 4])
        #expect(try dims("Squeeze", [x, .constant([-3])]) == [2, 3, 4])
        #expect(try dims("Unsqueeze", [x, .constant([0, -1])]) == [1, 2, 1, 3, 4, 1])
        #expect(try dims("Identity", [x]) == x.dims)
        let wide = try harness.run("Expand", [Self.counted([3, 1], 7), .constant([2, 1, 4])])[0]
        #expect(wide.dims == [2, 3, 4])
        #expect(wide.values == indices(of: wide.dims).map { Double($0[1]) })
        let empty = Numbers(dims: [0, 3], values: [])
        #expect(
            try harness.run("Reshape", [empty, .constant([3, 0])], [("allowzero", .int(1))])[0].dims == [
                3, 0,
            ])
    }

    @Test(arguments: Array(0..<20) as [UInt64]) func `Elements are gathered`(_ seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let dims = (0..<1 + generator.below(3)).map { _ in 1 + generator.below(5) }
        let x = Self.counted(dims, generator.pick(Self.types))
        let axis = generator.below(dims.count)
        let shape = (0..<generator.below(3)).map { _ in 1 + generator.below(4) }
        let type: Int32 = generator.pick([6, 7])
        let chosen = Numbers(
            type: type, dims: shape,
            values: (0..<shape.reduce(1, *)).map { _ in Double(generator.below(2 * dims[axis]) - dims[axis]) }
        )
        let harness = try Harness()
        let y = try harness.run("Gather", [x, chosen], [("axis", .int(axis))])[0]
        #expect(y.dims == dims[..<axis] + shape + dims[(axis + 1)...])
        #expect(
            y.values
                == indices(of: y.dims).map { at in
                    let index = Int(chosen.values[flat(Array(at[axis..<axis + shape.count]), shape)])
                    let place = index < 0 ? index + dims[axis] : index
                    return x.values[flat(at[..<axis] + [place] + at[(axis + shape.count)...], dims)]
                })
        let picks = Numbers(
            type: type, dims: dims, values: (0..<x.count).map { _ in Double(generator.below(dims[axis])) })
        let picked = try harness.run("GatherElements", [x, picks], [("axis", .int(axis))])[0]
        #expect(
            picked.values
                == indices(of: dims).map { at in
                    var source = at
                    source[axis] = Int(picks.values[flat(at, dims)])
                    return x.values[flat(source, dims)]
                })
    }

    @Test(arguments: ["constant", "edge", "reflect", "wrap"]) func `Borders are made`(_ mode: String) throws {
        let x = Numbers(dims: [2, 3], values: [1, 2, 3, 4, 5, 6])
        let value = Numbers(dims: [], values: [9], isConstant: true)
        let y = try Harness().run(
            "Pad", [x, .constant([0, 2, 0, 1]), mode == "constant" ? value : nil], [("mode", .text(mode))])[0]
        #expect(y.dims == [2, 6])
        let expected: [String: [Double]] = [
            "constant": [9, 9, 1, 2, 3, 9, 9, 9, 4, 5, 6, 9], "edge": [1, 1, 1, 2, 3, 3, 4, 4, 4, 5, 6, 6],
            "reflect": [3, 2, 1, 2, 3, 2, 6, 5, 4, 5, 6, 5], "wrap": [2, 3, 1, 2, 3, 1, 5, 6, 4, 5, 6, 4],
        ]
        #expect(y.values == expected[mode])
        let cut = try Harness().run("Pad", [x, .constant([0, -1, 1, 0])])[0]
        #expect(cut.dims == [3, 2])
        #expect(cut.values == [2, 3, 5, 6, 0, 0])
    }
}

@Suite(.enabled(if: TestDevice.isThere, TestDevice.reason)) struct RefusalTests {
    private func reason(_ body: () throws -> [Numbers]) -> Int32? {
        do { _ = try body() } catch { return (error as? RefusedUse)?.reason }
        return nil
    }

    @Test func `What is not offered is refused with its reason`() throws {
        let harness = try Harness()
        let x = Numbers(dims: [2, 2], values: [1, 2, 3, 4])
        let whole = Numbers(type: 7, dims: [2], values: [0, 1])
        #expect(reason { try harness.run("Einsum", [x]) } == Int32(HENG_REFUSAL_OPERATOR))
        #expect(reason { try harness.run("Add", version: 1, [x, x]) } == Int32(HENG_REFUSAL_VERSION))
        #expect(reason { try harness.run("Add", version: 999, [x, x]) } == Int32(HENG_REFUSAL_VERSION))
        #expect(reason { try harness.run("Tanh", [whole]) } == Int32(HENG_REFUSAL_TYPE))
        #expect(
            reason { try harness.run("MatMul", [x, Numbers(dims: [3, 1], values: [1, 2, 3])]) }
                == Int32(HENG_REFUSAL_SHAPE))
        #expect(reason { try harness.run("Reshape", [x, whole]) } == Int32(HENG_REFUSAL_CONSTANT))
        #expect(
            reason { try harness.run("Relu", [x], [("strange", .int(1))]) } == Int32(HENG_REFUSAL_ATTRIBUTE))
        #expect(
            reason {
                try harness.run(
                    "Conv",
                    [
                        Numbers(dims: [1, 1, 1, 1, 1], values: [1]),
                        Numbers(dims: [1, 1, 1, 1, 1], values: [1]),
                    ])
            } == Int32(HENG_REFUSAL_RANK))
    }

    @Test func `Extents beyond all memory, or unknown, are refused and nothing traps`() throws {
        let harness = try Harness()
        for dims in [[1 << 40, 1 << 40], [Int.max, 2], [0, Int.max, Int.max], [-1, 3]] {
            let x = Numbers(dims: dims, values: [])
            for name in ["Relu", "MatMul", "Transpose", "ReduceSum", "Softmax", "Identity", "Flatten"] {
                let inputs = name == "MatMul" ? [x, x] : [x]
                let outputs = Description(name, version: 0, inputs, [x], [])
                #expect(throws: RefusedUse.self) { try harness.supports(outputs) }
            }
        }
        let small = Numbers(dims: [2], values: [1, 2])
        #expect(throws: RefusedUse.self) {
            try harness.run("Expand", [small, .constant([1 << 40, 1 << 40, 2])])
        }
        #expect(throws: RefusedUse.self) { try harness.run("Tile", [small, .constant([Int.max])]) }
    }

    @Test func `Outputs of another type or shape are refused`() throws {
        let harness = try Harness()
        let x = Numbers(dims: [2], values: [1, 2])
        #expect(throws: RefusedUse.self) {
            try harness.supports(Description("Relu", version: 0, [x], [Numbers(dims: [3], values: [])], []))
        }
        #expect(throws: RefusedUse.self) {
            try harness.supports(
                Description("Relu", version: 0, [x], [Numbers(type: 7, dims: [2], values: [])], []))
        }
    }

    @Test func `The list names each operator once, with types and versions`() throws {
        let harness = try Harness()
        let table = try unsafe harness.operators
        var names: [String] = []
        for index in UInt32(0)..<1000 {
            var listing = unsafe heng_operator_listing()
            unsafe listing.header.struct_size = UInt32(MemoryLayout<heng_operator_listing>.size)
            let status = unsafe table.operator_list(harness.device.handle, index, &listing, nil)
            guard status == 0 else {
                #expect(status == Int32(HENG_ERROR_OUT_OF_RANGE))
                break
            }
            unsafe names.append(String(cString: listing.name))
            #expect(unsafe listing.types != 0)
            #expect(unsafe listing.since >= 1 && listing.until >= listing.since)
        }
        #expect(Set(names).count == names.count)
        #expect(Set(["MatMul", "Conv", "Softmax", "Attention", "LayerNormalization"]).isSubset(of: names))
    }
}
