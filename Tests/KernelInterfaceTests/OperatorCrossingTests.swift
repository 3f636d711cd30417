import AcceleratorAPI
import CHengAccelerator
import ComputeGraph
import Essentials
import KernelInterface
import TestSupport
import Testing

@Suite("Operators across the C interface")
struct OperatorCrossingTests {
    @Test("a product with a transposed factor is described by ONNX's name, version and attributes")
    func example() throws {
        let (matrix, factor) = (HostTensor(zeros: .float32(2, 3)), HostTensor(zeros: .float32(4, 3)))
        let node = CrossingCase(
            name: "gemm", operator: Gemm(alpha: 0.5, beta: 1, transA: false, transB: true),
            inputs: [matrix, factor])
        var signature = try node.signature
        signature.name = "layer 3"
        let call = try CrossedCall(signature, constants: [1: factor])
        let description = unsafe call.description.pointee
        #expect(unsafe String(cString: description.name) == "Gemm")
        #expect(unsafe String(cString: description.domain) == "")
        #expect(unsafe String(cString: description.node) == "layer 3")
        #expect(unsafe description.input_count == 2 && description.output_count == 1)
        let second = try unsafe #require(description.inputs[1])
        #expect(unsafe second.pointee.constant != nil && second.pointee.constant_size == 48)
        #expect(unsafe heng_tensor_dim(second, 0) == 4 && heng_tensor_dim(second, 1) == 3)
        let first = try unsafe #require(description.inputs[0])
        #expect(unsafe first.pointee.constant == nil && heng_tensor_size(first) == 24)
    }

    @Test("what crosses and comes back computes the same", arguments: propertySeeds.prefix(20))
    func roundTrip(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for item in CrossingCase.all(&random) {
            let constants = Dictionary(uniqueKeysWithValues: item.constants.map { ($0, item.inputs[$0]) })
            let call = try CrossedCall(item.signature, constants: constants)
            let back = try unsafe OperatorCrossing.graph(of: call.description)
            let varying = item.inputs.indices.filter { !item.constants.contains($0) }
            #expect(back.inputs == varying, "\(item.name)")
            let result = try ReferenceInterpreter.run(back.graph, inputs: varying.map { item.inputs[$0] })
            let expected = item.operator.reference(item.inputs)
            #expect(result.map(\.type) == expected.map(\.type), "\(item.name)")
            for (one, other) in zip(result, expected) {
                #expect(one.elements(UInt8.self, bytes: true) == other.elements(UInt8.self, bytes: true))
            }
        }
    }

    @Test("what a caller demands of the results crosses both ways")
    func demand() throws {
        for determinism in Arithmetic.Determinism.allCases {
            for accumulation in Arithmetic.Accumulation.allCases {
                let demand = Arithmetic(determinism: determinism, accumulation: accumulation)
                let call = try CrossedCall(
                    NodeSignature(
                        operator: Relu(), inputs: [.float32(2)], outputs: [.float32(2)], demand: demand))
                #expect(try unsafe OperatorCrossing.graph(of: call.description).demand == demand)
            }
        }
        let call = try CrossedCall(
            NodeSignature(operator: Relu(), inputs: [.float32(2)], outputs: [.float32(2)]))
        for (determinism, accumulation) in [(5, 0), (-1, 0), (0, 4), (0, -1)] as [(Int32, Int32)] {
            var damaged = unsafe call.description.pointee
            unsafe damaged.determinism = determinism
            unsafe damaged.accumulation = accumulation
            let error = #expect(throws: DeviceError.self) { try unsafe OperatorCrossing.graph(of: &damaged) }
            #expect(error?.code == .invalidArgument)
        }
    }

    @Test("a promise meets a demand only where it is as strict", arguments: Arithmetic.Determinism.allCases)
    func shortfall(promised: Arithmetic.Determinism) {
        for demanded in Arithmetic.Determinism.allCases {
            let refusal = Arithmetic(determinism: promised).shortfall(from: Arithmetic(determinism: demanded))
            #expect((refusal == nil) == (promised >= demanded))
            #expect(refusal == nil || refusal?.kind == .determinism)
        }
        let meets: [Arithmetic.Accumulation: Set<Arithmetic.Accumulation>] = [
            .standard: [.standard, .fast], .fast: [.standard, .fast],
            .float32: [.standard, .float32, .fast], .float64: [.standard, .float32, .float64, .fast],
        ]
        for (given, demands) in meets {
            for demanded in Arithmetic.Accumulation.allCases {
                let refusal = Arithmetic(accumulation: given).shortfall(
                    from: Arithmetic(accumulation: demanded))
                #expect((refusal == nil) == demands.contains(demanded), "\(given) for \(demanded)")
            }
        }
    }

