/*
 * A plugin as a maker built it against the first released header, which lies beside this file: its library must work
 * with every later host of the same major number. It is compiled against that header and no other.
 *
 * Its device is the memory of the host. It fills exactly the structs of that day: an error is text and class, a
 * description ends where it ended then.
 */
#include <stdlib.h>
#include <string.h>

#include "heng_accelerator.h"

struct heng_device { const char *name; };
struct heng_context { uint32_t children; };
struct heng_stream { heng_context *context; };
struct heng_event { heng_context *context; uint8_t is_recorded; };
struct heng_buffer { heng_context *context; uint64_t size; char *bytes; };
struct heng_error { int32_t code; };

static heng_device device = {"First device"};
static int is_initialized;
static uint32_t contexts;

static int32_t fail(heng_error **place, int32_t code) {
    if (place && (*place = malloc(sizeof **place))) (*place)->code = code;
    return code;
}

static int32_t fill(void *to, const void *from, uint32_t size) {
    uint32_t room = ((heng_header *)to)->struct_size;
    if (room < sizeof(heng_header)) return HENG_ERROR_VERSION;
    memcpy((char *)to + sizeof(heng_header), (const char *)from + sizeof(heng_header),
           (room < size ? room : size) - sizeof(heng_header));
    return HENG_OK;
}

static int32_t initialize(const heng_initialize_arguments *arguments, heng_error **error) {
    if (arguments->abi_major != 1) return fail(error, HENG_ERROR_VERSION);
    if (is_initialized) return fail(error, HENG_ERROR_REPEATED_INITIALIZE);
    is_initialized = 1;
    return HENG_OK;
}

static int32_t finalize(heng_error **error) {
    if (contexts > 0) return fail(error, HENG_ERROR_NOT_RELEASED);
    is_initialized = 0;
    return HENG_OK;
}

static int32_t device_count(uint32_t *count, heng_error **error) {
    if (!is_initialized) return fail(error, HENG_ERROR_NOT_INITIALIZED);
    *count = 1;
    return HENG_OK;
}

static int32_t device_get(uint32_t index, heng_device **result, heng_error **error) {
    if (index > 0) return fail(error, HENG_ERROR_INVALID_DEVICE_INDEX);
    *result = &device;
    return HENG_OK;
}

static int32_t device_describe(heng_device *which, heng_device_description *description, heng_error **error) {
    heng_device_description full = {.kind = "first", .name = which->name, .vendor = "First Makers", .numa_node = -1,
                                    .memory_bytes = 1 << 20, .compute_units = 1, .buffer_alignment = 16,
                                    .copy_alignment = 1};
    int32_t status = fill(description, &full, sizeof full);
    return status == HENG_OK ? HENG_OK : fail(error, status);
}

static int32_t device_synchronize(heng_device *which, heng_error **error) { return (void)which, (void)error, HENG_OK; }

static int32_t context_create(heng_device *which, heng_context **context, heng_error **error) {
    (void)which;
    *context = calloc(1, sizeof **context);
    if (!*context) return fail(error, HENG_ERROR_OUT_OF_HOST_MEMORY);
    contexts++;
    return HENG_OK;
}

static int32_t context_destroy(heng_context *context, heng_error **error) {
    if (context->children > 0) return fail(error, HENG_ERROR_NOT_RELEASED);
    contexts--;
    free(context);
    return HENG_OK;
}

static int32_t stream_create(
    heng_context *context, const heng_stream_arguments *arguments, heng_stream **stream, heng_error **error) {
    (void)arguments;
    *stream = malloc(sizeof **stream);
    if (!*stream) return fail(error, HENG_ERROR_OUT_OF_HOST_MEMORY);
    (*stream)->context = context;
    context->children++;
    return HENG_OK;
}

static int32_t stream_destroy(heng_stream *stream, heng_error **error) {
    (void)error;
    stream->context->children--;
    free(stream);
    return HENG_OK;
}

static int32_t stream_synchronize(heng_stream *stream, int32_t milliseconds, heng_error **error) {
    return (void)stream, (void)milliseconds, (void)error, HENG_OK;
}

static int32_t stream_wait_event(heng_stream *stream, heng_event *event, uint64_t correlation, heng_error **error) {
    (void)stream, (void)correlation;
    return event->is_recorded ? HENG_OK : fail(error, HENG_ERROR_EVENT_NOT_RECORDED);
}

