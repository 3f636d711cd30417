internal import AcceleratorAPI
internal import CHengAccelerator

/// The group of graphs of the device under test.
@safe struct GraphCalls: @unchecked Sendable {
    // Unchecked: a copy of the maker's table, which never changes.
    let rig: Rig
    let functions: heng_graph_table
}

extension Trial {
    func graphs() throws -> GraphCalls {
        guard let table = unsafe rig.group(HENG_KIND_GRAPH_TABLE, zero: heng_graph_table()) else {
            throw CaseEnd.outside("The maker offers no graphs.")
        }
        return unsafe GraphCalls(rig: rig, functions: table)
    }

    /// An empty graph, or a copy, that is destroyed when the case ends.
    func graph(_ calls: GraphCalls, copying origin: Handle = .null) throws -> Handle {
        let graph = try calls.create(origin).made()
        atEnd { calls.destroy(graph) }
        return graph
    }
}

extension GraphCalls {
    func create(_ origin: Handle = .null) -> Made {
        unsafe rig.make(functions.graph_create, "graph_create") { unsafe $0(origin.raw, $1, $2) }
    }

    func read(_ wish: ModelWish) -> Made {
        unsafe wish.withArguments { arguments in
            unsafe rig.make(functions.graph_read, "graph_read") { unsafe $0(arguments, $1, $2) }
        }
    }

    func write(_ graph: Handle, to path: String) -> Answer {
        unsafe rig.call(functions.graph_write, "graph_write") { write, error in
            unsafe path.withCString { unsafe write(graph.raw, $0, error) }
        }
    }

    func destroy(_ graph: Handle) -> Answer {
        unsafe rig.call(functions.graph_destroy, "graph_destroy") { unsafe $0(graph.raw, $1) }
    }

    func add(_ value: TensorShape, to graph: Handle) -> (answer: Answer, number: UInt32) {
        let memory = CallMemory()
        var number: UInt32 = HENG_VALUE_NONE
        let answer = withExtendedLifetime(memory) {
            unsafe rig.call(functions.graph_add_value, "graph_add_value") {
                unsafe $0(graph.raw, memory.tensor(value), &number, $1)
            }
        }
        return (answer, number)
    }

    /// Adds a node that reads these values; `outputs` is how many it makes.
    func add(
        _ use: OperatorUse, reading inputs: [UInt32], outputs count: Int = 1, to graph: Handle
    ) -> (answer: Answer, outputs: [UInt32], node: UInt32) {
        let memory = CallMemory()
        // A guard behind the last output.
        var outputs = [UInt32](repeating: 0xABAB_ABAB, count: count + 1)
        var node: UInt32 = HENG_VALUE_NONE
        let answer = unsafe outputs.withUnsafeMutableBufferPointer { places in
            unsafe use.withDescription { description in
                unsafe rig.call(functions.graph_add_node, "graph_add_node") {
                    unsafe $0(
                        graph.raw, description, memory.numbers(inputs), UInt32(inputs.count),
                        places.baseAddress, UInt32(count), &node, $1)
                }
            }
        }
        if outputs[count] != 0xABAB_ABAB { rig.note("graph_add_node writes more outputs than it was asked.") }
        return withExtendedLifetime(memory) { (answer, Array(outputs.prefix(count)), node) }
    }

    func setOutputs(_ values: [UInt32], of graph: Handle) -> Answer {
        unsafe rig.call(functions.graph_set_outputs, "graph_set_outputs") {
            unsafe $0(graph.raw, values, UInt32(values.count), $1)
        }
    }

    func count(_ graph: Handle) -> (answer: Answer, count: UInt32) {
        var count: UInt32 = .max
        let answer = unsafe rig.call(functions.graph_count, "graph_count") {
            unsafe $0(graph.raw, &count, $1)
        }
        return (answer, count)
    }

    func find(_ name: String, in graph: Handle) -> (answer: Answer, node: UInt32) {
        var node: UInt32 = .max
        let answer = unsafe rig.call(functions.graph_find, "graph_find") { find, error in
            unsafe name.withCString { unsafe find(graph.raw, $0, &node, error) }
        }
        return (answer, node)
    }

    func node(_ number: UInt32, of graph: Handle) -> (answer: Answer, facts: NodeFacts?) {
        var raw = unsafe heng_node_info()
        unsafe raw.header = StructCrossing.header(HENG_KIND_NODE_INFO, of: heng_node_info.self)
        let answer = unsafe rig.call(functions.graph_node, "graph_node") {
            unsafe $0(graph.raw, number, &raw, $1)
        }
        return unsafe (answer, answer.code == 0 ? NodeFacts(raw) : nil)
    }

    func change(_ node: UInt32, of graph: Handle, to use: OperatorUse) -> Answer {
        unsafe use.withDescription { description in
            unsafe rig.call(functions.graph_change_node, "graph_change_node") {
                unsafe $0(graph.raw, node, description, $1)
            }
        }
    }

    func remove(_ node: UInt32, from graph: Handle) -> Answer {
        unsafe rig.call(functions.graph_remove_node, "graph_remove_node") {
            unsafe $0(graph.raw, node, $1)
        }
    }

    func compile(_ graph: Handle, in context: Handle, _ wish: ModelWish? = nil) -> Made {
        guard let wish else {
            return unsafe rig.make(functions.graph_compile, "graph_compile") {
                unsafe $0(graph.raw, context.raw, nil, $1, $2)
            }
        }
        return unsafe wish.withArguments { arguments in
            unsafe rig.make(functions.graph_compile, "graph_compile") {
                unsafe $0(graph.raw, context.raw, arguments, $1, $2)
            }
        }
    }

    func needsCompile(_ graph: Handle, _ model: Handle) -> (answer: Answer, isNeeded: Bool) {
        var needed: UInt8 = 7
        let answer = unsafe rig.call(functions.graph_needs_compile, "graph_needs_compile") {
            unsafe $0(graph.raw, model.raw, &needed, $1)
        }
        if answer.code == 0, needed > 1 { rig.note("graph_needs_compile answers \(needed), and not 0 or 1.") }
        return (answer, needed == 1)
    }
}
