/*
 * A small plugin that keeps the interface's promises, except for one: the one that -DMISBEHAVIOUR=name chooses.
 * `well_behaved` breaks none. Work is done at once, in the caller's thread, in memory of the host that is called the
 * device's. What each must lead to is in Tests/PluginBackendTests and in the conformance kit's own tests.
 *
 *   cc -std=c11 -shared -fPIC -pthread -DMISBEHAVIOUR=hangs_at_initialize -I include misbehaving.c -o libmisbehaving.so
 *
 * `throws` also needs throwing.cc, linked by a C++ compiler.
 */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "heng_accelerator.h"

/* Loading. */
#define well_behaved 1
#define null_table 2            /* the getter serves no version */
#define wrong_version 3         /* the table is of the next major number */
#define wrong_kind 4            /* the table's header has another kind */
#define tiny_table 5            /* the table ends before its first function */
#define short_table 6           /* the table of an older maker: it ends behind the last required function; allowed */
#define long_table 7            /* the table of a newer maker: it has functions that are not known yet; allowed */
#define no_name 8
#define missing_functions 9     /* stream_copy and buffer_free */
#define no_error_describe 10
#define crashes_at_load 11      /* before the getter is called */
#define prints_at_load 12       /* writes to standard output, where nobody asked for it */
/* Starting and listing. */
#define crashes_at_initialize 20
#define hangs_at_initialize 21
#define exits_at_initialize 22  /* ends the process with status 3 */
#define refuses_to_initialize 23
#define many_devices 24
#define null_strings 25         /* a description without any text; allowed */
#define bad_kind 26             /* a kind that is no word */
#define crashes_in_describe 27
#define coarse_copies 28        /* copies must start at multiples of 16; allowed */
/* Calls. */
#define positive_status 40      /* context_create returns a number that is no code */
#define unknown_code 41         /* ... or a code that nobody knows yet; allowed */
#define null_error 42           /* ... or fails without an error object; allowed */
#define undescribed_error 43    /* ... or with one that error_describe knows nothing about */
#define no_handle 44            /* ... or succeeds and makes nothing */
#define crashes_in_copy 45
#define hangs_in_synchronize 46
#define throws 47               /* a C++ exception leaves context_create */
#define leaks 48                /* buffers that are freed stay in the account */
#define launches_in_threads 49  /* host functions run whenever their own thread comes to it */
#define logs_after_finalize 50  /* a thread goes on to use the host's services */
#define drops_bytes 51          /* copies leave out the last byte */
#define ignores_ranges 52       /* copies beyond a range are done, as far as the buffer's spare room goes */
/* Operators. */
#define infers_wrong_shapes 60
#define writes_too_much 61      /* one element behind the output */
#define computes_wrong 62       /* Relu gives its input */

#ifndef MISBEHAVIOUR
#define MISBEHAVIOUR well_behaved
#endif
#define IS(name) (MISBEHAVIOUR == (name))

enum { SPARE = 256 }; /* bytes behind each buffer, so that writing beyond it breaks this promise and nothing else */

struct heng_device { int unused; };
struct heng_context { uint64_t in_use, high_water, limit; uint32_t children; };
struct heng_stream { heng_context *context; int32_t failure; };
struct heng_event { heng_context *context; int is_recorded; int32_t failure; struct timespec time; };
struct heng_buffer { heng_context *context; uint64_t size; uint8_t *bytes; };
struct heng_error { int32_t code, scope; int64_t native_code; uint64_t correlation; };
struct heng_operator { heng_context *context; uint64_t count; };

static struct heng_device devices[1];
static enum { FRESH, INITIALIZED, FINALIZED } state;
static uint32_t contexts;
static heng_host_services host;

static void crash(void) {
    volatile int *nowhere = NULL;
    *nowhere = 1;
}

static void hang(void) {
    for (;;) pause();
}

#if MISBEHAVIOUR == throws
void throw_across(void); /* in throwing.cc */
#else
static void throw_across(void) {}
#endif

