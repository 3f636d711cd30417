/* The selection group: a device and context for each thread, default streams, and copies that wait. */
#include <stdlib.h>

#include "forwarding.h"

/* What the calling thread has chosen; stale once the device is deselected or finalized. */
static _Thread_local struct {
    object *device;
    uint32_t index;
    uint64_t selection;
    object *context;
} chosen;

/* Held while default contexts and streams are made and ended. */
static pthread_mutex_t selection_lock = PTHREAD_MUTEX_INITIALIZER;

static int32_t find_device(uint32_t index, object **found, const char *operation, heng_error **error) {
    if (!is_initialized()) return not_initialized(error, operation);
    *found = device_object(index);
    if (*found) return HENG_OK;
    return fail(error, HENG_ERROR_INVALID_DEVICE_INDEX, operation, "There is no device %u.", index);
}

static void choose(object *device, uint32_t index, object *context) {
    chosen.device = device;
    chosen.index = index;
    chosen.selection = device->of.device.selection;
    chosen.context = context;
}

static int32_t device_select(uint32_t index, heng_error **error) {
    object *device;
    int32_t status = find_device(index, &device, "device_select", error);
    if (status != HENG_OK) return status;
    pthread_mutex_lock(&selection_lock);
    if (!device->of.device.defaults) {
        heng_accelerator_table calls = {0};
        add_context_functions(&calls);
        heng_context *made = NULL;
        status = calls.context_create((heng_device *)device, &made, error);
        if (status == HENG_OK) device->of.device.defaults = (object *)made;
    }
    if (status == HENG_OK) choose(device, index, device->of.device.defaults);
    pthread_mutex_unlock(&selection_lock);
    return status;
}

static int32_t device_deselect(uint32_t index, heng_error **error) {
    object *device;
    int32_t status = find_device(index, &device, "device_deselect", error);
    if (status != HENG_OK) return status;
    pthread_mutex_lock(&selection_lock);
    object *context = device->of.device.defaults;
    if (!context) {
        status = fail(error, HENG_ERROR_INVALID_DEVICE, "device_deselect", "Device %u is not selected.", index);
    } else {
        status = context_end(context, true, "device_deselect", error);
        if (status == HENG_OK) {
            device->of.device.defaults = NULL;
            device->of.device.selection++;
        }
    }
    pthread_mutex_unlock(&selection_lock);
    return status;
}

/* Whether the thread's choice still holds. */
static bool is_chosen(void) {
    return chosen.device && living(chosen.device, HENG_OBJECT_DEVICE)
        && chosen.selection == chosen.device->of.device.selection;
}

static int32_t device_selected(uint32_t *index, heng_error **error) {
    if (!is_initialized()) return not_initialized(error, "device_selected");
    NEED_PLACE(index, "device_selected");
    if (!is_chosen()) {
        return fail(error, HENG_ERROR_INVALID_DEVICE, "device_selected", "This thread has no device selected.");
    }
    *index = chosen.index;
    return HENG_OK;
}

static int32_t run_mode(int32_t *mode, heng_error **error) {
    NEED_PLACE(mode, "run_mode");
    *mode = HENG_RUN_MODE_HOST;
    return HENG_OK;
}

static int32_t context_set_current(heng_context *context, heng_error **error) {
    FIND(found, context, HENG_OBJECT_CONTEXT, "context_set_current");
    choose(found->owner, found->owner->index, found);
    return HENG_OK;
}

static int32_t context_get_current(heng_context **context, heng_error **error) {
    if (!is_initialized()) return not_initialized(error, "context_get_current");
    NEED_PLACE(context, "context_get_current");
    if (!is_chosen() || !living(chosen.context, HENG_OBJECT_CONTEXT)) {
        return fail(error, HENG_ERROR_CONTEXT, "context_get_current", "This thread has no context.");
    }
    *context = (heng_context *)chosen.context;
    return HENG_OK;
}

static int32_t default_stream(object *context, object **stream, heng_error **error) {
    int32_t status = HENG_OK;
    pthread_mutex_lock(&selection_lock);
    if (!context->of.context.stream) {
        heng_accelerator_table calls = {0};
        add_stream_functions(&calls);
        heng_stream *made = NULL;
        status = calls.stream_create((heng_context *)context, NULL, &made, error);
        if (status == HENG_OK) context->of.context.stream = (object *)made;
    }
    *stream = context->of.context.stream;
    pthread_mutex_unlock(&selection_lock);
    return status;
}

static int32_t stream_default(heng_context *context, heng_stream **stream, heng_error **error) {
    NEED_PLACE(stream, "stream_default");
    if (!context) {
        const int32_t status = context_get_current(&context, error);
        if (status != HENG_OK) return status;
    }
    FIND(found, context, HENG_OBJECT_CONTEXT, "stream_default");
    object *made = NULL;
    const int32_t status = default_stream(found, &made, error);
    if (status == HENG_OK) *stream = (heng_stream *)made;
    return status;
}

/* -- Copies that wait -- */

