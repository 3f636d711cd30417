/* The life of the library, of handles, and what it fills in where makers leave functions out. */
#include <math.h>
#include <stdatomic.h>
#include <unistd.h>

#include "expect.h"

void test_lifecycle(void) {
    uint32_t count = 0;
    heng_device *device = NULL;
    EXPECT(heng_accelerator_get(99) == NULL);
    EXPECT_CODE(HENG_ERROR_NOT_INITIALIZED, heng->device_count(&count, &error));
    EXPECT_CODE(HENG_ERROR_NOT_INITIALIZED, heng->device_get(0, &device, &error));
    EXPECT_CODE(HENG_ERROR_NOT_INITIALIZED, heng->finalize(&error));
    heng_initialize_arguments arguments = {
        .header = HEADER(heng_initialize_arguments, HENG_KIND_INITIALIZE_ARGUMENTS), .abi_major = 2};
    EXPECT_CODE(HENG_ERROR_VERSION, heng->initialize(&arguments, &error));
    const heng_header demand = {sizeof demand, 7777u | HENG_KIND_MUST_UNDERSTAND, NULL};
    arguments.abi_major = HENG_ACCELERATOR_MAJOR;
    arguments.header.next = &demand;
    EXPECT_CODE(HENG_ERROR_UNSUPPORTED, heng->initialize(&arguments, &error));
    EXPECT_CODE(HENG_ERROR_INVALID_ARGUMENT, heng->initialize(NULL, &error));

    for (int round = 0; round < 2; round++) {
        start();
        arguments.header.next = NULL;
        EXPECT_CODE(HENG_ERROR_REPEATED_INITIALIZE, heng->initialize(&arguments, &error));
        EXPECT_OK(heng->device_count(&count, &error));
        EXPECT(count >= 1);
        EXPECT_CODE(HENG_ERROR_INVALID_DEVICE_INDEX, heng->device_get(count, &device, &error));
        heng_context *context = make_context();
        EXPECT_CODE(HENG_ERROR_NOT_RELEASED, heng->finalize(&error));
        EXPECT_OK(heng->context_destroy(context, &error));
        device = first_device();
        heng_device_description facts = {
            .header = HEADER(heng_device_description, HENG_KIND_DEVICE_DESCRIPTION)};
        EXPECT_OK(heng->device_describe(device, &facts, &error));
        EXPECT(facts.capabilities & HENG_CAN_COPY_BLOCKS);
        EXPECT_OK(heng->finalize(&error));
        EXPECT_CODE(HENG_ERROR_REPEATED_FINALIZE, heng->finalize(&error));
        EXPECT_CODE(HENG_ERROR_NOT_INITIALIZED, heng->device_count(&count, &error));
        EXPECT_CODE(HENG_ERROR_NOT_INITIALIZED, heng->device_synchronize(device, &error));
    }
}