#if MISBEHAVIOUR == crashes_at_load || MISBEHAVIOUR == prints_at_load
__attribute__((constructor)) static void at_load(void) {
    if (IS(crashes_at_load)) crash();
    const char *line = "{\"devices\": []}\n";
    if (write(STDOUT_FILENO, line, strlen(line)) < 0) return;
}
#endif

static int32_t fail_with(heng_error **place, heng_error error) {
    if (place && !IS(null_error)) {
        *place = malloc(sizeof **place);
        if (*place) **place = error;
    }
    return error.code;
}

static int32_t fail(heng_error **place, int32_t code) { return fail_with(place, (heng_error){.code = code}); }

static int32_t fill(void *to, const void *from, uint32_t size) {
    heng_header *header = to;
    if (!header || header->struct_size < sizeof *header) return HENG_ERROR_VERSION;
    uint32_t bytes = header->struct_size < size ? header->struct_size : size;
    memcpy((char *)to + sizeof *header, (const char *)from + sizeof *header, bytes - sizeof *header);
    return HENG_OK;
}

static int32_t error_describe(const heng_error *error, heng_error_description *description) {
    if (IS(undescribed_error)) return HENG_ERROR_INVALID_HANDLE;
    heng_error_description full = {
        .code = error->code, .scope = error->scope, .native_code = error->native_code,
        .correlation = error->correlation, .operation = "misbehaving", .text = "This is how it is."};
    return fill(description, &full, sizeof full);
}

static void error_destroy(heng_error *error) { free(error); }

static void *log_for_ever(void *unused) {
    (void)unused;
    for (;;) {
        struct timespec pause = {0, 1000000};
        nanosleep(&pause, NULL);
        if (state == FINALIZED && host.log) host.log(host.user, HENG_LOG_WARNING, 0, "still here");
    }
    return NULL;
}

static int32_t initialize(const heng_initialize_arguments *arguments, heng_error **error) {
    if (IS(crashes_at_initialize)) crash();
    if (IS(hangs_at_initialize)) hang();
    if (IS(exits_at_initialize)) _exit(3);
    if (IS(refuses_to_initialize))
        return fail_with(error, (heng_error){.code = HENG_ERROR_PERMISSION, .native_code = 13});
    if (arguments->abi_major != HENG_ACCELERATOR_MAJOR) return fail(error, HENG_ERROR_VERSION);
    if (state == INITIALIZED) return fail(error, HENG_ERROR_REPEATED_INITIALIZE);
    for (const heng_header *next = arguments->header.next; next; next = next->next)
        if (next->struct_kind == HENG_KIND_HOST_SERVICES) host = *(const heng_host_services *)next;
        else if (next->struct_kind & HENG_KIND_MUST_UNDERSTAND) return fail(error, HENG_ERROR_UNSUPPORTED);
    state = INITIALIZED;
    if (host.log) host.log(host.user, HENG_LOG_INFORMATION, 0, "it\nbegins");
    if (IS(logs_after_finalize)) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, log_for_ever, NULL) == 0) pthread_detach(thread);
    }
    return HENG_OK;
}

static int32_t finalize(heng_error **error) {
    if (state == FRESH) return fail(error, HENG_ERROR_NOT_INITIALIZED);
    if (state == FINALIZED) return fail(error, HENG_ERROR_REPEATED_FINALIZE);
    if (contexts > 0) return fail(error, HENG_ERROR_NOT_RELEASED);
    state = FINALIZED;
    return HENG_OK;
}

static int32_t device_count(uint32_t *count, heng_error **error) {
    if (state != INITIALIZED) return fail(error, HENG_ERROR_NOT_INITIALIZED);
    *count = IS(many_devices) ? UINT32_MAX : 1;
    return HENG_OK;
}

static int32_t device_get(uint32_t index, heng_device **device, heng_error **error) {
    if (state != INITIALIZED) return fail(error, HENG_ERROR_NOT_INITIALIZED);
    if (index > 0) return fail(error, HENG_ERROR_INVALID_DEVICE_INDEX);
    *device = &devices[0];
    return HENG_OK;
}

