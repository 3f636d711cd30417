/*
 * A vendor's device for Heng, whole: copy this file, then replace it part by part. The device is made up, but nothing
 * is pretended: its memory is one block that the host cannot reach, and each stream has a thread, as a queue.
 * One lock guards all state, and one condition says that some of it changed; work runs without the lock. Handles are
 * only checked for NULL (Heng's checking layer, HENG_CHECK=1, recognises every other wrong one).
 */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "heng_accelerator.h"

enum {
    MEMORY_BYTES = 256 << 20, /* what the device has */
    ALIGNMENT = 64,           /* of buffers */
    QUEUE_LENGTH = 64,        /* pieces of work that a stream holds before submitting waits */
    MAXIMUM_INPUTS = 3,       /* of an operator */
    MAXIMUM_RANK = 6,
    MAXIMUM_ATTRIBUTES = 4
};

/* ---- 1. Errors and structs that cross ---- */

struct heng_error {
    int32_t code, scope;
    uint64_t requested, available, correlation;
    const char *operation; /* a literal, or __func__ */
    char text[200];
};

/* Gives the caller a copy, where it wants one, and returns the code. */
static int32_t give_error(heng_error **place, const heng_error *error) {
    if (place) {
        *place = malloc(sizeof **place); /* NULL is allowed: then the code says it alone */
        if (*place) **place = *error;
    }
    return error->code;
}

__attribute__((format(printf, 4, 5)))
static int32_t fail(heng_error **place, int32_t code, const char *operation, const char *format, ...) {
    heng_error error = {.code = code, .scope = HENG_SCOPE_CALL, .operation = operation};
    va_list values;
    va_start(values, format);
    vsnprintf(error.text, sizeof error.text, format, values);
    va_end(values);
    return give_error(place, &error);
}

/* For pointers that a function cannot do without. */
#define REQUIRE(condition) \
    if (!(condition)) return fail(error, HENG_ERROR_INVALID_ARGUMENT, __func__, "A pointer given is NULL.")

/* Reads a struct of the caller's: no byte beyond its struct_size, and zeros for what is missing. */
static int32_t read_struct(void *copy, uint32_t size, const void *from, const char *operation, heng_error **error) {
    const heng_header *header = from;
    if (!header || header->struct_size < sizeof *header)
        return fail(error, HENG_ERROR_VERSION, operation, "A struct is missing, or its struct_size is not set.");
    for (const heng_header *next = header->next; next; next = next->next) /* none that must be understood is known */
        if (next->struct_kind & HENG_KIND_MUST_UNDERSTAND)
            return fail(error, HENG_ERROR_UNSUPPORTED, operation, "Extension %x is not known.", next->struct_kind);
    memset(copy, 0, size);
    memcpy(copy, from, header->struct_size < size ? header->struct_size : size);
    return HENG_OK;
}

/* Fills a struct of the caller's up to its struct_size, all but the header. */
static int32_t write_struct(void *to, const void *full, uint32_t size, const char *operation, heng_error **error) {
    heng_header *header = to, copy;
    int32_t status = read_struct(&copy, sizeof copy, to, operation, error);
    uint32_t bytes = status == HENG_OK && header->struct_size < size ? header->struct_size : size;
    if (status == HENG_OK) memcpy(header + 1, (const heng_header *)full + 1, bytes - sizeof *header);
    return status;
}

static int32_t error_describe(const heng_error *error, heng_error_description *description) {
    if (!error) return HENG_ERROR_INVALID_ARGUMENT;
    heng_error_description full = {
        .code = error->code, .scope = error->scope, .requested = error->requested, .available = error->available,
        .operation = error->operation, .text = error->text, .correlation = error->correlation,
        .retriable = error->code == HENG_ERROR_TIMEOUT || error->code == HENG_ERROR_OUT_OF_DEVICE_MEMORY,
    };
    return write_struct(description, &full, sizeof full, __func__, NULL);
}

static void error_destroy(heng_error *error) { free(error); }

/* Zeroed memory for an object, or NULL and the error. */
static void *make_object(size_t size, const char *operation, heng_error **error) {
    void *made = calloc(1, size);
    if (!made) fail(error, HENG_ERROR_OUT_OF_HOST_MEMORY, operation, "The host has no memory for a handle.");
    return made;
}

/* ---- 2. Devices and contexts ---- */

struct heng_device {
    uint8_t *memory;
    heng_buffer *buffers; /* living ones, in the order of their places */
    heng_stream *streams; /* living ones */
    uint64_t in_use;      /* bytes of all buffers, rounded up */
    uint64_t submissions; /* of all streams, ever: each piece of work has its number */
    uint32_t contexts;
};

struct heng_context {
    heng_device *device;
    uint64_t in_use, high_water, limit;
    uint32_t children; /* living streams, events, buffers and operators */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed;
static enum { FRESH, INITIALIZED, FINALIZED } state = FRESH;
static heng_device the_device;

static void enter(void) { pthread_mutex_lock(&lock); }

/* Gives the lock back and returns the status, so that every way out of a function is one line. */
static int32_t leave(int32_t status) {
    pthread_mutex_unlock(&lock);
    return status;
}

/* Counts what a context owns: it cannot be destroyed before that. */
static void count_child(heng_context *context, int by) {
    enter();
    context->children += (uint32_t)by;
    leave(HENG_OK);
}

static void make_condition(void) {
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&changed, &attributes);
    pthread_condattr_destroy(&attributes);
}

static int32_t initialize(const heng_initialize_arguments *given, heng_error **error) {
    heng_initialize_arguments arguments;
    int32_t status = read_struct(&arguments, sizeof arguments, given, __func__, error);
    if (status != HENG_OK) return status;
    if (arguments.abi_major != HENG_ACCELERATOR_MAJOR)
        return fail(error, HENG_ERROR_VERSION, __func__, "This is version %u.", HENG_ACCELERATOR_MAJOR);
    enter();
    if (state == INITIALIZED)
        return leave(fail(error, HENG_ERROR_REPEATED_INITIALIZE, __func__, "The device is initialized already."));
    uint8_t *memory = aligned_alloc(ALIGNMENT, MEMORY_BYTES);
    if (!memory)
        return leave(fail(error, HENG_ERROR_OUT_OF_HOST_MEMORY, __func__, "There is no memory for the device."));
    if (state == FRESH) make_condition();
    the_device = (heng_device){.memory = memory};
    state = INITIALIZED;
    return leave(HENG_OK);
}

