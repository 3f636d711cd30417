/*
 * A short test of the device alone, as a C program uses it: `make test`, and under sanitizers `make asan
 * tsan`. It is no judge of conformance (that is `heng conform`); it is for the first minutes with a change.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heng_accelerator.h"

static const heng_accelerator_table *table;
static const heng_operator_table *operators;
static heng_context *context;
static heng_stream *stream;

#define CHECK(condition) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "%s:%d: this does not hold: %s\n", __FILE__, __LINE__, #condition); \
            exit(1); \
        } \
    } while (0)
#define OK(call) CHECK((call) == HENG_OK)
#define HEADER(type, kind) {sizeof(type), kind, NULL}

static heng_buffer *make_buffer(uint64_t size) {
    heng_buffer_arguments arguments = {
        .header = HEADER(heng_buffer_arguments, HENG_KIND_BUFFER_ARGUMENTS), .size = size, .numa_node = -1};
    heng_buffer *buffer = NULL;
    OK(table->buffer_allocate(context, &arguments, &buffer, NULL));
    return buffer;
}

static heng_range in_buffer(heng_buffer *buffer, uint64_t size) {
    return (heng_range){buffer, NULL, 0, size};
}

static heng_range in_host(void *memory, uint64_t size) { return (heng_range){NULL, memory, 0, size}; }

static void copy(heng_range to, heng_range from, uint64_t bytes) {
    OK(table->stream_copy(stream, &to, &from, bytes, 1, NULL));
}

static void wait_for_all(void) { OK(table->stream_synchronize(stream, -1, NULL)); }

static void test_start(void) {
    uint32_t count = 0;
    heng_device *device = NULL;
    CHECK(table->device_count(&count, NULL) == HENG_ERROR_NOT_INITIALIZED);
    heng_initialize_arguments arguments = {
        .header = HEADER(heng_initialize_arguments, HENG_KIND_INITIALIZE_ARGUMENTS), .abi_major = 2};
    CHECK(table->initialize(&arguments, NULL) == HENG_ERROR_VERSION);
    arguments.abi_major = HENG_ACCELERATOR_MAJOR;
    OK(table->initialize(&arguments, NULL));
    CHECK(table->initialize(&arguments, NULL) == HENG_ERROR_REPEATED_INITIALIZE);
    OK(table->device_count(&count, NULL));
    CHECK(count == 1);
    OK(table->device_get(0, &device, NULL));
    CHECK(table->device_get(1, &device, NULL) == HENG_ERROR_INVALID_DEVICE_INDEX);
    heng_device_description short_one = {.header = {24, HENG_KIND_DEVICE_DESCRIPTION, NULL}};
    OK(table->device_describe(device, &short_one, NULL));
    CHECK(strcmp(short_one.kind, "sample") == 0 && short_one.name == NULL);
    OK(table->context_create(device, &context, NULL));
    OK(table->stream_create(context, NULL, &stream, NULL));
}

static void test_memory(void) {
    uint8_t sent[1000], received[1000] = {0};
    for (int i = 0; i < 1000; i++) sent[i] = (uint8_t)(i * 7);
    heng_buffer *first = make_buffer(1000), *second = make_buffer(1000);
    copy(in_buffer(first, 1000), in_host(sent, 1000), 1000);
    copy(in_buffer(second, 1000), in_buffer(first, 1000), 1000);
    heng_range part = {second, NULL, 10, 20};
    OK(table->stream_fill(stream, &part, 0xab, 20, 0, NULL));
    copy(in_host(received, 1000), in_buffer(second, 1000), 1000);
    wait_for_all();
    memset(sent + 10, 0xab, 20);
    CHECK(memcmp(sent, received, 1000) == 0);

    heng_range too_small = in_buffer(first, 999), outside = {first, NULL, 990, 20}, all = in_host(sent, 1000);
    CHECK(table->stream_copy(stream, &too_small, &all, 1000, 0, NULL) == HENG_ERROR_OUT_OF_RANGE);
    CHECK(table->stream_copy(stream, &outside, &all, 20, 0, NULL) == HENG_ERROR_OUT_OF_RANGE);

    heng_memory_info info = {.header = HEADER(heng_memory_info, HENG_KIND_MEMORY_INFO)};
    OK(table->context_memory_info(context, &info, NULL));
    CHECK(info.in_use == 2048 && info.limit == 0);
    OK(table->context_limit_memory(context, 4096, NULL));
    heng_buffer_arguments large = {
        .header = HEADER(heng_buffer_arguments, HENG_KIND_BUFFER_ARGUMENTS), .size = 3000};
    heng_buffer *none = NULL;
    heng_error *error = NULL;
    CHECK(table->buffer_allocate(context, &large, &none, &error) == HENG_ERROR_OUT_OF_DEVICE_MEMORY);
    heng_error_description description = {
        .header = HEADER(heng_error_description, HENG_KIND_ERROR_DESCRIPTION)};
    OK(table->error_describe(error, &description));
    CHECK(description.requested == 3000 && description.available == 2048 && none == NULL);
    table->error_destroy(error);
    OK(table->context_limit_memory(context, 0, NULL));
    CHECK(table->context_destroy(context, NULL) == HENG_ERROR_NOT_RELEASED);
    OK(table->buffer_free(first, NULL));
    OK(table->buffer_free(second, NULL));
}

static void expect_failure(int32_t status, heng_error *error) {
    heng_error_description description = {
        .header = HEADER(heng_error_description, HENG_KIND_ERROR_DESCRIPTION)};
    CHECK(status == HENG_ERROR_EXECUTION);
    OK(table->error_describe(error, &description));
    CHECK(description.correlation == 42 && description.scope == HENG_SCOPE_STREAM);
    CHECK(description.native_code == 7 && strcmp(description.operation, "stream_launch_fallible") == 0);
    table->error_destroy(error);
}

/* What host functions get: where to note that they ran, and what holds them until it is opened. */
struct gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_open;
    int entered;
    int32_t own_wait; /* what waiting for the own stream gave */
};

