package import AcceleratorAPI
package import ComputeGraph
internal import Essentials
internal import KernelInterface

/// One caller's running state of an executable: its arena, its stream, its bound operands.
///
/// Everything is allocated here, once; a run allocates nothing. A session is used by one thread at a time.
///
///     let session = try Session(executable, parameters: parameters)
///     session.withInput(0, as: Float.self) { $0[0] = 1 }
///     try session.run()
///     let first = session.withOutput(0, as: Float.self) { $0[0] }
package final class Session {
    package let executable: Executable
    package let parameters: ParameterSet
    /// The memory of the graph's inputs, in order: fill them before a run; they keep their values.
    package let inputs: [DeviceBufferView]
    /// The memory of the graph's outputs, in order: valid from the end of a run to the start of the next.
    package let outputs: [DeviceBufferView]

    private let stream: DeviceStream
    private let arena: OwnedBuffer
    private let steps: [BoundStep]
    private let copies: [(from: DeviceBufferView, to: DeviceBufferView)]
    private let usesPackedForms: Bool
    private var seenChange: Int

    /// Allocates what every run needs; the set must hold the graph's parameters, in their types.
    package init(_ executable: Executable, parameters: ParameterSet) throws {
        let arena = OwnedBuffer(
            try parameters.context.makeBuffer(of: max(executable.arenaSize, .bytes(MemoryPlan.alignment))))
        for id in executable.graph.parameters {
            _ = try parameters.view(
                of: executable.graph.name(of: id), expecting: executable.graph.type(of: id))
        }
        try parameters.refreshPackedForms()
        let binder = Binder(arena: arena.view, constants: executable.constants, parameters: parameters)
        self.executable = executable
        self.parameters = parameters
        self.arena = arena
        stream = try parameters.context.makeStream()
        inputs = try executable.inputPlaces.map(binder.view)
        outputs = try executable.outputPlaces.map(binder.view)
        steps = try executable.steps.map(binder.bind)
        copies = try executable.finalCopies.map { copy in
            (try binder.view(copy.from), try parameters.view(of: copy.parameter, expecting: copy.type))
        }
        usesPackedForms = executable.steps.contains { step in
            step.inputs.contains { if case .packedParameter = $0 { true } else { false } }
        }
        seenChange = parameters.changeCount
    }

    /// A session for a graph without parameters.
    package convenience init(_ executable: Executable) throws {
        try self.init(executable, parameters: ParameterSet(for: [executable.graph], on: executable.device))
    }
}

extension Session {
    /// Runs the graph once and waits for it.
    package func run() throws {
        try submit()
        try synchronize()
    }

    /// Submits one run and returns without waiting; inputs and outputs belong to the device until `synchronize`.
    package func submit() throws {
        if usesPackedForms, seenChange != parameters.changeCount {
            seenChange = parameters.changeCount
            try parameters.refreshPackedForms()
        }
        for step in steps { try step.enqueue(on: stream) }
        for copy in copies { try stream.copy(from: copy.from, to: copy.to) }
        if !executable.assignments.isEmpty { parameters.noteChange() }
    }

    /// Waits until all submitted runs are done.
    package func synchronize() throws { try stream.synchronize() }

    /// Runs the graph on tensors: copies them in, runs, and copies the outputs out.
    package func run(inputs tensors: [HostTensor]) throws -> [HostTensor] {
        let expected = executable.graph.inputs.map(executable.graph.type(of:))
        guard tensors.map(\.type) == expected else {
            throw ExecutionError.wrongInputs(expected: expected, given: tensors.map(\.type))
        }
        for (tensor, target) in zip(tensors, inputs) {
            try unsafe tensor.withBytes { bytes in try unsafe target.write(bytes, on: stream) }
        }
        try run()
        return try zip(executable.graph.outputs, outputs).map { id, view in
            try view.tensor(executable.graph.type(of: id), on: stream)
        }
    }

    /// Lends an input's elements for writing; only on devices whose memory the host reaches.
    package func withInput<Element: BitwiseCopyable, Result>(
        _ index: Int, as element: Element.Type, _ body: (inout MutableSpan<Element>) throws -> Result
    ) rethrows -> Result {
        let elements = unsafe elements(of: inputs[index], as: element)
        var span = unsafe MutableSpan(_unsafeElements: elements)
        return try body(&span)
    }

    /// Lends an output's elements for reading; only on devices whose memory the host reaches.
    package func withOutput<Element: BitwiseCopyable, Result>(
        _ index: Int, as element: Element.Type, _ body: (Span<Element>) throws -> Result
    ) rethrows -> Result {
        let elements = unsafe elements(of: outputs[index], as: element)
        let span = unsafe Span(_unsafeElements: UnsafeBufferPointer(elements))
        return try body(span)
    }

    private func elements<Element>(
        of view: DeviceBufferView, as element: Element.Type
    ) -> UnsafeMutableBufferPointer<Element> {
        guard let address = unsafe view.hostAddress else {
            preconditionFailure("the host does not reach the memory of \(executable.device.id)")
        }
        return unsafe UnsafeMutableBufferPointer(
            start: address.assumingMemoryBound(to: element), count: view.size / MemoryLayout<Element>.stride)
    }
}

/// How long one node took.
package struct NodeTime: Sendable {
    package var node: String
    package var operatorName: String
    package var seconds: Double
}

extension Session {
    /// Runs the graph once, waiting after every node, and says how long each took.
    ///
    /// The sum is a little more than a plain run takes, because nothing overlaps and every wait is counted.
    package func profile() throws -> [NodeTime] {
        if usesPackedForms { try parameters.refreshPackedForms() }
        return try zip(executable.steps, steps).map { step, bound in
            let start = TimePoint.monotonicNow()
            try bound.enqueue(on: stream)
            try stream.synchronize()
            let time = TimePoint.monotonicNow().nanoseconds - start.nanoseconds
            return NodeTime(node: step.name, operatorName: step.operatorName, seconds: Double(time) * 1e-9)
        }
    }
}

/// A step whose operands have addresses.
private struct BoundStep {
    let kernel: any PreparedKernel
    let inputs: [DeviceBufferView]
    let outputs: [DeviceBufferView]
    let workspace: DeviceBufferView?

    func enqueue(on stream: borrowing DeviceStream) throws(DeviceError) {
        try kernel.enqueue(
            inputs: inputs, outputs: outputs, workspace: workspace, on: stream, correlation: 0)
    }
}

/// Turns places into views for one session.
private struct Binder {
    let arena: DeviceBufferView
    let constants: ConstantStore
    let parameters: ParameterSet

    func view(_ place: Place) throws -> DeviceBufferView {
        switch place {
        case .arena(let offset, let size): arena.view(offset: offset, size: size)
        case .parameter(let name, let type): try parameters.view(of: name, expecting: type)
        case .packedParameter(let name, let type, let packing):
            try parameters.packedView(of: name, type: type, as: packing)
        case .constant(let index): constants.views[index]
        }
    }

    func bind(_ step: ExecutionStep) throws -> BoundStep {
        BoundStep(
            kernel: step.kernel, inputs: try step.inputs.map(view), outputs: try step.outputs.map(view),
            workspace: try step.workspace.map(view))
    }
}
