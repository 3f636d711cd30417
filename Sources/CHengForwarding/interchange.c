/* Tensors to and from other libraries by DLPack, without a copy. */
#include <stdlib.h>

#include "dlpack.h"
#include "forwarding.h"

typedef struct DLManagedTensorVersioned managed_tensor;

/* -- Element types -- */

static const struct {
    int32_t ours;
    uint8_t code, bits;
} types[] = {
    {HENG_TYPE_FLOAT32, DLPACK_FLOAT, 32}, {HENG_TYPE_FLOAT64, DLPACK_FLOAT, 64},
    {HENG_TYPE_FLOAT16, DLPACK_FLOAT, 16}, {HENG_TYPE_BFLOAT16, DLPACK_BFLOAT, 16},
    {HENG_TYPE_INT8, DLPACK_INT, 8}, {HENG_TYPE_INT16, DLPACK_INT, 16}, {HENG_TYPE_INT32, DLPACK_INT, 32},
    {HENG_TYPE_INT64, DLPACK_INT, 64}, {HENG_TYPE_UINT8, DLPACK_UINT, 8}, {HENG_TYPE_UINT16, DLPACK_UINT, 16},
    {HENG_TYPE_UINT32, DLPACK_UINT, 32}, {HENG_TYPE_UINT64, DLPACK_UINT, 64}, {HENG_TYPE_BOOL, DLPACK_BOOL, 8},
    {HENG_TYPE_COMPLEX64, DLPACK_COMPLEX, 64}, {HENG_TYPE_COMPLEX128, DLPACK_COMPLEX, 128},
    {HENG_TYPE_FLOAT8E4M3FN, DLPACK_FLOAT8_E4M3FN, 8}, {HENG_TYPE_FLOAT8E4M3FNUZ, DLPACK_FLOAT8_E4M3FNUZ, 8},
    {HENG_TYPE_FLOAT8E5M2, DLPACK_FLOAT8_E5M2, 8}, {HENG_TYPE_FLOAT8E5M2FNUZ, DLPACK_FLOAT8_E5M2FNUZ, 8},
    {HENG_TYPE_FLOAT8E8M0, DLPACK_FLOAT8_E8M0, 8}, {HENG_TYPE_FLOAT4E2M1, DLPACK_FLOAT4_E2M1, 4},
    {HENG_TYPE_INT4, DLPACK_INT, 4}, {HENG_TYPE_UINT4, DLPACK_UINT, 4}, {HENG_TYPE_INT2, DLPACK_INT, 2},
    {HENG_TYPE_UINT2, DLPACK_UINT, 2},
};

static bool type_to_dlpack(int32_t ours, struct dlpack_type *type) {
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (types[i].ours != ours) continue;
        *type = (struct dlpack_type){.code = types[i].code, .bits = types[i].bits, .lanes = 1};
        return true;
    }
    return false;
}

static int32_t type_from_dlpack(struct dlpack_type type, uint64_t flags) {
    if (type.lanes != 1 || (type.bits < 8 && !(flags & DLPACK_PADDED))) return HENG_TYPE_UNDEFINED;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (types[i].code == type.code && types[i].bits == type.bits) return types[i].ours;
    }
    return HENG_TYPE_UNDEFINED;
}

/* The bytes from the first element to behind the last; false where strides are negative or the sum overflows. */
static bool extent(
    const int64_t *shape, const int64_t *strides, uint32_t rank, uint64_t element, uint64_t *bytes) {
    uint64_t last = 0, step = 1;
    *bytes = 0;
    for (uint32_t axis = 0; axis < rank; axis++) {
        if (shape[axis] < 0) return false;
        if (shape[axis] == 0) return true;
    }
    for (uint32_t axis = rank; axis-- > 0;) {
        uint64_t reach;
        if (strides && strides[axis] < 0 && shape[axis] > 1) return false;
        const uint64_t stride = !strides ? step : strides[axis] < 0 ? 0 : (uint64_t)strides[axis];
        if (__builtin_mul_overflow((uint64_t)shape[axis] - 1, stride, &reach)
            || __builtin_add_overflow(last, reach, &last)
            || __builtin_mul_overflow(step, (uint64_t)shape[axis], &step)) {
            return false;
        }
    }
    return !__builtin_add_overflow(last, 1, &last) && !__builtin_mul_overflow(last, element, bytes);
}

/* -- Export -- */

/* The tensor with its extents and strides behind it. */
typedef struct {
    managed_tensor tensor;
    int64_t numbers[];
} exported;