static void pass(const void *arguments) {
    struct gate *gate = *(struct gate *const *)arguments;
    pthread_mutex_lock(&gate->lock);
    gate->entered++;
    while (!gate->is_open) pthread_cond_wait(&gate->changed, &gate->lock);
    pthread_mutex_unlock(&gate->lock);
}

static void wait_for_own_stream(const void *arguments) {
    struct gate *gate = *(struct gate *const *)arguments;
    gate->own_wait = table->stream_synchronize(stream, -1, NULL);
}

static int32_t fail_with_seven(const void *arguments) {
    (void)arguments;
    return 7;
}

static void open_gate(struct gate *gate) {
    pthread_mutex_lock(&gate->lock);
    gate->is_open = true;
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->lock);
}

static void test_host_functions(void) {
    struct gate gate = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    struct gate *arguments = &gate;
    CHECK(table->stream_launch(stream, NULL, NULL, 0, 0, NULL) == HENG_ERROR_INVALID_ARGUMENT);
    CHECK(
        table->stream_launch(stream, pass, &gate, HENG_ARGUMENT_LIMIT + 1, 0, NULL) ==
        HENG_ERROR_INVALID_ARGUMENT);
    for (int i = 0; i < 3; i++) OK(table->stream_launch(stream, pass, &arguments, sizeof arguments, 0, NULL));
    OK(table->stream_launch(stream, wait_for_own_stream, &arguments, sizeof arguments, 0, NULL));
    CHECK(table->stream_synchronize(stream, 0, NULL) == HENG_ERROR_TIMEOUT);
    open_gate(&gate);
    wait_for_all();
    CHECK(gate.entered == 3 && gate.own_wait == HENG_ERROR_MISUSE);
}

static void test_events(void) {
    struct gate gate = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    struct gate *arguments = &gate;
    heng_stream *other = NULL;
    heng_event *event = NULL, *end = NULL;
    uint8_t is_complete = 0;
    double milliseconds = -1;
    heng_buffer *buffer = make_buffer(64);
    heng_range range = in_buffer(buffer, 64);
    OK(table->stream_create(context, NULL, &other, NULL));
    OK(table->event_create(context, &event, NULL));
    OK(table->event_create(context, &end, NULL));
    CHECK(table->stream_wait_event(other, event, 0, NULL) == HENG_ERROR_EVENT_NOT_RECORDED);
    for (int i = 0; i < 200; i++) OK(table->stream_fill(stream, &range, (uint8_t)i, 64, 0, NULL));
    OK(table->event_record(event, stream, 0, NULL));
    OK(table->stream_wait_event(other, event, 0, NULL));
    OK(table->event_record(end, other, 0, NULL));
    OK(table->event_synchronize(end, -1, NULL));
    OK(table->event_query(event, &is_complete, NULL));
    OK(table->event_elapsed(event, end, &milliseconds, NULL));
    CHECK(is_complete == 1 && milliseconds >= 0);

    /* A failure reaches those who wait for the work, again and again, and names the work. */
    OK(table->stream_launch(stream, pass, &arguments, sizeof arguments, 0, NULL));
    OK(table->stream_launch_fallible(stream, fail_with_seven, NULL, 0, 42, NULL));
    OK(table->event_record(event, stream, 0, NULL));
    OK(table->stream_wait_event(other, event, 0, NULL));
    CHECK(table->stream_synchronize(stream, 0, NULL) == HENG_ERROR_TIMEOUT);
    CHECK(table->event_synchronize(event, 1, NULL) == HENG_ERROR_TIMEOUT);
    CHECK(table->event_elapsed(event, end, &milliseconds, NULL) == HENG_ERROR_EVENT_TIME);
    open_gate(&gate);
    for (int i = 0; i < 4; i++) {
        heng_error *error = NULL;
        int32_t status = table->stream_synchronize(i % 2 == 0 ? stream : other, -1, &error);
        expect_failure(status, error);
    }
    heng_error *error = NULL;
    int32_t status = table->event_synchronize(event, -1, &error);
    expect_failure(status, error);
    CHECK(table->stream_fill(stream, &range, 1, 64, 0, NULL) == HENG_ERROR_EXECUTION);
    CHECK(table->stream_destroy(stream, NULL) == HENG_ERROR_EXECUTION);
    CHECK(table->stream_destroy(other, NULL) == HENG_ERROR_EXECUTION);
    OK(table->event_destroy(event, NULL));
    OK(table->event_destroy(end, NULL));
    OK(table->buffer_free(buffer, NULL));
    OK(table->stream_create(context, NULL, &stream, NULL));
}

