/*
 * The smallest device that passes the kit's levels L0 and L1: every required function, and nothing else. Work runs
 * at once, in the call that submits it. HENG_TEST_FAULT makes it misbehave, for tests of the kit itself.
 */
#include "heng_accelerator.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct heng_error { int32_t code; const char *operation; const char *text; uint64_t requested; };
struct heng_device { int32_t unused; };
struct heng_context { int64_t owned; };
struct heng_stream { heng_context *context; };
struct heng_event { heng_context *context; int recorded; };
struct heng_buffer { heng_context *context; uint64_t size; unsigned char *bytes; };

static heng_device the_device;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int state; /* 0: fresh, 1: initialized, 2: finalized */
static int64_t contexts;

static int fault(const char *name)
{
    const char *wanted = getenv("HENG_TEST_FAULT");
    return wanted && strcmp(wanted, name) == 0;
}

static int32_t fail(heng_error **error, int32_t code, const char *operation, const char *text, uint64_t requested)
{
    if (error) {
        *error = malloc(sizeof **error);
        if (*error) **error = (heng_error){code, operation, text, requested};
    }
    return code;
}
#define FAIL(code, text) return fail(error, HENG_ERROR_##code, __func__, text, 0)
#define NEED(condition) \
    if (!(condition)) return fail(error, HENG_ERROR_INVALID_ARGUMENT, __func__, "An argument is null.", 0)

static int64_t change(int64_t *number, int64_t by)
{
    pthread_mutex_lock(&lock);
    int64_t now = *number += by;
    pthread_mutex_unlock(&lock);
    return now;
}

static void *linger(void *unused)
{
    for (;;) pause();
    return unused;
}

static int32_t initialize(const heng_initialize_arguments *arguments, heng_error **error)
{
    NEED(arguments);
    if (arguments->header.struct_size < 24) FAIL(VERSION, "The struct_size is not set.");
    if (arguments->abi_major != HENG_ACCELERATOR_MAJOR) FAIL(VERSION, "This is version 1.");
    for (const heng_header *next = arguments->header.next; next; next = next->next)
        if (next->struct_kind & HENG_KIND_MUST_UNDERSTAND) FAIL(UNSUPPORTED, "An extension is not known.");
    if (state == 1) FAIL(REPEATED_INITIALIZE, "It is initialized already.");
    if (fault("print")) puts("hello");
    if (fault("thread")) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, linger, NULL) == 0) pthread_detach(thread);
    }
    if (fault("file")) (void)!dup(0);
    state = 1;
    return HENG_OK;
}

static int32_t finalize(heng_error **error)
{
    if (state == 0) FAIL(NOT_INITIALIZED, "It is not initialized.");
    if (state == 2) FAIL(REPEATED_FINALIZE, "It is finalized already.");
    if (change(&contexts, 0)) FAIL(NOT_RELEASED, "Contexts live.");
    state = 2;
    return HENG_OK;
}

static int32_t device_count(uint32_t *count, heng_error **error)
{
    NEED(count);
    if (state != 1) FAIL(NOT_INITIALIZED, "It is not initialized.");
    *count = 1;
    return HENG_OK;
}

static int32_t device_get(uint32_t index, heng_device **device, heng_error **error)
{
    NEED(device);
    if (state != 1) FAIL(NOT_INITIALIZED, "It is not initialized.");
    if (index > 0) FAIL(INVALID_DEVICE_INDEX, "There is one device, number 0.");
    *device = &the_device;
    return HENG_OK;
}

static int32_t device_describe(heng_device *device, heng_device_description *description, heng_error **error)
{
    NEED(device && description);
    heng_device_description full = {.kind = "tiny", .name = "Small device", .vendor = "Tests", .numa_node = -1,
        .compute_units = 1, .buffer_alignment = 16, .copy_alignment = 1, .host_addressable = 1,
        .capabilities = HENG_CAN_ADDRESS_BUFFERS};
    size_t size = description->header.struct_size;
    if (size < sizeof full.header) FAIL(VERSION, "The struct_size is not set.");
    if (size > sizeof full) size = sizeof full;
    memcpy((char *)description + sizeof full.header, (char *)&full + sizeof full.header, size - sizeof full.header);
    return HENG_OK;
}

static int32_t device_synchronize(heng_device *device, heng_error **error)
{
    NEED(device);
    return HENG_OK;
}