static int32_t device_describe(heng_device *device, heng_device_description *description, heng_error **error) {
    (void)device;
    if (IS(crashes_in_describe)) crash();
    heng_device_description full = {
        .kind = IS(bad_kind) ? "GPU 0:1" : "misbehaving", .name = "Misbehaving device", .vendor = "Nobody",
        .memory_bytes = 1 << 30, .numa_node = -1, .compute_units = 1, .buffer_alignment = 16,
        .copy_alignment = IS(coarse_copies) ? 16 : 1,
        .simulated = 1,
        .capabilities = HENG_CAN_RUN_HOST_FUNCTIONS | HENG_CAN_COUNT_MEMORY | HENG_CAN_LIMIT_MEMORY |
                        HENG_CAN_TIME_EVENTS};
    if (IS(null_strings)) full.kind = full.name = full.vendor = NULL;
    int32_t status = fill(description, &full, sizeof full);
    return status == HENG_OK ? HENG_OK : fail(error, status);
}

static int32_t device_synchronize(heng_device *device, heng_error **error) { return (void)device, (void)error, HENG_OK; }

static int32_t context_create(heng_device *device, heng_context **context, heng_error **error) {
    (void)device;
    if (IS(positive_status)) return 7;
    if (IS(unknown_code)) return fail(error, -9999);
    if (IS(null_error) || IS(undescribed_error)) return fail(error, HENG_ERROR_OUT_OF_RESOURCES);
    if (IS(no_handle)) return HENG_OK;
    if (IS(throws)) throw_across();
    *context = calloc(1, sizeof **context);
    if (!*context) return fail(error, HENG_ERROR_OUT_OF_HOST_MEMORY);
    contexts++;
    return HENG_OK;
}

static int32_t context_destroy(heng_context *context, heng_error **error) {
    if (context->children > 0) return fail(error, HENG_ERROR_NOT_RELEASED);
    free(context);
    contexts--;
    return HENG_OK;
}

static int32_t context_memory_info(heng_context *context, heng_memory_info *info, heng_error **error) {
    heng_memory_info full = {.in_use = context->in_use, .high_water = context->high_water,
                             .reserved = context->in_use, .limit = context->limit};
    int32_t status = fill(info, &full, sizeof full);
    return status == HENG_OK ? HENG_OK : fail(error, status);
}

static int32_t context_limit_memory(heng_context *context, uint64_t limit, heng_error **error) {
    (void)error;
    context->limit = limit;
    return HENG_OK;
}

static int32_t stream_create(
    heng_context *context, const heng_stream_arguments *arguments, heng_stream **stream, heng_error **error) {
    (void)arguments;
    *stream = calloc(1, sizeof **stream);
    if (!*stream) return fail(error, HENG_ERROR_OUT_OF_HOST_MEMORY);
    (*stream)->context = context;
    context->children++;
    return HENG_OK;
}

static int32_t stream_failure(const heng_stream *stream, heng_error **error) {
    if (stream->failure == 0) return HENG_OK;
    return fail_with(error, (heng_error){.code = HENG_ERROR_EXECUTION, .scope = HENG_SCOPE_STREAM,
                                         .native_code = stream->failure});
}

static int32_t stream_destroy(heng_stream *stream, heng_error **error) {
    int32_t status = stream_failure(stream, error);
    stream->context->children--;
    free(stream);
    return status;
}

static int32_t stream_synchronize(heng_stream *stream, int32_t milliseconds, heng_error **error) {
    (void)milliseconds;
    if (IS(hangs_in_synchronize)) hang();
    return stream_failure(stream, error);
}

static int32_t stream_wait_event(heng_stream *stream, heng_event *event, uint64_t correlation, heng_error **error) {
    (void)correlation;
    if (!event->is_recorded) return fail(error, HENG_ERROR_EVENT_NOT_RECORDED);
    if (event->failure != 0) stream->failure = event->failure;
    return HENG_OK;
}

struct launch {
    heng_fallible_host_function function;
    _Alignas(16) uint8_t arguments[HENG_ARGUMENT_LIMIT];
};

static void *launch_alone(void *argument) {
    struct launch *launch = argument;
    launch->function(launch->arguments);
    free(launch);
    return NULL;
}

