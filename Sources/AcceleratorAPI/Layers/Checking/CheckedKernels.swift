// The kernels group through the checking layer: modules and kernels get handles of the layer's, and a launch's grid and
// arguments are looked at before the maker sees them.

internal import CHengAccelerator
internal import Essentials

private let objects = CheckedObjects.shared
private let group = unsafe CheckedGroup(kind: HENG_KIND_KERNEL_TABLE, name: "kernels") {
    unsafe heng_kernel_table()
}

func makeCheckedKernels() -> heng_kernel_table {
    var table = unsafe heng_kernel_table()
    unsafe table.header = unsafe StructCrossing.header(HENG_KIND_KERNEL_TABLE, of: heng_kernel_table.self)
    unsafe addModules(&table)
    unsafe addKernels(&table)
    return unsafe table
}

private func addModules(_ table: inout heng_kernel_table) {
    unsafe table.code_supported = { device, code, supported, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(device, "code_supported", as: "device")
            let target = try unsafe place(supported, "code_supported")
            try unsafe group.call(object, "code_supported", \.code_supported) {
                unsafe $0(object.inner, code, target, $1)
            }
        }
    }
    unsafe table.module_load = { context, arguments, result, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(context, "module_load", as: "context")
            try unsafe StructCrossing.checkHeader(arguments, HENG_KIND_MODULE_ARGUMENTS, "module_load")
            let full = try unsafe StructCrossing.demand(arguments, heng_module_arguments(), "module_load")
            guard unsafe full.bytes != nil, unsafe full.size > 0 else {
                throw invalid("module_load", "A module needs some bytes of code.")
            }
            let target = try unsafe place(result, "module_load")
            var made: OpaquePointer?
            try unsafe group.call(object, "module_load", \.module_load) {
                unsafe $0(object.inner, arguments, &made, $1)
            }
            unsafe target.pointee = try unsafe register(.module, made, in: context, "module_load")
        }
    }
    unsafe table.module_unload = { module, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(module, "module_unload", as: "module")
            try unsafe group.call(object, "module_unload", \.module_unload) { unsafe $0(object.inner, $1) }
            objects.removeChildren(of: object.number)
            objects.remove(object.number)
        }
    }
    unsafe table.module_binary = { module, bytes, size, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(module, "module_binary", as: "module")
            let (start, count) = try unsafe (place(bytes, "module_binary"), place(size, "module_binary"))
            try unsafe group.call(object, "module_binary", \.module_binary) {
                unsafe $0(object.inner, start, count, $1)
            }
        }
    }
}

private func addKernels(_ table: inout heng_kernel_table) {
    unsafe table.kernel_get = { module, name, result, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(module, "kernel_get", as: "module")
            try unsafe checkName(name, "kernel_get")
            let target = try unsafe place(result, "kernel_get")
            var made: OpaquePointer?
            try unsafe group.call(object, "kernel_get", \.kernel_get) {
                unsafe $0(object.inner, name, &made, $1)
            }
            // One handle for each kernel of a module, however often it is asked for.
            if let made = unsafe made, let known = unsafe objects.child(of: object.number, inner: made) {
                unsafe target.pointee = unsafe known
            } else {
                unsafe target.pointee = try unsafe register(.kernel, made, in: module, "kernel_get")
            }
        }
    }
    unsafe table.kernel_describe = { kernel, info, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(kernel, "kernel_describe", as: "kernel")
            try unsafe StructCrossing.checkHeader(
                info.map { unsafe UnsafePointer($0) }, HENG_KIND_KERNEL_INFO, "kernel_describe")
            try unsafe group.call(object, "kernel_describe", \.kernel_describe) {
                unsafe $0(object.inner, info, $1)
            }
        }
    }
    unsafe table.kernel_launch = { kernel, stream, grid, arguments, count, correlation, error in
        unsafe ErrorCrossing.export(to: error) { () throws(DeviceError) in
            let object = try unsafe objects.find(kernel, "kernel_launch", as: "kernel")
            let lane = try unsafe objects.find(stream, "kernel_launch", as: "stream")
            try checkSameDevice(object, lane, "kernel_launch")
            try unsafe checkGrid(grid)
            let (given, used) = try unsafe checkedArguments(arguments, count, lane)
            unsafe objects.noteWork(in: stream, using: used + [object.number])
            try unsafe group.call(object, "kernel_launch", \.kernel_launch) { function, place in
                unsafe given.withUnsafeBufferPointer {
                    unsafe function(
                        object.inner, lane.inner, grid, $0.baseAddress, count, correlation, place)
                }
            }
        }
    }
}

private func checkGrid(_ grid: UnsafePointer<heng_grid>?) throws(DeviceError) {
    try unsafe StructCrossing.checkHeader(grid, HENG_KIND_GRID, "kernel_launch")
    let full = try unsafe StructCrossing.demand(grid, heng_grid(), "kernel_launch")
    let extents = unsafe [
        full.groups.0, full.groups.1, full.groups.2, full.items.0, full.items.1, full.items.2,
    ]
    guard extents.allSatisfy({ $0 > 0 }) else {
        throw invalid(
            "kernel_launch", "A grid needs at least one group and one work item along each axis.")
    }
}

/// The arguments in the maker's terms, and the numbers of the buffers among them.
private func checkedArguments(
    _ arguments: UnsafePointer<heng_kernel_argument>?, _ count: UInt32, _ stream: CheckedObject
) throws(DeviceError) -> ([heng_kernel_argument], [UInt]) {
    guard unsafe count == 0 || arguments != nil else {
        throw invalid("kernel_launch", "The \(count) arguments of a launch are null.")
    }
    var given: [heng_kernel_argument] = unsafe []
    var used: [UInt] = []
    for index in 0..<Int(count) {
        guard var argument = unsafe arguments?[index] else { continue }
        if unsafe argument.bytes != nil {
            guard unsafe argument.size > 0 else {
                throw invalid("kernel_launch", "Argument \(index) is a value of no bytes.")
            }
        } else {
            let (range, buffer) = try unsafe checkedOperand(argument.range, 0, stream, "kernel_launch")
            guard unsafe buffer != 0 || range.host == nil else {
                throw DeviceError(
                    .memoryType, operation: "kernel_launch",
                    text: "Argument \(index) is a range of host memory; kernels take ranges of buffers.")
            }
            unsafe argument.range = unsafe range
            used.append(buffer)
        }
        unsafe given.append(argument)
    }
    return unsafe (given, used)
}
