package import AcceleratorAPI
package import ComputeGraph
package import Essentials
package import KernelInterface

/// A graph made ready for one device: kernels chosen and prepared, memory planned, constants uploaded.
///
/// It never changes and is shared by all sessions. Shapes are fixed, so another batch size is another executable;
/// they share one `ParameterSet`.
package final class Executable: Sendable {
    /// How a graph is made executable.
    package struct Options: Sendable {
        /// Whether parameters keep their values from run to run, so that kernels may keep packed forms.
        ///
        /// Loading others is still right, only slow. Parameters that are assigned are never frozen.
        package var parametersAreFrozen: Bool

        /// Whether products take up the additions and activations behind them first (`Graph.fused`).
        package var fuses: Bool

        /// Memory of the caller's for the constants; nil allocates it.
        package var constantMemory: DeviceBufferView?

        /// What every node's results must meet beyond the operator's meaning.
        package var demand: Arithmetic

        package init(
            parametersAreFrozen: Bool = true, fuses: Bool = true, constantMemory: DeviceBufferView? = nil,
            demand: Arithmetic = Arithmetic()
        ) {
            self.parametersAreFrozen = parametersAreFrozen
            self.fuses = fuses
            self.constantMemory = constantMemory
            self.demand = demand
        }
    }

    /// Output `output` becomes the new value of a parameter at the end of each run.
    package struct Assignment: Hashable, Sendable {
        package var output: Int
        package var parameter: String

        package init(output: Int, parameter: String) {
            self.output = output
            self.parameter = parameter
        }
    }

    /// The graph that runs, after fusion.
    package let graph: Graph
    package let device: Device
    package let assignments: [Assignment]
    /// Which kernel each node got and why, in the order of the nodes.
    package let choices: [KernelChoice]
    /// The memory that each session takes for inputs, intermediate values, outputs and workspaces.
    package let arenaSize: ByteCount
    /// The memory that the same blocks would take side by side.
    package let unplannedSize: ByteCount

    let steps: [ExecutionStep]
    let inputPlaces: [Place]
    let outputPlaces: [Place]
    /// What is copied to parameters after the last step, where it could not be written there at once.
    let finalCopies: [(from: Place, parameter: String, type: TensorType)]
    let constants: ConstantStore

    /// Chooses and prepares kernels for every node and plans the memory.
    package init(
        graph: Graph, device: Device, kernels: any KernelProvider, assignments: [Assignment] = [],
        options: Options = Options()
    ) throws {
        let graph = options.fuses && kernels.takesFusedOperators ? graph.fused() : graph
        var lowering = try Lowering(
            graph: graph, device: device, assignments: assignments,
            parametersAreFrozen: options.parametersAreFrozen && assignments.isEmpty,
            constantMemory: options.constantMemory, demand: options.demand)
        try lowering.prepareNodes(kernels)
        try lowering.placeAssignments()
        lowering.shareMemoryInPlace()
        let layout = lowering.planMemory()
        self.graph = graph
        self.device = device
        self.assignments = assignments
        choices = lowering.choices
        arenaSize = ByteCount(bytes: layout.plan.byteCount)
        unplannedSize = ByteCount(bytes: layout.sideBySide)
        steps = try lowering.steps(layout)
        inputPlaces = try graph.inputs.map { try lowering.place(of: $0, layout) }
        outputPlaces = try graph.outputs.map { try lowering.place(of: $0, layout) }
        finalCopies = try lowering.finalCopies(layout)
        constants = lowering.constants
    }
}

/// Where an operand lies when a session runs.
enum Place: Sendable {
    case arena(offset: Int, size: Int)
    case parameter(name: String, type: TensorType)
    case packedParameter(name: String, type: TensorType, packing: Packing)
    case constant(index: Int)
}

/// One prepared kernel with its operands, in the order of execution.
struct ExecutionStep: Sendable {
    var name: String
    var operatorName: String
    var kernel: any PreparedKernel
    var inputs: [Place]
    var outputs: [Place]
    var workspace: Place?
}

/// The constants of a graph in the device's memory, plain and packed; buffers keep what they need of their context.
struct ConstantStore: Sendable {
    let views: [DeviceBufferView]
    /// The buffers behind the views; none where the memory is the caller's.
    let buffers: [OwnedBuffer]
    let size: Int
}

extension Executable {
    /// How far the same bits come again: the least that a step meets.
    package var determinism: Arithmetic.Determinism {
        steps.map(\.kernel.determinism).min() ?? .devices
    }

    /// The memory that the constants take, with their rounding.
    package var constantSize: ByteCount { ByteCount(bytes: constants.size) }
}
