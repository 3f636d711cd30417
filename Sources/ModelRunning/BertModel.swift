package import ComputeGraph
internal import Essentials
internal import FoundationEssentials
internal import Results
internal import TensorFiles

/// A sentence encoder as model hubs ship it: a folder with `config.json` and `model.safetensors` of a BERT.
///
/// Inputs: `input_ids`, `attention_mask` and `token_type_ids`, int64 `[batch, length]`. Outputs: `last_hidden_state`
/// `[batch, length, width]`, and `sentence_embedding` `[batch, width]`, the mean over the positions that the mask
/// names, of length 1.
package struct BertModel: Sendable {
    package let graph: Graph
    package let parameters: [String: HostTensor]
    package static let outputNames = ["last_hidden_state", "sentence_embedding"]

    package init(folder: String, batch: Int, length: Int) throws {
        let configuration = try Configuration(reading: "\(folder)/config.json")
        let weights = try SafetensorsFile(
            DurableFile.read("\(folder)/model.safetensors", limit: .gibibytes(16)),
            named: "\(folder)/model.safetensors")
        guard length <= configuration.maxPositionEmbeddings, batch > 0, length > 0 else {
            throw Failure(
                "The model takes 1 to \(configuration.maxPositionEmbeddings) positions, not \(length).",
                nextStep: "Choose with --dimension length=N and --dimension batch=N.", exitCode: .wrongUse)
        }
        graph = try configuration.graph(batch: batch, length: length)
        var parameters: [String: HostTensor] = [:]
        for id in graph.parameters {
            let name = graph.name(of: id)
            parameters[name] = try weights.parameter(name, as: graph.type(of: id))
        }
        self.parameters = parameters
    }

    /// What `config.json` says, as far as it shapes the model.
    private struct Configuration: Decodable {
        var modelType: String
        var hiddenSize: Int
        var intermediateSize: Int
        var numAttentionHeads: Int
        var numHiddenLayers: Int
        var maxPositionEmbeddings: Int
        var typeVocabSize: Int
        var vocabSize: Int
        var layerNormEps: Float
        var hiddenAct: String

        init(reading path: String) throws {
            let bytes = try DurableFile.read(path, limit: .mebibytes(1))
            let decoder = JSONDecoder()
            decoder.keyDecodingStrategy = .convertFromSnakeCase
            do {
                self = try decoder.decode(Self.self, from: Data(bytes))
            } catch {
                throw Failure("\(path) is not the configuration of a BERT: \(error).")
            }
            guard modelType == "bert", hiddenAct == "gelu" else {
                throw Failure(
                    "\(path) describes a \(modelType) with \(hiddenAct), and only bert with gelu is read.")
            }
        }

        func graph(batch: Int, length: Int) throws -> Graph {
            var builder = GraphBuilder()
            let tokens = builder.input("input_ids", .int64(batch, length))
            let mask = builder.input("attention_mask", .int64(batch, length))
            let kinds = builder.input("token_type_ids", .int64(batch, length))
            let words = try builder.embedding(
                tokens, rows: vocabSize, width: hiddenSize, name: "embeddings.word_embeddings")
            let types = try builder.embedding(
                kinds, rows: typeVocabSize, width: hiddenSize, name: "embeddings.token_type_embeddings")
            let positions = builder.parameter(
                "embeddings.position_embeddings.weight", .float32(maxPositionEmbeddings, hiddenSize))
            let used = try builder.add(Slice(starts: [0], ends: [length], axes: [0]), [positions])
            let sum = try builder.add(Add(), [try builder.add(Add(), [words, types]), used])
            let seen = try builder.add(Cast(to: .float32), [mask])
            let penalty = try self.penalty(seen, batch, length, in: &builder)
            var x = try builder.layerNormalization(sum, name: "embeddings.LayerNorm", epsilon: layerNormEps)
            for layer in 0..<numHiddenLayers {
                x = try builder.encoderBlock(
                    x, heads: numAttentionHeads, hidden: intermediateSize, mask: penalty,
                    name: "encoder.layer.\(layer)", epsilon: layerNormEps)
            }
            let pooled = try self.pooled(x, seen, batch, length, in: &builder)
            return builder.build(outputs: [x, pooled])
        }

        /// 0 where the mask is 1, and so low where it is 0 that the softmax gives nothing.
        private func penalty(
            _ seen: ValueID, _ batch: Int, _ length: Int, in builder: inout GraphBuilder
        ) throws -> ValueID {
            let one = builder.constant("one", .scalar(1))
            let weight = builder.constant("penalty", .scalar(-1e9))
            let hidden = try builder.add(Sub(), [one, seen])
            let penalty = try builder.add(Mul(), [hidden, weight])
            return try builder.add(Reshape([batch, 1, 1, length]), [penalty])
        }

        private func pooled(
            _ x: ValueID, _ seen: ValueID, _ batch: Int, _ length: Int, in builder: inout GraphBuilder
        ) throws -> ValueID {
            let column = try builder.add(Reshape([batch, length, 1]), [seen])
            let masked = try builder.add(Mul(), [x, column])
            let sum = try builder.add(ReduceSum(axes: [1], keepDims: false), [masked])
            let squares = try builder.add(Mul(), [sum, sum])
            let norm = try builder.add(
                Sqrt(), [try builder.add(ReduceSum(axes: [1], keepDims: true), [squares])])
            // The mean has the direction of the sum, so its length need not be divided out first.
            return try builder.add(Div(), [sum, norm])
        }
    }
}

extension SafetensorsFile {
    /// The weights of one of our parameters under the name that the file has for it.
    fileprivate func parameter(_ name: String, as type: TensorType) throws -> HostTensor {
        var theirs = name
        for (ours, other) in Self.renamed { theirs = theirs.replacing(ours, with: other) }
        guard let tensor = tensor(theirs) ?? tensor("bert.\(theirs)") else {
            throw Failure("The weights hold no \(theirs).")
        }
        // Theirs are [outputs, inputs], except for tables.
        let isMatrix = type.shape.rank == 2 && !name.contains("embeddings")
        let ours = isMatrix ? Transpose([1, 0]).reference([tensor])[0] : tensor
        guard ours.type == type else {
            throw Failure("The weights \(theirs) are \(ours.type), and the configuration wants \(type).")
        }
        return ours
    }

    private static let renamed = [
        (".scale", ".weight"), (".attention.query.", ".attention.self.query."),
        (".attention.key.", ".attention.self.key."), (".attention.value.", ".attention.self.value."),
        (".attention.output.", ".attention.output.dense."),
        (".attention.norm.", ".attention.output.LayerNorm."), (".up.", ".intermediate.dense."),
        (".down.", ".output.dense."), (".norm.", ".output.LayerNorm."),
    ]
}
