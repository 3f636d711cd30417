import ComputeGraph
import Essentials
import Foundation
import ModelRunning
import ONNXFormat
import ONNXImport
import SwiftProtobuf
import TestSupport
import Testing

@Suite("Models that are refused")
struct BadModelTests {
    let bed: ModelBed
    let x = HostTensor(.float32(2), floats: [1, 2])

    init() throws { bed = try ModelBed() }

    private func relu(_ initializer: ProtoTensor) -> ProtoModel {
        ModelBed.node(ProtoNode("Relu", ["w"], ["y"]), initializers: [initializer])
    }

    @Test func `a file that ends too early`() throws {
        let whole: [UInt8] = try relu(ProtoTensor("w", floats: [1, 2, 3])).serializedBytes()
        for count in 0..<whole.count {
            let sentence = try bed.refusal {
                try bed.run(ONNXModel(Array(whole[..<count]), registry: bed.setup.registry))
            }
            // What is left may be a whole model by chance: its last fields are optional.
            guard let sentence else { continue }
            #expect(sentence.hasSuffix("."))
        }
        let half = Array(whole[..<(whole.count / 2)])
        #expect(
            try bed.refusal { _ = try ONNXModel(half, registry: bed.setup.registry) }
                == "The model is not valid ONNX: its bytes are not those of a model.")
    }

    @Test func `bytes that are no model`() throws {
        #expect(
            try bed.refusal { _ = try ONNXModel([0xFF, 0xFF, 0xFF], registry: bed.setup.registry) }
                == "The model is not valid ONNX: its bytes are not those of a model.")
        #expect(
            try bed.refusal { _ = try ONNXModel([], registry: bed.setup.registry) }
                == "The model is not valid ONNX: it holds no graph.")
    }

    @Test func `nodes in a circle`() throws {
        let graph = ProtoGraph(
            [
                ProtoNode("Add", ["x", "b"], ["a"], name: "first"),
                ProtoNode("Relu", ["a"], ["b"], name: "second"),
            ], inputs: [ProtoValueInfo("x")], outputs: ["b"])
        #expect(
            try bed.refusal(ProtoModel(graph), [x])
                == "Node first: It reads b, which neither an input nor a node before it makes.")
    }

    @Test func `a node that reads itself`() throws {
        let model = ModelBed.node(ProtoNode("Relu", ["y"], ["y"], name: "ring"))
        #expect(
            try bed.refusal(model)
                == "Node ring: It reads y, which neither an input nor a node before it makes.")
    }

    @Test func `a shape of a billion extents' worth of elements`() throws {
        let tensor = ProtoTensor("w", .float32, [1_000_000_000, 1_000_000_000])
        let sentence = try #require(try bed.refusal(relu(tensor)))
        #expect(sentence.hasPrefix("The tensor w is not valid ONNX: its 2 extents"))
        let large = try #require(try bed.refusal(relu(ProtoTensor("w", .float32, [1 << 30]))))
        #expect(large.hasPrefix("The tensor w is not valid ONNX: it is float32[1073741824]"))
    }

    @Test func `a shape of very many axes`() throws {
        let tensor = ProtoTensor("w", .float32, [Int64](repeating: 1, count: 100_000))
        let sentence = try #require(try bed.refusal(relu(tensor)))
        #expect(sentence.hasPrefix("The tensor w is not valid ONNX: its 100000 extents"))
        #expect(sentence.utf8.count < 500)
    }

    @Test(arguments: [Int64(-1), .min])
    func `a negative extent`(extent: Int64) throws {
        let sentence = try #require(try bed.refusal(relu(ProtoTensor("w", .float32, [extent]))))
        #expect(
            sentence.hasPrefix("The tensor w is not valid ONNX: its 1 extents ([\(extent)]) are no shape"))
        let declared = ModelBed.node(
            ProtoNode("Relu", ["x"], ["y"]), inputs: [ProtoValueInfo("x", .float32, [extent])])
        #expect(
            try bed.refusal(declared, [x])
                == "The type of x is not valid ONNX: its shape holds \(extent).")
    }

    @Test func `a tensor of more or fewer bytes than its shape`() throws {
        for count in [0, 11, 13] {
            var tensor = ProtoTensor("w", .float32, [3])
            tensor.rawData = Data(count: count)
            #expect(
                try bed.refusal(relu(tensor))
                    == "The tensor w is not valid ONNX: its shape wants 12 bytes, and there are \(count).")
        }
        var tensor = ProtoTensor("w", floats: [1, 2])
        tensor.dims = [3]
        #expect(
            try bed.refusal(relu(tensor))
                == "The tensor w is not valid ONNX: its shape wants 3 numbers, and there are 2.")
    }

    @Test func `an element type that does not exist`() throws {
        var tensor = ProtoTensor("w", floats: [1])
        tensor.dataType = 99
        #expect(try bed.refusal(relu(tensor)) == "The tensor w is not valid ONNX: 99 is no element type.")
    }

    @Test func `a value of another type than the model declares`() throws {
        let model = ModelBed.node(
            ProtoNode("Relu", ["x"], ["y"]), inputs: [ProtoValueInfo("x", .float32, [3])])
        #expect(try bed.refusal(model, [x]) == "The input x is float32[3], and float32[2] was given.")
        let whole = HostTensor(.int64(3), integers: [1, 2, 3])
        #expect(try bed.refusal(model, [whole]) == "The input x is float32[3], and int64[3] was given.")
        #expect(try bed.refusal(model, [nil]) == "The input x is missing.")
    }

    @Test func `strings where numbers are due`() throws {
        let model = ModelBed.node(
            ProtoNode("Relu", ["w"], ["y"], name: "r"), initializers: [ProtoTensor("w", strings: ["1"])])
        #expect(try bed.refusal(model) == "Node r: Relu: the input X cannot be string[1].")
        let shape = ModelBed.node(
            ProtoNode("Reshape", ["x", "s"], ["y"], name: "r"), inputs: [ProtoValueInfo("x")],
            initializers: [ProtoTensor("s", strings: ["2"])])
        #expect(try bed.refusal(shape, [x]) == "Node r: Reshape: the input shape cannot be string[1].")
        let axis = ModelBed.node(
            ProtoNode("Concat", ["x", "x"], ["y"], name: "c", [ProtoAttribute("axis", string: "0")]),
            inputs: [ProtoValueInfo("x")])
        #expect(
            try bed.refusal(axis, [x]) == "Node c: Concat: the attribute axis is an integer, not a string.")
    }

    @Test func `an attribute that is given twice`() throws {
        let axis = ProtoAttribute("axis", int: 0)
        let model = ModelBed.node(
            ProtoNode("Concat", ["x"], ["y"], name: "c", [axis, axis]), inputs: [ProtoValueInfo("x")])
        #expect(try bed.refusal(model, [x]) == "Node c: Concat: the attribute axis is given twice.")
    }

    @Test func `an operator that does not exist`() throws {
        let model = ModelBed.node(ProtoNode("Fly", [], ["y"], name: "f"))
        #expect(try bed.refusal(model) == "Node f: there is no operator Fly.")
    }

    @Test func `subgraphs nested too deep`() throws {
        var graph = ProtoGraph([ProtoNode("Relu", ["x"], ["r"])], outputs: ["r"])
        for _ in 0..<60 {
            let branches = ["then_branch", "else_branch"].map { ProtoAttribute($0, graph: graph) }
            let inner = ProtoNode("If", ["c"], ["r"], [branches[0]])
            graph = ProtoGraph([inner], outputs: ["r"])
        }
        graph.input = [ProtoValueInfo("c", .bool, []), ProtoValueInfo("x")]
        // The decoder goes 100 messages deep, of which a subgraph takes three.
        #expect(
            try bed.refusal(ProtoModel(graph), [HostTensor(TensorType(.bool, []), doubles: [1]), x])
                == "The model is not valid ONNX: its bytes are not those of a model.")
    }

    @Test func `a function that calls itself`() throws {
        let call = ProtoNode("F", ["a"], ["b"], name: "again", domain: "own")
        var model = ModelBed.node(
            ProtoNode("F", ["x"], ["y"], domain: "own"), inputs: [ProtoValueInfo("x")])
        model.functions = [ProtoFunction("F", ["a"], ["b"], [call])]
        #expect(
            try bed.refusal(model, [x])
                == "The function F is not valid ONNX: functions and subgraphs are nested more than 64 deep.")
    }

    @Test func `functions that double the work sixty times`() throws {
        var bed = bed
        bed.setup.limits.calls = 100_000
        let functions = (0..<60).map { level in
            let inner =
                level == 59
                ? ProtoNode("Relu", ["a"], ["b"]) : ProtoNode("F\(level + 1)", ["a"], ["b"], domain: "own")
            return ProtoFunction("F\(level)", ["a"], ["b"], [inner, inner])
        }
        var model = ModelBed.node(
            ProtoNode("F0", ["x"], ["y"], name: "f", domain: "own"), inputs: [ProtoValueInfo("x")])
        model.functions = functions
        let sentence = try #require(try bed.refusal(model, [x]))
        #expect(sentence.hasSuffix("more than its limit of 100000 calls of operators and functions."))
    }

    @Test func `a loop without end`() throws {
        var bed = bed
        bed.setup.limits.calls = 10_000
        let body = ProtoGraph(
            [ProtoNode("Identity", ["go"], ["on"])],
            inputs: [ProtoValueInfo("i", .int64, []), ProtoValueInfo("go", .bool, [])], outputs: ["on"])
        let model = ModelBed.node(
            ProtoNode("Loop", ["count", ""], [], name: "l", [ProtoAttribute("body", graph: body)]),
            initializers: [ProtoTensor("count", integers: [.max], [])])
        let sentence = try #require(try bed.refusal(model))
        // The loop's own call, or that of the node in its body.
        #expect(sentence.hasPrefix("Node l: ") || sentence.hasPrefix("Node Identity_0: "))
        #expect(sentence.contains("The model comes to more than its limit of 10000 calls"))
    }

    @Test func `many values that are each small enough`() throws {
        let nodes = (0..<100).map { place in
            ProtoNode("Expand", ["x", "shape"], ["y\(place)"], name: "e\(place)")
        }
        let graph = ProtoGraph(
            nodes, outputs: ["y0"],
            initializers: [ProtoTensor("x", floats: [1]), ProtoTensor("shape", integers: [1 << 19])])
        let sentence = try #require(try bed.refusal(ProtoModel(graph)))
        #expect(
            sentence.hasSuffix("The values of the model would take more than its limit of 67108864 bytes."))
    }

    @Test func `more work than there is time`() throws {
        var bed = bed
        bed.setup.limits.operations = 1 << 20
        let model = ModelBed.node(
            ProtoNode("MatMul", ["x", "x"], ["y"], name: "m"),
            inputs: [ProtoValueInfo("x", .float32, [500, 500])])
        #expect(
            try bed.refusal(model, [HostTensor(zeros: .float32(500, 500))])
                == "The model cannot be run: The model asks for more work than its limit of 1048576 operations."
        )
    }

    @Test func `very many empty messages in a small file`() throws {
        var graph = ProtoGraph([], outputs: [])
        graph.node = [ProtoNode](repeating: ProtoNode(), count: 200_000)
        let sentence = try #require(try bed.refusal(ProtoModel(graph)))
        #expect(sentence.hasPrefix("The model is not valid ONNX: it would take"))
    }

    @Test func `names that would fill the screen, or steer it`() throws {
        let long = String(repeating: "n", count: 100_000)
        let sentence = try #require(
            try bed.refusal(ModelBed.node(ProtoNode("Relu", [long], ["y"], name: long))))
        #expect(sentence.utf8.count < 1500)
        let steering = ModelBed.node(ProtoNode("A\u{1B}[2J\n", [], ["y"], name: "n\r"))
        let other = try #require(try bed.refusal(steering))
        #expect(other.unicodeScalars.allSatisfy { $0.value >= 32 })
    }
}