static void delete_exported(managed_tensor *tensor) { free(tensor); }

static managed_tensor *make_exported(void *data, struct dlpack_type type, const heng_tensor_description *from) {
    const uint32_t rank = from->rank;
    exported *made = calloc(1, sizeof *made + 2 * (size_t)rank * sizeof(int64_t));
    if (!made) return NULL;
    int64_t step = 1;
    for (uint32_t axis = rank; axis-- > 0;) {
        made->numbers[axis] = from->dims[axis];
        made->numbers[rank + axis] = from->strides ? from->strides[axis] : step;
        step *= from->dims[axis];
    }
    managed_tensor *tensor = &made->tensor;
    tensor->version.major = DLPACK_MAJOR;
    tensor->version.minor = DLPACK_MINOR;
    tensor->deleter = delete_exported;
    tensor->flags = type.bits < 8 ? DLPACK_PADDED : 0;
    tensor->tensor.data = data;
    tensor->tensor.device.type = DLPACK_HOST;
    tensor->tensor.ndim = (int32_t)rank;
    tensor->tensor.dtype = type;
    tensor->tensor.shape = made->numbers;
    tensor->tensor.strides = made->numbers + rank;
    return tensor;
}

static int32_t check_export(
    const heng_range *range, const heng_tensor_description *description, struct dlpack_type *type,
    heng_error **error) {
    if (!range || !description || description->header.struct_size < sizeof *description
        || description->rank > HENG_RANK_LIMIT || (description->rank > 0 && !description->dims)) {
        return fail(error, HENG_ERROR_INVALID_ARGUMENT, "tensor_export",
            "A tensor needs a range and a description with extents.");
    }
    if (!type_to_dlpack(description->type, type)) {
        return fail(error, HENG_ERROR_DATA_TYPE, "tensor_export", "DLPack has no element type for %d.",
            description->type);
    }
    uint64_t bytes;
    if (!extent(description->dims, description->strides, description->rank, heng_type_size(description->type),
            &bytes)) {
        return fail(error, HENG_ERROR_FORMAT, "tensor_export", "The tensor's extents or strides are impossible.");
    }
    if (bytes <= range->size) return HENG_OK;
    return fail(error, HENG_ERROR_OUT_OF_RANGE, "tensor_export", "The tensor takes %llu bytes, and the range has %llu.",
        (unsigned long long)bytes, (unsigned long long)range->size);
}

static int32_t tensor_export(
    heng_device *device, const heng_range *range, const heng_tensor_description *description,
    managed_tensor **tensor, heng_error **error) {
    FIND(found, device, HENG_OBJECT_DEVICE, "tensor_export");
    NEED_PLACE(tensor, "tensor_export");
    struct dlpack_type type = {0};
    heng_range inner_range;
    int32_t status = check_export(range, description, &type, error);
    if (status == HENG_OK) status = translate(found, range, &inner_range, "tensor_export", error);
    if (status != HENG_OK) return status;
    const heng_interchange_table *makers = found->maker->interchange;
    if (makers && makers->tensor_export && inner_range.buffer) {
        CALL(found->maker, "tensor_export",
            makers->tensor_export(found->inner, &inner_range, description, tensor, error ? &inner : NULL));
        return HENG_OK;
    }
    void *data = host_address(range);
    if (!data) {
        return fail(error, HENG_ERROR_UNSUPPORTED, "tensor_export",
            "The host does not reach the device's memory, and its maker exports no tensors.");
    }
    managed_tensor *made = make_exported(data, type, description);
    if (!made) return fail(error, HENG_ERROR_OUT_OF_HOST_MEMORY, "tensor_export", "There is no memory for a tensor.");
    if (range->buffer && ((const object *)range->buffer)->of.buffer.is_read_only) made->flags |= DLPACK_READ_ONLY;
    *tensor = made;
    return HENG_OK;
}

/* -- Import -- */

static void delete_imported(void *user) {
    managed_tensor *tensor = user;
    if (tensor->deleter) tensor->deleter(tensor);
}

static bool is_host(const managed_tensor *tensor) {
    const int32_t type = tensor->tensor.device.type;
    return type == DLPACK_HOST || type == DLPACK_CUDA_HOST || type == DLPACK_ROCM_HOST;
}

