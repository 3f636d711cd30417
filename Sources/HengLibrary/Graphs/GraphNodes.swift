internal import AcceleratorAPI
internal import CHengAccelerator
internal import ComputeGraph
internal import FoundationEssentials
internal import ONNXFormat

// Nodes and values as callers in C describe them.

/// The numbers of attribute kinds in files.
private enum FileKind: Int32 {
    case float = 1
    case int, string, tensor, graph
    case floats, ints, strings
}

extension LibraryGraph {
    /// Adds an input, or a constant where the description has one.
    func addValue(_ given: UnsafePointer<heng_tensor_description>?) throws -> Int {
        guard let full = unsafe StructCrossing.read(given, zero: heng_tensor_description()),
            let element = unsafe ElementType(rawValue: full.type), element != .string
        else {
            throw failure(.dataType, "graph_add_value", "A value needs a description with a type of numbers.")
        }
        let name = unsafe full.name.map { unsafe String(cString: $0) } ?? ""
        guard name.utf8.count <= Int(HENG_NAME_LIMIT) else {
            throw failure(.invalidArgument, "graph_add_value", "A name has at most \(HENG_NAME_LIMIT) bytes.")
        }
        let isRanked = unsafe full.rank != HENG_RANK_UNKNOWN
        guard unsafe !isRanked || full.rank <= HENG_RANK_LIMIT && (full.rank == 0 || full.dims != nil) else {
            throw failure(.invalidArgument, "graph_add_value", "The value \(name) has no extents.")
        }
        let shape: [Int?]? =
            isRanked
            ? unsafe (0..<Int(full.rank)).map { axis in
                let extent = unsafe Int(full.dims[axis])
                return extent < 0 ? nil : extent
            } : nil
        var value = Value(name: name, element: element, shape: shape)
        if let bytes = unsafe full.constant {
            guard let type = value.type, unsafe full.constant_size == UInt64(type.byteCount) else {
                throw failure(
                    .invalidArgument, "graph_add_value",
                    "The constant \(name) needs its shape and as many bytes as that takes.")
            }
            value.name = name.isEmpty ? freshName("constant_\(values.count)") : name
            value.constant = try unsafe ProtoTensor(
                UnsafeRawBufferPointer(start: bytes, count: type.byteCount), type, value.name)
        } else {
            value.isInput = true
        }
        let number = try add(value, "graph_add_value")
        noteChange()
        return number
    }

    /// Adds a node that reads the given values, and gives the numbers of its outputs and its own.
    func addNode(
        _ given: UnsafePointer<heng_operator_description>?, inputs: [UInt32], outputCount: Int
    ) throws -> (outputs: [Int], node: Int) {
        var node = try unsafe described(given, named: nil)
        node.input = try inputs.map { number in
            if number == HENG_VALUE_NONE { return "" }
            guard values.indices.contains(Int(number)) else {
                throw failure(.graph, "graph_add_node", "There is no value \(number).")
            }
            return values[Int(number)].name
        }
        guard !nodes.contains(where: { $0?.name == node.name }) else {
            throw failure(.graph, "graph_add_node", "Two nodes are named \(node.name).")
        }
        let stem = node.name
        node.output = (0..<outputCount).map { place in
            freshName(outputCount == 1 ? stem : "\(stem).\(place)")
        }
        let types = try inferredTypes(of: node)
        let first = values.count
        do {
            for (place, name) in node.output.enumerated() {
                let type = types.flatMap { $0.indices.contains(place) ? $0[place] : nil }
                _ = try add(
                    Value(name: name, element: type?.element, shape: type?.shape.extents), "graph_add_node")
            }
        } catch {
            dropValues(from: first)
            throw error
        }
        nodes.append(node)
        noteChange()
        return (Array(first..<values.count), nodes.count - 1)
    }

    /// Gives a node another operator or other attributes.
    func changeNode(_ number: UInt32, _ given: UnsafePointer<heng_operator_description>?) throws {
        let old = try node(number, "graph_change_node")
        var changed = try unsafe described(given, named: old.name)
        changed.input = old.input
        changed.output = old.output
        let kept = values
        nodes[Int(number)] = changed
        do { try inferAgain() } catch {
            nodes[Int(number)] = old
            values = kept
            throw error
        }
        noteChange()
    }

    func removeNode(_ number: UInt32) throws {
        let node = try node(number, "graph_remove_node")
        if let read = node.output.first(where: isRead) {
            throw failure(.graph, "graph_remove_node", "The output \(read) of \(node.name) is still read.")
        }
        nodes[Int(number)] = nil
        noteChange()
    }

