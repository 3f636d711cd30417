// The groups of interchange and media through the checking layer.

internal import CHengAccelerator
internal import Essentials

private let objects = CheckedObjects.shared
private let tensors = unsafe CheckedGroup(kind: HENG_KIND_INTERCHANGE_TABLE, name: "interchange of tensors") {
    unsafe heng_interchange_table()
}
private let images = unsafe CheckedGroup(kind: HENG_KIND_MEDIA_TABLE, name: "media") {
    unsafe heng_media_table()
}

func makeCheckedInterchange() -> heng_interchange_table {
    var table = unsafe heng_interchange_table()
    unsafe table.header = unsafe StructCrossing.header(
        HENG_KIND_INTERCHANGE_TABLE, of: heng_interchange_table.self)
    unsafe table.tensor_export = { device, range, description, result, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(device, "tensor_export", as: "device")
            try unsafe StructCrossing.checkHeader(
                description, HENG_KIND_TENSOR_DESCRIPTION, "tensor_export")
            let full = try unsafe StructCrossing.demand(
                description, heng_tensor_description(), "tensor_export")
            let bytes = try unsafe tensorBytes(full, "tensor_export")
            var inner = try unsafe checkedRange(range, bytes, object, "tensor_export", isCopy: false).range
            let target = try unsafe place(result, "tensor_export")
            try unsafe tensors.call(object, "tensor_export", \.tensor_export) {
                unsafe $0(object.inner, &inner, description, target, $1)
            }
        }
    }
    unsafe table.tensor_import = { context, tensor, result, description, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(context, "tensor_import", as: "context")
            guard unsafe tensor != nil else { throw invalid("tensor_import", "The tensor is null.") }
            let target = try unsafe place(result, "tensor_import")
            try unsafe StructCrossing.checkHeader(
                description.map { unsafe UnsafePointer($0) }, HENG_KIND_TENSOR_DESCRIPTION, "tensor_import")
            var own = unsafe heng_tensor_description()
            unsafe own.header = unsafe StructCrossing.header(
                HENG_KIND_TENSOR_DESCRIPTION, of: heng_tensor_description.self)
            var made: OpaquePointer?
            try unsafe tensors.call(object, "tensor_import", \.tensor_import) {
                unsafe $0(object.inner, tensor, &made, &own, $1)
            }
            let size = try unsafe tensorBytes(own, "tensor_import")
            unsafe target.pointee = try unsafe register(
                .buffer(size: size), made, in: context, "tensor_import")
            try unsafe deliver(own, to: description, "tensor_import")
        }
    }
    return unsafe table
}

/// The bytes from a tensor's first element to its last.
private func tensorBytes(
    _ tensor: heng_tensor_description, _ operation: StaticString
) throws(DeviceError) -> UInt64 {
    guard unsafe tensor.rank <= HENG_RANK_LIMIT, unsafe tensor.rank == 0 || tensor.dims != nil else {
        throw invalid("\(operation)", "A tensor given to \(operation) has no extents.")
    }
    let dims = unsafe UnsafeBufferPointer(start: tensor.dims, count: Int(tensor.rank))
    let strides = unsafe UnsafeBufferPointer(
        start: tensor.strides, count: tensor.strides == nil ? 0 : Int(tensor.rank))
    guard unsafe !dims.contains(0) else { return 0 }
    var (last, step): (UInt64, UInt64) = (0, 1)
    var isImpossible = false
    for axis in dims.indices.reversed() {
        let extent = unsafe dims[axis]
        let stride = unsafe strides.isEmpty ? Int64(clamping: step) : strides[axis]
        guard extent > 0, stride >= 0 else {
            isImpossible = true
            break
        }
        let reach = UInt64(extent - 1).multipliedReportingOverflow(by: UInt64(stride))
        let sum = last.addingReportingOverflow(reach.partialValue)
        let next = step.multipliedReportingOverflow(by: UInt64(extent))
        (last, step) = (sum.partialValue, next.partialValue)
        isImpossible = isImpossible || reach.overflow || sum.overflow || next.overflow
    }
    let count = last.addingReportingOverflow(1)
    let bytes = count.partialValue.multipliedReportingOverflow(by: unsafe heng_type_size(tensor.type))
    guard !isImpossible, !count.overflow, !bytes.overflow else {
        throw DeviceError(
            .format, operation: "\(operation)", text: "A tensor has impossible extents or strides.")
    }
    return bytes.partialValue
}

