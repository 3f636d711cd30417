internal import AcceleratorAPI
internal import ComputeGraph
internal import KernelInterface

extension CPUKernel {
    /// The operator's own reference implementation: takes every node, checks every other kernel, and is slow.
    ///
    /// It is the one kernel that allocates when it runs.
    static func reference(_ operatorName: String) -> CPUKernel {
        CPUKernel(
            name: KernelChoice.reference, operatorName: operatorName, refuse: { _ in nil },
            make: makeReference)
    }

    private static func makeReference(_ node: NodeSignature) -> CPUPreparedKernel {
        let op = node.operator
        let (inputs, outputs) = (node.inputs, node.outputs)
        return CPUPreparedKernel(
            .once { operands in
                let tensors = inputs.enumerated().map { index, type in
                    unsafe HostTensor(type, copying: operands.bytes(index))
                }
                for (index, tensor) in op.reference(tensors).enumerated() {
                    precondition(
                        tensor.type == outputs[index], "the reference keeps to the operator's shape rule")
                    unsafe tensor.withBytes { bytes in
                        guard let start = bytes.baseAddress else { return }
                        unsafe operands.bytes(inputs.count + index).copyMemory(
                            from: start, byteCount: bytes.count)
                    }
                }
            })
    }
}

extension HostTensor {
    fileprivate init(_ type: TensorType, copying address: UnsafeRawPointer) {
        self.init(zeros: type)
        unsafe withMutableBytes {
            unsafe $0.copyMemory(from: UnsafeRawBufferPointer(start: address, count: $0.count))
        }
    }
}
