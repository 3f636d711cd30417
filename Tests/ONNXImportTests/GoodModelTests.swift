import ComputeGraph
import Essentials
import Foundation
import ModelRunning
import ONNXFormat
import ONNXImport
import SwiftProtobuf
import TestSupport
import Testing

@Suite("Models that run")
struct GoodModelTests {
    let bed: ModelBed

    init() throws { bed = try ModelBed() }

    @Test func `a model of two nodes gives what a person computes`() throws {
        let graph = ProtoGraph(
            [ProtoNode("Add", ["x", "w"], ["sum"]), ProtoNode("Relu", ["sum"], ["y"])],
            inputs: [ProtoValueInfo("x", .float32, [3])], outputs: ["y"],
            initializers: [ProtoTensor("w", floats: [1, 1, 1])])
        let x = HostTensor(.float32(3), floats: [-3, 0, 2])
        #expect(try bed.run(ProtoModel(graph), [x])[0].floats == [0, 1, 3])
    }

    @Test func `an initializer of an input's name is what the input has when it is not given`() throws {
        let graph = ProtoGraph(
            [ProtoNode("Relu", ["x"], ["y"])], inputs: [ProtoValueInfo("x", .float32, [2])], outputs: ["y"],
            initializers: [ProtoTensor("x", floats: [-1, 5])])
        #expect(try bed.run(ProtoModel(graph), [nil])[0].floats == [0, 5])
        let other = HostTensor(.float32(2), floats: [7, -7])
        #expect(try bed.run(ProtoModel(graph), [other])[0].floats == [7, 0])
    }

    @Test func `inputs that are left out take what the operator says`() throws {
        let clip = ProtoNode("Clip", ["x", "", "most"], ["y"])
        let model = ModelBed.node(
            clip, inputs: [ProtoValueInfo("x")], initializers: [ProtoTensor("most", floats: [1], [])])
        let x = HostTensor(.float32(3), floats: [-9, 0, 9])
        #expect(try bed.run(model, [x])[0].floats == [-9, 0, 1])
    }

    @Test(arguments: [0, 64])
    func `tensors in a file beside the model are read where they lie`(offset: Int) throws {
        let folder = try TemporaryFolder()
        let weights: [Float] = [1, 2, 3, 4]
        let bytes = weights.flatMap { weight in (0..<4).map { UInt8(weight.bitPattern >> ($0 * 8) & 255) } }
        _ = try folder.write([UInt8](repeating: 9, count: offset) + bytes, "weights.bin")
        let w = ProtoTensor(
            "w", .float32, [4], externally: [("location", "weights.bin"), ("offset", "\(offset)")])
        let model = ModelBed.node(
            ProtoNode("Add", ["x", "w"], ["y"]), inputs: [ProtoValueInfo("x", .float32, [4])],
            initializers: [w])
        let path = try folder.write(try model.serializedBytes(), "model.onnx")
        let x = HostTensor(.float32(4), floats: [0, 0, 0, 1])
        #expect(try bed.run(bed.setup.open(path), [x])[0].floats == [1, 2, 3, 5])
    }

    @Test func `a function is called with attributes of its caller`() throws {
        var concat = ProtoNode("Concat", ["a", "b"], ["c"])
        concat.attribute = [ProtoAttribute("axis", int: 0)]
        concat.attribute[0].refAttrName = "along"
        let function = ProtoFunction("Joined", ["a", "b"], ["c"], [concat])
        let call = ProtoNode(
            "Joined", ["x", "x"], ["y"], domain: "own", [ProtoAttribute("along", int: 1)])
        var model = ModelBed.node(call, inputs: [ProtoValueInfo("x", .float32, [2, 1])])
        model.functions = [function]
        let x = HostTensor(.float32(2, 1), floats: [1, 2])
        let y = try bed.run(model, [x])[0]
        #expect(y.type == .float32(2, 2))
        #expect(y.floats == [1, 1, 2, 2])
    }