    /// The operator, attributes and name of a description.
    private func described(
        _ given: UnsafePointer<heng_operator_description>?, named fixed: String?
    ) throws -> ProtoNode {
        guard let full = unsafe StructCrossing.read(given, zero: heng_operator_description()),
            let name = unsafe full.name
        else { throw failure(.operatorName, "graph_add_node", "The operator's description has no name.") }
        var node = ProtoNode()
        node.opType = unsafe String(cString: name)
        let domain = unsafe full.domain.map { unsafe String(cString: $0) } ?? ""
        node.domain = domain == "ai.onnx" ? "" : domain
        let own = unsafe full.node.map { unsafe String(cString: $0) } ?? ""
        node.name = fixed ?? (own.isEmpty ? "\(node.opType)_\(nodes.count)" : own)
        try settle(version: Int64(unsafe full.version), of: node)
        let count = unsafe full.attributes == nil ? 0 : Int(full.attribute_count)
        node.attribute = try (0..<count).map { index in
            try unsafe attribute(full.attributes[index], node)
        }
        return node
    }

    /// A graph is written for one version of each operator set: that of its first node that says one.
    private func settle(version: Int64, of node: ProtoNode) throws {
        if version <= 0 {
            if versions[node.domain] == nil {
                versions[node.domain] = node.domain.isEmpty ? LibraryGraph.newestVersion : 1
            }
            return
        }
        guard let known = versions[node.domain], known != version else {
            versions[node.domain] = version
            return
        }
        throw failure(
            .operatorName, "graph_add_node",
            "\(node.opType) is of version \(version), and the graph is written for version \(known).")
    }

    private func attribute(
        _ given: UnsafePointer<heng_attribute>?, _ node: ProtoNode
    ) throws -> ProtoAttribute {
        func wrong(_ text: String) -> DeviceError {
            DeviceError(
                .operatorAttribute, operation: "graph_add_node", text: "\(node.opType): \(text)",
                node: node.name, operatorName: node.opType)
        }
        guard let full = unsafe StructCrossing.read(given, zero: heng_attribute()),
            let name = unsafe full.name.map({ unsafe String(cString: $0) })
        else { throw wrong("an attribute is null or has no name.") }
        var made = ProtoAttribute()
        made.name = name
        let count = unsafe Int(clamping: full.count)
        guard count <= 1 << 28, let data = unsafe full.data else { throw wrong("\(name) has no value.") }
        switch unsafe Int(full.kind) {
        case HENG_ATTRIBUTE_INT:
            made.type = FileKind.int.rawValue
            made.i = unsafe data.loadUnaligned(as: Int64.self)
        case HENG_ATTRIBUTE_FLOAT:
            made.type = FileKind.float.rawValue
            made.f = unsafe Float(data.loadUnaligned(as: Double.self))
        case HENG_ATTRIBUTE_STRING:
            made.type = FileKind.string.rawValue
            made.s = unsafe Data(UnsafeRawBufferPointer(start: data, count: count))
        case HENG_ATTRIBUTE_INTS:
            made.type = FileKind.ints.rawValue
            made.ints = (0..<count).map { unsafe data.loadUnaligned(fromByteOffset: $0 * 8, as: Int64.self) }
        case HENG_ATTRIBUTE_FLOATS:
            made.type = FileKind.floats.rawValue
            made.floats = (0..<count).map {
                unsafe Float(data.loadUnaligned(fromByteOffset: $0 * 8, as: Double.self))
            }
        case HENG_ATTRIBUTE_STRINGS:
            made.type = FileKind.strings.rawValue
            made.strings = (0..<count).map { index in
                let text = unsafe data.loadUnaligned(
                    fromByteOffset: index * 8, as: UnsafePointer<CChar>?.self)
                return unsafe text.map { unsafe Data(String(cString: $0).utf8) } ?? Data()
            }
        case HENG_ATTRIBUTE_TENSOR:
            made.type = FileKind.tensor.rawValue
            made.t = try unsafe tensor(data.assumingMemoryBound(to: heng_tensor_description.self), name)
        default: throw wrong("\(name) is of a kind that files do not hold.")
        }
        return made
    }

    private func tensor(_ given: UnsafePointer<heng_tensor_description>, _ name: String) throws -> ProtoTensor
    {
        let scratch = LibraryGraph()
        let number = try unsafe scratch.addValue(given)
        guard var constant = scratch.values[number].constant else {
            throw failure(.operatorAttribute, "graph_add_node", "The tensor of \(name) has no value.")
        }
        constant.name = ""
        return constant
    }
}

extension ProtoTensor {
    /// A constant of plain bytes; types of fewer than 8 bits are packed as files have them.
    fileprivate init(_ bytes: UnsafeRawBufferPointer, _ type: TensorType, _ name: String) throws {
        self.init()
        self.name = name
        dims = type.shape.extents.map(Int64.init)
        dataType = type.element.rawValue
        let bits = type.element.bitWidth
        if bits >= 8 {
            rawData = unsafe Data(bytes)
            return
        }
        let perByte = 8 / bits
        var packed = [UInt8](repeating: 0, count: (bytes.count + perByte - 1) / perByte)
        for index in bytes.indices {
            packed[index / perByte] |=
                unsafe (bytes[index] & UInt8(1 << bits - 1)) << UInt8(index % perByte * bits)
        }
        rawData = Data(packed)
    }
}