/* Checks what a copy takes from a range: the direction, and host ranges here since no maker sees them. */
static int32_t check_side(const heng_range *range, bool is_device, uint64_t bytes, heng_error **error) {
    if (!range) return fail(error, HENG_ERROR_INVALID_ARGUMENT, "copy", "A range is NULL.");
    if ((range->buffer != NULL) != is_device) {
        return fail(error, HENG_ERROR_MEMORY_TYPE, "copy", "The direction says %s memory, and the range names %s.",
            is_device ? "device" : "host", is_device ? "host memory" : "a buffer");
    }
    if (!is_device && !range->host && bytes > 0) {
        return fail(error, HENG_ERROR_INVALID_ARGUMENT, "copy", "A range names no memory.");
    }
    if (bytes <= range->size) return HENG_OK;
    return fail(error, HENG_ERROR_OUT_OF_RANGE, "copy", "%llu bytes are more than the capacity of %llu.",
        (unsigned long long)bytes, (unsigned long long)range->size);
}

/* Copies in the default stream of the buffer's context, and waits. */
static int32_t copy_and_wait(
    const object *buffer, const heng_range *destination, const heng_range *source, uint64_t bytes,
    heng_error **error) {
    object *stream;
    int32_t status = default_stream(buffer->owner, &stream, error);
    if (status != HENG_OK) return status;
    heng_accelerator_table calls = {0};
    add_stream_functions(&calls);
    status = calls.stream_copy((heng_stream *)stream, destination, source, bytes, 0, error);
    return status == HENG_OK ? calls.stream_synchronize((heng_stream *)stream, -1, error) : status;
}

/* Between two devices, by way of the host. */
static int32_t copy_between(
    const object *to, const object *from, const heng_range *destination, const heng_range *source, uint64_t bytes,
    heng_error **error) {
    heng_range between = {.host = malloc(bytes ? bytes : 1), .size = bytes};
    if (!between.host) return fail(error, HENG_ERROR_OUT_OF_HOST_MEMORY, "copy", "The host has no room for the copy.");
    int32_t status = copy_and_wait(from, &between, source, bytes, error);
    if (status == HENG_OK) status = copy_and_wait(to, destination, &between, bytes, error);
    free(between.host);
    return status;
}

static int32_t copy(
    const heng_range *destination, const heng_range *source, uint64_t bytes, int32_t direction,
    heng_error **error) {
    if (!is_initialized()) return not_initialized(error, "copy");
    if (direction < HENG_COPY_HOST_TO_HOST || direction > HENG_COPY_DEVICE_TO_DEVICE) {
        return fail(error, HENG_ERROR_INVALID_ARGUMENT, "copy", "There is no direction %d.", direction);
    }
    const bool to_device = direction == HENG_COPY_HOST_TO_DEVICE || direction == HENG_COPY_DEVICE_TO_DEVICE;
    const bool from_device = direction == HENG_COPY_DEVICE_TO_HOST || direction == HENG_COPY_DEVICE_TO_DEVICE;
    int32_t status = check_side(destination, to_device, bytes, error);
    if (status == HENG_OK) status = check_side(source, from_device, bytes, error);
    if (status != HENG_OK || bytes == 0) return status;
    if (!to_device && !from_device) {
        memmove((char *)destination->host + destination->offset, (char *)source->host + source->offset, bytes);
        return HENG_OK;
    }
    const object *to = NULL, *from = NULL;
    if (to_device && !(to = living(destination->buffer, HENG_OBJECT_BUFFER))) {
        return bad_handle(error, destination->buffer, HENG_OBJECT_BUFFER, "copy");
    }
    if (from_device && !(from = living(source->buffer, HENG_OBJECT_BUFFER))) {
        return bad_handle(error, source->buffer, HENG_OBJECT_BUFFER, "copy");
    }
    if (to && from && device_of(to) != device_of(from)) {
        return copy_between(to, from, destination, source, bytes, error);
    }
    return copy_and_wait(to ? to : from, destination, source, bytes, error);
}

static int32_t fill(const heng_range *destination, uint8_t value, uint64_t bytes, heng_error **error) {
    if (!is_initialized()) return not_initialized(error, "fill");
    int32_t status = check_side(destination, destination && destination->buffer, bytes, error);
    if (status != HENG_OK || bytes == 0) return status;
    if (!destination->buffer) {
        memset((char *)destination->host + destination->offset, value, bytes);
        return HENG_OK;
    }
    FIND(buffer, destination->buffer, HENG_OBJECT_BUFFER, "fill");
    object *stream;
    status = default_stream(buffer->owner, &stream, error);
    if (status != HENG_OK) return status;
    heng_accelerator_table calls = {0};
    add_stream_functions(&calls);
    status = calls.stream_fill((heng_stream *)stream, destination, value, bytes, 0, error);
    return status == HENG_OK ? calls.stream_synchronize((heng_stream *)stream, -1, error) : status;
}

const heng_selection_table selection_group = {
    .header = HEADER(heng_selection_table, HENG_KIND_SELECTION_TABLE),
    .device_select = device_select,
    .device_deselect = device_deselect,
    .device_selected = device_selected,
    .run_mode = run_mode,
    .context_set_current = context_set_current,
    .context_get_current = context_get_current,
    .stream_default = stream_default,
    .copy = copy,
    .fill = fill,
};