// MARK: - Media

func makeCheckedMedia() -> heng_media_table {
    var table = unsafe heng_media_table()
    unsafe table.header = unsafe StructCrossing.header(HENG_KIND_MEDIA_TABLE, of: heng_media_table.self)
    unsafe table.image_describe = { device, bytes, size, image, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(device, "image_describe", as: "device")
            try unsafe checkBytes(bytes, size, "image_describe")
            try unsafe StructCrossing.checkHeader(
                image.map { unsafe UnsafePointer($0) }, HENG_KIND_IMAGE_DESCRIPTION, "image_describe")
            try unsafe images.call(object, "image_describe", \.image_describe) {
                unsafe $0(object.inner, bytes, size, image, $1)
            }
        }
    }
    unsafe table.image_decode = { stream, bytes, size, destination, image, correlation, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let lane = try unsafe objects.find(stream, "image_decode", as: "stream")
            try unsafe checkBytes(bytes, size, "image_decode")
            try unsafe StructCrossing.checkHeader(image, HENG_KIND_IMAGE_DESCRIPTION, "image_decode")
            var (to, buffer) = try unsafe checkedRange(destination, 0, lane, "image_decode", isCopy: false)
            unsafe objects.noteWork(in: stream, using: [buffer])
            try unsafe images.call(lane, "image_decode", \.image_decode) {
                unsafe $0(lane.inner, bytes, size, &to, image, correlation, $1)
            }
        }
    }
    unsafe addTransforms(&table)
    return unsafe table
}

private func addTransforms(_ table: inout heng_media_table) {
    unsafe table.image_transform = {
        stream, destination, result, source, image, region, correlation, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let lane = try unsafe objects.find(stream, "image_transform", as: "stream")
            try unsafe StructCrossing.checkHeader(result, HENG_KIND_IMAGE_DESCRIPTION, "image_transform")
            try unsafe StructCrossing.checkHeader(image, HENG_KIND_IMAGE_DESCRIPTION, "image_transform")
            guard unsafe region != nil else { throw invalid("image_transform", "The region is null.") }
            var (to, written) = try unsafe checkedRange(
                destination, 0, lane, "image_transform", isCopy: false)
            var (from, read) = try unsafe checkedRange(source, 0, lane, "image_transform", isCopy: false)
            unsafe objects.noteWork(in: stream, using: [written, read])
            try unsafe images.call(lane, "image_transform", \.image_transform) {
                unsafe $0(lane.inner, &to, result, &from, image, region, correlation, $1)
            }
        }
    }
    unsafe table.image_normalize = { stream, destination, source, image, mean, scale, correlation, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let lane = try unsafe objects.find(stream, "image_normalize", as: "stream")
            try unsafe StructCrossing.checkHeader(image, HENG_KIND_IMAGE_DESCRIPTION, "image_normalize")
            guard unsafe mean != nil, unsafe scale != nil else {
                throw invalid("image_normalize", "The means or scales are null.")
            }
            var (to, written) = try unsafe checkedRange(
                destination, 0, lane, "image_normalize", isCopy: false)
            var (from, read) = try unsafe checkedRange(source, 0, lane, "image_normalize", isCopy: false)
            unsafe objects.noteWork(in: stream, using: [written, read])
            try unsafe images.call(lane, "image_normalize", \.image_normalize) {
                unsafe $0(lane.inner, &to, &from, image, mean, scale, correlation, $1)
            }
        }
    }
}

private func checkBytes(
    _ bytes: UnsafeRawPointer?, _ size: UInt64, _ operation: StaticString
) throws(DeviceError) {
    guard unsafe bytes != nil, size > 0 else { throw invalid("\(operation)", "An image has no bytes.") }
}
