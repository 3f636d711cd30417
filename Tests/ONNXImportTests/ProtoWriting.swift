import ComputeGraph
import Foundation
import ONNXFormat
import ONNXImport

// Short ways to write the messages of a model by hand.

extension ProtoNode {
    init(
        _ type: String, _ input: [String], _ output: [String], name: String = "", domain: String = "",
        _ attributes: [ProtoAttribute] = []
    ) {
        self.init()
        (opType, self.input, self.output, self.domain, attribute) = (type, input, output, domain, attributes)
        if !name.isEmpty { self.name = name }
    }
}

extension ProtoAttribute {
    private init(_ name: String, kind: Int32) {
        self.init()
        (self.name, type) = (name, kind)
    }

    init(_ name: String, int: Int64) {
        self.init(name, kind: 2)
        i = int
    }
    init(_ name: String, ints: [Int64]) {
        self.init(name, kind: 7)
        self.ints = ints
    }
    init(_ name: String, string: String) {
        self.init(name, kind: 3)
        s = Data(string.utf8)
    }
    init(_ name: String, tensor: ProtoTensor) {
        self.init(name, kind: 4)
        t = tensor
    }
    init(_ name: String, graph: ProtoGraph) {
        self.init(name, kind: 5)
        g = graph
    }
}

extension ProtoTensor {
    init(_ name: String, _ element: ElementType, _ dims: [Int64]) {
        self.init()
        (self.name, dataType, self.dims) = (name, element.rawValue, dims)
    }
    init(_ name: String, floats: [Float], _ dims: [Int64]? = nil) {
        self.init(name, .float32, dims ?? [Int64(floats.count)])
        floatData = floats
    }
    init(_ name: String, integers: [Int64], _ dims: [Int64]? = nil) {
        self.init(name, .int64, dims ?? [Int64(integers.count)])
        int64Data = integers
    }
    init(_ name: String, strings: [String]) {
        self.init(name, .string, [Int64(strings.count)])
        stringData = strings.map { Data($0.utf8) }
    }

    /// A tensor whose bytes lie in another file.
    init(_ name: String, _ element: ElementType, _ dims: [Int64], externally entries: [(String, String)]) {
        self.init(name, element, dims)
        dataLocation = 1
        externalData = entries.map { key, value in
            var entry = ProtoKeyValue()
            (entry.key, entry.value) = (key, value)
            return entry
        }
    }
}

extension ProtoValueInfo {
    /// An extent of nil is open; a shape of nil is not told.
    init(_ name: String, _ element: ElementType = .float32, _ shape: [Int64?]? = nil) {
        self.init()
        self.name = name
        type.tensorType.elemType = element.rawValue
        guard let shape else { return }
        type.tensorType.shape = ProtoTensorShape()
        type.tensorType.shape.dim = shape.map { extent in
            var dimension = ProtoDimension()
            if let extent { dimension.dimValue = extent }
            return dimension
        }
    }
}

extension ProtoGraph {
    init(
        _ nodes: [ProtoNode], inputs: [ProtoValueInfo] = [], outputs: [String],
        initializers: [ProtoTensor] = []
    ) {
        self.init()
        (node, input, initializer) = (nodes, inputs, initializers)
        output = outputs.map { ProtoValueInfo($0) }
    }
}

extension ProtoModel {
    init(_ graph: ProtoGraph, version: Int64 = 21, functions: [ProtoFunction] = []) {
        self.init()
        (self.graph, self.functions, irVersion) = (graph, functions, 10)
        opsetImport = [ProtoOperatorSet(version)]
    }
}

extension ProtoOperatorSet {
    init(_ version: Int64, domain: String = "") {
        self.init()
        (self.version, self.domain) = (version, domain)
    }
}

extension ProtoFunction {
    init(_ name: String, _ inputs: [String], _ outputs: [String], _ nodes: [ProtoNode]) {
        self.init()
        (self.name, domain, input, output, node) = (name, "own", inputs, outputs, nodes)
        opsetImport = [ProtoOperatorSet(21)]
    }
}
