internal import AcceleratorAPI
internal import Backends
internal import ComputeGraph
internal import Execution

/// From a recipe to a model that solves its task.
extension ModelSpecification {
    /// The bias of classes without samples; fitted scores lie between -1 and 2.
    static let unusedBias: Float = -10

    /// Values for the parameters of the folded graph: generated, calibrated and fitted.
    ///
    /// Generated weights are the same bits everywhere. The statistics and the head come from runs on the device and
    /// from OpenBLAS, so their last bits depend on the machine, and with them the model's hash.
    func fittedWeights(on device: Device, progress: (String) -> Void) throws -> [String: HostTensor] {
        progress("\(name): generating weights")
        var weights = try generatedWeights()
        if calibrationSamples > 0 {
            progress("\(name): calibrating on \(calibrationSamples) samples")
            weights.merge(try statistics(of: weights, on: device)) { $1 }
        }
        var folded = try graph(batch: 1).foldingBatchNormalization().parameters(from: weights)
        progress("\(name): fitting the last layer to \(fittingSamples) samples")
        folded.merge(try fittedHead(of: folded, on: device)) { $1 }
        return folded
    }

    /// Mean and variance for each batch normalisation, each layer seeing those before it normalised.
    private func statistics(
        of weights: [String: HostTensor], on device: Device
    ) throws -> [String: HostTensor] {
        let (graph, names) = try calibrationGraph(batch: calibrationSamples)
        let executable = try Executable(
            graph: graph, device: device, kernels: try Backends.kernels(for: device))
        let session = try Session(
            executable, parameters: try ParameterSet(for: graph, on: device, loading: weights))
        let samples = samples(calibrationSamples, of: .calibration)
        let values = try session.run(inputs: [HostTensor(stacking: samples.inputs)])
        return Dictionary(uniqueKeysWithValues: zip(names, values))
    }

    /// Weight and bias of the last layer, fitted to features of the fitting set.
    private func fittedHead(
        of folded: [String: HostTensor], on device: Device
    ) throws -> [String: HostTensor] {
        let batch = min(fittingSamples, 25)
        let graph = try featureGraph(batch: batch).foldingBatchNormalization().graph
        let samples = samples(fittingSamples, of: .fitting)
        let rows = try BatchRunner(graph, batch: batch, parameters: folded, device: device)
            .rows(for: samples.inputs)
        let fit = try RidgeRegression(rows: rows, labels: samples.labels, classes: dataClasses, ridge: ridge)
        return ["\(Self.head).weight": headWeights(fit), "\(Self.head).bias": headBias(fit)]
    }

    private func headWeights(_ fit: RidgeRegression) -> HostTensor {
        var tensor = HostTensor(zeros: .float32(featureCount, classes))
        tensor.withMutableElements(Float.self) { elements in
            for feature in 0..<featureCount {
                for label in 0..<dataClasses {
                    elements[feature * classes + label] = Float(fit.weights[feature * dataClasses + label])
                }
            }
        }
        return tensor
    }

    private func headBias(_ fit: RidgeRegression) -> HostTensor {
        let unused = [Float](repeating: Self.unusedBias, count: classes - dataClasses)
        return HostTensor(.float32(classes), floats: fit.bias.map(Float.init) + unused)
    }
}
