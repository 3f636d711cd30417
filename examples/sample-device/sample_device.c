/*
 * A vendor's device for Heng: copy this file, then replace it part by part. sample_operators.c is what the device
 * computes; a device without operators leaves that file out, and `group` below refuses.
 *
 * The device is made up, but nothing about it is pretended. Its memory is one block that the host cannot reach, so
 * every copy moves bytes; each stream has a thread, as a real device has queues. The parts, in this order:
 *
 *   1. errors     objects that the caller reads and destroys
 *   2. devices    starting, ending, describing       -> your driver
 *   3. memory     buffers in the device's block      -> your allocator
 *   4. streams    work in order                      -> your queues
 *   5. events     points in streams                  -> your fences
 *   6. the table  what heng_accelerator_get returns
 *
 * One lock guards all state, and one condition says that some of it changed; work runs without the lock. A real
 * device has finer means and the same rules: nothing is thrown, no error is kept for later, and handles are only
 * checked for NULL (Heng's checking layer, HENG_CHECK=1, recognises every other wrong one).
 */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sample_device.h"

enum {
    ALIGNMENT = 64,   /* of buffers */
    QUEUE_LENGTH = 64 /* pieces of work that a stream holds before submitting waits */
};

/* ---- 1. Errors ---- */

struct heng_error {
    int32_t code, scope;
    int64_t native_code;
    uint64_t requested, available, correlation;
    const char *operation; /* a literal */
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

int32_t fail(heng_error **place, int32_t code, const char *operation, const char *format, ...) {
    heng_error error = {.code = code, .scope = HENG_SCOPE_CALL, .operation = operation};
    va_list values;
    va_start(values, format);
    vsnprintf(error.text, sizeof error.text, format, values);
    va_end(values);
    return give_error(place, &error);
}

/* Structs that cross: no byte beyond struct_size is touched, and what is missing reads as zero. */
static bool read_struct(void *copy, uint32_t size, const void *from) {
    const heng_header *header = from;
    if (!header || header->struct_size < sizeof *header) return false;
    memset(copy, 0, size);
    memcpy(copy, from, header->struct_size < size ? header->struct_size : size);
    return true;
}

static bool write_struct(void *to, const void *full, uint32_t size) {
    heng_header *header = to;
    if (!header || header->struct_size < sizeof *header) return false;
    uint32_t bytes = header->struct_size < size ? header->struct_size : size;
    memcpy((char *)to + sizeof *header, (const char *)full + sizeof *header, bytes - sizeof *header);
    return true;
}

static int32_t bad_struct(const char *operation, heng_error **error) {
    return fail(error, HENG_ERROR_VERSION, operation, "A struct is missing, or its struct_size is not set.");
}

int32_t write_result(void *to, const void *full, uint32_t size, const char *operation, heng_error **error) {
    return write_struct(to, full, size) ? HENG_OK : bad_struct(operation, error);
}

/* Extensions may be skipped, except those that say otherwise; of these, none is known here. */
int32_t read_arguments(void *copy, uint32_t size, const void *from, const char *operation, heng_error **error) {
    if (!read_struct(copy, size, from)) return bad_struct(operation, error);
    for (const heng_header *next = ((heng_header *)copy)->next; next; next = next->next)
        if (next->struct_kind & HENG_KIND_MUST_UNDERSTAND)
            return fail(error, HENG_ERROR_UNSUPPORTED, operation, "Extension %x is not known.", next->struct_kind);
    return HENG_OK;
}

void *make_object(size_t size, const char *operation, heng_error **error) {
    void *made = calloc(1, size);
    if (!made) fail(error, HENG_ERROR_OUT_OF_HOST_MEMORY, operation, "The host has no memory for a handle.");
    return made;
}

static int32_t error_describe(const heng_error *error, heng_error_description *description) {
    if (!error) return HENG_ERROR_INVALID_ARGUMENT;
    heng_error_description full = {
        .code = error->code, .scope = error->scope, .native_code = error->native_code,
        .requested = error->requested, .available = error->available, .operation = error->operation,
        .text = error->text, .correlation = error->correlation,
        .retriable = error->code == HENG_ERROR_TIMEOUT || error->code == HENG_ERROR_OUT_OF_DEVICE_MEMORY,
    };
    return write_struct(description, &full, sizeof full) ? HENG_OK : HENG_ERROR_VERSION;
}

static void error_destroy(heng_error *error) { free(error); }

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
static heng_host_services host; /* all zero where the host offers none */

static void make_condition(void) {
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&changed, &attributes);
    pthread_condattr_destroy(&attributes);
}

