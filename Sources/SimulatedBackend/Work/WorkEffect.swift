internal import AcceleratorAPI
internal import ComputeGraph

#if canImport(Glibc)
internal import Glibc
#endif

/// What work does to memory; called without any lock.
enum WorkEffect {
    static func perform(_ command: Command, on device: String) -> DeviceError? {
        switch command.kind {
        case .launch(let call):
            let code = call.run()
            return code == 0 ? nil : failed(command, code, device)
        case .copy(let to, let from): unsafe memcpy(to.address, from.address, to.size)
        case .fill(let to, let value): unsafe memset(to.address, Int32(value), to.size)
        case .block(let to, let from, let size): copy(to, from, size)
        case .operate(let prepared, let inputs, let outputs): return prepared.compute(inputs, outputs)
        case .record, .wait, .free, .rangeBegin, .rangeEnd, .mark: break
        }
        return nil
    }

    private static func failed(_ command: Command, _ code: Int32, _ device: String) -> DeviceError {
        DeviceError(
            .execution, scope: .stream, operation: command.function,
            text: "A host function in a stream of \(device) failed with code \(code).", nativeCode: Int(code))
    }

    private static func copy(_ to: BlockSpan, _ from: BlockSpan, _ size: BlockSize) {
        for plane in 0..<size.depth {
            for row in 0..<size.height {
                let target = plane * to.planePitch + row * to.rowPitch
                let source = plane * from.planePitch + row * from.rowPitch
                unsafe memcpy(to.span.address + target, from.span.address + source, size.width)
            }
        }
    }

    /// What the work wrote.
    private static func results(of command: Command) -> [MemorySpan] {
        switch command.kind {
        case .copy(let to, _), .fill(let to, _): [to]
        case .block(let to, _, _): [to.span]
        case .operate(_, _, let outputs): outputs.compactMap { $0 }
        case .launch, .record, .wait, .free, .rangeBegin, .rangeEnd, .mark: []
        }
    }

    /// Makes the first result wrong in one place.
    static func damage(_ command: Command, _ damage: Fault.Damage) {
        guard let result = results(of: command).first(where: { $0.size > 0 }) else { return }
        switch damage {
        case .flip(let byte, let bit): flip(result, byte, bit)
        case .add(let element, let amount):
            guard case .operate(let prepared, _, _) = command.kind, let type = prepared.outputs.first else {
                return flip(result, element, 0)
            }
            add(amount, to: element, of: result, type.element)
        }
    }

    private static func flip(_ span: MemorySpan, _ byte: Int, _ bit: Int) {
        let place = byte % span.size
        let old = unsafe span.address.load(fromByteOffset: place, as: UInt8.self)
        unsafe span.address.storeBytes(of: old ^ (1 << UInt8(bit)), toByteOffset: place, as: UInt8.self)
    }

    private static func add(_ amount: Double, to element: Int, of span: MemorySpan, _ type: ElementType) {
        let place = element % max(1, span.size / max(1, type.size)) * type.size
        func change<Number: BitwiseCopyable>(_ number: Number.Type, _ body: (Number) -> Number) {
            let old = unsafe span.address.loadUnaligned(fromByteOffset: place, as: number)
            unsafe span.address.storeBytes(of: body(old), toByteOffset: place, as: number)
        }
        switch type {
        case .float32: change(Float.self) { $0 + Float(amount) }
        case .float64: change(Double.self) { $0 + amount }
        case .int32: change(Int32.self) { $0 &+ (Int32(exactly: amount.rounded()) ?? 1) }
        case .int64: change(Int64.self) { $0 &+ (Int64(exactly: amount.rounded()) ?? 1) }
        default: flip(span, place, 0)
        }
    }

    /// What is left in memory that lost its bits: every byte inverted.
    static func corrupt(_ command: Command) {
        for span in results(of: command) { for byte in 0..<span.size { invert(span, byte) } }
    }

    private static func invert(_ span: MemorySpan, _ byte: Int) {
        let old = unsafe span.address.load(fromByteOffset: byte, as: UInt8.self)
        unsafe span.address.storeBytes(of: ~old, toByteOffset: byte, as: UInt8.self)
    }
}