void test_handles(void) {
    start();
    heng_context *context = make_context();
    heng_stream *stream = make_stream(context);
    heng_event *event = NULL;
    EXPECT_OK(heng->event_create(context, &event, &error));
    heng_buffer *buffer = make_buffer(context, 64);

    EXPECT_CODE(HENG_ERROR_INVALID_ARGUMENT, heng->stream_synchronize(NULL, -1, &error));
    EXPECT_CODE(HENG_ERROR_INVALID_HANDLE, heng->stream_synchronize((heng_stream *)event, -1, &error));
    EXPECT_CODE(HENG_ERROR_INVALID_HANDLE, heng->event_record((heng_event *)buffer, stream, 0, &error));
    EXPECT_CODE(HENG_ERROR_INVALID_DEVICE, heng->device_synchronize((heng_device *)stream, &error));
    EXPECT_CODE(HENG_ERROR_INVALID_ARGUMENT, heng->stream_create(context, NULL, NULL, &error));
    EXPECT_CODE(HENG_ERROR_NOT_RELEASED, heng->context_destroy(context, &error));

    const heng_range whole = {.buffer = buffer, .size = 64}, beyond = {.buffer = buffer, .offset = 60, .size = 8};
    EXPECT_CODE(HENG_ERROR_OUT_OF_RANGE, heng->stream_fill(stream, &beyond, 1, 8, 0, &error));
    EXPECT_CODE(HENG_ERROR_OUT_OF_RANGE, heng->stream_fill(stream, &whole, 1, 65, 0, &error));
    EXPECT_OK(heng->stream_fill(stream, &whole, 7, 64, 0, &error));
    unsigned char bytes[64] = {0};
    get(stream, buffer, bytes, 64);
    EXPECT(bytes[0] == 7 && bytes[63] == 7);

    EXPECT_OK(heng->event_destroy(event, &error));
    EXPECT_CODE(HENG_ERROR_INVALID_HANDLE, heng->event_destroy(event, &error));
    EXPECT_CODE(HENG_ERROR_INVALID_HANDLE, heng->event_record(event, stream, 0, &error));
    EXPECT_OK(heng->buffer_free(buffer, &error));
    EXPECT_CODE(HENG_ERROR_INVALID_HANDLE, heng->stream_fill(stream, &whole, 1, 1, 0, &error));
    EXPECT_OK(heng->stream_destroy(stream, &error));
    EXPECT_CODE(HENG_ERROR_INVALID_HANDLE, heng->stream_synchronize(stream, -1, &error));
    EXPECT_OK(heng->context_destroy(context, &error));
    EXPECT_CODE(HENG_ERROR_INVALID_HANDLE, heng->context_destroy(context, &error));
    /* Errors outlive finalize. */
    heng_error *kept = NULL;
    EXPECT(heng->context_destroy(context, &kept) == HENG_ERROR_INVALID_HANDLE);
    EXPECT_OK(heng->finalize(&error));
    heng_error_description facts = {.header = HEADER(heng_error_description, HENG_KIND_ERROR_DESCRIPTION)};
    EXPECT(heng->error_describe(kept, &facts) == HENG_OK && !strcmp(facts.operation, "context_destroy"));
    heng->error_destroy(kept);
}

static atomic_int gate;

static void hold(const void *arguments) {
    (void)arguments;
    while (!atomic_load(&gate)) usleep(1000);
}

static int runs_host_functions(void) {
    heng_device_description facts = {.header = HEADER(heng_device_description, HENG_KIND_DEVICE_DESCRIPTION)};
    EXPECT_OK(heng->device_describe(first_device(), &facts, &error));
    return (facts.capabilities & HENG_CAN_RUN_HOST_FUNCTIONS) != 0;
}

/* Holds a stream until the gate opens, on devices that run host functions. */
static void close_gate(heng_stream *stream) {
    atomic_store(&gate, 0);
    if (runs_host_functions()) EXPECT_OK(heng->stream_launch(stream, hold, NULL, 0, 0, &error));
    else EXPECT_CODE(HENG_ERROR_UNSUPPORTED, heng->stream_launch(stream, hold, NULL, 0, 0, &error));
}

static int32_t fails(const void *arguments) {
    (void)arguments;
    return 42;
}

static void test_blocks(heng_context *context, heng_stream *stream) {
    heng_buffer *buffer = make_buffer(context, 6 * 8);
    unsigned char source[4 * 3], bytes[48] = {0};
    for (int i = 0; i < 12; i++) source[i] = (unsigned char)(i + 1);
    put(stream, buffer, bytes, 48);
    /* Three rows of four bytes into rows of eight. */
    heng_block to = {.range = {.buffer = buffer, .size = 48}, .row_pitch = 8, .plane_pitch = 24};
    const heng_block from = {.range = {.host = source, .size = 12}, .row_pitch = 4, .plane_pitch = 12};
    EXPECT_OK(heng->stream_copy_block(stream, &to, &from, 4, 3, 1, 0, &error));
    get(stream, buffer, bytes, 48);
    EXPECT(bytes[0] == 1 && bytes[3] == 4 && bytes[4] == 0 && bytes[8] == 5 && bytes[19] == 12 && bytes[20] == 0);
    EXPECT_CODE(HENG_ERROR_OUT_OF_RANGE, heng->stream_copy_block(stream, &to, &from, 4, 3, 3, 0, &error));
    to.row_pitch = 3;
    EXPECT_CODE(HENG_ERROR_INVALID_ARGUMENT, heng->stream_copy_block(stream, &to, &from, 4, 3, 1, 0, &error));
    EXPECT_OK(heng->buffer_free(buffer, &error));
}

