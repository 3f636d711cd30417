/* The kernel group, handed on to makers that have one. */
#include <stdlib.h>

#include "forwarding.h"

#define TABLE(of) ((of)->maker->kernels)

static int32_t code_supported(heng_device *device, int32_t code, uint8_t *supported, heng_error **error) {
    FIND(found, device, HENG_OBJECT_DEVICE, "code_supported");
    NEED_PLACE(supported, "code_supported");
    if (!TABLE(found) || !TABLE(found)->code_supported) {
        *supported = 0;
        return HENG_OK;
    }
    CALL(found->maker, "code_supported",
        TABLE(found)->code_supported(found->inner, code, supported, error ? &inner : NULL));
    return HENG_OK;
}

static int32_t module_load(
    heng_context *context, const heng_module_arguments *arguments, heng_module **module, heng_error **error) {
    FIND(found, context, HENG_OBJECT_CONTEXT, "module_load");
    NEED_PLACE(module, "module_load");
    NEED(found->maker, TABLE(found) && TABLE(found)->module_load, "module_load");
    heng_module *made = NULL;
    CALL(found->maker, "module_load",
        TABLE(found)->module_load(found->inner, arguments, &made, error ? &inner : NULL));
    object *object = make_object(HENG_OBJECT_MODULE, found->maker, made, found);
    if (!object) {
        TABLE(found)->module_unload(made, NULL);
        return fail(error, HENG_ERROR_OUT_OF_HOST_MEMORY, "module_load", "There is no memory for a handle.");
    }
    *module = (heng_module *)object;
    return HENG_OK;
}

static int32_t module_unload(heng_module *module, heng_error **error) {
    FIND(found, module, HENG_OBJECT_MODULE, "module_unload");
    NEED(found->maker, TABLE(found)->module_unload, "module_unload");
    CALL(found->maker, "module_unload", TABLE(found)->module_unload(found->inner, error ? &inner : NULL));
    object *kernel;
    while ((kernel = child_of_kind(found, HENG_OBJECT_KERNEL)) != NULL) end_object(kernel);
    end_object(found);
    return HENG_OK;
}

static int32_t module_binary(heng_module *module, const void **bytes, uint64_t *size, heng_error **error) {
    FIND(found, module, HENG_OBJECT_MODULE, "module_binary");
    NEED(found->maker, TABLE(found)->module_binary, "module_binary");
    CALL(found->maker, "module_binary",
        TABLE(found)->module_binary(found->inner, bytes, size, error ? &inner : NULL));
    return HENG_OK;
}

/* One handle for each kernel of a module, however often it is asked for. */
static object *known_kernel(object *module, const heng_kernel *inner) {
    pthread_mutex_lock(&layer_lock);
    object *child = module->first_child;
    while (child && child->inner != inner) child = child->next;
    pthread_mutex_unlock(&layer_lock);
    return child;
}

static int32_t kernel_get(heng_module *module, const char *name, heng_kernel **kernel, heng_error **error) {
    FIND(found, module, HENG_OBJECT_MODULE, "kernel_get");
    NEED_PLACE(kernel, "kernel_get");
    NEED(found->maker, TABLE(found)->kernel_get, "kernel_get");
    heng_kernel *made = NULL;
    CALL(found->maker, "kernel_get", TABLE(found)->kernel_get(found->inner, name, &made, error ? &inner : NULL));
    object *object = known_kernel(found, made);
    if (!object) object = make_object(HENG_OBJECT_KERNEL, found->maker, made, found);
    if (!object) return fail(error, HENG_ERROR_OUT_OF_HOST_MEMORY, "kernel_get", "There is no memory for a handle.");
    *kernel = (heng_kernel *)object;
    return HENG_OK;
}

static int32_t kernel_describe(heng_kernel *kernel, heng_kernel_info *info, heng_error **error) {
    FIND(found, kernel, HENG_OBJECT_KERNEL, "kernel_describe");
    NEED(found->maker, TABLE(found)->kernel_describe, "kernel_describe");
    CALL(found->maker, "kernel_describe",
        TABLE(found)->kernel_describe(found->inner, info, error ? &inner : NULL));
    return HENG_OK;
}

enum { ROOM = 32 };

static int32_t kernel_launch(
    heng_kernel *kernel, heng_stream *stream, const heng_grid *grid, const heng_kernel_argument *arguments,
    uint32_t count, uint64_t correlation, heng_error **error) {
    FIND(found, kernel, HENG_OBJECT_KERNEL, "kernel_launch");
    FIND(lane, stream, HENG_OBJECT_STREAM, "kernel_launch");
    NEED(found->maker, TABLE(found)->kernel_launch, "kernel_launch");
    int32_t status = same_device(found, lane, "kernel_launch", error);
    if (status != HENG_OK) return status;
    if (count > 0 && !arguments) {
        return fail(error, HENG_ERROR_INVALID_ARGUMENT, "kernel_launch", "The arguments are NULL.");
    }
    heng_kernel_argument room[ROOM];
    heng_kernel_argument *ours = count <= ROOM ? room : calloc(count, sizeof *ours);
    if (!ours) return fail(error, HENG_ERROR_OUT_OF_HOST_MEMORY, "kernel_launch", "There is no memory for arguments.");
    for (uint32_t i = 0; i < count && status == HENG_OK; i++) {
        ours[i] = arguments[i];
        if (!ours[i].bytes) {
            status = translate(device_of(lane), &arguments[i].range, &ours[i].range, "kernel_launch", error);
        }
    }
    if (status == HENG_OK) {
        heng_error *inner = NULL;
        status = TABLE(found)->kernel_launch(
            found->inner, lane->inner, grid, ours, count, correlation, error ? &inner : NULL);
        if (status != HENG_OK) hand_on(error, found->maker, status, inner, "kernel_launch");
    }
    if (ours != room) free(ours);
    return status;
}

const heng_kernel_table kernel_group = {
    .header = HEADER(heng_kernel_table, HENG_KIND_KERNEL_TABLE),
    .code_supported = code_supported,
    .module_load = module_load,
    .module_unload = module_unload,
    .module_binary = module_binary,
    .kernel_get = kernel_get,
    .kernel_describe = kernel_describe,
    .kernel_launch = kernel_launch,
};