@Suite("External data that is refused")
struct BadExternalDataTests {
    let bed: ModelBed
    let folder: TemporaryFolder

    init() throws {
        bed = try ModelBed()
        folder = try TemporaryFolder()
        _ = try folder.write([UInt8](repeating: 0, count: 16), "w.bin")
    }

    private func refusal(_ entries: [(String, String)]) throws -> String? {
        let model = ModelBed.node(
            ProtoNode("Relu", ["w"], ["y"]),
            initializers: [ProtoTensor("w", .float32, [4], externally: entries)])
        let path = try folder.write(try model.serializedBytes(), "model.onnx")
        return try bed.refusal { try bed.run(bed.setup.open(path)) }
    }

    private let lies = "The tensor w lies in another file: "

    @Test(arguments: ["/etc/passwd", "../w.bin", "a/../../w.bin"])
    func `a place outside of the model's folder`(place: String) throws {
        #expect(try refusal([("location", place)]) == lies + "\(place) is not inside the model's folder.")
    }

    @Test func `a link that leads outside`() throws {
        try FileManager.default.createSymbolicLink(
            atPath: "\(folder.path)/link", withDestinationPath: "/etc/passwd")
        #expect(try refusal([("location", "link")]) == lies + "link leads outside the model's folder.")
    }

    @Test func `bytes past the file's end`() throws {
        #expect(
            try refusal([("location", "w.bin"), ("offset", "4")])
                == lies + "w.bin ends at 16, and bytes 4 to 20 are named.")
        #expect(
            try refusal([("location", "w.bin"), ("length", "17")])
                == lies + "float32[4] takes 16 bytes, not 17.")
    }

    @Test(arguments: ["-1", "x", "", "99999999999999999999"])
    func `a place that is no number`(offset: String) throws {
        #expect(
            try refusal([("location", "w.bin"), ("offset", offset)])
                == lies + "\(offset) is no number of bytes.")
    }

    @Test func `a file that is not there, no name, and a folder`() throws {
        #expect(try refusal([("location", "none.bin")]) == lies + "there is no none.bin.")
        #expect(try refusal([]) == lies + "its location is missing.")
        #expect(try refusal([("location", ".")])?.hasPrefix(lies) == true)
    }

    @Test func `a model from memory names no files`() throws {
        let model = ModelBed.node(
            ProtoNode("Relu", ["w"], ["y"]),
            initializers: [ProtoTensor("w", .float32, [4], externally: [("location", "w.bin")])])
        #expect(try bed.refusal(model) == lies + "files beside this one are not read.")
    }
}