static int32_t initialize(const heng_initialize_arguments *given, heng_error **error) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    heng_initialize_arguments arguments;
    int32_t status = read_arguments(&arguments, sizeof arguments, given, "initialize", error);
    if (status != HENG_OK) return status;
    if (arguments.abi_major != HENG_ACCELERATOR_MAJOR)
        return fail(error, HENG_ERROR_VERSION, "initialize", "This is version %u.", HENG_ACCELERATOR_MAJOR);
    pthread_once(&once, make_condition);
    pthread_mutex_lock(&lock);
    if (state == INITIALIZED) {
        status = fail(error, HENG_ERROR_REPEATED_INITIALIZE, "initialize", "The device is initialized already.");
    } else {
        the_device = (heng_device){.memory = aligned_alloc(ALIGNMENT, MEMORY_BYTES)};
        memset(&host, 0, sizeof host);
        for (const heng_header *next = arguments.header.next; next; next = next->next)
            if (next->struct_kind == HENG_KIND_HOST_SERVICES) read_struct(&host, sizeof host, next);
        if (the_device.memory) state = INITIALIZED;
        else status = fail(error, HENG_ERROR_OUT_OF_HOST_MEMORY, "initialize", "There is no memory for the device.");
    }
    pthread_mutex_unlock(&lock);
    return status;
}

static int32_t finalize(heng_error **error) {
    int32_t status = HENG_OK;
    pthread_mutex_lock(&lock);
    if (state == FRESH) {
        status = fail(error, HENG_ERROR_NOT_INITIALIZED, "finalize", "The device is not initialized.");
    } else if (state == FINALIZED) {
        status = fail(error, HENG_ERROR_REPEATED_FINALIZE, "finalize", "The device is finalized already.");
    } else if (the_device.contexts > 0) {
        status = fail(error, HENG_ERROR_NOT_RELEASED, "finalize", "%u contexts still live.", the_device.contexts);
    } else {
        free(the_device.memory);
        state = FINALIZED;
    }
    pthread_mutex_unlock(&lock);
    return status;
}

static int32_t check_initialized(const char *operation, heng_error **error) {
    pthread_mutex_lock(&lock);
    bool answer = state == INITIALIZED;
    pthread_mutex_unlock(&lock);
    return answer ? HENG_OK : fail(error, HENG_ERROR_NOT_INITIALIZED, operation, "The device is not initialized.");
}

static int32_t device_count(uint32_t *count, heng_error **error) {
    REQUIRE(count, "device_count");
    int32_t status = check_initialized("device_count", error);
    if (status == HENG_OK) *count = 1;
    return status;
}

static int32_t device_get(uint32_t index, heng_device **device, heng_error **error) {
    REQUIRE(device, "device_get");
    int32_t status = check_initialized("device_get", error);
    if (status != HENG_OK) return status;
    if (index > 0) return fail(error, HENG_ERROR_INVALID_DEVICE_INDEX, "device_get", "There is no device %u.", index);
    *device = &the_device;
    return HENG_OK;
}