    @Test(arguments: [true, false])
    func `the branch that a condition chooses reads what lies around it`(holds: Bool) throws {
        let yes = ProtoGraph([ProtoNode("Relu", ["x"], ["r"])], outputs: ["r"])
        let no = ProtoGraph([ProtoNode("Add", ["x", "x"], ["r"])], outputs: ["r"])
        let node = ProtoNode(
            "If", ["c"], ["y"],
            [ProtoAttribute("then_branch", graph: yes), ProtoAttribute("else_branch", graph: no)])
        let model = ModelBed.node(node, inputs: [ProtoValueInfo("c", .bool, []), ProtoValueInfo("x")])
        let c = HostTensor(TensorType(.bool, []), doubles: [holds ? 1 : 0])
        let y = try bed.run(model, [c, HostTensor(.float32(2), floats: [-1, 2])])[0]
        #expect(y.floats == (holds ? [0, 2] : [-2, 4]))
    }

    @Test func `a loop carries a value and gathers another`() throws {
        let body = ProtoGraph(
            [ProtoNode("Add", ["state", "x"], ["next"]), ProtoNode("Add", ["next", "x"], ["seen"])],
            inputs: [
                ProtoValueInfo("i", .int64, []), ProtoValueInfo("go", .bool, []), ProtoValueInfo("state"),
            ], outputs: ["go", "next", "seen"])
        let node = ProtoNode(
            "Loop", ["count", "", "zero"], ["sum", "all"], [ProtoAttribute("body", graph: body)])
        let model = ModelBed.node(
            node, inputs: [ProtoValueInfo("x", .float32, [1])],
            initializers: [ProtoTensor("count", integers: [3], []), ProtoTensor("zero", floats: [0])])
        let outputs = try bed.run(model, [HostTensor(.float32(1), floats: [2])])
        #expect(outputs[0].floats == [6])
        #expect(outputs[1].type == .float32(3, 1))
        #expect(outputs[1].floats == [4, 6, 8])
    }

    @Test func `a sparse initializer is zero where it says nothing`() throws {
        var sparse = ProtoSparseTensor()
        sparse.values = ProtoTensor("w", floats: [5, 7])
        sparse.indices = ProtoTensor("", integers: [0, 3])
        sparse.dims = [2, 2]
        var graph = ProtoGraph([ProtoNode("Relu", ["w"], ["y"])], outputs: ["y"])
        graph.sparseInitializer = [sparse]
        #expect(try bed.run(ProtoModel(graph))[0].floats == [5, 0, 0, 7])
    }

    @Test func `the oldest files name no kinds of attributes`() throws {
        var axis = ProtoAttribute("axis", int: 1)
        axis.clearType()
        let model = ModelBed.node(
            ProtoNode("Concat", ["x", "x"], ["y"], [axis]), inputs: [ProtoValueInfo("x", .float32, [1, 1])],
            version: 4)
        #expect(try bed.run(model, [HostTensor(.float32(1, 1), floats: [3])])[0].type == .float32(1, 2))
    }

    @Test(arguments: [
        (ElementType.int4, [UInt8(0x7F), 0x08], [-1.0, 7, -8]), (.uint4, [0x7F, 0x08], [15, 7, 8]),
        (.float4e2m1, [0x71, 0x0A], [0.5, 6, -1]), (.int2, [0b11_10_01], [1, -2, -1]),
    ])
    func `elements of less than a byte are packed in files`(
        element: ElementType, bytes: [UInt8], values: [Double]
    ) throws {
        var packed = ProtoTensor("w", element, [3])
        packed.rawData = Data(bytes)
        let graph = ProtoGraph(
            [ProtoNode("Cast", ["w"], ["y"], [ProtoAttribute("to", int: 1)])], outputs: ["y"],
            initializers: [packed])
        #expect(try bed.run(ProtoModel(graph, version: 25))[0].doubles == values)
    }
}