static int32_t finalize(heng_error **error) {
    enter();
    if (state == FRESH)
        return leave(fail(error, HENG_ERROR_NOT_INITIALIZED, __func__, "The device is not initialized."));
    if (state == FINALIZED)
        return leave(fail(error, HENG_ERROR_REPEATED_FINALIZE, __func__, "The device is finalized already."));
    if (the_device.contexts > 0)
        return leave(fail(error, HENG_ERROR_NOT_RELEASED, __func__, "%u contexts still live.", the_device.contexts));
    free(the_device.memory);
    state = FINALIZED;
    return leave(HENG_OK);
}

static int32_t check_initialized(const char *operation, heng_error **error) {
    enter();
    bool answer = leave(state == INITIALIZED);
    return answer ? HENG_OK : fail(error, HENG_ERROR_NOT_INITIALIZED, operation, "The device is not initialized.");
}

static int32_t device_count(uint32_t *count, heng_error **error) {
    REQUIRE(count);
    int32_t status = check_initialized(__func__, error);
    if (status == HENG_OK) *count = 1;
    return status;
}

static int32_t device_get(uint32_t index, heng_device **device, heng_error **error) {
    REQUIRE(device);
    int32_t status = check_initialized(__func__, error);
    if (status != HENG_OK) return status;
    if (index > 0) return fail(error, HENG_ERROR_INVALID_DEVICE_INDEX, __func__, "There is no device %u.", index);
    *device = &the_device;
    return HENG_OK;
}

static int32_t device_describe(heng_device *device, heng_device_description *description, heng_error **error) {
    REQUIRE(device);
    heng_device_description full = {
        .kind = "sample", .name = "Sample device", .vendor = "Sample Makers", .memory_bytes = MEMORY_BYTES,
        .numa_node = -1, .compute_units = 1, .buffer_alignment = ALIGNMENT, .copy_alignment = 1, .simulated = 1,
        .capabilities = HENG_CAN_COUNT_MEMORY | HENG_CAN_LIMIT_MEMORY | HENG_CAN_TIME_EVENTS,
        .determinism = HENG_DETERMINISM_BATCH,
    };
    return write_struct(description, &full, sizeof full, __func__, error);
}

static int32_t context_create(heng_device *device, heng_context **context, heng_error **error) {
    REQUIRE(device && context);
    heng_context *made = make_object(sizeof *made, __func__, error);
    if (!made) return HENG_ERROR_OUT_OF_HOST_MEMORY;
    made->device = device;
    enter();
    device->contexts++;
    *context = made;
    return leave(HENG_OK);
}

static int32_t context_destroy(heng_context *context, heng_error **error) {
    REQUIRE(context);
    enter();
    if (context->children > 0)
        return leave(fail(error, HENG_ERROR_NOT_RELEASED, __func__, "It still owns %u objects.", context->children));
    context->device->contexts--;
    free(context);
    return leave(HENG_OK);
}

/* ---- 3. Memory ---- */

struct heng_buffer {
    heng_context *context;
    uint64_t start, size, held; /* where in the device's block, what was asked for, and that rounded up */
    heng_buffer *next;
};

/* The link behind which a gap of `bytes` begins at `start`; NULL where there is none. With the lock held. */
static heng_buffer **find_gap(heng_device *device, uint64_t bytes, uint64_t *start) {
    heng_buffer **link = &device->buffers;
    for (*start = 0; *link; *start = (*link)->start + (*link)->held, link = &(*link)->next)
        if ((*link)->start - *start >= bytes) return link;
    return MEMORY_BYTES - *start >= bytes ? link : NULL;
}

