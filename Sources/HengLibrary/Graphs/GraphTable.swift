internal import AcceleratorAPI
internal import CHengAccelerator
internal import CHengForwarding
internal import Essentials
internal import FoundationEssentials
internal import ModelRunning
internal import ONNXFormat
internal import ONNXImport
internal import Results
internal import SwiftProtobuf

// The graph group: building, changing, reading, writing and compiling.

func makeGraphTable() -> heng_graph_table {
    var table = unsafe heng_graph_table()
    unsafe table.header = StructCrossing.header(HENG_KIND_GRAPH_TABLE, of: heng_graph_table.self)
    unsafe addLife(&table)
    unsafe addBuilding(&table)
    unsafe addLooking(&table)
    unsafe addCompiling(&table)
    return unsafe table
}

private func graph(_ handle: OpaquePointer?, _ operation: StaticString) throws -> LibraryGraph {
    let found = try unsafe find(handle, HENG_OBJECT_GRAPH, operation)
    guard let inner = unsafe found.inner else {
        throw failure(.invalidHandle, "\(operation)", "The graph is gone.")
    }
    return unsafe Unmanaged<LibraryGraph>.fromOpaque(inner).takeUnretainedValue()
}

private func give(
    _ graph: LibraryGraph, _ result: UnsafeMutablePointer<OpaquePointer?>?, _ operation: StaticString
) throws {
    let result = try unsafe place(result, operation)
    let inner = unsafe handle(graph)
    guard
        let made = unsafe heng_forwarding_make(
            Int32(HENG_OBJECT_GRAPH), nil, UnsafeMutableRawPointer(inner))
    else {
        unsafe release(inner, LibraryGraph.self)
        throw failure(.outOfHostMemory, "\(operation)", "There is no memory for a handle.")
    }
    unsafe result.pointee = OpaquePointer(made)
}

private func addLife(_ table: inout heng_graph_table) {
    unsafe table.graph_create = { origin, result, error in
        unsafe guarded("graph_create", error) {
            let made =
                unsafe origin == nil
                ? LibraryGraph() : LibraryGraph(copying: try graph(origin, "graph_create"))
            try unsafe give(made, result, "graph_create")
        }
    }
    unsafe table.graph_read = { arguments, result, error in
        unsafe guarded("graph_read", error) {
            let request = try unsafe ModelRequest(arguments, "graph_read")
            try unsafe give(LibraryGraph(reading: wholeBytes(request)), result, "graph_read")
        }
    }
    unsafe table.graph_write = { handle, path, error in
        unsafe guarded("graph_write", error) {
            let graph = try unsafe graph(handle, "graph_write")
            guard let path = unsafe path else {
                throw failure(.invalidArgument, "graph_write", "The path is null.")
            }
            try graph.requireOutputs("graph_write")
            try unsafe DurableFile.write(graph.bytes, to: String(cString: path))
        }
    }
    unsafe table.graph_destroy = { handle, error in
        unsafe guarded("graph_destroy", error) {
            let found = try unsafe find(handle, HENG_OBJECT_GRAPH, "graph_destroy")
            unsafe heng_forwarding_unmake(UnsafeMutableRawPointer(handle))
            unsafe release(found.inner.map { OpaquePointer($0) }, LibraryGraph.self)
        }
    }
}

/// The bytes of a model that needs no files beside it.
private func wholeBytes(_ request: ModelRequest) throws -> [UInt8] {
    let source = try ModelSource(request)
    if let bytes = source.bytes { return bytes }
    guard case .file(let path) = request.place else { return [] }
    let bytes = try DurableFile.read(path, limit: .bytes(1 << 31 - 1))
    guard
        try !ProtoModel(serializedBytes: bytes).graph.initializer.contains(where: { !$0.externalData.isEmpty }
        )
    else {
        throw failure(
            .unsupported, "graph_read",
            "The model's weights lie in other files; `heng model convert` makes one file of it.")
    }
    return bytes
}

