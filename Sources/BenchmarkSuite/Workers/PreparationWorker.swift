internal import AcceleratorAPI
internal import ComputeGraph
internal import Essentials
internal import Results

/// What a run has to know of a model that its replicas will serve.
package struct PreparationAnswer: Codable {
    package var version: String
    package var modelSHA256: String
    package var dataSHA256: String
    package var weightCount: Int
    /// The right class of each evaluation sample.
    package var labels: [Int32]
    /// The share of these samples that the reference classifies rightly.
    package var referenceAccuracy: Double
    package var flopPerSample: Double
    /// Bytes that must move for one sample alone, and for a whole batch.
    package var bytesAlone: Double
    package var bytesPerBatch: Double
    package var batch: Int
    /// How far the first outputs are from the reference implementation's.
    package var agreement: Agreement
    package var seconds: Double

    package init(
        version: String, modelSHA256: String, dataSHA256: String, weightCount: Int, labels: [Int32],
        referenceAccuracy: Double, flopPerSample: Double, bytesAlone: Double, bytesPerBatch: Double,
        batch: Int, agreement: Agreement, seconds: Double
    ) {
        self.version = version
        self.modelSHA256 = modelSHA256
        self.dataSHA256 = dataSHA256
        self.weightCount = weightCount
        self.labels = labels
        self.referenceAccuracy = referenceAccuracy
        self.flopPerSample = flopPerSample
        self.bytesAlone = bytesAlone
        self.bytesPerBatch = bytesPerBatch
        self.batch = batch
        self.agreement = agreement
        self.seconds = seconds
    }
}

/// Leaves a model in the cache, where the replicas find it, and tells the run what it is.
enum PreparationWorker {
    /// Samples whose outputs are held against the reference implementation, which is slow.
    private static let comparedSamples = 2

    static func run(
        model name: String, tier: Tier, samples: Int, batch: Int, cache: String?, answer: String
    ) throws {
        let start = TimePoint.monotonicNow()
        let device = try ownDevice()
        let specification = try ModelSpecification.named(name, tier: tier)
        let model = try PreparedModel.prepare(
            specification, samples: samples, device: device, cacheFolder: cache, progress: { print($0) })
        try WorkerAnswer.write(
            PreparationAnswer(
                version: specification.version, modelSHA256: model.modelHash, dataSHA256: model.dataHash,
                weightCount: model.parameters.values.reduce(0) { $0 + $1.type.shape.count },
                labels: (0..<model.sampleCount).map { Int32(model.label(of: $0)) },
                referenceAccuracy: try specification.referenceAccuracy(samples: samples),
                flopPerSample: model.flopPerSample, bytesAlone: model.compulsoryBytes(batch: 1),
                bytesPerBatch: model.compulsoryBytes(batch: batch), batch: batch,
                agreement: try agreement(of: model, device: device, samples: comparedSamples),
                seconds: (TimePoint.monotonicNow() - start).inSeconds),
            to: answer)
    }
}
