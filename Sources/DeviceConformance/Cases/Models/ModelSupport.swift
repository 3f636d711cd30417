internal import AcceleratorAPI
internal import CHengAccelerator
internal import Essentials
internal import FoundationEssentials
internal import Results

/// Buffers for one run of the sample model, and the bytes that go in and must come out.
struct SampleBuffers {
    var inputs: [Handle]
    var outputs: [Handle]

    var given: [Place] {
        zip(inputs, SampleModel.inputSizes).map { .buffer($0, size: $1) }
    }
    var results: [Place] {
        zip(outputs, SampleModel.outputSizes).map { .buffer($0, size: $1) }
    }
}

extension Trial {
    /// A loaded model that is unloaded when the case ends.
    func loaded(_ calls: ModelCalls, _ wish: ModelWish = .sample, in context: Handle) throws -> Handle {
        let model = try calls.load(wish, in: context).made("of the sample model")
        atEnd { calls.unload(model) }
        return model
    }

    func sampleBuffers(in context: Handle) throws -> SampleBuffers {
        SampleBuffers(
            inputs: try SampleModel.inputSizes.map { try buffer(in: context, $0) },
            outputs: try SampleModel.outputSizes.map { try buffer(in: context, $0) })
    }

    /// Brings the operands of a round into the buffers, and spoils what stands in the outputs.
    func fill(_ buffers: SampleBuffers, round: Int, _ stream: Handle) throws {
        let (x, z) = SampleModel.values(round)
        for (operand, floats) in zip(buffers.inputs, [x, z]) {
            try write(bytesOf(floats), to: operand, of: floats.count * 4, stream)
        }
        for (output, size) in zip(buffers.outputs, SampleModel.outputSizes) {
            try write([UInt8](repeating: 0xCC, count: size), to: output, of: size, stream)
        }
    }

    /// Goes on when the outputs are those of the round.
    func check(_ buffers: SampleBuffers, round: Int, _ stream: Handle, _ what: String) throws {
        let (x, z) = SampleModel.values(round)
        let (up, down) = SampleModel.results(x, z)
        for (index, expected) in [up, down].enumerated() {
            try require(
                read(expected.count * 4, from: buffers.outputs[index], of: expected.count * 4, stream),
                is: bytesOf(expected), "\(what), output \(SampleModel.outputs[index].name)")
        }
    }

    /// Runs the sample model once with the operands of a round, and checks what it gives.
    func runSample(
        _ calls: ModelCalls, _ model: Handle, in context: Handle, round: Int = 0, _ what: String
    ) throws {
        let stream = try stream(in: context)
        let buffers = try sampleBuffers(in: context)
        try fill(buffers, round: round, stream)
        try calls.run(model, buffers.given, buffers.results).done(what)
        try check(buffers, round: round, stream, what)
    }

    /// A file with these bytes, which goes when the case ends.
    func file(_ name: String, _ bytes: [UInt8]) throws -> String {
        let path = "\(try folder())/\(name)"
        do { try DurableFile.write(bytes, to: path) } catch {
            throw CaseEnd.notRun("The file \(path) cannot be written.")
        }
        return path
    }

    func contents(of path: String) throws -> [UInt8] {
        do { return try DurableFile.read(path, limit: .mebibytes(64)) } catch {
            throw CaseEnd.failed("The file \(path) that was written cannot be read.")
        }
    }

    func remove(_ path: String) { try? FileManager.default.removeItem(atPath: path) }
}

extension DeviceCase {
    static func model(
        _ name: String, _ title: String, _ clauses: Int..., body: @escaping @Sendable (Trial) throws -> Void
    ) -> DeviceCase {
        DeviceCase(
            id: "models/table/\(name)", level: .models, title: title, clauses: clauses, needs: [],
            group: HENG_KIND_MODEL_TABLE, isOptional: false, body: .device(body))
    }

    static func graph(
        _ name: String, _ title: String, _ clauses: Int..., body: @escaping @Sendable (Trial) throws -> Void
    ) -> DeviceCase {
        DeviceCase(
            id: "models/graph/\(name)", level: .models, title: title, clauses: clauses, needs: [],
            group: HENG_KIND_GRAPH_TABLE, isOptional: false, body: .device(body))
    }
}
