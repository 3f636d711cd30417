internal import AcceleratorAPI
internal import CHengAccelerator
internal import COpenCL
internal import Essentials

/// An operator whose kernels are built and have all arguments but the memory.
@safe final class PreparedOperator: @unchecked Sendable {
    // Unchecked: nothing changes after init but the kernels' arguments, which are set under their locks.
    let context: OpenCLContext
    let name: String
    let node: String?
    let plan: Plan
    let algorithm: UnsafePointer<CChar>
    private let inputs: [TensorFacts?]
    private let outputs: [Plan.Output]
    private let steps: [ReadyStep]

    private enum ReadyStep {
        case kernel(KernelObject, tensors: [(index: Int, place: Place)], opencl_range)
        case copy(to: Place, from: Place, bytes: Int)
        case fill(Place, bytes: Int, value: UInt8)
    }

    init(_ plan: Plan, _ use: OperatorUse, node: String?, in context: OpenCLContext) throws(DeviceError) {
        self.context = context
        self.plan = plan
        self.node = node
        name = use.name
        inputs = use.inputs
        // Outputs that are not asked for are not made.
        outputs = Array(plan.outputs.prefix(max(1, use.wanted.count)))
        var steps: [ReadyStep] = []
        for step in plan.steps { steps.append(try PreparedOperator.ready(step, context)) }
        self.steps = steps
        unsafe algorithm = unsafe cString(plan.algorithm)
        context.living.count(\.operators, 1)
    }

    deinit { unsafe algorithm.deallocate() }

    private static func ready(_ step: Step, _ context: OpenCLContext) throws(DeviceError) -> ReadyStep {
        switch step {
        case .copy(let to, let from, let bytes): return .copy(to: to, from: from, bytes: bytes)
        case .fill(let place, let bytes, let value): return .fill(place, bytes: bytes, value: value)
        case .kernel(let name, let arguments, let global, let local):
            let kernel = try context.device.programs.kernel(name, in: context.raw)
            var tensors: [(index: Int, place: Place)] = []
            var index = 0
            for argument in arguments {
                guard let value = argument.value else {
                    if case .tensor(let place) = argument { tensors.append((index, place)) }
                    index += 2
                    continue
                }
                try OpenCLStatus.check(
                    kernel.set(UInt32(index), value), "operator_prepare",
                    "The kernel \(name.kernel) takes no such argument \(index)")
                index += 1
            }
            return .kernel(
                kernel, tensors: tensors,
                opencl_range(
                    global: (global[0], global[1], global[2]), local: (local[0], local[1], local[2])))
        }
    }

    func close() { context.living.count(\.operators, -1) }
}

extension StepArgument {
    /// What is set once; nil for memory, which each run sets.
    fileprivate var value: KernelArgument? {
        switch self {
        case .tensor: nil
        case .uint(let number): .word(UInt64(UInt32(truncatingIfNeeded: number)), size: 4)
        case .int(let number): .word(UInt64(UInt32(bitPattern: Int32(truncatingIfNeeded: number))), size: 4)
        case .long(let number): .word(UInt64(bitPattern: Int64(number)), size: 8)
        case .ulong(let number): .word(number, size: 8)
        case .float(let number): .word(UInt64(Float(number).bitPattern), size: 4)
        case .bytes(let bytes): .bytes(bytes)
        case .value(let number, let type): StepArgument.word(number, type)
        }
    }

    private static func word(_ number: Double, _ type: Int32) -> KernelArgument {
        let size = ElementTypes.valueSize(type)
        switch type {
        case 1, 10, 16: return .word(UInt64(Float(number).bitPattern), size: 4)
        case 11: return .word(number.bitPattern, size: 8)
        case 13:
            let whole = number >= 0x1p64 ? UInt64.max : number > 0 ? UInt64(number) : 0
            return .word(whole, size: size)
        default:
            let whole = number >= 0x1p63 ? Int64.max : number <= -0x1p63 ? Int64.min : Int64(number)
            return .word(UInt64(bitPattern: whole), size: size)
        }
    }
}

// MARK: - Running

extension PreparedOperator {
    /// Where the run's memory lies.
    private struct Memory {
        var inputs: [(raw: UInt, offset: Int)]
        var outputs: [(raw: UInt, offset: Int)]
        var workspace: (raw: UInt, offset: Int)

        func find(_ place: Place) -> (raw: UInt, offset: Int) {
            let base: (raw: UInt, offset: Int)
            switch place.slot {
            case .input(let index): base = index < inputs.count ? inputs[index] : (0, 0)
            case .output(let index): base = index < outputs.count ? outputs[index] : (0, 0)
            case .workspace: base = workspace
            }
            return (base.raw, base.offset + place.offset)
        }
    }