/* Gives a buffer its place, or says that there is none. With the lock held. */
static int32_t place_buffer(heng_buffer *buffer, heng_context *context, uint64_t size, heng_error **error) {
    uint64_t room = MEMORY_BYTES - context->device->in_use, start = 0;
    uint64_t allowed = context->in_use < context->limit ? context->limit - context->in_use : 0;
    if (context->limit > 0 && allowed < room) room = allowed;
    uint64_t held = size <= room ? (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT : UINT64_MAX;
    heng_buffer **link = held <= room ? find_gap(context->device, held, &start) : NULL;
    if (!link) {
        heng_error full = {
            .code = HENG_ERROR_OUT_OF_DEVICE_MEMORY, .operation = "buffer_allocate", .requested = size,
            .available = room, .text = "The device, or the context's limit, has no room of that size left."};
        return give_error(error, &full);
    }
    *buffer = (heng_buffer){context, start, size, held, *link};
    *link = buffer;
    context->children++;
    context->device->in_use += held;
    context->in_use += held;
    if (context->high_water < context->in_use) context->high_water = context->in_use;
    return HENG_OK;
}

static int32_t buffer_allocate(
    heng_context *context, const heng_buffer_arguments *given, heng_buffer **buffer, heng_error **error) {
    heng_buffer_arguments arguments;
    REQUIRE(context && buffer);
    int32_t status = read_struct(&arguments, sizeof arguments, given, __func__, error);
    if (status != HENG_OK) return status;
    if (arguments.size == 0 || arguments.pages < 0 || (arguments.pages & ~HENG_PAGES_PEER) > HENG_PAGES_HUGE_ONLY)
        return fail(error, HENG_ERROR_INVALID_ARGUMENT, __func__, "There are no such buffers, or no such pages.");
    if (arguments.pages >= HENG_PAGES_HUGE_ONLY) /* that, or memory for peers */
        return fail(error, HENG_ERROR_UNSUPPORTED, __func__, "The device has only small pages of its own.");
    heng_buffer *made = make_object(sizeof *made, __func__, error);
    if (!made) return HENG_ERROR_OUT_OF_HOST_MEMORY;
    enter();
    status = leave(place_buffer(made, context, arguments.size, error));
    if (status == HENG_OK) *buffer = made;
    else free(made);
    return status;
}

static int32_t buffer_free(heng_buffer *buffer, heng_error **error) {
    REQUIRE(buffer);
    enter();
    heng_buffer **link = &buffer->context->device->buffers;
    while (*link != buffer) link = &(*link)->next;
    *link = buffer->next;
    buffer->context->device->in_use -= buffer->held;
    buffer->context->in_use -= buffer->held;
    buffer->context->children--;
    free(buffer);
    return leave(HENG_OK);
}

static int32_t context_memory_info(heng_context *context, heng_memory_info *info, heng_error **error) {
    REQUIRE(context);
    enter();
    heng_memory_info full = {
        .in_use = context->in_use, .high_water = context->high_water, .reserved = context->in_use,
        .limit = context->limit};
    return leave(write_struct(info, &full, sizeof full, __func__, error));
}

static int32_t context_limit_memory(heng_context *context, uint64_t limit, heng_error **error) {
    REQUIRE(context);
    enter();
    context->limit = limit;
    return leave(HENG_OK);
}

/* Where a range starts, once it is known to hold `bytes`; NULL for none. Buffers of any context will do. */
static int32_t find_place(
    const heng_range *range, uint64_t bytes, void **place, const char *operation, heng_error **error) {
    if (!range) return fail(error, HENG_ERROR_INVALID_ARGUMENT, operation, "A range is NULL.");
    if (bytes > range->size)
        return fail(error, HENG_ERROR_OUT_OF_RANGE, operation, "A range holds less than is asked of it.");
    *place = NULL;
    if (bytes == 0) return HENG_OK;
    if ((range->buffer == NULL) == (range->host == NULL))
        return fail(error, HENG_ERROR_INVALID_ARGUMENT, operation, "A range names no memory, or two.");
    const heng_buffer *buffer = range->buffer;
    if (buffer && (range->offset > buffer->size || range->size > buffer->size - range->offset))
        return fail(error, HENG_ERROR_OUT_OF_RANGE, operation, "A range leaves its buffer.");
    *place = (buffer ? buffer->context->device->memory + buffer->start : (uint8_t *)range->host) + range->offset;
    return HENG_OK;
}

/* Whether a place is in no freed part of the device's memory. With the lock held. */
static bool is_valid(const heng_device *device, const void *place) {
    uint64_t offset = (uintptr_t)place - (uintptr_t)device->memory;
    if (!place || offset >= MEMORY_BYTES) return true; /* none, or the host's */
    for (const heng_buffer *buffer = device->buffers; buffer; buffer = buffer->next)
        if (offset >= buffer->start && offset < buffer->start + buffer->size) return true;
    return false;
}

/* ---- 4. Streams ---- */

struct work {
    enum { WORK_COPY, WORK_FILL, WORK_OPERATOR, WORK_RECORD, WORK_WAIT, WORK_STOP } kind;
    uint8_t value;
    uint64_t number; /* among all submissions to the device */
    uint64_t correlation, bytes, record;
    const char *operation;
    heng_event *event;
    const heng_operator *plan;
    void *places[1 + MAXIMUM_INPUTS]; /* first what is written, then what is read */
};

struct heng_stream {
    heng_context *context;
    heng_stream *next;
    pthread_t thread;
    uint32_t head, count; /* the work in the queue; the one at the head may be running */
    heng_error failure;   /* why nothing runs any more; code 0: it works */
    struct work queue[QUEUE_LENGTH];
};

struct heng_event {
    heng_context *context;
    uint32_t holders;             /* the caller, and work that names it */
    uint64_t submitted, happened; /* records are counted from 1 */
    int64_t nanoseconds;          /* when the latest happened */
    heng_error failure;           /* of the stream that recorded it; code 0: none */
};

static void run_operator(const heng_operator *plan, void *const *places);

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void drop_event(heng_event *event) {
    if (--event->holders == 0) free(event);
}

/* A record happens also after a failure, for those who wait; records of one event happen in order. */
static void perform_on_event(heng_stream *stream, const struct work *work) {
    heng_event *event = work->event;
    uint64_t before = work->kind == WORK_RECORD ? work->record - 1 : work->record;
    while ((work->kind == WORK_RECORD || stream->failure.code == HENG_OK) && event->happened < before)
        pthread_cond_wait(&changed, &lock);
    if (work->kind == WORK_RECORD) {
        event->nanoseconds = now();
        event->failure = stream->failure;
        event->happened = work->record;
    } else if (stream->failure.code == HENG_OK) {
        stream->failure = event->failure;
    }
    drop_event(event);
}

/* Moves or computes, without the lock. Memory that was freed meanwhile fails the stream for good, as an MMU does. */
static void perform_on_memory(heng_stream *stream, const struct work *work) {
    if (stream->failure.code != HENG_OK) return;
    for (int i = 0; i <= MAXIMUM_INPUTS; i++)
        if (!is_valid(stream->context->device, work->places[i])) {
            stream->failure = (heng_error){
                .code = HENG_ERROR_EXECUTION, .scope = HENG_SCOPE_STREAM, .correlation = work->correlation,
                .operation = work->operation, .text = "A buffer was freed before the work that uses it."};
            return;
        }
    leave(HENG_OK);
    if (work->kind == WORK_OPERATOR) run_operator(work->plan, work->places);
    else if (work->bytes > 0 && work->kind == WORK_COPY) memmove(work->places[0], work->places[1], work->bytes);
    else if (work->bytes > 0) memset(work->places[0], work->value, work->bytes);
    enter();
}

/* The thread of a stream. */
static void *serve(void *argument) {
    heng_stream *stream = argument;
    enter();
    for (bool goes_on = true; goes_on;) {
        while (stream->count == 0) pthread_cond_wait(&changed, &lock);
        const struct work *work = &stream->queue[stream->head];
        if (work->kind == WORK_STOP) goes_on = false;
        else if (work->event) perform_on_event(stream, work);
        else perform_on_memory(stream, work);
        stream->head = (stream->head + 1) % QUEUE_LENGTH;
        stream->count--;
        pthread_cond_broadcast(&changed);
    }
    leave(HENG_OK);
    return NULL;
}

/* Puts work at the end of the queue, unless the stream has failed. With the lock held. */
static int32_t submit(heng_stream *stream, const struct work *work, heng_error **error) {
    while (stream->count == QUEUE_LENGTH) pthread_cond_wait(&changed, &lock);
    if (stream->failure.code != HENG_OK && work->kind != WORK_STOP) return give_error(error, &stream->failure);
    struct work *place = &stream->queue[(stream->head + stream->count++) % QUEUE_LENGTH];
    *place = *work;
    place->number = ++stream->context->device->submissions;
    if (work->event) work->event->holders++;
    if (work->kind == WORK_RECORD) place->record = ++work->event->submitted;
    pthread_cond_broadcast(&changed);
    return HENG_OK;
}

static int32_t stream_create(
    heng_context *context, const heng_stream_arguments *given, heng_stream **stream, heng_error **error) {
    heng_stream_arguments arguments;
    REQUIRE(context && stream);
    int32_t status = given ? read_struct(&arguments, sizeof arguments, given, __func__, error) : HENG_OK;
    if (status != HENG_OK) return status;
    heng_stream *made = make_object(sizeof *made, __func__, error);
    if (!made) return HENG_ERROR_OUT_OF_HOST_MEMORY;
    made->context = context;
    enter(); /* the thread waits for it, so it sees a finished stream */
    int native = pthread_create(&made->thread, NULL, serve, made);
    if (native != 0) {
        free(made);
        return leave(fail(error, HENG_ERROR_OUT_OF_STREAMS, __func__, "No thread can be started: %d.", native));
    }
    made->next = context->device->streams;
    context->device->streams = made;
    context->children++;
    *stream = made;
    return leave(HENG_OK);
}

static int32_t stream_destroy(heng_stream *stream, heng_error **error) {
    REQUIRE(stream);
    enter();
    leave(submit(stream, &(struct work){.kind = WORK_STOP}, NULL));
    pthread_join(stream->thread, NULL);
    enter();
    heng_stream **link = &stream->context->device->streams;
    while (*link != stream) link = &(*link)->next;
    *link = stream->next;
    stream->context->children--;
    int32_t status = stream->failure.code == HENG_OK ? HENG_OK : give_error(error, &stream->failure);
    free(stream);
    return leave(status);
}

/* Waits for `changed`: for ever (deadline -1), or until that time; false when it is past. With the lock held. */
static bool wait_for_change(int64_t deadline) {
    if (deadline < 0) return pthread_cond_wait(&changed, &lock) == 0;
    struct timespec until = {.tv_sec = deadline / 1000000000, .tv_nsec = deadline % 1000000000};
    return now() < deadline && pthread_cond_timedwait(&changed, &lock, &until) == 0;
}

static int64_t deadline_after(int32_t milliseconds) {
    return milliseconds < 0 ? -1 : now() + milliseconds * 1000000ll;
}

/* The end of waiting: it was too short, or what was waited for failed, or neither. */
static int32_t waited(bool is_done, const heng_error *failure, const char *operation, heng_error **error) {
    if (!is_done) return fail(error, HENG_ERROR_TIMEOUT, operation, "Work is not done in the given time.");
    return failure->code == HENG_OK ? HENG_OK : give_error(error, failure);
}

/* Whether work up to that number is in the queue. With the lock held. */
static bool is_behind(const heng_stream *stream, uint64_t number) {
    return stream->count > 0 && stream->queue[stream->head].number <= number;
}

static int32_t stream_synchronize(heng_stream *stream, int32_t milliseconds, heng_error **error) {
    REQUIRE(stream);
    int64_t deadline = deadline_after(milliseconds);
    enter();
    uint64_t last = stream->context->device->submissions;
    while (is_behind(stream, last) && wait_for_change(deadline)) continue;
    return leave(waited(!is_behind(stream, last), &stream->failure, __func__, error));
}

static int32_t device_synchronize(heng_device *device, heng_error **error) {
    REQUIRE(device);
    int32_t status = HENG_OK;
    enter();
    uint64_t last = device->submissions;
    for (heng_stream *stream = device->streams; stream;) {
        bool waits = is_behind(stream, last);
        if (waits) wait_for_change(-1);
        stream = waits ? device->streams : stream->next; /* the list may have changed meanwhile */
    }
    for (heng_stream *stream = device->streams; stream && status == HENG_OK; stream = stream->next)
        status = waited(true, &stream->failure, __func__, error);
    return leave(status);
}

static int32_t stream_copy(
    heng_stream *stream, const heng_range *destination, const heng_range *source, uint64_t bytes,
    uint64_t correlation, heng_error **error) {
    REQUIRE(stream);
    struct work work = {.kind = WORK_COPY, .operation = __func__, .bytes = bytes, .correlation = correlation};
    int32_t status = find_place(destination, bytes, &work.places[0], __func__, error);
    if (status == HENG_OK) status = find_place(source, bytes, &work.places[1], __func__, error);
    if (status != HENG_OK) return status;
    enter();
    return leave(submit(stream, &work, error));
}

static int32_t stream_fill(
    heng_stream *stream, const heng_range *destination, uint8_t value, uint64_t bytes, uint64_t correlation,
    heng_error **error) {
    REQUIRE(stream);
    struct work work = {
        .kind = WORK_FILL, .operation = __func__, .bytes = bytes, .value = value, .correlation = correlation};
    int32_t status = find_place(destination, bytes, &work.places[0], __func__, error);
    if (status != HENG_OK) return status;
    enter();
    return leave(submit(stream, &work, error));
}

/* ---- 5. Events ---- */

static int32_t event_create(heng_context *context, heng_event **event, heng_error **error) {
    REQUIRE(context && event);
    heng_event *made = make_object(sizeof *made, __func__, error);
    if (!made) return HENG_ERROR_OUT_OF_HOST_MEMORY;
    *made = (heng_event){.context = context, .holders = 1};
    count_child(context, 1);
    *event = made;
    return HENG_OK;
}

static int32_t event_destroy(heng_event *event, heng_error **error) {
    REQUIRE(event);
    enter();
    event->context->children--;
    drop_event(event);
    return leave(HENG_OK);
}

static int32_t check_recorded(const heng_event *event, const char *operation, heng_error **error) {
    if (event->submitted > 0) return HENG_OK;
    return fail(error, HENG_ERROR_EVENT_NOT_RECORDED, operation, "No stream records the event.");
}

static int32_t event_record(heng_event *event, heng_stream *stream, uint64_t correlation, heng_error **error) {
    (void)correlation; /* a record cannot fail by itself, nor can a wait */
    REQUIRE(event && stream);
    enter();
    return leave(submit(stream, &(struct work){.kind = WORK_RECORD, .event = event}, error));
}

static int32_t stream_wait_event(heng_stream *stream, heng_event *event, uint64_t correlation, heng_error **error) {
    (void)correlation;
    REQUIRE(stream && event);
    enter();
    struct work work = {.kind = WORK_WAIT, .event = event, .record = event->submitted};
    int32_t status = check_recorded(event, __func__, error);
    return leave(status == HENG_OK ? submit(stream, &work, error) : status);
}

static int32_t event_query(heng_event *event, uint8_t *complete, heng_error **error) {
    REQUIRE(event && complete);
    enter();
    int32_t status = check_recorded(event, __func__, error);
    if (status == HENG_OK) *complete = event->happened == event->submitted;
    return leave(status);
}

static int32_t event_synchronize(heng_event *event, int32_t milliseconds, heng_error **error) {
    REQUIRE(event);
    int64_t deadline = deadline_after(milliseconds);
    enter();
    uint64_t record = event->submitted;
    while (event->happened < record && wait_for_change(deadline)) continue;
    int32_t status = check_recorded(event, __func__, error);
    return leave(status == HENG_OK ? waited(event->happened >= record, &event->failure, __func__, error) : status);
}

static int32_t event_elapsed(heng_event *start, heng_event *end, double *milliseconds, heng_error **error) {
    REQUIRE(start && end && milliseconds);
    enter();
    int32_t status = check_recorded(start, __func__, error);
    if (status == HENG_OK) status = check_recorded(end, __func__, error);
    if (status != HENG_OK) return leave(status);
    if (start->happened < start->submitted || end->happened < end->submitted)
        return leave(fail(error, HENG_ERROR_EVENT_TIME, __func__, "A record has not happened yet."));
    *milliseconds = (double)(end->nanoseconds - start->nanoseconds) / 1e6;
    return leave(HENG_OK);
}

/* ---- 6. Operators of ONNX, on float32: replace the loops by your kernels, one by one ---- */

struct shape {
    uint32_t rank;
    int64_t dims[MAXIMUM_RANK];
};

/* One use of an operator, understood: this is what gets prepared. */
struct heng_operator {
    heng_context *context;
    const struct rule *rule;
    struct shape inputs[MAXIMUM_INPUTS], output;
    uint32_t count, read, kept; /* inputs; a bit for each that is read when it runs, or was while preparing */
    struct shape full_output;   /* of a reduction: with all axes */
    int64_t axis, transposed[2];
    double alpha, beta;
};

/* The same while it is being understood. */
struct use {
    heng_operator_description call;
    heng_tensor_description inputs[MAXIMUM_INPUTS];
    heng_operator plan;
    uint32_t attributes; /* how many were read: one that nobody reads is refused */
    heng_refusal refusal;
};

/* What the device knows of an operator. */
struct rule {
    const char *name;
    int32_t since;                                               /* the first version with this meaning */
    uint32_t least, most;                                        /* inputs */
    bool (*infer)(struct use *use);                              /* parameters and the output's shape, or a refusal */
    void (*run)(const heng_operator *plan, void *const *places); /* in the stream's thread */
    float (*binary)(float, float);
};

static bool refuse(struct use *use, int32_t reason, int32_t argument, const char *text) {
    use->refusal.reason = reason;
    use->refusal.argument = argument;
    snprintf(use->refusal.text, sizeof use->refusal.text, "%s: %s", use->call.name ? use->call.name : "NULL", text);
    return false;
}

/* The value of an attribute, or NULL where it is not given. */
static const void *find_attribute(struct use *use, const char *name, int32_t kind) {
    heng_attribute attribute;
    for (uint32_t i = 0; i < use->call.attribute_count; i++) {
        if (read_struct(&attribute, sizeof attribute, use->call.attributes[i], "", NULL) != HENG_OK) continue;
        if (strcmp(attribute.name, name) != 0 || attribute.kind != kind || !attribute.data) continue;
        use->attributes++;
        return attribute.data;
    }
    return NULL;
}

static int64_t integer(struct use *use, const char *name, int64_t otherwise) {
    const int64_t *value = find_attribute(use, name, HENG_ATTRIBUTE_INT);
    return value ? *value : otherwise;
}

static double real(struct use *use, const char *name, double otherwise) {
    const double *value = find_attribute(use, name, HENG_ATTRIBUTE_FLOAT);
    return value ? *value : otherwise;
}

/* The second input where it must be known now: a few numbers of int64. */
static bool known_input(struct use *use, int64_t *values, uint32_t *count) {
    const heng_tensor_description *tensor = &use->inputs[1];
    use->plan.read &= ~2u;
    use->plan.kept = 2;
    if (tensor->type != HENG_TYPE_INT64 || tensor->rank != 1 || tensor->dims[0] > MAXIMUM_RANK)
        return refuse(use, HENG_REFUSAL_TYPE, 1, "It takes a few numbers of int64.");
    *count = (uint32_t)tensor->dims[0];
    if (!tensor->constant || tensor->constant_size != *count * sizeof *values)
        return refuse(use, HENG_REFUSAL_CONSTANT, 1, "The values of this input must be known.");
    memcpy(values, tensor->constant, tensor->constant_size);
    return true;
}

static uint64_t count_elements(const struct shape *shape) {
    uint64_t count = 1;
    for (uint32_t axis = 0; axis < shape->rank; axis++) count *= (uint64_t)shape->dims[axis];
    return count;
}

/* Where an output's element comes from in an input that is broadcast to it. */
static uint64_t source_index(const struct shape *input, const struct shape *output, uint64_t position) {
    uint64_t index = 0, step = 1;
    for (uint32_t back = 1; back <= input->rank; back++) {
        uint64_t extent = (uint64_t)output->dims[output->rank - back];
        uint64_t own = (uint64_t)input->dims[input->rank - back];
        if (own > 1) index += position % extent * step;
        position /= extent;
        step *= own;
    }
    return index;
}

static bool broadcast(struct use *use, const struct shape *a, const struct shape *b, struct shape *result) {
    result->rank = a->rank > b->rank ? a->rank : b->rank;
    for (uint32_t back = 1; back <= result->rank; back++) {
        int64_t one = back <= a->rank ? a->dims[a->rank - back] : 1;
        int64_t other = back <= b->rank ? b->dims[b->rank - back] : 1;
        if (one != other && one != 1 && other != 1)
            return refuse(use, HENG_REFUSAL_SHAPE, 1, "The shapes do not broadcast.");
        result->dims[result->rank - back] = one == 1 ? other : one;
    }
    return true;
}

/* -- The arithmetic -- */

static float add(float a, float b) { return a + b; }
static float subtract(float a, float b) { return a - b; }
static float multiply(float a, float b) { return a * b; }
static float divide(float a, float b) { return a / b; }

static bool infer_binary(struct use *use) {
    return broadcast(use, &use->plan.inputs[0], &use->plan.inputs[1], &use->plan.output);
}

static void run_binary(const heng_operator *plan, void *const *places) {
    const float *a = places[1], *b = places[2];
    float *output = places[0];
    for (uint64_t i = 0; i < count_elements(&plan->output); i++)
        output[i] = plan->rule->binary(a[source_index(&plan->inputs[0], &plan->output, i)],
                                       b[source_index(&plan->inputs[1], &plan->output, i)]);
}

static bool infer_same(struct use *use) {
    use->plan.output = use->plan.inputs[0];
    return true;
}

static void run_relu(const heng_operator *plan, void *const *places) {
    const float *input = places[1];
    float *output = places[0];
    for (uint64_t i = 0; i < count_elements(&plan->output); i++) output[i] = input[i] < 0 ? 0 : input[i];
}

static void run_copy(const heng_operator *plan, void *const *places) {
    uint64_t count = count_elements(&plan->output);
    if (count > 0) memmove(places[0], places[1], count * sizeof(float));
}

static bool infer_reshape(struct use *use) {
    struct shape *output = &use->plan.output;
    const struct shape *input = &use->plan.inputs[0];
    bool keeps_zeros = integer(use, "allowzero", 0) != 0;
    int64_t *open = NULL;
    if (!known_input(use, output->dims, &output->rank)) return false;
    for (uint32_t axis = 0; axis < output->rank; axis++) {
        int64_t *extent = &output->dims[axis];
        if (*extent == 0 && !keeps_zeros && axis < input->rank) *extent = input->dims[axis];
        if (*extent < -1 || *extent > MEMORY_BYTES || (*extent == -1 && open))
            return refuse(use, HENG_REFUSAL_SHAPE, 1, "The shape has an extent that cannot be.");
        if (*extent == -1) open = extent, *open = 1;
    }
    uint64_t elements = count_elements(input), rest = count_elements(output);
    if (open && rest > 0) *open = (int64_t)(elements / rest);
    return count_elements(output) == elements || refuse(use, HENG_REFUSAL_SHAPE, 1, "The sizes differ.");
}

/* Makes an axis count from the front, or refuses. */
static bool read_axis(struct use *use, int64_t *axis) {
    int64_t rank = use->plan.inputs[0].rank;
    if (*axis < -rank || *axis >= rank) return refuse(use, HENG_REFUSAL_ATTRIBUTE, -1, "There is no such axis.");
    if (*axis < 0) *axis += rank;
    return true;
}

static bool infer_softmax(struct use *use) {
    use->plan.output = use->plan.inputs[0];
    use->plan.axis = integer(use, "axis", -1);
    return read_axis(use, &use->plan.axis);
}

static void run_softmax(const heng_operator *plan, void *const *places) {
    uint64_t length = (uint64_t)plan->output.dims[plan->axis], step = 1, count = count_elements(&plan->output);
    for (uint32_t axis = (uint32_t)plan->axis + 1; axis < plan->output.rank; axis++)
        step *= (uint64_t)plan->output.dims[axis];
    for (uint64_t row = 0; count > 0 && row < count / length; row++) {
        uint64_t start = row / step * step * length + row % step;
        const float *from = (const float *)places[1] + start;
        float *to = (float *)places[0] + start, most = from[0];
        double sum = 0;
        for (uint64_t i = 1; i < length; i++) if (from[i * step] > most) most = from[i * step];
        for (uint64_t i = 0; i < length; i++) sum += exp((double)from[i * step] - most);
        for (uint64_t i = 0; i < length; i++) to[i * step] = (float)(exp((double)from[i * step] - most) / sum);
    }
}

static bool infer_reduction(struct use *use) {
    heng_operator *plan = &use->plan;
    int64_t axes[MAXIMUM_RANK];
    uint32_t count = 0;
    bool keeps = integer(use, "keepdims", 1) != 0, is_none = integer(use, "noop_with_empty_axes", 0) != 0;
    if (plan->read & 2 && !known_input(use, axes, &count)) return false;
    uint32_t reduced = count == 0 && !is_none ? ~0u : 0; /* a bit for each axis */
    for (uint32_t i = 0; i < count; i++) {
        if (!read_axis(use, &axes[i])) return false;
        reduced |= 1u << axes[i];
    }
    plan->full_output = plan->inputs[0];
    for (uint32_t axis = 0; axis < plan->full_output.rank; axis++) {
        if (reduced >> axis & 1) plan->full_output.dims[axis] = 1;
        if (keeps || !(reduced >> axis & 1)) plan->output.dims[plan->output.rank++] = plan->full_output.dims[axis];
    }
    return true;
}

static void run_reduce_sum(const heng_operator *plan, void *const *places) {
    const float *input = places[1];
    float *output = places[0];
    for (uint64_t i = 0; i < count_elements(&plan->output); i++) output[i] = 0;
    for (uint64_t i = 0; i < count_elements(&plan->inputs[0]); i++)
        output[source_index(&plan->full_output, &plan->inputs[0], i)] += input[i];
}

static struct shape without_matrix(const struct shape *shape) {
    struct shape batch = *shape;
    batch.rank -= 2;
    return batch;
}

/* MatMul and Gemm: all is a product of batches of matrices, with factors, and something added. */
static bool infer_product(struct use *use) {
    heng_operator *plan = &use->plan;
    const struct shape *a = &plan->inputs[0], *b = &plan->inputs[1];
    uint32_t highest = plan->rule->most == 3 ? 2 : MAXIMUM_RANK; /* Gemm takes no batches */
    plan->transposed[0] = integer(use, "transA", 0) != 0;
    plan->transposed[1] = integer(use, "transB", 0) != 0;
    plan->alpha = real(use, "alpha", 1);
    plan->beta = real(use, "beta", 1);
    if (a->rank < 2 || b->rank < 2 || a->rank > highest || b->rank > highest)
        return refuse(use, HENG_REFUSAL_RANK, -1, "It takes matrices, or batches of them.");
    if (a->dims[a->rank - 1 - plan->transposed[0]] != b->dims[b->rank - 2 + plan->transposed[1]])
        return refuse(use, HENG_REFUSAL_SHAPE, 1, "The inner extents of the matrices differ.");
    struct shape a_batch = without_matrix(a), b_batch = without_matrix(b), sum;
    if (!broadcast(use, &a_batch, &b_batch, &plan->output)) return false;
    plan->output.dims[plan->output.rank++] = a->dims[a->rank - 2 + plan->transposed[0]];
    plan->output.dims[plan->output.rank++] = b->dims[b->rank - 1 - plan->transposed[1]];
    sum = plan->output;
    if (plan->read & 4 && !broadcast(use, &plan->inputs[2], &plan->output, &sum)) return false;
    return memcmp(&sum, &plan->output, sizeof sum) == 0 ||
           refuse(use, HENG_REFUSAL_SHAPE, 2, "The addend is larger than the product.");
}

static void run_product(const heng_operator *plan, void *const *places) {
    struct shape batch = without_matrix(&plan->output);
    struct shape a_batch = without_matrix(&plan->inputs[0]), b_batch = without_matrix(&plan->inputs[1]);
    int64_t rows = plan->output.dims[batch.rank], columns = plan->output.dims[batch.rank + 1];
    int64_t inner = plan->inputs[0].dims[a_batch.rank + 1 - plan->transposed[0]];
    int64_t a_row = plan->transposed[0] ? 1 : inner, a_step = plan->transposed[0] ? rows : 1;
    int64_t b_column = plan->transposed[1] ? inner : 1, b_step = plan->transposed[1] ? 1 : columns;
    const float *addend = places[3];
    for (int64_t at = 0; at < (int64_t)count_elements(&plan->output); at++) {
        uint64_t matrix = (uint64_t)(at / (rows * columns));
        const float *a = (const float *)places[1] + source_index(&a_batch, &batch, matrix) * rows * inner;
        const float *b = (const float *)places[2] + source_index(&b_batch, &batch, matrix) * inner * columns;
        a += at / columns % rows * a_row;
        b += at % columns * b_column;
        double sum = 0;
        for (int64_t i = 0; i < inner; i++) sum += (double)a[i * a_step] * b[i * b_step];
        sum *= plan->alpha;
        if (addend) sum += plan->beta * addend[source_index(&plan->inputs[2], &plan->output, (uint64_t)at)];
        ((float *)places[0])[at] = (float)sum;
    }
}

/* What is offered. */
static const struct rule rules[] = {
    {"Add", 7, 2, 2, infer_binary, run_binary, add},
    {"Div", 7, 2, 2, infer_binary, run_binary, divide},
    {"Gemm", 7, 2, 3, infer_product, run_product, NULL},
    {"Identity", 1, 1, 1, infer_same, run_copy, NULL},
    {"MatMul", 1, 2, 2, infer_product, run_product, NULL},
    {"Mul", 7, 2, 2, infer_binary, run_binary, multiply},
    {"ReduceSum", 13, 1, 2, infer_reduction, run_reduce_sum, NULL},
    {"Relu", 6, 1, 1, infer_same, run_relu, NULL},
    {"Reshape", 5, 2, 2, infer_reshape, run_copy, NULL},
    {"Softmax", 13, 1, 1, infer_softmax, run_softmax, NULL},
    {"Sub", 7, 2, 2, infer_binary, run_binary, subtract},
};
enum { RULE_COUNT = sizeof rules / sizeof rules[0] };

static void run_operator(const heng_operator *plan, void *const *places) { plan->rule->run(plan, places); }

/* A shape that the device can hold, in float32. */
static bool check_size(struct use *use, const struct shape *shape, int32_t argument) {
    uint64_t room = MEMORY_BYTES / sizeof(float);
    for (uint32_t axis = 0; axis < shape->rank; axis++) {
        if (shape->dims[axis] < 0 || (uint64_t)shape->dims[axis] > room)
            return refuse(use, HENG_REFUSAL_SIZE, argument, "It is unknown, or larger than the device's memory.");
        if (shape->dims[axis] > 0) room /= (uint64_t)shape->dims[axis];
    }
    return true;
}

static bool read_input(struct use *use, uint32_t index) {
    heng_tensor_description *tensor = &use->inputs[index];
    struct shape *shape = &use->plan.inputs[index];
    int32_t argument = (int32_t)index;
    if (read_struct(tensor, sizeof *tensor, use->call.inputs[index], "", NULL) != HENG_OK)
        return refuse(use, HENG_REFUSAL_OTHER, argument, "This input is missing, or not understood.");
    if (tensor->rank > MAXIMUM_RANK || (tensor->rank > 0 && !tensor->dims))
        return refuse(use, HENG_REFUSAL_RANK, argument, "Its rank is unknown or too high.");
    use->plan.read |= 1u << index;
    shape->rank = tensor->rank;
    if (tensor->rank > 0) memcpy(shape->dims, tensor->dims, tensor->rank * sizeof *tensor->dims);
    if (!check_size(use, shape, argument)) return false;
    int64_t step = 1;
    for (uint32_t axis = tensor->rank; axis-- > 0; step *= shape->dims[axis])
        if (tensor->strides && shape->dims[axis] > 1 && tensor->strides[axis] != step)
            return refuse(use, HENG_REFUSAL_LAYOUT, argument, "Its elements must lie without gaps.");
    return true;
}

/* Makes the plan for one use of an operator; or says why not. */
static bool make_plan(struct use *use) {
    const heng_operator_description *call = &use->call;
    heng_operator *plan = &use->plan;
    for (uint32_t i = 0; i < RULE_COUNT; i++)
        if (call->name && (!call->domain || call->domain[0] == 0) && strcmp(rules[i].name, call->name) == 0)
            plan->rule = &rules[i];
    if (!plan->rule) return refuse(use, HENG_REFUSAL_OPERATOR, -1, "This operator is not offered.");
    if (call->version != 0 && call->version < plan->rule->since)
        return refuse(use, HENG_REFUSAL_VERSION, -1, "This version is too old.");
    if (call->determinism > HENG_DETERMINISM_BATCH)
        return refuse(use, HENG_REFUSAL_DETERMINISM, -1, "Other devices may give other bits.");
    if (call->input_count < plan->rule->least || call->input_count > plan->rule->most || call->output_count > 1)
        return refuse(use, HENG_REFUSAL_OTHER, -1, "It has another number of inputs or outputs.");
    plan->count = call->input_count;
    for (uint32_t i = 0; i < plan->count; i++)
        if ((call->inputs[i] || i < plan->rule->least) && !read_input(use, i)) return false;
    if (!plan->rule->infer(use) || !check_size(use, &plan->output, -1)) return false;
    if (use->attributes != call->attribute_count)
        return refuse(use, HENG_REFUSAL_ATTRIBUTE, -1, "An attribute is not taken.");
    for (uint32_t i = 0; i < plan->count; i++)
        if (plan->read >> i & 1 && use->inputs[i].type != HENG_TYPE_FLOAT32)
            return refuse(use, HENG_REFUSAL_TYPE, (int32_t)i, "Only float32 is computed.");
    return true;
}

/* Whether the caller expects the output that there will be. */
static bool check_output(struct use *use) {
    const struct shape *shape = &use->plan.output;
    heng_tensor_description output = {.type = HENG_TYPE_UNDEFINED};
    if (use->call.output_count == 1) read_struct(&output, sizeof output, use->call.outputs[0], "", NULL);
    bool fits = output.type == HENG_TYPE_FLOAT32 && output.rank == shape->rank;
    for (uint32_t axis = 0; fits && axis < shape->rank; axis++) fits = output.dims[axis] == shape->dims[axis];
    return fits || refuse(use, HENG_REFUSAL_SHAPE, -1, "The output will be another one.");
}

static int32_t understand(
    struct use *use, const heng_operator_description *given, bool is_whole, const char *operation, heng_error **error) {
    memset(use, 0, sizeof *use);
    int32_t status = read_struct(&use->call, sizeof use->call, given, operation, error);
    if (status != HENG_OK || (make_plan(use) && (!is_whole || check_output(use)))) return status;
    return fail(error, HENG_ERROR_UNSUPPORTED, operation, "%s", use->refusal.text);
}

static int32_t operator_list(heng_device *device, uint32_t index, heng_operator_listing *listing, heng_error **error) {
    REQUIRE(device);
    if (index >= RULE_COUNT) return fail(error, HENG_ERROR_OUT_OF_RANGE, __func__, "There are fewer operators.");
    heng_operator_listing full = {
        .domain = "", .name = rules[index].name, .since = rules[index].since, .types = 1ull << HENG_TYPE_FLOAT32};
    return write_struct(listing, &full, sizeof full, __func__, error);
}

static int32_t operator_supports(
    heng_device *device, const heng_operator_description *description, heng_refusal *refusal, heng_error **error) {
    struct use use;
    REQUIRE(device);
    int32_t status = understand(&use, description, true, __func__, error);
    if (status == HENG_ERROR_UNSUPPORTED && refusal)
        write_struct(refusal, &use.refusal, sizeof use.refusal, __func__, NULL);
    return status;
}

static int32_t operator_infer(
    heng_device *device, const heng_operator_description *description, heng_inferred_tensor *const *outputs,
    uint32_t count, heng_error **error) {
    struct use use;
    heng_inferred_tensor full;
    REQUIRE(device && outputs && count == 1 && outputs[0]);
    int32_t status = read_struct(&full, sizeof full, outputs[0], __func__, error);
    if (status == HENG_OK) status = understand(&use, description, false, __func__, error);
    if (status != HENG_OK) return status;
    REQUIRE(full.dims || full.capacity == 0);
    full.rank = use.plan.output.rank;
    full.type = HENG_TYPE_FLOAT32;
    for (uint32_t axis = 0; axis < full.rank && axis < full.capacity; axis++)
        full.dims[axis] = use.plan.output.dims[axis];
    return write_struct(outputs[0], &full, sizeof full, __func__, error);
}

static int32_t operator_prepare(
    heng_context *context, const heng_operator_description *description, heng_operator **prepared,
    heng_operator_info *info, heng_error **error) {
    struct use use;
    REQUIRE(context && prepared);
    int32_t status = understand(&use, description, true, __func__, error);
    heng_operator_info full = {
        .kept_inputs = use.plan.kept, .algorithm = "plain loops", .determinism = HENG_DETERMINISM_BATCH,
        .in_place_input = -1};
    if (status == HENG_OK && info) status = write_struct(info, &full, sizeof full, __func__, error);
    if (status != HENG_OK) return status;
    heng_operator *made = make_object(sizeof *made, __func__, error);
    if (!made) return HENG_ERROR_OUT_OF_HOST_MEMORY;
    *made = use.plan;
    made->context = context;
    count_child(context, 1);
    *prepared = made;
    return HENG_OK;
}

/* Where an operand lies: in a buffer, with room for its shape. */
static int32_t find_operand(
    const heng_range *range, const struct shape *shape, void **place, const char *operation, heng_error **error) {
    if (range->host) return fail(error, HENG_ERROR_MEMORY_TYPE, operation, "An operand lies in host memory.");
    if (range->offset % sizeof(float) != 0)
        return fail(error, HENG_ERROR_ALIGNMENT, operation, "An operand does not start at a multiple of 4.");
    return find_place(range, count_elements(shape) * sizeof(float), place, operation, error);
}

static int32_t operator_execute(
    heng_operator *prepared, heng_stream *stream, const heng_range *inputs, uint32_t input_count,
    const heng_range *outputs, uint32_t output_count, const heng_range *workspace, uint64_t correlation,
    heng_error **error) {
    (void)workspace;
    REQUIRE(prepared && stream && inputs && outputs);
    struct work work = {.kind = WORK_OPERATOR, .operation = __func__, .plan = prepared, .correlation = correlation};
    if (input_count != prepared->count || output_count != 1)
        return fail(error, HENG_ERROR_INVALID_ARGUMENT, __func__, "The operator has other operands.");
    int32_t status = find_operand(&outputs[0], &prepared->output, &work.places[0], __func__, error);
    for (uint32_t i = 0; i < input_count && status == HENG_OK; i++)
        if (prepared->read >> i & 1)
            status = find_operand(&inputs[i], &prepared->inputs[i], &work.places[1 + i], __func__, error);
    if (status != HENG_OK) return status;
    enter();
    return leave(submit(stream, &work, error));
}

static int32_t operator_destroy(heng_operator *prepared, heng_error **error) {
    REQUIRE(prepared);
    count_child(prepared->context, -1);
    free(prepared);
    return HENG_OK;
}

static const heng_operator_table operators = {
    .header = {sizeof(heng_operator_table), HENG_KIND_OPERATOR_TABLE, NULL},
    .operator_list = operator_list, .operator_supports = operator_supports, .operator_infer = operator_infer,
    .operator_prepare = operator_prepare, .operator_execute = operator_execute, .operator_destroy = operator_destroy,
};

/* ---- 7. The table ---- */

static int32_t group(uint32_t kind, const heng_header **found, heng_error **error) {
    REQUIRE(found);
    if (kind != HENG_KIND_OPERATOR_TABLE)
        return fail(error, HENG_ERROR_UNSUPPORTED, __func__, "The device has no group of kind %u.", kind);
    *found = &operators.header;
    return HENG_OK;
}

static const heng_accelerator_table table = {
    .header = {sizeof(heng_accelerator_table), HENG_KIND_TABLE, NULL},
    .abi_major = HENG_ACCELERATOR_MAJOR, .abi_minor = HENG_ACCELERATOR_MINOR,
    .name = "sample", .vendor = "Sample Makers", .version = "1.0.0",
    .initialize = initialize, .finalize = finalize,
    .device_count = device_count, .device_get = device_get, .device_describe = device_describe,
    .device_synchronize = device_synchronize,
    .context_create = context_create, .context_destroy = context_destroy,
    .context_memory_info = context_memory_info, .context_limit_memory = context_limit_memory,
    .stream_create = stream_create, .stream_destroy = stream_destroy, .stream_synchronize = stream_synchronize,
    .stream_wait_event = stream_wait_event, .stream_copy = stream_copy, .stream_fill = stream_fill,
    .event_create = event_create, .event_destroy = event_destroy, .event_record = event_record,
    .event_query = event_query, .event_synchronize = event_synchronize, .event_elapsed = event_elapsed,
    .buffer_allocate = buffer_allocate, .buffer_free = buffer_free,
    .error_describe = error_describe, .error_destroy = error_destroy, .group = group,
};

/* The only symbol that leaves the library. */
const heng_accelerator_table *heng_accelerator_get(uint32_t abi_major) {
    return abi_major == HENG_ACCELERATOR_MAJOR ? &table : NULL;
}