static char *start_of(const heng_range *range, uint64_t bytes) {
    if (bytes > range->size) return NULL;
    if (range->host) return (char *)range->host + range->offset;
    if (!range->buffer || range->offset > range->buffer->size || range->size > range->buffer->size - range->offset)
        return NULL;
    return range->buffer->bytes + range->offset;
}

static int32_t stream_copy(
    heng_stream *stream, const heng_range *destination, const heng_range *source, uint64_t bytes,
    uint64_t correlation, heng_error **error) {
    char *to = start_of(destination, bytes), *from = start_of(source, bytes);
    (void)stream, (void)correlation;
    if (!to || !from) return fail(error, HENG_ERROR_OUT_OF_RANGE);
    memcpy(to, from, bytes);
    return HENG_OK;
}

static int32_t stream_fill(
    heng_stream *stream, const heng_range *destination, uint8_t value, uint64_t bytes, uint64_t correlation,
    heng_error **error) {
    char *to = start_of(destination, bytes);
    (void)stream, (void)correlation;
    if (!to) return fail(error, HENG_ERROR_OUT_OF_RANGE);
    memset(to, value, bytes);
    return HENG_OK;
}

static int32_t event_create(heng_context *context, heng_event **event, heng_error **error) {
    *event = calloc(1, sizeof **event);
    if (!*event) return fail(error, HENG_ERROR_OUT_OF_HOST_MEMORY);
    (*event)->context = context;
    context->children++;
    return HENG_OK;
}

static int32_t event_destroy(heng_event *event, heng_error **error) {
    (void)error;
    event->context->children--;
    free(event);
    return HENG_OK;
}

static int32_t event_record(heng_event *event, heng_stream *stream, uint64_t correlation, heng_error **error) {
    (void)stream, (void)correlation, (void)error;
    event->is_recorded = 1;
    return HENG_OK;
}

static int32_t event_query(heng_event *event, uint8_t *complete, heng_error **error) {
    if (!event->is_recorded) return fail(error, HENG_ERROR_EVENT_NOT_RECORDED);
    *complete = 1;
    return HENG_OK;
}

static int32_t event_synchronize(heng_event *event, int32_t milliseconds, heng_error **error) {
    (void)milliseconds;
    return event->is_recorded ? HENG_OK : fail(error, HENG_ERROR_EVENT_NOT_RECORDED);
}

static int32_t buffer_allocate(
    heng_context *context, const heng_buffer_arguments *arguments, heng_buffer **buffer, heng_error **error) {
    if (arguments->size > 1 << 20) return fail(error, HENG_ERROR_OUT_OF_DEVICE_MEMORY);
    heng_buffer *made = malloc(sizeof *made);
    if (!made || !(made->bytes = malloc(arguments->size)))
        return free(made), fail(error, HENG_ERROR_OUT_OF_HOST_MEMORY);
    made->context = context;
    made->size = arguments->size;
    context->children++;
    *buffer = made;
    return HENG_OK;
}

static int32_t buffer_free(heng_buffer *buffer, heng_error **error) {
    (void)error;
    buffer->context->children--;
    free(buffer->bytes);
    free(buffer);
    return HENG_OK;
}

static int32_t error_describe(const heng_error *error, heng_error_description *description) {
    heng_error_description full = {.code = error->code, .operation = "first", .text = "The first device says no."};
    return fill(description, &full, sizeof full);
}

static void error_destroy(heng_error *error) { free(error); }

static const heng_accelerator_table table = {
    .header = {sizeof(heng_accelerator_table), HENG_KIND_TABLE, NULL}, .abi_major = 1, .name = "first",
    .initialize = initialize, .finalize = finalize, .device_count = device_count, .device_get = device_get,
    .device_describe = device_describe, .device_synchronize = device_synchronize, .context_create = context_create,
    .context_destroy = context_destroy, .stream_create = stream_create, .stream_destroy = stream_destroy,
    .stream_synchronize = stream_synchronize, .stream_wait_event = stream_wait_event, .stream_copy = stream_copy,
    .stream_fill = stream_fill, .event_create = event_create, .event_destroy = event_destroy,
    .event_record = event_record, .event_query = event_query, .event_synchronize = event_synchronize,
    .buffer_allocate = buffer_allocate, .buffer_free = buffer_free, .error_describe = error_describe,
    .error_destroy = error_destroy};

HENG_EXPORT const heng_accelerator_table *heng_accelerator_get(uint32_t abi_major) {
    return abi_major == 1 ? &table : NULL;
}