static int32_t context_create(heng_device *device, heng_context **context, heng_error **error)
{
    NEED(device && context);
    *context = calloc(1, sizeof **context);
    if (!*context) FAIL(OUT_OF_HOST_MEMORY, "There is no memory.");
    change(&contexts, 1);
    return HENG_OK;
}

static int32_t context_destroy(heng_context *context, heng_error **error)
{
    NEED(context);
    if (change(&context->owned, 0)) FAIL(NOT_RELEASED, "The context still owns something.");
    change(&contexts, -1);
    free(context);
    return HENG_OK;
}

static int32_t stream_create(
    heng_context *context, const heng_stream_arguments *arguments, heng_stream **stream, heng_error **error)
{
    NEED(context && stream);
    if (arguments && arguments->header.struct_size < sizeof arguments->header) FAIL(VERSION, "The size is not set.");
    if (arguments)
        for (const heng_header *next = arguments->header.next; next; next = next->next)
            if (next->struct_kind & HENG_KIND_MUST_UNDERSTAND) FAIL(UNSUPPORTED, "An extension is not known.");
    *stream = calloc(1, sizeof **stream);
    if (!*stream) FAIL(OUT_OF_HOST_MEMORY, "There is no memory.");
    (*stream)->context = context;
    change(&context->owned, 1);
    return HENG_OK;
}

static int32_t stream_destroy(heng_stream *stream, heng_error **error)
{
    NEED(stream);
    change(&stream->context->owned, -1);
    free(stream);
    return HENG_OK;
}

static int32_t stream_synchronize(heng_stream *stream, int32_t milliseconds, heng_error **error)
{
    (void)milliseconds;
    NEED(stream);
    if (fault("hang")) linger(NULL);
    return HENG_OK;
}

static int32_t stream_wait_event(heng_stream *stream, heng_event *event, uint64_t correlation, heng_error **error)
{
    (void)correlation;
    NEED(stream && event);
    if (!event->recorded) FAIL(EVENT_NOT_RECORDED, "No stream records the event.");
    return HENG_OK;
}

/* Where the first `bytes` bytes of a range lie; NULL with the class in `code`. */
static unsigned char *start(const heng_range *range, uint64_t bytes, int32_t *code)
{
    *code = HENG_ERROR_INVALID_ARGUMENT;
    if (!range || (!range->buffer && !range->host)) return NULL;
    *code = HENG_ERROR_OUT_OF_RANGE;
    if (bytes > range->size) return NULL;
    if (!range->buffer) return (unsigned char *)range->host + range->offset;
    if (range->offset > range->buffer->size || range->size > range->buffer->size - range->offset) return NULL;
    return range->buffer->bytes + range->offset;
}

static int32_t stream_copy(
    heng_stream *stream, const heng_range *destination, const heng_range *source, uint64_t bytes,
    uint64_t correlation, heng_error **error)
{
    (void)correlation;
    NEED(stream);
    if (bytes == 0) return HENG_OK;
    int32_t code;
    unsigned char *to = start(destination, bytes, &code);
    unsigned char *from = to ? start(source, bytes, &code) : NULL;
    if (!from) return fail(error, code, __func__, "A range does not hold the bytes.", 0);
    if (fault("crash")) *(volatile int *)8 = 1;
    memmove(to, from, bytes);
    return HENG_OK;
}

static int32_t stream_fill(
    heng_stream *stream, const heng_range *destination, uint8_t value, uint64_t bytes, uint64_t correlation,
    heng_error **error)
{
    (void)correlation;
    NEED(stream);
    if (bytes == 0) return HENG_OK;
    int32_t code;
    unsigned char *to = start(destination, bytes, &code);
    if (!to) return fail(error, code, __func__, "A range does not hold the bytes.", 0);
    memset(to, value, fault("short") ? bytes - 1 : bytes);
    return HENG_OK;
}

static int32_t event_create(heng_context *context, heng_event **event, heng_error **error)
{
    NEED(context && event);
    *event = calloc(1, sizeof **event);
    if (!*event) FAIL(OUT_OF_HOST_MEMORY, "There is no memory.");
    (*event)->context = context;
    change(&context->owned, 1);
    return HENG_OK;
}

static int32_t event_destroy(heng_event *event, heng_error **error)
{
    NEED(event);
    change(&event->context->owned, -1);
    free(event);
    return HENG_OK;
}

static int32_t event_record(heng_event *event, heng_stream *stream, uint64_t correlation, heng_error **error)
{
    (void)correlation;
    NEED(event && stream);
    __atomic_store_n(&event->recorded, 1, __ATOMIC_RELEASE);
    return HENG_OK;
}

