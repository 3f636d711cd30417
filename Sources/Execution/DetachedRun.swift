package import AcceleratorAPI
internal import ComputeGraph
package import Essentials
internal import KernelInterface

/// Runs of an executable where inputs, outputs, scratch memory and stream are the caller's.
///
/// Operands that lie where an input or output of the graph lies in the plan are read and written in the caller's
/// memory. That is always right: bytes of the plan that are one place at one time stay one place. The graph has no
/// parameters. A run allocates no device memory, and runs with different memory may overlap.
package struct DetachedRun: Sendable {
    package let executable: Executable
    /// The scratch memory that a run needs.
    package let scratch: ByteCount

    private let steps: [Step]
    /// Outputs that no node writes in its own place: an input, a constant, or another output.
    private let copies: [(from: Operand, output: Int)]

    private enum Operand: Hashable {
        case input(Int)
        case output(Int)
        case arena(offset: Int, size: Int)
        case constant(Int)
    }

    private struct Step: Sendable {
        var kernel: any PreparedKernel
        var inputs: [Operand]
        var outputs: [Operand]
        var workspace: Operand?
    }

    private struct Spot: Hashable {
        var offset: Int
        var size: Int
    }

    package init(_ executable: Executable) {
        precondition(executable.graph.parameters.isEmpty, "a detached run has no parameters")
        self.executable = executable
        var operands: [Spot: Operand] = [:]
        for (index, place) in executable.inputPlaces.enumerated() {
            if case .arena(let offset, let size) = place, size > 0 {
                operands[Spot(offset: offset, size: size)] = .input(index)
            }
        }
        var copies: [(from: Operand, output: Int)] = []
        for (index, place) in executable.outputPlaces.enumerated() {
            if case .arena(let offset, let size) = place, operands[Spot(offset: offset, size: size)] == nil {
                operands[Spot(offset: offset, size: size)] = .output(index)
            } else {
                copies.append((DetachedRun.operand(place, operands), index))
            }
        }
        self.copies = copies
        steps = executable.steps.map { step in
            Step(
                kernel: step.kernel, inputs: step.inputs.map { DetachedRun.operand($0, operands) },
                outputs: step.outputs.map { DetachedRun.operand($0, operands) },
                workspace: step.workspace.map { DetachedRun.operand($0, [:]) })
        }
        let usesArena = steps.contains { step in
            (step.inputs + step.outputs + [step.workspace].compactMap { $0 }).contains {
                if case .arena(_, let size) = $0 { size > 0 } else { false }
            }
        }
        scratch = usesArena ? executable.arenaSize : .zero
    }

    private static func operand(_ place: Place, _ operands: [Spot: Operand]) -> Operand {
        switch place {
        case .arena(let offset, let size):
            operands[Spot(offset: offset, size: size)] ?? .arena(offset: offset, size: size)
        case .constant(let index): .constant(index)
        case .parameter, .packedParameter: preconditionFailure("a detached run has no parameters")
        }
    }
}

extension DetachedRun {
    /// Submits one run and returns without waiting.
    ///
    /// The views have the sizes of the graph's inputs and outputs, in their order, and do not overlap; the scratch
    /// memory has at least `scratch` bytes. All of it belongs to the device until the run is done. The number comes back
    /// in errors and profiles of the run.
    package func submit(
        inputs: [DeviceBufferView], outputs: [DeviceBufferView], scratch: DeviceBufferView?,
        on stream: borrowing DeviceStream, correlation: UInt64 = 0
    ) throws(DeviceError) {
        func view(_ operand: Operand) -> DeviceBufferView {
            switch operand {
            case .input(let index): inputs[index]
            case .output(let index): outputs[index]
            case .constant(let index): executable.constants.views[index]
            case .arena(let offset, let size):
                // Bytes that nobody reads, where the run needs no scratch memory.
                scratch?.view(offset: offset, size: size)
                    ?? (outputs.first ?? inputs.first ?? executable.constants.views[0])
                    .view(offset: 0, size: 0)
            }
        }
        for step in steps {
            try step.kernel.enqueue(
                inputs: step.inputs.map(view), outputs: step.outputs.map(view),
                workspace: step.workspace.map(view), on: stream, correlation: correlation)
        }
        for copy in copies where outputs[copy.output].size > 0 {
            let source = view(copy.from)
            try stream.copy(
                from: source.view(offset: 0, size: min(source.size, outputs[copy.output].size)),
                to: outputs[copy.output], correlation: correlation)
        }
    }
}
