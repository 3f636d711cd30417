internal import AcceleratorAPI
package import CHengAccelerator
package import ComputeGraph
internal import Essentials

/// A node as the C interface describes it: the way from our operators to a maker's.
///
/// Names, versions and attributes are those that a model file would hold (`Operator.written`). The structs live as
/// long as this object.
@safe package final class CrossedCall {
    package let description: UnsafePointer<heng_operator_description>
    /// Where the bytes of each input come from when the call runs.
    package let inputs: [Operand]
    /// The node's output at each place of the call; nil where the call has one that the node does not.
    package let outputs: [Int?]
    private let memory: CrossingMemory

    package enum Operand: Sendable {
        /// The node's input of this index.
        case input(Int)
        /// A value that is the same in every run.
        case constant(HostTensor)
        case omitted
    }

    /// Describes a node, with the values of those inputs that are constants of its graph.
    ///
    /// Throws the refusal where a node has no form that crosses.
    package init(
        _ node: NodeSignature, constants: [Int: HostTensor] = [:]
    ) throws(CrossingRefusal) {
        guard let call = node.operator.written(inputs: node.inputs, outputs: node.outputs) else {
            throw CrossingRefusal(
                Refusal("\(node.operator.name) has no form of its own outside this program."))
        }
        let memory = CrossingMemory()
        var operands: [Operand] = []
        var inputs: [UnsafePointer<heng_tensor_description>?] = unsafe []
        for input in call.inputs {
            switch input {
            case .operand(let index):
                operands.append(.input(index))
                unsafe inputs.append(memory.description(of: node.inputs[index], constant: constants[index]))
            case .constant(let tensor):
                guard tensor.type.element != .string else { throw CrossingRefusal("It takes strings.") }
                operands.append(.constant(tensor))
                unsafe inputs.append(memory.description(of: tensor.type, constant: tensor))
            case .omitted:
                operands.append(.omitted)
                unsafe inputs.append(nil)
            }
        }
        var attributes: [UnsafePointer<heng_attribute>?] = unsafe []
        for (name, attribute) in call.attributes.sorted(by: { $0.key < $1.key }) {
            guard let crossed = unsafe memory.attribute(name, attribute) else {
                throw CrossingRefusal(
                    Refusal("Its attribute \(name) is \(attribute.kind), which does not cross."))
            }
            unsafe attributes.append(crossed)
        }
        let places = call.outputs ?? node.outputs.indices.map { $0 }
        let outputs = unsafe places.map { place in
            unsafe place.map { unsafe memory.description(of: node.outputs[$0]) }
        }
        var full = unsafe heng_operator_description()
        unsafe full.header = StructCrossing.header(
            HENG_KIND_OPERATOR_DESCRIPTION, of: heng_operator_description.self)
        unsafe full.domain = unsafe memory.text(call.domain.rawValue)
        unsafe full.name = unsafe memory.text(call.name)
        unsafe full.version = Int32(clamping: CrossedCall.version(of: call))
        unsafe full.determinism = node.demand.determinism.rawValue
        unsafe full.accumulation = node.demand.accumulation.rawValue
        unsafe full.input_count = UInt32(inputs.count)
        unsafe full.output_count = UInt32(outputs.count)
        unsafe full.attribute_count = UInt32(attributes.count)
        unsafe full.inputs = unsafe memory.array(inputs)
        unsafe full.outputs = unsafe memory.array(outputs)
        unsafe full.attributes = unsafe memory.array(attributes)
        unsafe full.node = unsafe node.name.map { unsafe memory.text($0) }
        unsafe description = unsafe memory.value(full)
        self.inputs = operands
        self.outputs = places
        self.memory = memory
    }

    /// Calls are written in the form of one release that knows all usual types, and of a later one where they must.
    private static func version(of call: WrittenCall) -> Int {
        call.domain == .onnx ? max(22, call.since) : call.since
    }
}

/// Why a node cannot be described across the C interface.
package struct CrossingRefusal: Error, ExpressibleByStringLiteral {
    package var refusal: Refusal

    package init(_ refusal: Refusal) { self.refusal = refusal }
    package init(stringLiteral value: String) { refusal = Refusal(value) }
}