static int32_t event_query(heng_event *event, uint8_t *complete, heng_error **error)
{
    NEED(event && complete);
    *complete = __atomic_load_n(&event->recorded, __ATOMIC_ACQUIRE) != 0;
    return HENG_OK;
}

static int32_t event_synchronize(heng_event *event, int32_t milliseconds, heng_error **error)
{
    (void)milliseconds;
    NEED(event);
    if (!__atomic_load_n(&event->recorded, __ATOMIC_ACQUIRE)) FAIL(EVENT_NOT_RECORDED, "No stream records the event.");
    return HENG_OK;
}

static int32_t buffer_allocate(
    heng_context *context, const heng_buffer_arguments *arguments, heng_buffer **buffer, heng_error **error)
{
    NEED(context && arguments && buffer);
    if (arguments->header.struct_size < 24) FAIL(VERSION, "The struct_size is not set.");
    if (arguments->size == 0 || arguments->pages < 0 || arguments->pages > HENG_PAGES_HUGE_ONLY)
        FAIL(INVALID_ARGUMENT, "A buffer has at least one byte, and known pages.");
    if (fault("exit")) exit(3);
    if (fault("abort")) abort();
    uint64_t rounded = (arguments->size + 15) / 16 * 16;
    unsigned char *bytes =
        arguments->size > (1ull << 40) ? NULL : aligned_alloc(16, rounded);
    heng_buffer *made = bytes ? malloc(sizeof *made) : NULL;
    if (!made) {
        free(bytes);
        return fail(error, HENG_ERROR_OUT_OF_DEVICE_MEMORY, __func__, "There is not so much memory.", arguments->size);
    }
    *made = (heng_buffer){context, arguments->size, bytes};
    change(&context->owned, 1);
    *buffer = made;
    return HENG_OK;
}

static int32_t buffer_free(heng_buffer *buffer, heng_error **error)
{
    NEED(buffer);
    change(&buffer->context->owned, -1);
    if (!fault("leak")) free(buffer->bytes);
    free(buffer);
    return HENG_OK;
}

static int32_t buffer_host_address(heng_buffer *buffer, void **address, heng_error **error)
{
    NEED(buffer && address);
    *address = buffer->bytes;
    return HENG_OK;
}

static int32_t error_describe(const heng_error *error, heng_error_description *description)
{
    if (!error || !description) return HENG_ERROR_INVALID_ARGUMENT;
    heng_error_description full = {.code = error->code, .operation = error->operation, .text = error->text,
        .requested = error->requested};
    size_t size = description->header.struct_size;
    if (size < sizeof full.header) return HENG_ERROR_VERSION;
    if (size > sizeof full) size = sizeof full;
    memcpy((char *)description + sizeof full.header, (char *)&full + sizeof full.header, size - sizeof full.header);
    return HENG_OK;
}

static void error_destroy(heng_error *error) { free(error); }

static const heng_accelerator_table table = {
    .header = {sizeof table, HENG_KIND_TABLE, NULL}, .abi_major = HENG_ACCELERATOR_MAJOR, .name = "small",
    .vendor = "Tests", .version = "1.0", .initialize = initialize, .finalize = finalize,
    .device_count = device_count, .device_get = device_get, .device_describe = device_describe,
    .device_synchronize = device_synchronize, .context_create = context_create, .context_destroy = context_destroy,
    .stream_create = stream_create, .stream_destroy = stream_destroy, .stream_synchronize = stream_synchronize,
    .stream_wait_event = stream_wait_event, .stream_copy = stream_copy, .stream_fill = stream_fill,
    .event_create = event_create, .event_destroy = event_destroy, .event_record = event_record,
    .event_query = event_query, .event_synchronize = event_synchronize, .buffer_allocate = buffer_allocate,
    .buffer_free = buffer_free, .buffer_host_address = buffer_host_address, .error_describe = error_describe,
    .error_destroy = error_destroy,
};

HENG_EXPORT const heng_accelerator_table *heng_accelerator_get(uint32_t abi_major)
{
    if (fault("getter")) abort();
    return abi_major == HENG_ACCELERATOR_MAJOR ? &table : NULL;
}

#ifdef HENG_TEST_EXPORT
HENG_EXPORT int small_device_helper(void);
int small_device_helper(void) { return 1; }
#endif

/* Ends the process while the library is loaded, where that is asked for. */
__attribute__((constructor)) static void load(void)
{
    if (fault("load")) _exit(9);
}