static void test_stream_memory(heng_context *context, heng_stream *stream) {
    const heng_buffer_arguments arguments = {
        .header = HEADER(heng_buffer_arguments, HENG_KIND_BUFFER_ARGUMENTS), .size = 4096, .numa_node = -1};
    heng_buffer *buffer = NULL;
    void *host = NULL;
    EXPECT_OK(heng->stream_allocate(stream, &arguments, &buffer, &error));
    close_gate(stream);
    const heng_range whole = {.buffer = buffer, .size = 4096};
    EXPECT_OK(heng->stream_fill(stream, &whole, 1, 4096, 0, &error));
    EXPECT_OK(heng->stream_free(stream, buffer, &error));
    EXPECT_CODE(HENG_ERROR_INVALID_HANDLE, heng->buffer_free(buffer, &error));
    uint8_t idle = 9;
    EXPECT_OK(heng->stream_query(stream, &idle, &error));
    EXPECT(idle == 0 || !runs_host_functions());
    atomic_store(&gate, 1);
    EXPECT_OK(heng->stream_synchronize(stream, -1, &error));
    EXPECT_OK(heng->stream_query(stream, &idle, &error));
    EXPECT(idle == 1);

    EXPECT_OK(heng->host_allocate(context, &arguments, &host, &error));
    memset(host, 1, 4096);
    EXPECT_CODE(HENG_ERROR_NOT_RELEASED, heng->context_destroy(context, &error));
    EXPECT_OK(heng->host_free(context, host, &error));
    EXPECT_CODE(HENG_ERROR_FREE, heng->host_free(context, host, &error));
}

static void test_waits(heng_context *context, heng_stream *stream) {
    heng_stream *other = make_stream(context);
    heng_event *event = NULL;
    uint8_t over = 9;
    EXPECT_OK(heng->event_create(context, &event, &error));
    EXPECT_OK(heng->event_query_waits(event, &over, &error));
    EXPECT(over == 1);
    close_gate(stream);
    EXPECT_OK(heng->event_record(event, stream, 0, &error));
    EXPECT_OK(heng->stream_wait_event(other, event, 0, &error));
    EXPECT_OK(heng->event_query_waits(event, &over, &error));
    if (runs_host_functions()) {
        EXPECT(over == 0);
        EXPECT_CODE(HENG_ERROR_TIMEOUT, heng->stream_synchronize(other, 0, &error));
    }
    atomic_store(&gate, 1);
    EXPECT_OK(heng->stream_synchronize(other, -1, &error));
    EXPECT_OK(heng->event_query_waits(event, &over, &error));
    EXPECT(over == 1);
    EXPECT_OK(heng->event_reset(event, &error));
    EXPECT_CODE(HENG_ERROR_EVENT_NOT_RECORDED, heng->event_synchronize(event, -1, &error));
    EXPECT_OK(heng->event_destroy(event, &error));
    EXPECT_OK(heng->stream_destroy(other, &error));
}

/* A maker's error comes through with its facts. */
static void test_failure(heng_stream *stream) {
    EXPECT_OK(heng->stream_launch_fallible(stream, fails, NULL, 0, 0, &error));
    heng_error *failure = NULL;
    EXPECT(heng->stream_synchronize(stream, -1, &failure) == HENG_ERROR_EXECUTION);
    heng_error_description facts = {.header = HEADER(heng_error_description, HENG_KIND_ERROR_DESCRIPTION)};
    EXPECT(failure && heng->error_describe(failure, &facts) == HENG_OK);
    EXPECT(facts.native_code == 42 && facts.scope == HENG_SCOPE_STREAM);
    heng->error_destroy(failure);
}

void test_filled(void) {
    start();
    heng_context *context = make_context();
    heng_stream *stream = make_stream(context);
    test_blocks(context, stream);
    test_stream_memory(context, stream);
    test_waits(context, stream);

    uint64_t epoch = 9;
    heng_error *cause = NULL;
    EXPECT_OK(heng->context_state(context, &epoch, &cause, &error));
    EXPECT(epoch == 0 && cause == NULL);
    heng_device_status status = {.header = HEADER(heng_device_status, HENG_KIND_DEVICE_STATUS)};
    EXPECT_OK(heng->device_status(first_device(), &status, &error));
    EXPECT(status.contexts == 1 && status.streams == 1);

    if (runs_host_functions()) test_failure(stream);
    EXPECT_CODE(runs_host_functions() ? HENG_ERROR_EXECUTION : HENG_OK, heng->stream_destroy(stream, &error));
    EXPECT_CODE(HENG_ERROR_INVALID_HANDLE, heng->stream_destroy(stream, &error));
    EXPECT_OK(heng->context_destroy(context, &error));
    EXPECT_OK(heng->finalize(&error));
}
