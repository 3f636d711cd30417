internal import AcceleratorAPI
internal import Backends
internal import Collectives
internal import ComputeGraph
internal import Essentials
internal import Execution
internal import Results

/// One inference replica: its own weights, near its own cores, answering requests of the queue that all share.
enum ReplicaWorker {
    /// A replica's answer for outputs that hold NaN or infinity, which no class is.
    static let notFinite: Int32 = -1

    static func run(model name: String, tier: Tier, samples: Int, batch: Int, cache: String?) throws {
        guard let context = try RankContext.fromEnvironment(), let path = context.table.requestQueue else {
            throw Failure(
                "A replica is started as a rank of a job with a request queue.", exitCode: .wrongUse)
        }
        let device = try ownDevice()
        let model = try PreparedModel.prepare(
            try .named(name, tier: tier), samples: samples, device: device, cacheFolder: cache,
            progress: { _ in })
        let replica = try Replica(model, device: device, batch: batch)
        let queue = try RequestQueue(region: try SharedRegion.open(path: path))
        try queue.attach(replica: context.rank)
        while true {
            switch queue.nextRequest(replica: context.rank, timeout: .seconds(3600)) {
            case .closed: return
            case .timedOut: continue
            case .item(let request):
                let started = TimePoint.monotonicNow()
                let results = try replica.classes(of: request.samples.elements)
                let completion = SharedCompletion(
                    id: request.id, replica: context.rank, started: started, ended: .monotonicNow(),
                    results: InlineBatch(results), tag: request.tag)
                guard queue.complete(completion, timeout: .seconds(60)) else { return }
            }
        }
    }
}

/// Sessions for one sample and for a batch, over one set of weights, with all inputs in memory.
final class Replica {
    private let single: Session
    private let batched: Session
    private let batch: Int
    private let classCount: Int
    private let inputs: [HostTensor]

    init(_ model: PreparedModel, device: Device, batch: Int) throws {
        let kernels = try Backends.kernels(for: device)
        let graphs = (one: try model.graph(batch: 1), many: try model.graph(batch: batch))
        let parameters = try ParameterSet(
            for: [graphs.one, graphs.many], on: device)
        try parameters.load(model.parameters)
        single = try Session(
            Executable(graph: graphs.one, device: device, kernels: kernels), parameters: parameters)
        batched = try Session(
            Executable(graph: graphs.many, device: device, kernels: kernels), parameters: parameters)
        self.batch = batch
        classCount = model.specification.classes
        inputs = (0..<model.sampleCount).map(model.input(of:))
        // The first runs pack weights and wake the threads; nobody waits for them.
        _ = try classes(of: [0])
        _ = try classes(of: (0..<UInt32(batch)).map { $0 % UInt32(inputs.count) })
    }

    /// The class with the highest score of each sample; up to `batch` samples.
    func classes(of samples: [UInt32]) throws -> [Int32] {
        guard samples.count > 1 else { return try run(single, samples) }
        return try stride(from: 0, to: samples.count, by: batch).flatMap { start in
            try run(batched, Array(samples[start..<min(start + batch, samples.count)]))
        }
    }

    private func run(_ session: Session, _ samples: [UInt32]) throws -> [Int32] {
        for (place, sample) in samples.enumerated() { fill(session, place, with: inputs[Int(sample)]) }
        try session.run()
        return session.withOutput(0, as: Float.self) { scores in
            samples.indices.map { row in
                highestPlace(scores.extracting(row * classCount..<(row + 1) * classCount)).map(Int32.init)
                    ?? ReplicaWorker.notFinite
            }
        }
    }

    private func fill(_ session: Session, _ place: Int, with input: HostTensor) {
        switch input.type.element {
        case .int64: copy(session, place, input, Int64.self)
        default: copy(session, place, input, Float.self)
        }
    }

    private func copy<Element: BitwiseCopyable>(
        _ session: Session, _ place: Int, _ input: HostTensor, _ element: Element.Type
    ) {
        session.withInput(0, as: element) { target in
            input.withElements(element) { source in
                let start = place * source.count
                for index in source.indices { target[start + index] = source[index] }
            }
        }
    }
}
