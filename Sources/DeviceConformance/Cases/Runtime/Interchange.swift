internal import AcceleratorAPI
internal import CHengAccelerator

/// Where the fields of DLPack's managed tensor lie, on machines with 64-bit pointers.
///
/// Reference: https://github.com/dmlc/dlpack/blob/main/include/dlpack/dlpack.h, version 1.
private enum DLPackLayout {
    static let major = 0
    static let deleter = 16
    static let data = 32
    static let rank = 48
    static let typeCode = 52
    static let typeBits = 53
    static let shape = 56
    static let strides = 64
    static let byteOffset = 72
}

extension DeviceCases {
    static let interchange: [DeviceCase] = [
        .runtime(
            "interchange/export", "a range goes out as a DLPack tensor with strides, and its deleter ends it",
            group: HENG_KIND_INTERCHANGE_TABLE
        ) {
            trial in
            guard
                let table = unsafe trial.rig.group(
                    HENG_KIND_INTERCHANGE_TABLE, zero: heng_interchange_table())
            else {
                throw CaseEnd.outside("The maker offers no interchange.")
            }
            let context = try trial.context()
            let buffer = try trial.buffer(in: context, 96)
            let dims: [Int64] = [2, 3, 4]
            var made: OpaquePointer?
            try unsafe dims.withUnsafeBufferPointer { dims in
                var description = unsafe heng_tensor_description()
                unsafe description.header = StructCrossing.header(
                    HENG_KIND_TENSOR_DESCRIPTION, of: heng_tensor_description.self)
                unsafe description.type = Int32(HENG_TYPE_FLOAT32)
                unsafe description.rank = 3
                unsafe description.dims = dims.baseAddress
                try unsafe trial.rig.call(table.tensor_export, "tensor_export") { export, error in
                    unsafe trial.rig.withRange(.buffer(buffer, size: 96)) {
                        unsafe export(trial.rig.device.raw, $0, &description, &made, error)
                    }
                }.done()
            }
            guard let tensor = unsafe made.map({ unsafe UnsafeMutableRawPointer($0) }) else {
                try trial.fail("tensor_export reports success and gives no tensor.")
            }
            defer { unsafe deleteTensor(tensor) }
            let major = unsafe tensor.load(fromByteOffset: DLPackLayout.major, as: UInt32.self)
            let rank = unsafe tensor.load(fromByteOffset: DLPackLayout.rank, as: Int32.self)
            let code = unsafe tensor.load(fromByteOffset: DLPackLayout.typeCode, as: UInt8.self)
            let bits = unsafe tensor.load(fromByteOffset: DLPackLayout.typeBits, as: UInt8.self)
            try trial.require(major == 1, "The tensor is of DLPack version \(major).")
            try trial.require(
                rank == 3 && code == 2 && bits == 32, "Rank \(rank), type code \(code), \(bits) bits.")
            func numbers(_ offset: Int) -> [Int64] {
                let place = unsafe tensor.load(fromByteOffset: offset, as: UnsafePointer<Int64>?.self)
                return unsafe place.map { unsafe Array(UnsafeBufferPointer(start: $0, count: 3)) } ?? []
            }
            try trial.require(
                numbers(DLPackLayout.shape) == dims, "The shape is \(numbers(DLPackLayout.shape)).")
            try trial.require(
                numbers(DLPackLayout.strides) == [12, 4, 1],
                "The strides are \(numbers(DLPackLayout.strides)).")
            guard trial.facts.isHostAddressable else { return }
            let start = unsafe tensor.load(fromByteOffset: DLPackLayout.data, as: UInt.self)
            let offset = unsafe tensor.load(fromByteOffset: DLPackLayout.byteOffset, as: UInt64.self)
            try trial.require(
                start + UInt(offset) == trial.rig.hostAddress(buffer).address,
                "The tensor lies elsewhere than its buffer.")
        },
        .runtime(
            "interchange/import", "a tensor comes back as a buffer over the same bytes",
            group: HENG_KIND_INTERCHANGE_TABLE
        ) { trial in
            guard
                let table = unsafe trial.rig.group(
                    HENG_KIND_INTERCHANGE_TABLE, zero: heng_interchange_table())
            else {
                throw CaseEnd.outside("The maker offers no interchange.")
            }
            let context = try trial.context()
            let stream = try trial.stream(in: context)
            let buffer = try trial.buffer(in: context, 64)
            try trial.write(pattern(64), to: buffer, of: 64, stream)
            var made: OpaquePointer?
            var description = unsafe heng_tensor_description()
            unsafe description.header = StructCrossing.header(
                HENG_KIND_TENSOR_DESCRIPTION, of: heng_tensor_description.self)
            let dims: [Int64] = [64]
            try unsafe dims.withUnsafeBufferPointer { dims in
                unsafe description.type = Int32(HENG_TYPE_UINT8)
                unsafe description.rank = 1
                unsafe description.dims = dims.baseAddress
                try unsafe trial.rig.call(table.tensor_export, "tensor_export") { export, error in
                    unsafe trial.rig.withRange(.buffer(buffer, size: 64)) {
                        unsafe export(trial.rig.device.raw, $0, &description, &made, error)
                    }
                }.done()
            }
            var found = unsafe heng_tensor_description()
            unsafe found.header = StructCrossing.header(
                HENG_KIND_TENSOR_DESCRIPTION, of: heng_tensor_description.self)
            let imported = unsafe trial.rig.make(table.tensor_import, "tensor_import") {
                unsafe $0(context.raw, made, $1, &found, $2)
            }
            if imported.answer.code != 0, let tensor = unsafe made {
                unsafe deleteTensor(UnsafeMutableRawPointer(tensor))
            }
            let second = try imported.made()
            try unsafe trial.require(
                found.rank == 1 && found.type == Int32(HENG_TYPE_UINT8),
                "The tensor comes back as another type or rank.")
            try trial.require(
                trial.read(64, from: second, of: 64, stream), is: pattern(64), "The imported buffer")
            try trial.rig.free(second).done()
        },
    ]
}

/// Calls the tensor's own deleter, once.
private func deleteTensor(_ tensor: UnsafeMutableRawPointer) {
    typealias Deleter = @convention(c) (UnsafeMutableRawPointer?) -> Void
    let place = unsafe tensor.load(fromByteOffset: DLPackLayout.deleter, as: UInt.self)
    guard place != 0 else { return }
    unsafe unsafeBitCast(place, to: Deleter.self)(tensor)
}