static int32_t stream_launch_fallible(
    heng_stream *stream, heng_fallible_host_function function, const void *arguments, uint32_t size,
    uint64_t correlation, heng_error **error) {
    (void)correlation;
    int32_t status = stream_failure(stream, error);
    if (status != HENG_OK) return status;
    if (size > HENG_ARGUMENT_LIMIT) return fail(error, HENG_ERROR_INVALID_ARGUMENT);
    struct launch *launch = aligned_alloc(16, sizeof *launch);
    if (!launch) return fail(error, HENG_ERROR_OUT_OF_HOST_MEMORY);
    launch->function = function;
    if (size > 0) memcpy(launch->arguments, arguments, size);
    pthread_t thread;
    if (IS(launches_in_threads) && pthread_create(&thread, NULL, launch_alone, launch) == 0)
        return pthread_detach(thread), HENG_OK;
    stream->failure = function(launch->arguments);
    free(launch);
    return HENG_OK;
}

struct plain { heng_host_function function; };
static _Thread_local struct plain current;

static int32_t call_plain(const void *arguments) {
    current.function(arguments);
    return 0;
}

static int32_t stream_launch(
    heng_stream *stream, heng_host_function function, const void *arguments, uint32_t size, uint64_t correlation,
    heng_error **error) {
    current.function = function;
    return stream_launch_fallible(stream, call_plain, arguments, size, correlation, error);
}

/* Where a range starts; NULL and a code where it does not hold `bytes`. */
static uint8_t *start_of(const heng_range *range, uint64_t bytes, int32_t *status) {
    uint64_t room = IS(ignores_ranges) ? SPARE : 0;
    *status = HENG_ERROR_OUT_OF_RANGE;
    if (bytes > range->size + room) return NULL;
    *status = HENG_OK;
    if (bytes == 0) return NULL;
    if (!range->buffer) return (uint8_t *)range->host + range->offset;
    if (range->offset + bytes > range->buffer->size + room) *status = HENG_ERROR_OUT_OF_RANGE;
    return range->buffer->bytes + range->offset;
}

static int32_t stream_copy(
    heng_stream *stream, const heng_range *destination, const heng_range *source, uint64_t bytes,
    uint64_t correlation, heng_error **error) {
    int32_t status = stream_failure(stream, error), from_status;
    (void)correlation;
    if (status != HENG_OK) return status;
    if (IS(crashes_in_copy)) crash();
    uint8_t *to = start_of(destination, bytes, &status), *from = start_of(source, bytes, &from_status);
    if (status != HENG_OK || from_status != HENG_OK) return fail(error, HENG_ERROR_OUT_OF_RANGE);
    if (bytes > 0) memmove(to, from, IS(drops_bytes) ? bytes - 1 : bytes);
    return HENG_OK;
}

