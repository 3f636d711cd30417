package import ComputeGraph
internal import Essentials
internal import FoundationEssentials
internal import ONNXImport
internal import Results

/// A model of known shapes that can be written as ONNX.
package struct ModelConversion: Sendable {
    package let graph: Graph
    package let parameters: [String: HostTensor]
    package let outputNames: [String]

    /// From an ONNX file, or from a folder with a BERT as model hubs ship it.
    package init(_ source: String, extents: [String: Int], setup: ModelSetup) throws {
        if FileManager.default.fileExists(atPath: "\(source)/config.json") {
            let model = try BertModel(
                folder: source, batch: extents["batch"] ?? 1, length: extents["length"] ?? 128)
            (graph, parameters) = (model.graph, model.parameters)
            outputNames = BertModel.outputNames
        } else {
            let model = try setup.open(source)
            graph = try model.graph(for: OpenDimensions(of: model).types(extents))
            parameters = [:]
            outputNames = model.outputs.map(\.name)
        }
    }

    package func write(to path: String) throws {
        try DurableFile.write(
            ONNXExport.bytes(of: graph, parameters: parameters, outputNames: outputNames), to: path)
    }
}