    @Test("operators without a form in files are refused, and not described wrongly")
    func refused() throws {
        let node = NodeSignature(
            operator: ReluGradient(), inputs: [.float32(2), .float32(2)], outputs: [.float32(2)])
        #expect(throws: CrossingRefusal.self) { try CrossedCall(node) }
    }

    @Test("damaged descriptions get the class of their damage")
    func damaged() throws {
        let node = try CrossingCase(
            name: "add", operator: Add(),
            inputs: [HostTensor(zeros: .float32(2, 3)), HostTensor(zeros: .float32(3))]
        ).signature
        func code(
            call damageCall: (inout heng_operator_description) -> Void = { _ in },
            tensor damageTensor: (inout heng_tensor_description) -> Void = { _ in }
        ) throws -> DeviceError.Code? {
            let call = try CrossedCall(node)
            var description = unsafe call.description.pointee
            var tensor = try unsafe #require(description.inputs[0]).pointee
            unsafe damageCall(&description)
            unsafe damageTensor(&tensor)
            return unsafe withUnsafePointer(to: tensor) { first in
                var inputs = unsafe [first, call.description.pointee.inputs[1]]
                return unsafe inputs.withUnsafeMutableBufferPointer { inputs in
                    if unsafe description.inputs != nil {
                        unsafe description.inputs = unsafe UnsafePointer(inputs.baseAddress)
                    }
                    do throws(DeviceError) {
                        _ = try unsafe OperatorCrossing.graph(of: &description)
                        return nil
                    } catch { return error.code }
                }
            }
        }
        #expect(try unsafe code() == nil)
        #expect(try unsafe code(call: { unsafe $0.header.struct_size = 0 }) == .version)
        #expect(try unsafe code(call: { unsafe $0.name = nil }) == .operatorName)
        #expect(try unsafe code(call: { unsafe $0.domain = $0.name }) == .operatorName)
        #expect(try unsafe code(call: { unsafe $0.inputs = nil }) == .operatorInput)
        #expect(try unsafe code(call: { unsafe $0.input_count = 1 }) == .operatorInput)
        #expect(try unsafe code(call: { unsafe $0.attribute_count = 3 }) == .operatorAttribute)
        #expect(try unsafe code(tensor: { unsafe $0.type = 99 }) == .dataType)
        #expect(try unsafe code(tensor: { unsafe $0.type = 8 }) == .operatorInput)
        #expect(try unsafe code(tensor: { unsafe $0.rank = 1000 }) == .operatorInput)
        #expect(try unsafe code(tensor: { unsafe $0.rank = HENG_RANK_UNKNOWN }) == .operatorStaticOnly)
        #expect(try unsafe code(tensor: { unsafe $0.dims = nil }) == .operatorInput)
        #expect(try unsafe code(tensor: { unsafe $0.constant = UnsafeRawPointer($0.dims) }) == .operatorInput)
    }

    @Test("an extent that is not known is refused, as is one that is too large")
    func extents() throws {
        for (extent, expected) in [
            (Int64(-1), DeviceError.Code.operatorStaticOnly), (-2, .operatorInput), (.max, .operatorInput),
        ] {
            let call = try CrossedCall(
                NodeSignature(operator: Relu(), inputs: [.float32(4)], outputs: [.float32(4)]))
            let input = try unsafe #require(call.description.pointee.inputs[0])
            unsafe UnsafeMutablePointer(mutating: input.pointee.dims)[0] = extent
            #expect(throws: DeviceError.self) { try unsafe OperatorCrossing.graph(of: call.description) }
            do { _ = try unsafe OperatorCrossing.graph(of: call.description) } catch {
                #expect(error.code == expected)
            }
        }
    }
}

extension HostTensor {
    fileprivate func elements(_ type: UInt8.Type, bytes: Bool) -> [UInt8] {
        unsafe withBytes { unsafe Array($0) }
    }
}