/* A tensor of float32. */
struct tensor {
    uint32_t rank;
    int64_t dims[4];
    const float *values;
};

/* One use of an operator, and what it must compute. */
struct operator_case {
    const char *name;
    uint32_t input_count;
    struct tensor inputs[3], output;
    const char *attribute; /* an integer's name; NULL: none */
    int64_t value;
};

static heng_tensor_description describe(const struct tensor *tensor) {
    return (heng_tensor_description){
        .header = HEADER(heng_tensor_description, HENG_KIND_TENSOR_DESCRIPTION), .rank = tensor->rank,
        .dims = tensor->dims, .type = HENG_TYPE_FLOAT32};
}

static void expect(const struct operator_case *use) {
    heng_tensor_description described[4] = {
        describe(&use->inputs[0]), describe(&use->inputs[1]), describe(&use->inputs[2]),
        describe(&use->output)};
    const heng_tensor_description *inputs[] = {&described[0], &described[1], &described[2]};
    const heng_tensor_description *outputs[] = {&described[3]};
    heng_attribute attribute = {
        .header = HEADER(heng_attribute, HENG_KIND_ATTRIBUTE), .name = use->attribute,
        .kind = HENG_ATTRIBUTE_INT, .data = &use->value, .count = 1};
    const heng_attribute *attributes[] = {&attribute};
    heng_operator_description description = {
        .header = HEADER(heng_operator_description, HENG_KIND_OPERATOR_DESCRIPTION), .domain = "",
        .name = use->name, .input_count = use->input_count, .output_count = 1,
        .attribute_count = use->attribute ? 1 : 0, .inputs = inputs, .outputs = outputs,
        .attributes = attributes};

    int64_t inferred[4] = {0};
    heng_inferred_tensor tensor = {
        .header = HEADER(heng_inferred_tensor, HENG_KIND_INFERRED_TENSOR), .dims = inferred, .capacity = 4};
    heng_inferred_tensor *tensors[] = {&tensor};
    heng_device *device = NULL;
    OK(table->device_get(0, &device, NULL));
    OK(operators->operator_supports(device, &description, NULL, NULL));
    OK(operators->operator_infer(device, &description, tensors, 1, NULL));
    CHECK(tensor.rank == use->output.rank);
    CHECK(memcmp(inferred, use->output.dims, tensor.rank * sizeof *inferred) == 0);

    heng_range ranges[4] = {{NULL, NULL, 0, 0}};
    heng_operator *prepared = NULL;
    heng_operator_info info = {.header = HEADER(heng_operator_info, HENG_KIND_OPERATOR_INFO)};
    OK(operators->operator_prepare(context, &description, &prepared, &info, NULL));
    for (uint32_t i = 0; i < use->input_count; i++) {
        uint64_t size = heng_tensor_size(&described[i]);
        ranges[i] = in_buffer(make_buffer(size), size);
        copy(ranges[i], in_host((void *)(uintptr_t)use->inputs[i].values, size), size);
    }
    float computed[16];
    uint64_t size = heng_tensor_size(&described[3]);
    ranges[3] = in_buffer(make_buffer(size), size);
    OK(operators->operator_execute(
        prepared, stream, ranges, use->input_count, &ranges[3], 1, NULL, 7, NULL));
    copy(in_host(computed, size), ranges[3], size);
    wait_for_all();
    for (uint64_t i = 0; i < size / sizeof(float); i++) {
        float difference = computed[i] - use->output.values[i];
        CHECK(difference < 1e-6f && difference > -1e-6f);
    }
    OK(operators->operator_destroy(prepared, NULL));
    for (int i = 0; i < 4; i++) if (ranges[i].buffer) OK(table->buffer_free(ranges[i].buffer, NULL));
}