private func addBuilding(_ table: inout heng_graph_table) {
    unsafe table.graph_add_value = { handle, description, value, error in
        unsafe guarded("graph_add_value", error) {
            let result = try unsafe place(value, "graph_add_value")
            unsafe result.pointee = UInt32(try graph(handle, "graph_add_value").addValue(description))
        }
    }
    unsafe table.graph_add_node = {
        handle, description, inputs, inputCount, outputs, outputCount, node, error in
        unsafe guarded("graph_add_node", error) {
            let graph = try unsafe graph(handle, "graph_add_node")
            guard unsafe inputCount == 0 || inputs != nil, outputCount > 0, let outputs = unsafe outputs
            else {
                throw failure(
                    .invalidArgument, "graph_add_node", "A node needs its inputs and a place for outputs.")
            }
            let numbers = unsafe Array(UnsafeBufferPointer(start: inputs, count: Int(inputCount)))
            let added = try unsafe graph.addNode(description, inputs: numbers, outputCount: Int(outputCount))
            for (place, value) in added.outputs.enumerated() { unsafe outputs[place] = UInt32(value) }
            if let node = unsafe node { unsafe node.pointee = UInt32(added.node) }
        }
    }
    unsafe table.graph_set_outputs = { handle, values, count, error in
        unsafe guarded("graph_set_outputs", error) {
            let graph = try unsafe graph(handle, "graph_set_outputs")
            let numbers = unsafe UnsafeBufferPointer(start: values, count: values == nil ? 0 : Int(count))
            let chosen = unsafe numbers.map { Int($0) }
            guard chosen.allSatisfy(graph.values.indices.contains) else {
                throw failure(.graph, "graph_set_outputs", "There are \(graph.values.count) values.")
            }
            graph.outputs = chosen
            graph.noteChange()
        }
    }
    unsafe table.graph_change_node = { handle, node, description, error in
        unsafe guarded("graph_change_node", error) {
            try unsafe graph(handle, "graph_change_node").changeNode(node, description)
        }
    }
    unsafe table.graph_remove_node = { handle, node, error in
        unsafe guarded("graph_remove_node", error) {
            try unsafe graph(handle, "graph_remove_node").removeNode(node)
        }
    }
}

private func addLooking(_ table: inout heng_graph_table) {
    unsafe table.graph_count = { handle, nodes, error in
        unsafe guarded("graph_count", error) {
            let graph = try unsafe graph(handle, "graph_count")
            try unsafe place(nodes, "graph_count").pointee = UInt32(graph.nodes.count { $0 != nil })
        }
    }
    unsafe table.graph_find = { handle, name, node, error in
        unsafe guarded("graph_find", error) {
            let graph = try unsafe graph(handle, "graph_find")
            let wanted = unsafe name.map { unsafe String(cString: $0) }
            guard let number = graph.nodes.firstIndex(where: { $0 != nil && $0?.name == wanted }) else {
                throw failure(.outOfRange, "graph_find", "There is no node \(wanted ?? "without a name").")
            }
            try unsafe place(node, "graph_find").pointee = UInt32(number)
        }
    }
    unsafe table.graph_node = { handle, node, info, error in
        unsafe guarded("graph_node", error) {
            let graph = try unsafe graph(handle, "graph_node")
            let full = unsafe graph.info(of: try graph.node(node, "graph_node"))
            guard try unsafe StructCrossing.fill(place(info, "graph_node"), with: full) else {
                throw failure(.version, "graph_node", "The info's struct_size is not set.")
            }
        }
    }
}

private func addCompiling(_ table: inout heng_graph_table) {
    unsafe table.graph_compile = { handle, context, arguments, result, error in
        unsafe guarded("graph_compile", error) {
            let graph = try unsafe graph(handle, "graph_compile")
            let found = try unsafe find(context, HENG_OBJECT_CONTEXT, "graph_compile")
            try graph.requireOutputs("graph_compile")
            var request = ModelRequest("graph_compile")
            if unsafe arguments != nil { request = try unsafe ModelRequest(arguments, "graph_compile") }
            request.place = .memory(try graph.bytes)
            let compiled = try unsafe LibraryModel(
                ModelSource(request), request, in: found, origin: (ObjectIdentifier(graph), graph.change))
            try unsafe give(compiled, context, result, "graph_compile")
        }
    }
    unsafe table.graph_needs_compile = { handle, compiled, needed, error in
        unsafe guarded("graph_needs_compile", error) {
            let graph = try unsafe graph(handle, "graph_needs_compile")
            let (compiled, _) = try unsafe model(compiled, "graph_needs_compile")
            let isCurrent =
                compiled.origin?.graph == ObjectIdentifier(graph) && compiled.origin?.change == graph.change
            try unsafe place(needed, "graph_needs_compile").pointee = isCurrent ? 0 : 1
        }
    }
}

extension LibraryGraph {
    fileprivate func requireOutputs(_ operation: StaticString) throws {
        guard !outputs.isEmpty else {
            throw failure(.graph, "\(operation)", "The graph has no outputs; graph_set_outputs names them.")
        }
    }

    /// What a caller is told of a node; it points into `texts`.
    fileprivate func info(of node: ProtoNode) -> heng_node_info {
        func descriptions(_ names: [String]) -> UnsafePointer<UnsafePointer<heng_tensor_description>?> {
            unsafe texts.array(
                names.map { name -> UnsafePointer<heng_tensor_description>? in
                    guard let number = number(of: name) else { return nil }
                    let value = values[number]
                    return unsafe texts.tensor(name: name, element: value.element, shape: value.shape)
                })
        }
        var info = unsafe heng_node_info()
        unsafe info.name = unsafe texts.text(node.name)
        unsafe info.operator_name = unsafe texts.text(node.opType)
        unsafe info.algorithm = unsafe texts.text("")
        unsafe info.input_count = UInt32(node.input.count)
        unsafe info.output_count = UInt32(node.output.count)
        unsafe info.inputs = unsafe descriptions(node.input)
        unsafe info.outputs = unsafe descriptions(node.output)
        return unsafe info
    }
}
