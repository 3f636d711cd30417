package import AcceleratorAPI
package import ComputeGraph
internal import Essentials
internal import KernelInterface
internal import Synchronization

/// The parameters of one or more graphs in a device's memory, by name.
///
/// Sessions of several executables (other batch sizes, a training step and its update) share one set, and with it
/// the packed forms that kernels asked for. Whoever changes parameters (by `load`, or by a session with
/// assignments) must not do so while another session reads them.
package final class ParameterSet: Sendable {
    package let device: Device
    /// The parameters' types by name.
    package let types: [String: TensorType]
    let context: DeviceContext

    private let storage: OwnedBuffer
    private let offsets: [String: Int]
    private let stream: Mutex<DeviceStream>
    private let packed = Mutex<[PackedKey: PackedParameter]>([:])
    /// Counts the changes of any parameter, so that packed forms know when they are old.
    private let changes = Atomic<Int>(0)

    private struct PackedKey: Hashable {
        var name: String
        var key: String
    }

    private struct PackedParameter {
        var packing: Packing
        var buffer: OwnedBuffer
        var change: Int
    }

    /// Makes room for the parameters of all the graphs; parameters of one name are one.
    ///
    /// The values are zeros until they are loaded.
    package init(for graphs: [Graph], on device: Device) throws {
        var types: [String: TensorType] = [:]
        for graph in graphs {
            for id in graph.parameters {
                let (name, type) = (graph.name(of: id), graph.type(of: id))
                if let known = types[name], known != type {
                    throw ExecutionError.wrongParameter(name: name, expected: known, given: type)
                }
                types[name] = type
            }
        }
        var offsets: [String: Int] = [:]
        var end = 0
        for (name, type) in types.sorted(by: { $0.key < $1.key }) {
            offsets[name] = end
            end += (type.byteCount + MemoryPlan.alignment - 1) / MemoryPlan.alignment * MemoryPlan.alignment
        }
        self.device = device
        self.types = types
        self.offsets = offsets
        context = try device.makeContext()
        storage = OwnedBuffer(try context.makeBuffer(of: ByteCount(bytes: max(end, MemoryPlan.alignment))))
        let stream = try context.makeStream()
        try stream.fill(storage.view, with: 0)
        try stream.synchronize()
        self.stream = Mutex(stream)
    }

    /// Makes room for the parameters of the graph and loads all of them.
    package convenience init(for graph: Graph, on device: Device, loading values: [String: HostTensor]) throws
    {
        try self.init(for: [graph], on: device)
        for (name, type) in types where values[name] == nil {
            throw ExecutionError.missingParameter(name: name, type: type)
        }
        try load(values.filter { types[$0.key] != nil })
    }

    /// Sets the named parameters; the others keep their values.
    package func load(_ values: [String: HostTensor]) throws {
        for (name, tensor) in values {
            let target = try view(of: name, expecting: tensor.type)
            try unsafe tensor.withBytes { bytes in
                try stream.withLock { stream in try unsafe target.write(bytes, on: stream) }
            }
        }
        noteChange()
    }

    /// The current value of a parameter.
    package func value(of name: String) throws -> HostTensor {
        guard let type = types[name] else { throw ExecutionError.unknownParameter(name: name) }
        let source = try view(of: name, expecting: type)
        return try stream.withLock { stream in try source.tensor(type, on: stream) }
    }

    /// All current values by name.
    package func values() throws -> [String: HostTensor] {
        var result: [String: HostTensor] = [:]
        for name in types.keys { result[name] = try value(of: name) }
        return result
    }

    /// The memory of a parameter, as long as the set lives.
    package func view(of name: String, expecting type: TensorType) throws -> DeviceBufferView {
        guard let offset = offsets[name], let known = types[name] else {
            throw ExecutionError.missingParameter(name: name, type: type)
        }
        guard known == type else {
            throw ExecutionError.wrongParameter(name: name, expected: known, given: type)
        }
        return storage.view.view(offset: offset, size: type.byteCount)
    }
}

extension ParameterSet {
    /// Says that parameters have other values now, so packed forms are made again before their next use.
    func noteChange() { changes.add(1, ordering: .releasing) }

    var changeCount: Int { changes.load(ordering: .acquiring) }

    /// The parameter in the form a kernel asked for, made by the first who asks.
    func packedView(of name: String, type: TensorType, as packing: Packing) throws -> DeviceBufferView {
        let source = try view(of: name, expecting: type)
        let key = PackedKey(name: name, key: packing.key)
        return try packed.withLock { packed in
            if let known = packed[key] { return known.buffer.view }
            let buffer = OwnedBuffer(
                try context.makeBuffer(of: max(packing.size, .bytes(1)).roundedUp(to: MemoryPlan.alignment)))
            packed[key] = PackedParameter(packing: packing, buffer: buffer, change: changeCount)
            try stream.withLock { stream in try source.pack(as: packing, into: buffer.view, on: stream) }
            return buffer.view
        }
    }

    /// Makes the packed forms again whose parameters have changed since.
    func refreshPackedForms() throws {
        try packed.withLock { packed in
            for (key, entry) in packed where entry.change != changeCount {
                guard let type = types[key.name] else { continue }
                let source = try view(of: key.name, expecting: type)
                packed[key]?.change = changeCount
                try stream.withLock { stream in
                    try source.pack(as: entry.packing, into: entry.buffer.view, on: stream)
                }
            }
        }
    }

    /// The memory of packed forms, for reports.
    package var packedByteCount: Int {
        packed.withLock { $0.values.reduce(0) { $0 + $1.packing.size.bytes } }
    }
}

extension DeviceBufferView {
    /// Writes the packed form of this plain tensor into the target, through host memory where it must.
    func pack(as packing: Packing, into target: DeviceBufferView, on stream: borrowing DeviceStream) throws {
        if let from = unsafe hostAddress, let to = unsafe target.hostAddress {
            unsafe packing.pack(
                UnsafeRawBufferPointer(start: from, count: size),
                UnsafeMutableRawBufferPointer(start: to, count: packing.size.bytes))
            return
        }
        let plain = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 64)
        defer { unsafe plain.deallocate() }
        let form = UnsafeMutableRawBufferPointer.allocate(byteCount: packing.size.bytes, alignment: 64)
        defer { unsafe form.deallocate() }
        try unsafe read(into: plain, on: stream)
        unsafe packing.pack(UnsafeRawBufferPointer(plain), form)
        try unsafe target.write(UnsafeRawBufferPointer(form), on: stream)
    }
}