static int32_t stream_fill(
    heng_stream *stream, const heng_range *destination, uint8_t value, uint64_t bytes, uint64_t correlation,
    heng_error **error) {
    int32_t status = stream_failure(stream, error);
    (void)correlation;
    if (status != HENG_OK) return status;
    uint8_t *to = start_of(destination, bytes, &status);
    if (status != HENG_OK) return fail(error, status);
    if (bytes > 0) memset(to, value, bytes);
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
    (void)correlation;
    int32_t status = stream_failure(stream, error);
    if (status != HENG_OK) return status;
    event->is_recorded = 1;
    event->failure = 0;
    clock_gettime(CLOCK_MONOTONIC, &event->time);
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

static int32_t event_elapsed(heng_event *start, heng_event *end, double *milliseconds, heng_error **error) {
    if (!start->is_recorded || !end->is_recorded) return fail(error, HENG_ERROR_EVENT_NOT_RECORDED);
    *milliseconds = (double)(end->time.tv_sec - start->time.tv_sec) * 1e3 +
                    (double)(end->time.tv_nsec - start->time.tv_nsec) / 1e6;
    return HENG_OK;
}

static int32_t buffer_allocate(
    heng_context *context, const heng_buffer_arguments *arguments, heng_buffer **buffer, heng_error **error) {
    uint64_t size = arguments->size;
    if (size == 0) return fail(error, HENG_ERROR_INVALID_ARGUMENT);
    if (size > 1 << 30 || (context->limit > 0 && context->in_use + size > context->limit))
        return fail(error, HENG_ERROR_OUT_OF_DEVICE_MEMORY);
    heng_buffer *made = calloc(1, sizeof *made);
    if (made) made->bytes = malloc(size + SPARE);
    if (!made || !made->bytes) return free(made), fail(error, HENG_ERROR_OUT_OF_DEVICE_MEMORY);
    made->context = context;
    made->size = size;
    context->children++;
    context->in_use += size;
    if (context->high_water < context->in_use) context->high_water = context->in_use;
    *buffer = made;
    return HENG_OK;
}

static int32_t buffer_free(heng_buffer *buffer, heng_error **error) {
    (void)error;
    buffer->context->children--;
    if (IS(leaks)) return HENG_OK;
    buffer->context->in_use -= buffer->size;
    free(buffer->bytes);
    free(buffer);
    return HENG_OK;
}

/* -- One operator: Relu of float32 -- */

static int32_t operator_list(heng_device *device, uint32_t index, heng_operator_listing *listing, heng_error **error) {
    (void)device;
    if (index > 0) return fail(error, HENG_ERROR_OUT_OF_RANGE);
    heng_operator_listing full = {.domain = "", .name = "Relu", .since = 6, .types = 1ull << HENG_TYPE_FLOAT32};
    int32_t status = fill(listing, &full, sizeof full);
    return status == HENG_OK ? HENG_OK : fail(error, status);
}

static int32_t operator_supports(
    heng_device *device, const heng_operator_description *use, heng_refusal *refusal, heng_error **error) {
    (void)device;
    heng_refusal full = {.reason = HENG_REFUSAL_OPERATOR, .argument = -1, .text = "Only Relu of float32 is taken."};
    if (use->name && strcmp(use->name, "Relu") == 0 && use->input_count == 1 && use->inputs[0]->type == HENG_TYPE_FLOAT32)
        return HENG_OK;
    if (refusal) fill(refusal, &full, sizeof full);
    return fail(error, HENG_ERROR_UNSUPPORTED);
}

static int32_t operator_infer(
    heng_device *device, const heng_operator_description *use, heng_inferred_tensor *const *outputs, uint32_t count,
    heng_error **error) {
    int32_t status = operator_supports(device, use, NULL, error);
    if (status != HENG_OK || count != 1) return status != HENG_OK ? status : fail(error, HENG_ERROR_OPERATOR_OUTPUT);
    const heng_tensor_description *input = use->inputs[0];
    outputs[0]->rank = input->rank;
    outputs[0]->type = input->type;
    for (uint32_t axis = 0; axis < input->rank && axis < outputs[0]->capacity; axis++)
        outputs[0]->dims[axis] = input->dims[axis] + (IS(infers_wrong_shapes) ? 1 : 0);
    return HENG_OK;
}

static int32_t operator_prepare(
    heng_context *context, const heng_operator_description *use, heng_operator **prepared, heng_operator_info *info,
    heng_error **error) {
    int32_t status = operator_supports(NULL, use, NULL, error);
    if (status != HENG_OK) return status;
    heng_operator_info full = {.algorithm = "a loop", .determinism = HENG_DETERMINISM_BATCH, .in_place_input = -1};
    if (info) fill(info, &full, sizeof full);
    *prepared = calloc(1, sizeof **prepared);
    if (!*prepared) return fail(error, HENG_ERROR_OUT_OF_HOST_MEMORY);
    (*prepared)->context = context;
    (*prepared)->count = heng_tensor_count(use->inputs[0]);
    context->children++;
    return HENG_OK;
}

static int32_t operator_execute(
    heng_operator *prepared, heng_stream *stream, const heng_range *inputs, uint32_t input_count,
    const heng_range *outputs, uint32_t output_count, const heng_range *workspace, uint64_t correlation,
    heng_error **error) {
    (void)workspace, (void)correlation;
    int32_t status = stream_failure(stream, error), other;
    if (status != HENG_OK) return status;
    if (input_count != 1 || output_count != 1) return fail(error, HENG_ERROR_INVALID_ARGUMENT);
    const float *from = (const float *)(void *)start_of(&inputs[0], prepared->count * 4, &status);
    float *to = (float *)(void *)start_of(&outputs[0], prepared->count * 4, &other);
    if (status != HENG_OK || other != HENG_OK) return fail(error, HENG_ERROR_OUT_OF_RANGE);
    for (uint64_t i = 0; i < prepared->count; i++) to[i] = from[i] < 0 && !IS(computes_wrong) ? 0 : from[i];
    if (IS(writes_too_much) && prepared->count > 0) to[prepared->count] = 1;
    return HENG_OK;
}

static int32_t operator_destroy(heng_operator *prepared, heng_error **error) {
    (void)error;
    prepared->context->children--;
    free(prepared);
    return HENG_OK;
}

static const heng_operator_table operators = {
    .header = {sizeof(heng_operator_table), HENG_KIND_OPERATOR_TABLE, NULL},
    .operator_list = operator_list, .operator_supports = operator_supports, .operator_infer = operator_infer,
    .operator_prepare = operator_prepare, .operator_execute = operator_execute, .operator_destroy = operator_destroy};

static int32_t group(uint32_t kind, const heng_header **table, heng_error **error) {
    if (kind != HENG_KIND_OPERATOR_TABLE) return fail(error, HENG_ERROR_UNSUPPORTED);
    *table = &operators.header;
    return HENG_OK;
}

/* -- The table -- */

static void not_known_yet(void) {}

static const struct {
    heng_accelerator_table table;
    void (*later[4])(void); /* what a newer maker has behind the table that we know */
} whole = {
    .table = {
        .header = {
            IS(tiny_table) ? sizeof(heng_header) + 8
            : IS(short_table) ? offsetof(heng_accelerator_table, group)
            : IS(long_table) ? sizeof whole : sizeof(heng_accelerator_table),
            IS(wrong_kind) ? HENG_KIND_OPERATOR_TABLE : HENG_KIND_TABLE, NULL},
        .abi_major = HENG_ACCELERATOR_MAJOR + (IS(wrong_version) ? 1 : 0),
        .abi_minor = HENG_ACCELERATOR_MINOR + (IS(long_table) ? 7 : 0),
        .name = IS(no_name) ? NULL : "misbehaving",
        .vendor = "Nobody", .version = "1.0",
        .initialize = initialize, .finalize = finalize, .device_count = device_count, .device_get = device_get,
        .device_describe = device_describe, .device_synchronize = device_synchronize,
        .context_create = context_create, .context_destroy = context_destroy,
        .context_memory_info = context_memory_info, .context_limit_memory = context_limit_memory,
        .stream_create = stream_create, .stream_destroy = stream_destroy, .stream_synchronize = stream_synchronize,
        .stream_wait_event = stream_wait_event, .stream_launch = stream_launch,
        .stream_launch_fallible = stream_launch_fallible,
        .stream_copy = IS(missing_functions) ? NULL : stream_copy, .stream_fill = stream_fill,
        .event_create = event_create, .event_destroy = event_destroy, .event_record = event_record,
        .event_query = event_query, .event_synchronize = event_synchronize, .event_elapsed = event_elapsed,
        .buffer_allocate = buffer_allocate, .buffer_free = IS(missing_functions) ? NULL : buffer_free,
        .error_describe = IS(no_error_describe) ? NULL : error_describe, .error_destroy = error_destroy,
        /* Behind the end of a short table, nobody may look. */
        .group = group,
    },
    .later = {not_known_yet, not_known_yet, not_known_yet, not_known_yet},
};

HENG_EXPORT const heng_accelerator_table *heng_accelerator_get(uint32_t abi_major) {
    if (IS(null_table) || abi_major != HENG_ACCELERATOR_MAJOR) return NULL;
    return &whole.table;
}