static int32_t check_import(
    const managed_tensor *tensor, int32_t *type, uint64_t *bytes, heng_error **error) {
    if (tensor->version.major != DLPACK_MAJOR) {
        return fail(error, HENG_ERROR_VERSION, "tensor_import", "The tensor is of DLPack %u, and version 1 is read.",
            tensor->version.major);
    }
    *type = type_from_dlpack(tensor->tensor.dtype, tensor->flags);
    if (*type == HENG_TYPE_UNDEFINED) {
        return fail(error, HENG_ERROR_DATA_TYPE, "tensor_import", "There is no type for DLPack's code %u of %u bits.",
            tensor->tensor.dtype.code, tensor->tensor.dtype.bits);
    }
    if (tensor->tensor.ndim < 0 || tensor->tensor.ndim > (int32_t)HENG_RANK_LIMIT
        || (tensor->tensor.ndim > 0 && !tensor->tensor.shape)
        || !extent(tensor->tensor.shape, tensor->tensor.strides, (uint32_t)tensor->tensor.ndim,
            heng_type_size(*type), bytes)) {
        return fail(error, HENG_ERROR_FORMAT, "tensor_import",
            "The tensor has negative strides or impossible extents; copy it into order first.");
    }
    return HENG_OK;
}

static void describe(const managed_tensor *tensor, int32_t type, heng_tensor_description *description) {
    const heng_tensor_description full = {
        .type = type, .format = HENG_FORMAT_ND, .placement = HENG_PLACE_DEVICE,
        .rank = (uint32_t)tensor->tensor.ndim, .dims = tensor->tensor.shape, .strides = tensor->tensor.strides};
    fill_struct(description, &full, sizeof full);
}

static int32_t import_by_maker(
    object *context, managed_tensor *tensor, uint64_t bytes, heng_buffer **buffer,
    heng_tensor_description *description, heng_error **error) {
    const heng_interchange_table *makers = context->maker->interchange;
    if (!makers || !makers->tensor_import) {
        return fail(error, HENG_ERROR_MEMORY_TYPE, "tensor_import", "The device does not reach the tensor's memory.");
    }
    heng_buffer *made = NULL;
    CALL(context->maker, "tensor_import",
        makers->tensor_import(context->inner, tensor, &made, description, error ? &inner : NULL));
    object *object = make_object(HENG_OBJECT_BUFFER, context->maker, made, context);
    if (!object) return fail(error, HENG_ERROR_OUT_OF_HOST_MEMORY, "tensor_import", "There is no memory for a handle.");
    object->of.buffer.size = bytes;
    *buffer = (heng_buffer *)object;
    return HENG_OK;
}

/* Whether work on the device may use any memory of the host as if it were a buffer. */
static bool reaches_host(const object *context) {
    heng_device_description facts = {.header = HEADER(heng_device_description, HENG_KIND_DEVICE_DESCRIPTION)};
    return context->maker->table.device_describe(context->owner->inner, &facts, NULL) == HENG_OK
        && facts.host_addressable;
}

static int32_t tensor_import(
    heng_context *context, managed_tensor *tensor, heng_buffer **buffer, heng_tensor_description *description,
    heng_error **error) {
    FIND(found, context, HENG_OBJECT_CONTEXT, "tensor_import");
    if (!tensor || !buffer || !description || description->header.struct_size < sizeof(heng_header)) {
        return fail(error, HENG_ERROR_INVALID_ARGUMENT, "tensor_import",
            "tensor_import needs a tensor, a place for the buffer and a description with struct_size set.");
    }
    int32_t type = HENG_TYPE_UNDEFINED;
    uint64_t bytes = 0;
    const int32_t status = check_import(tensor, &type, &bytes, error);
    if (status != HENG_OK) return status;
    if (!is_host(tensor) || !reaches_host(found)) {
        return import_by_maker(found, tensor, bytes, buffer, description, error);
    }
    object *made = make_object(HENG_OBJECT_BUFFER, found->maker, NULL, found);
    if (!made) return fail(error, HENG_ERROR_OUT_OF_HOST_MEMORY, "tensor_import", "There is no memory for a handle.");
    made->of.buffer.is_foreign = true;
    made->of.buffer.is_read_only = (tensor->flags & DLPACK_READ_ONLY) != 0;
    made->of.buffer.host = (char *)tensor->tensor.data + tensor->tensor.byte_offset;
    made->of.buffer.size = bytes;
    made->of.buffer.drop = delete_imported;
    made->of.buffer.user = tensor;
    describe(tensor, type, description);
    *buffer = (heng_buffer *)made;
    return HENG_OK;
}

const heng_interchange_table interchange_group = {
    .header = HEADER(heng_interchange_table, HENG_KIND_INTERCHANGE_TABLE),
    .tensor_export = tensor_export,
    .tensor_import = tensor_import,
};