static int32_t device_describe(heng_device *device, heng_device_description *description, heng_error **error) {
    REQUIRE(device, "device_describe");
    heng_device_description full = {
        .kind = "sample", .name = "Sample device", .vendor = "Sample Makers", .memory_bytes = MEMORY_BYTES,
        .numa_node = -1, .compute_units = 1, .buffer_alignment = ALIGNMENT, .copy_alignment = 1, .simulated = 1,
        .capabilities = HENG_CAN_RUN_HOST_FUNCTIONS | HENG_CAN_COUNT_MEMORY | HENG_CAN_LIMIT_MEMORY |
                        HENG_CAN_TIME_EVENTS,
        .determinism = HENG_DETERMINISM_BATCH,
    };
    return write_result(description, &full, sizeof full, "device_describe", error);
}

static int32_t context_create(heng_device *device, heng_context **context, heng_error **error) {
    REQUIRE(device && context, "context_create");
    heng_context *made = make_object(sizeof *made, "context_create", error);
    if (!made) return HENG_ERROR_OUT_OF_HOST_MEMORY;
    made->device = device;
    pthread_mutex_lock(&lock);
    device->contexts++;
    pthread_mutex_unlock(&lock);
    *context = made;
    return HENG_OK;
}

static int32_t context_destroy(heng_context *context, heng_error **error) {
    REQUIRE(context, "context_destroy");
    pthread_mutex_lock(&lock);
    uint32_t children = context->children;
    if (children == 0) context->device->contexts--;
    pthread_mutex_unlock(&lock);
    if (children > 0)
        return fail(error, HENG_ERROR_NOT_RELEASED, "context_destroy", "It still owns %u objects.", children);
    free(context);
    return HENG_OK;
}