    func execute(
        on stream: OpenCLStream, _ inputRanges: UnsafeBufferPointer<heng_range>,
        _ outputRanges: UnsafeBufferPointer<heng_range>, _ workspace: heng_range?, _ correlation: UInt64
    ) throws(DeviceError) {
        guard stream.context.device === context.device else {
            throw problem(.wrongOwner, "The operator belongs to another device than the stream.")
        }
        guard inputRanges.count >= inputs.count else {
            throw problem(
                .operatorInput, "\(inputRanges.count) inputs are given, and \(inputs.count) are read.")
        }
        guard outputRanges.count >= outputs.count else {
            throw problem(
                .operatorOutput, "\(outputRanges.count) outputs are given, and \(outputs.count) are made.")
        }
        var memory = Memory(inputs: [], outputs: [], workspace: (0, 0))
        for (index, facts) in inputs.enumerated() {
            memory.inputs.append(
                try unsafe place(inputRanges[index], facts?.bytes ?? 0, facts?.elementSize ?? 1))
        }
        for (index, output) in outputs.enumerated() {
            // One that is left out has no memory, and no step writes it.
            let isLeftOut =
                unsafe outputRanges[index].buffer == nil && outputRanges[index].size == 0 && index > 0
            memory.outputs.append(
                try unsafe place(
                    outputRanges[index], isLeftOut ? 0 : output.bytes, ElementTypes.size(output.type)))
        }
        if plan.workspace > 0 {
            guard let workspace = unsafe workspace else {
                throw problem(
                    .invalidArgument, "\(plan.workspace) bytes of scratch memory are needed, none are given.")
            }
            memory.workspace = try unsafe place(workspace, plan.workspace, 16)
        }
        try run(memory, stream, correlation)
    }

    private func place(
        _ range: heng_range, _ bytes: Int, _ alignment: Int
    ) throws(DeviceError) -> (raw: UInt, offset: Int) {
        guard bytes > 0 else { return (0, 0) }
        guard unsafe range.buffer != nil else {
            throw problem(.memoryType, "Operators read and write buffers of the device.")
        }
        guard
            case .buffer(let buffer, let offset) = try unsafe RangePlace(
                range, bytes: UInt64(bytes), in: context, "operator_execute")
        else { throw problem(.memoryType, "Operators read and write buffers of the device.") }
        guard offset % max(1, alignment) == 0 else {
            throw problem(
                .alignment, "A tensor begins at byte \(offset), which is no multiple of \(alignment).")
        }
        return (buffer.raw, offset)
    }

    private func run(_ memory: Memory, _ stream: OpenCLStream, _ correlation: UInt64) throws(DeviceError) {
        // A tensor without elements has no memory; kernels get another one's there, and do not touch it.
        let other = (memory.outputs + memory.inputs).first { $0.raw != 0 }?.raw ?? 0
        do throws(DeviceError) {
            for step in steps {
                switch step {
                case .kernel(let kernel, let tensors, let range):
                    var arguments: [(index: Int, value: KernelArgument)] = []
                    arguments.reserveCapacity(tensors.count * 2)
                    for tensor in tensors {
                        let found = memory.find(tensor.place)
                        arguments.append((tensor.index, .memory(found.raw == 0 ? other : found.raw)))
                        arguments.append((tensor.index + 1, .word(UInt64(found.offset), size: 8)))
                    }
                    try stream.submit(
                        .kernel(
                            KernelLaunch(
                                kernel: kernel, arguments: arguments, range: range, operatorName: name)),
                        correlation, "operator_execute")
                case .copy(let to, let from, let bytes):
                    let (target, source) = (memory.find(to), memory.find(from))
                    // Written over itself, it is there already.
                    if target == source { continue }
                    try stream.submit(
                        .copy(
                            to: target.raw, toOffset: target.offset, from: source.raw,
                            fromOffset: source.offset, bytes: bytes), correlation, "operator_execute")
                case .fill(let place, let bytes, let value):
                    let target = memory.find(place)
                    try stream.submit(
                        .fill(target.raw, offset: target.offset, bytes: bytes, value: value), correlation,
                        "operator_execute")
                }
            }
        } catch {
            var error = error
            error.operatorName = error.operatorName ?? name
            error.node = error.node ?? node
            throw error
        }
    }

    private func problem(_ code: DeviceError.Code, _ text: String) -> DeviceError {
        DeviceError(
            code, operation: "operator_execute", text: "\(name): \(text)", node: node, operatorName: name)
    }
}