#define FLOATS(...) (const float[]){__VA_ARGS__}

static void test_operators(void) {
    const float *six = FLOATS(1, 2, 3, 4, 5, 6);
    const struct operator_case cases[] = {
        {"Add", 2, {{2, {2, 3}, six}, {1, {3}, FLOATS(10, 20, 30)}},
         {2, {2, 3}, FLOATS(11, 22, 33, 14, 25, 36)}, NULL, 0},
        {"Sub", 2, {{2, {2, 1}, FLOATS(1, 2)}, {2, {1, 2}, FLOATS(3, 5)}},
         {2, {2, 2}, FLOATS(-2, -4, -1, -3)}, NULL, 0},
        {"Mul", 2, {{1, {3}, six}, {0, {0}, FLOATS(2)}}, {1, {3}, FLOATS(2, 4, 6)}, NULL, 0},
        {"Div", 2, {{1, {3}, six}, {1, {1}, FLOATS(2)}}, {1, {3}, FLOATS(0.5, 1, 1.5)}, NULL, 0},
        {"MatMul", 2, {{2, {2, 3}, six}, {2, {3, 2}, six}}, {2, {2, 2}, FLOATS(22, 28, 49, 64)}, NULL, 0},
        {"MatMul", 2, {{3, {2, 1, 3}, six}, {2, {3, 1}, FLOATS(10, 20, 30)}},
         {3, {2, 1, 1}, FLOATS(140, 320)}, NULL, 0},
        {"Gemm", 3, {{2, {3, 2}, six}, {2, {3, 1}, FLOATS(1, 1, 2)}, {1, {1}, FLOATS(4)}},
         {2, {2, 1}, FLOATS(18, 22)}, "transA", 1},
        {"Gemm", 2, {{2, {2, 3}, six}, {2, {1, 3}, FLOATS(1, 1, 2)}},
         {2, {2, 1}, FLOATS(9, 21)}, "transB", 1},
        {"Softmax", 1, {{2, {2, 2}, FLOATS(0, 5, 0, 5)}},
         {2, {2, 2}, FLOATS(0.5, 0.5, 0.5, 0.5)}, "axis", 0},
        {"Softmax", 1, {{2, {2, 1}, six}}, {2, {2, 1}, FLOATS(1, 1)}, NULL, 0},
        {"Relu", 1, {{1, {2}, FLOATS(-1, 2)}}, {1, {2}, FLOATS(0, 2)}, NULL, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) expect(&cases[i]);

    heng_device *device = NULL;
    heng_refusal refusal = {.header = HEADER(heng_refusal, HENG_KIND_REFUSAL)};
    heng_operator_description unknown = {
        .header = HEADER(heng_operator_description, HENG_KIND_OPERATOR_DESCRIPTION), .domain = "",
        .name = "Nothing"};
    OK(table->device_get(0, &device, NULL));
    CHECK(operators->operator_supports(device, &unknown, &refusal, NULL) == HENG_ERROR_UNSUPPORTED);
    CHECK(refusal.reason == HENG_REFUSAL_OPERATOR && strstr(refusal.text, "Nothing"));
}

static void test_end(void) {
    heng_device *device = NULL;
    OK(table->device_get(0, &device, NULL));
    OK(table->device_synchronize(device, NULL));
    OK(table->stream_destroy(stream, NULL));
    CHECK(table->finalize(NULL) == HENG_ERROR_NOT_RELEASED);
    OK(table->context_destroy(context, NULL));
    OK(table->finalize(NULL));
    CHECK(table->finalize(NULL) == HENG_ERROR_REPEATED_FINALIZE);
}

int main(void) {
    const heng_header *group = NULL;
    CHECK(heng_accelerator_get(HENG_ACCELERATOR_MAJOR + 1) == NULL);
    table = heng_accelerator_get(HENG_ACCELERATOR_MAJOR);
    CHECK(table && table->header.struct_size == sizeof *table);
    CHECK(table->group(HENG_KIND_MEDIA_TABLE, &group, NULL) == HENG_ERROR_UNSUPPORTED);
    OK(table->group(HENG_KIND_OPERATOR_TABLE, &group, NULL));
    operators = (const heng_operator_table *)group;
    test_start();
    test_memory();
    test_host_functions();
    test_events();
    test_operators();
    test_end();
    puts("all is well");
    return 0;
}
