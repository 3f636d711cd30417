internal import AcceleratorAPI
internal import Backends
internal import CHengAccelerator
internal import CHengForwarding
internal import ComputeGraph
internal import Essentials
internal import Execution
internal import KernelInterface
internal import ONNXImport

// Runs of a model on a caller's ranges.

extension LibraryModel {
    /// Runs once and waits.
    func run(
        _ inputs: UnsafeBufferPointer<heng_range>, _ outputs: UnsafeBufferPointer<heng_range>,
        _ scope: RangeScope
    ) throws {
        try checkCounts(inputs.count, outputs.count, "model_run")
        do {
            switch form {
            case .prepared:
                let given = try unsafe views(inputs, inputTypes, scope, .modelInput)
                let results = try unsafe views(outputs, outputTypes.compactMap { $0 }, scope, .modelOutput)
                try runPrepared(given, results)
            case .inParts(let model): try unsafe runInParts(model, inputs, outputs, scope)
            }
        } catch {
            recover()
            throw error
        }
    }

    /// Submits once to a stream of the caller's.
    func submit(
        _ inputs: UnsafeBufferPointer<heng_range>, _ outputs: UnsafeBufferPointer<heng_range>,
        _ scope: RangeScope, on lane: OpaquePointer, correlation: UInt64
    ) throws {
        try checkCounts(inputs.count, outputs.count, "model_submit")
        let given = try unsafe views(inputs, inputTypes, scope, .modelInput)
        let results = try unsafe views(outputs, outputTypes.compactMap { $0 }, scope, .modelOutput)
        guard takesHostMemory || !(given + results).contains(where: \.isInHostMemory)
        else {
            throw failure(
                .memoryType, "model_submit",
                "The device does not reach host memory; copy to its buffers first, or use model_run.")
        }
        try submit(
            inputs: given, outputs: results, on: unsafe context.lending(stream: lane),
            correlation: correlation)
    }

    private func checkCounts(_ inputs: Int, _ outputs: Int, _ operation: String) throws {
        guard inputs == inputTypes.count else {
            throw failure(
                .modelInput, operation, "\(inputs) inputs are given, and the model takes \(inputTypes.count)."
            )
        }
        guard outputs == outputTypes.count else {
            throw failure(
                .modelOutput, operation,
                "\(outputs) outputs are given, and the model has \(outputTypes.count).")
        }
    }

    private func views(
        _ ranges: UnsafeBufferPointer<heng_range>, _ types: [TensorType], _ scope: RangeScope,
        _ code: DeviceError.Code
    ) throws -> [DeviceBufferView] {
        try unsafe scope.views(ranges, at: Array(types.indices), types: types, code: code)
    }

    // Host memory that the device does not reach is copied to buffers of its own and back.
    private func runPrepared(_ inputs: [DeviceBufferView], _ outputs: [DeviceBufferView]) throws {
        let reaches = takesHostMemory
        let staged = try (inputs + outputs).map { view -> KeptBuffer? in
            guard !reaches, view.isInHostMemory else { return nil }
            return KeptBuffer(try context.makeBuffer(of: ByteCount(bytes: max(1, view.size))))
        }
        // Copies and kernels use these buffers until the stream is done, also when not all could be submitted.
        defer { withExtendedLifetime(staged) { _ = try? own.stream.synchronize() } }
        let places = zip(inputs + outputs, staged).map { $1?.view.view(offset: 0, size: $0.size) ?? $0 }
        for (index, input) in inputs.enumerated() where staged[index] != nil && input.size > 0 {
            try own.stream.copy(from: input, to: places[index])
        }
        try submit(
            inputs: Array(places[..<inputs.count]), outputs: Array(places[inputs.count...]), on: own.stream)
        for (index, output) in outputs.enumerated()
        where staged[inputs.count + index] != nil && output.size > 0 {
            try own.stream.copy(from: places[inputs.count + index], to: output)
        }
        try own.stream.synchronize()
    }

    private func runInParts(
        _ model: ONNXModel, _ inputs: UnsafeBufferPointer<heng_range>,
        _ outputs: UnsafeBufferPointer<heng_range>, _ scope: RangeScope
    ) throws {
        let given = try unsafe views(inputs, inputTypes, scope, .modelInput)
        var tensors = try zip(given, inputTypes).map { try $0.read($1, on: own.stream) }[...]
        let values = model.inputs.map { input -> HostValue? in
            model.optionalInputs.contains(input.name) ? nil : tensors.popFirst().map { .tensor($0) }
        }
        let evaluator = DeviceEvaluator(
            device: device, kernels: try Backends.kernels(for: device),
            options: Executable.Options(demand: demand), limits: ModelRequest.limits)
        let results = try model.run(values, evaluator: evaluator)
        for (index, value) in results.enumerated() {
            guard case .tensor(let tensor) = value, tensor.type.element != .string else {
                throw failure(
                    .modelOutput, "model_run", "The output \(outputNames[index]) is not a tensor of numbers.")
            }
            let view = try unsafe scope.tensor(
                outputs[index], tensor.type, "The output \(outputNames[index])", .modelOutput)
            try view.write(tensor, on: own.stream)
        }
    }
}

/// A buffer that an object holds.
final class KeptBuffer: Sendable {
    private let buffer: DeviceBuffer

    init(_ buffer: consuming DeviceBuffer) { self.buffer = buffer }

    var view: DeviceBufferView { buffer.view() }
}

extension DeviceBufferView {
    fileprivate func read(_ type: TensorType, on stream: borrowing DeviceStream) throws -> HostTensor {
        var tensor = HostTensor(zeros: type)
        guard type.byteCount > 0 else { return tensor }
        try unsafe tensor.withMutableBytes { bytes in try unsafe stream.copy(from: self, to: bytes) }
        try stream.synchronize()
        return tensor
    }

    fileprivate func write(_ tensor: HostTensor, on stream: borrowing DeviceStream) throws {
        guard tensor.type.byteCount > 0 else { return }
        try unsafe tensor.withBytes { bytes in
            try unsafe stream.copy(from: bytes, to: self)
            try stream.synchronize()
        }
    }
}