void count_child(heng_context *context, int by) {
    pthread_mutex_lock(&lock);
    context->children += (uint32_t)by;
    pthread_mutex_unlock(&lock);
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

static int32_t buffer_allocate(
    heng_context *context, const heng_buffer_arguments *given, heng_buffer **buffer, heng_error **error) {
    heng_buffer_arguments arguments;
    REQUIRE(context && buffer, "buffer_allocate");
    int32_t status = read_arguments(&arguments, sizeof arguments, given, "buffer_allocate", error);
    if (status != HENG_OK) return status;
    if (arguments.size == 0)
        return fail(error, HENG_ERROR_INVALID_ARGUMENT, "buffer_allocate", "A buffer has at least one byte.");
    if (arguments.pages < HENG_PAGES_DEFAULT || (arguments.pages & ~HENG_PAGES_PEER) > HENG_PAGES_HUGE_ONLY)
        return fail(error, HENG_ERROR_INVALID_ARGUMENT, "buffer_allocate", "%d is no policy.", arguments.pages);
    if (arguments.pages >= HENG_PAGES_HUGE_ONLY) /* that, or memory for peers */
        return fail(error, HENG_ERROR_UNSUPPORTED, "buffer_allocate", "The device has only small pages of its own.");
    heng_buffer *made = make_object(sizeof *made, "buffer_allocate", error);
    if (!made) return HENG_ERROR_OUT_OF_HOST_MEMORY;

    heng_buffer **link = NULL;
    pthread_mutex_lock(&lock);
    uint64_t room = MEMORY_BYTES - context->device->in_use; /* what the context may still have */
    uint64_t allowed = context->in_use < context->limit ? context->limit - context->in_use : 0;
    if (context->limit > 0 && allowed < room) room = allowed;
    if (arguments.size <= MEMORY_BYTES) {
        uint64_t held = (arguments.size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT, start = 0;
        if (held <= room) link = find_gap(context->device, held, &start);
        if (link) {
            *made = (heng_buffer){context, start, arguments.size, held, *link};
            *link = made;
            context->children++;
            context->device->in_use += held;
            context->in_use += held;
            if (context->high_water < context->in_use) context->high_water = context->in_use;
        }
    }
    pthread_mutex_unlock(&lock);
    if (!link) {
        free(made);
        heng_error full = {
            .code = HENG_ERROR_OUT_OF_DEVICE_MEMORY, .operation = "buffer_allocate", .requested = arguments.size,
            .available = room, .text = "The device, or the context's limit, has no room of that size left.",
        };
        return give_error(error, &full);
    }
    *buffer = made;
    return HENG_OK;
}

static int32_t buffer_free(heng_buffer *buffer, heng_error **error) {
    REQUIRE(buffer, "buffer_free");
    pthread_mutex_lock(&lock);
    heng_buffer **link = &buffer->context->device->buffers;
    while (*link != buffer) link = &(*link)->next;
    *link = buffer->next;
    buffer->context->device->in_use -= buffer->held;
    buffer->context->in_use -= buffer->held;
    buffer->context->children--;
    pthread_mutex_unlock(&lock);
    free(buffer);
    return HENG_OK;
}

static int32_t context_memory_info(heng_context *context, heng_memory_info *info, heng_error **error) {
    REQUIRE(context, "context_memory_info");
    pthread_mutex_lock(&lock);
    heng_memory_info full = {
        .in_use = context->in_use, .high_water = context->high_water, .reserved = context->in_use,
        .limit = context->limit,
    };
    pthread_mutex_unlock(&lock);
    return write_result(info, &full, sizeof full, "context_memory_info", error);
}

static int32_t context_limit_memory(heng_context *context, uint64_t limit, heng_error **error) {
    REQUIRE(context, "context_limit_memory");
    pthread_mutex_lock(&lock);
    context->limit = limit;
    pthread_mutex_unlock(&lock);
    return HENG_OK;
}

int32_t find_address(
    const heng_range *range, uint64_t bytes, const heng_context *context, uint8_t **address, const char *operation,
    heng_error **error) {
    REQUIRE(range, operation);
    if (bytes > range->size)
        return fail(error, HENG_ERROR_OUT_OF_RANGE, operation, "A range holds less than is asked of it.");
    *address = NULL;
    if (bytes == 0) return HENG_OK;
    if ((range->buffer == NULL) == (range->host == NULL))
        return fail(error, HENG_ERROR_INVALID_ARGUMENT, operation, "A range names no memory, or two.");
    if (range->host) {
        if (context) return fail(error, HENG_ERROR_MEMORY_TYPE, operation, "A range lies in host memory.");
        *address = (uint8_t *)range->host + range->offset;
        return HENG_OK;
    }
    const heng_buffer *buffer = range->buffer;
    if (range->offset > buffer->size || range->size > buffer->size - range->offset)
        return fail(error, HENG_ERROR_OUT_OF_RANGE, operation, "A range leaves its buffer.");
    *address = buffer->context->device->memory + buffer->start + range->offset;
    return HENG_OK;
}

/* ---- 4. Streams ---- */

enum work_kind { WORK_COPY, WORK_FILL, WORK_LAUNCH, WORK_COMPUTATION, WORK_RECORD, WORK_WAIT, WORK_STOP };

struct work {
    enum work_kind kind;
    uint64_t number; /* among all submissions to the device */
    uint64_t correlation, bytes, record;
    uint8_t *destination, *source, value;
    heng_event *event;
    computation run;
    const heng_operator *plan;
    const float *inputs[MAXIMUM_INPUTS];
    float *output;
    heng_host_function function; /* one of these two */
    heng_fallible_host_function fallible;
    _Alignas(16) uint8_t arguments[HENG_ARGUMENT_LIMIT];
};

struct heng_stream {
    heng_context *context;
    heng_stream *next;
    pthread_t thread;
    uint64_t submitted;  /* the number of its latest work */
    uint32_t head, count; /* the work in the queue; the one at the head may be running */
    heng_error failure;  /* why nothing runs any more; code 0: it works */
    struct work queue[QUEUE_LENGTH];
};

struct heng_event {
    heng_context *context;
    uint32_t holders;             /* the caller, and work that names it */
    uint64_t submitted, happened; /* records are counted from 1 */
    int64_t nanoseconds;          /* when the latest happened */
    heng_error failure;           /* of the stream that recorded it; code 0: none */
};

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void drop_event(heng_event *event) {
    if (--event->holders == 0) free(event);
}

/* Runs what needs no lock; what a host function returned, else 0. */
static int32_t compute(const struct work *work) {
    switch (work->kind) {
        case WORK_COPY: if (work->bytes > 0) memmove(work->destination, work->source, work->bytes); return 0;
        case WORK_FILL: if (work->bytes > 0) memset(work->destination, work->value, work->bytes); return 0;
        case WORK_COMPUTATION: work->run(work->plan, work->inputs, work->output); return 0;
        default: break;
    }
    if (work->fallible) return work->fallible(work->arguments);
    work->function(work->arguments);
    return 0;
}

/* Runs one piece of work, in the stream's thread, with the lock held. */
static void perform(heng_stream *stream, struct work *work) {
    heng_event *event = work->event;
    bool has_failed = stream->failure.code != HENG_OK;
    switch (work->kind) {
        case WORK_STOP: return;
        case WORK_RECORD: /* also after a failure, for those who wait; records of an event happen in order */
            while (event->happened + 1 < work->record) pthread_cond_wait(&changed, &lock);
            event->nanoseconds = now();
            event->failure = stream->failure;
            event->happened = work->record;
            drop_event(event);
            return;
        case WORK_WAIT:
            while (!has_failed && event->happened < work->record) pthread_cond_wait(&changed, &lock);
            if (!has_failed && event->failure.code != HENG_OK) stream->failure = event->failure;
            drop_event(event);
            return;
        default: break;
    }
    if (has_failed) return;
    pthread_mutex_unlock(&lock);
    int32_t native = compute(work);
    heng_error failure = {
        .code = HENG_ERROR_EXECUTION, .scope = HENG_SCOPE_STREAM, .native_code = native,
        .correlation = work->correlation, .operation = "stream_launch_fallible", .text = "A host function failed."};
    if (native != 0 && host.log) host.log(host.user, HENG_LOG_ERROR, work->correlation, failure.text);
    pthread_mutex_lock(&lock);
    if (native != 0) stream->failure = failure; /* from now on nothing runs here */
}

static void *serve(void *argument) {
    heng_stream *stream = argument;
    pthread_mutex_lock(&lock);
    for (bool goes_on = true; goes_on;) {
        while (stream->count == 0) pthread_cond_wait(&changed, &lock);
        struct work *work = &stream->queue[stream->head];
        perform(stream, work);
        goes_on = work->kind != WORK_STOP;
        stream->head = (stream->head + 1) % QUEUE_LENGTH;
        stream->count--;
        pthread_cond_broadcast(&changed);
    }
    pthread_mutex_unlock(&lock);
    return NULL;
}

heng_context *context_of(const heng_stream *stream) { return stream->context; }

static bool is_own_thread(const heng_stream *stream) { return pthread_equal(pthread_self(), stream->thread) != 0; }

/* Puts work at the end of the queue, unless the stream has failed. With the lock held. */
static int32_t submit(heng_stream *stream, const struct work *work, const char *operation, heng_error **error) {
    while (stream->count == QUEUE_LENGTH && !is_own_thread(stream)) pthread_cond_wait(&changed, &lock);
    if (stream->count == QUEUE_LENGTH)
        return fail(error, HENG_ERROR_MISUSE, operation, "A host function submits more than its own stream holds.");
    if (stream->failure.code != HENG_OK && work->kind != WORK_STOP) return give_error(error, &stream->failure);
    struct work *place = &stream->queue[(stream->head + stream->count++) % QUEUE_LENGTH];
    *place = *work;
    if (work->kind == WORK_RECORD) place->record = ++work->event->submitted;
    place->number = stream->submitted = ++stream->context->device->submissions;
    pthread_cond_broadcast(&changed);
    return HENG_OK;
}

static int32_t submit_alone(heng_stream *stream, const struct work *work, const char *operation, heng_error **error) {
    pthread_mutex_lock(&lock);
    int32_t status = submit(stream, work, operation, error);
    pthread_mutex_unlock(&lock);
    return status;
}

static int32_t stream_create(
    heng_context *context, const heng_stream_arguments *given, heng_stream **stream, heng_error **error) {
    heng_stream_arguments arguments;
    REQUIRE(context && stream, "stream_create");
    int32_t status = HENG_OK;
    if (given) status = read_arguments(&arguments, sizeof arguments, given, "stream_create", error);
    if (status != HENG_OK) return status;
    heng_stream *made = make_object(sizeof *made, "stream_create", error);
    if (!made) return HENG_ERROR_OUT_OF_HOST_MEMORY;
    made->context = context;

    pthread_mutex_lock(&lock); /* the thread waits for it, so it sees a finished stream */
    int native = pthread_create(&made->thread, NULL, serve, made);
    if (native == 0) {
        made->next = context->device->streams;
        context->device->streams = made;
        context->children++;
    }
    pthread_mutex_unlock(&lock);
    if (native != 0) {
        free(made);
        return fail(error, HENG_ERROR_OUT_OF_STREAMS, "stream_create", "No thread can be started: %d.", native);
    }
    *stream = made;
    return HENG_OK;
}

static int32_t stream_destroy(heng_stream *stream, heng_error **error) {
    REQUIRE(stream, "stream_destroy");
    if (is_own_thread(stream))
        return fail(error, HENG_ERROR_MISUSE, "stream_destroy", "A stream's own host function destroys it.");
    submit_alone(stream, &(struct work){.kind = WORK_STOP}, "stream_destroy", NULL);
    pthread_join(stream->thread, NULL);
    pthread_mutex_lock(&lock);
    heng_stream **link = &stream->context->device->streams;
    while (*link != stream) link = &(*link)->next;
    *link = stream->next;
    stream->context->children--;
    pthread_mutex_unlock(&lock);
    int32_t status = stream->failure.code == HENG_OK ? HENG_OK : give_error(error, &stream->failure);
    free(stream);
    return status;
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

static int32_t timed_out(const char *operation, int32_t milliseconds, heng_error **error) {
    return fail(error, HENG_ERROR_TIMEOUT, operation, "Work is not done after %d ms.", milliseconds);
}

/* Whether work up to that number is in the queue. With the lock held. */
static bool is_behind(const heng_stream *stream, uint64_t number) {
    return stream->count > 0 && stream->queue[stream->head].number <= number;
}

static int32_t stream_synchronize(heng_stream *stream, int32_t milliseconds, heng_error **error) {
    REQUIRE(stream, "stream_synchronize");
    if (is_own_thread(stream))
        return fail(error, HENG_ERROR_MISUSE, "stream_synchronize", "A host function waits for its own stream.");
    int64_t deadline = deadline_after(milliseconds);
    int32_t status = HENG_OK;
    pthread_mutex_lock(&lock);
    uint64_t last = stream->submitted;
    while (is_behind(stream, last) && wait_for_change(deadline)) continue;
    if (is_behind(stream, last)) status = timed_out("stream_synchronize", milliseconds, error);
    else if (stream->failure.code != HENG_OK) status = give_error(error, &stream->failure);
    pthread_mutex_unlock(&lock);
    return status;
}

static int32_t device_synchronize(heng_device *device, heng_error **error) {
    REQUIRE(device, "device_synchronize");
    int32_t status = HENG_OK;
    pthread_mutex_lock(&lock);
    uint64_t last = device->submissions;
    for (heng_stream *stream = device->streams; stream;) {
        if (is_behind(stream, last)) {
            wait_for_change(-1);
            stream = device->streams; /* the list may have changed meanwhile */
        } else {
            stream = stream->next;
        }
    }
    for (heng_stream *stream = device->streams; stream && status == HENG_OK; stream = stream->next)
        if (stream->failure.code != HENG_OK) status = give_error(error, &stream->failure);
    pthread_mutex_unlock(&lock);
    return status;
}

static int32_t stream_copy(
    heng_stream *stream, const heng_range *destination, const heng_range *source, uint64_t bytes,
    uint64_t correlation, heng_error **error) {
    REQUIRE(stream, "stream_copy");
    struct work work = {.kind = WORK_COPY, .bytes = bytes, .correlation = correlation};
    int32_t status = find_address(destination, bytes, NULL, &work.destination, "stream_copy", error);
    if (status == HENG_OK) status = find_address(source, bytes, NULL, &work.source, "stream_copy", error);
    return status == HENG_OK ? submit_alone(stream, &work, "stream_copy", error) : status;
}

static int32_t stream_fill(
    heng_stream *stream, const heng_range *destination, uint8_t value, uint64_t bytes, uint64_t correlation,
    heng_error **error) {
    REQUIRE(stream, "stream_fill");
    struct work work = {.kind = WORK_FILL, .bytes = bytes, .value = value, .correlation = correlation};
    int32_t status = find_address(destination, bytes, NULL, &work.destination, "stream_fill", error);
    return status == HENG_OK ? submit_alone(stream, &work, "stream_fill", error) : status;
}

int32_t submit_computation(
    heng_stream *stream, computation run, const heng_operator *plan, const float *const inputs[MAXIMUM_INPUTS],
    float *output, uint64_t correlation, heng_error **error) {
    struct work work = {
        .kind = WORK_COMPUTATION, .run = run, .plan = plan, .output = output, .correlation = correlation};
    memcpy(work.inputs, inputs, sizeof work.inputs);
    return submit_alone(stream, &work, "operator_execute", error);
}

static int32_t launch(
    heng_stream *stream, struct work *work, const void *arguments, uint32_t size, const char *operation,
    heng_error **error) {
    REQUIRE(stream && (work->function || work->fallible) && (arguments || size == 0), operation);
    if (size > HENG_ARGUMENT_LIMIT)
        return fail(error, HENG_ERROR_INVALID_ARGUMENT, operation, "%u bytes of arguments are too many.", size);
    if (size > 0) memcpy(work->arguments, arguments, size);
    return submit_alone(stream, work, operation, error);
}

static int32_t stream_launch(
    heng_stream *stream, heng_host_function function, const void *arguments, uint32_t size, uint64_t correlation,
    heng_error **error) {
    struct work work = {.kind = WORK_LAUNCH, .function = function, .correlation = correlation};
    return launch(stream, &work, arguments, size, "stream_launch", error);
}

static int32_t stream_launch_fallible(
    heng_stream *stream, heng_fallible_host_function function, const void *arguments, uint32_t size,
    uint64_t correlation, heng_error **error) {
    struct work work = {.kind = WORK_LAUNCH, .fallible = function, .correlation = correlation};
    return launch(stream, &work, arguments, size, "stream_launch_fallible", error);
}

/* ---- 5. Events ---- */

static int32_t event_create(heng_context *context, heng_event **event, heng_error **error) {
    REQUIRE(context && event, "event_create");
    heng_event *made = make_object(sizeof *made, "event_create", error);
    if (!made) return HENG_ERROR_OUT_OF_HOST_MEMORY;
    made->context = context;
    made->holders = 1;
    count_child(context, 1);
    *event = made;
    return HENG_OK;
}

static int32_t event_destroy(heng_event *event, heng_error **error) {
    REQUIRE(event, "event_destroy");
    pthread_mutex_lock(&lock);
    event->context->children--;
    drop_event(event);
    pthread_mutex_unlock(&lock);
    return HENG_OK;
}

static int32_t not_recorded(const char *operation, heng_error **error) {
    return fail(error, HENG_ERROR_EVENT_NOT_RECORDED, operation, "No stream records the event.");
}

static int32_t event_record(heng_event *event, heng_stream *stream, uint64_t correlation, heng_error **error) {
    REQUIRE(event && stream, "event_record");
    pthread_mutex_lock(&lock);
    event->holders++;
    struct work work = {.kind = WORK_RECORD, .event = event, .correlation = correlation};
    int32_t status = submit(stream, &work, "event_record", error);
    if (status != HENG_OK) drop_event(event);
    pthread_mutex_unlock(&lock);
    return status;
}

static int32_t stream_wait_event(heng_stream *stream, heng_event *event, uint64_t correlation, heng_error **error) {
    REQUIRE(stream && event, "stream_wait_event");
    int32_t status;
    pthread_mutex_lock(&lock);
    struct work work = {.kind = WORK_WAIT, .event = event, .record = event->submitted, .correlation = correlation};
    if (event->submitted == 0) {
        status = not_recorded("stream_wait_event", error);
    } else {
        event->holders++;
        status = submit(stream, &work, "stream_wait_event", error);
        if (status != HENG_OK) drop_event(event);
    }
    pthread_mutex_unlock(&lock);
    return status;
}

static int32_t event_query(heng_event *event, uint8_t *complete, heng_error **error) {
    REQUIRE(event && complete, "event_query");
    int32_t status = HENG_OK;
    pthread_mutex_lock(&lock);
    if (event->submitted == 0) status = not_recorded("event_query", error);
    else *complete = event->happened == event->submitted;
    pthread_mutex_unlock(&lock);
    return status;
}

static int32_t event_synchronize(heng_event *event, int32_t milliseconds, heng_error **error) {
    REQUIRE(event, "event_synchronize");
    int64_t deadline = deadline_after(milliseconds);
    int32_t status = HENG_OK;
    pthread_mutex_lock(&lock);
    uint64_t record = event->submitted;
    while (event->happened < record && wait_for_change(deadline)) continue;
    if (record == 0) status = not_recorded("event_synchronize", error);
    else if (event->happened < record) status = timed_out("event_synchronize", milliseconds, error);
    else if (event->failure.code != HENG_OK) status = give_error(error, &event->failure);
    pthread_mutex_unlock(&lock);
    return status;
}

static int32_t event_elapsed(heng_event *start, heng_event *end, double *milliseconds, heng_error **error) {
    REQUIRE(start && end && milliseconds, "event_elapsed");
    int32_t status = HENG_OK;
    pthread_mutex_lock(&lock);
    if (start->submitted == 0 || end->submitted == 0) status = not_recorded("event_elapsed", error);
    else if (start->happened < start->submitted || end->happened < end->submitted)
        status = fail(error, HENG_ERROR_EVENT_TIME, "event_elapsed", "A record has not happened yet.");
    else *milliseconds = (double)(end->nanoseconds - start->nanoseconds) / 1e6;
    pthread_mutex_unlock(&lock);
    return status;
}

/* ---- 6. The table ---- */

static int32_t group(uint32_t kind, const heng_header **table, heng_error **error) {
    REQUIRE(table, "group");
    if (kind != HENG_KIND_OPERATOR_TABLE)
        return fail(error, HENG_ERROR_UNSUPPORTED, "group", "The device has no group of kind %u.", kind);
    *table = &sample_operators.header;
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
    .stream_wait_event = stream_wait_event, .stream_launch = stream_launch,
    .stream_launch_fallible = stream_launch_fallible, .stream_copy = stream_copy, .stream_fill = stream_fill,
    .event_create = event_create, .event_destroy = event_destroy, .event_record = event_record,
    .event_query = event_query, .event_synchronize = event_synchronize, .event_elapsed = event_elapsed,
    .buffer_allocate = buffer_allocate, .buffer_free = buffer_free,
    .error_describe = error_describe, .error_destroy = error_destroy, .group = group,
};

/* The only symbol that leaves the library. */
const heng_accelerator_table *heng_accelerator_get(uint32_t abi_major) {
    return abi_major == HENG_ACCELERATOR_MAJOR ? &table : NULL;
}
