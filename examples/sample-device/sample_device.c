/*
 * A vendor's device for Heng, whole: copy this file, then replace it part by part. The device is made up, but
 * it is one: the host has no address of its memory, and each stream is a queue with a thread of its own. What
 * every device in C needs comes from headers beside Heng's: errors, structs that cross and accounts of memory
 * from heng_device_support.h, reading operators from heng_device_operators.h, and queues with threads and
 * events from heng_device_queue.h. Handles are only checked for NULL (Heng's checking layer, HENG_CHECK=1,
 * recognises every other wrong one).
 */
#define _POSIX_C_SOURCE 200809L
#include <math.h>

#include "heng_device_operators.h"
#include "heng_device_queue.h"

enum {
    MEMORY_BYTES = 256 << 20, /* what the device has */
    ALIGNMENT = 64,           /* of buffers */
    MAXIMUM_INPUTS = 3        /* of an operator */
};

/* An error of the function that says so, and one for pointers that a function cannot do without. */
#define FAIL(code, ...) heng_support_fail(error, HENG_ERROR_##code, __func__, __VA_ARGS__)
#define REQUIRE(condition) \
    if (!(condition)) return FAIL(INVALID_ARGUMENT, "A pointer given is NULL.")

/* ---- 1. Devices and contexts ---- */

struct heng_device {
    heng_queue_group queues;
    heng_support_account account; /* of all buffers */
    uint32_t contexts;
};

struct heng_context {
    heng_device *device;
    heng_support_account account;
    uint32_t children; /* living streams, events, buffers and operators */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of what follows, and of contexts */
static heng_support_phase phase;
static heng_device the_device = {.account = {.limit = MEMORY_BYTES}};

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

/* Zeroed memory for an object of a context; NULL, and the error, where there is none. */
static void *make_child(heng_context *context, size_t size, const char *operation, heng_error **error) {
    void *made = calloc(1, size);
    if (made) count_child(context, 1);
    else heng_support_fail(error, HENG_ERROR_OUT_OF_HOST_MEMORY, operation, "The host is out of memory.");
    return made;
}

static void free_child(heng_context *context, void *child) {
    count_child(context, -1);
    free(child);
}

static int32_t initialize(const heng_initialize_arguments *given, heng_error **error) {
    heng_initialize_arguments arguments;
    enter();
    int32_t status = heng_support_check_start(phase, &arguments, given, __func__, error);
    if (status == HENG_OK) status = heng_queue_group_start(&the_device.queues, __func__, error);
    if (status == HENG_OK) phase = HENG_SUPPORT_STARTED;
    return leave(status);
}

static int32_t finalize(heng_error **error) {
    enter();
    int32_t status = heng_support_check_end(phase, the_device.contexts, __func__, error);
    if (status != HENG_OK) return leave(status);
    heng_queue_group_end(&the_device.queues);
    phase = HENG_SUPPORT_ENDED;
    return leave(HENG_OK);
}

static int32_t device_count(uint32_t *count, heng_error **error) {
    REQUIRE(count);
    enter();
    int32_t status = heng_support_check_started(phase, __func__, error);
    if (status == HENG_OK) *count = 1;
    return leave(status);
}

static int32_t device_get(uint32_t index, heng_device **device, heng_error **error) {
    REQUIRE(device);
    enter();
    int32_t status = heng_support_check_started(phase, __func__, error);
    if (status == HENG_OK && index > 0)
        status = FAIL(INVALID_DEVICE_INDEX, "There is no device %u.", index);
    if (status == HENG_OK) *device = &the_device;
    return leave(status);
}

static int32_t device_describe(
    heng_device *device, heng_device_description *description, heng_error **error) {
    REQUIRE(device);
    heng_device_description full = {
        .kind = "sample", .name = "Sample device", .vendor = "Sample Makers", .memory_bytes = MEMORY_BYTES,
        .numa_node = -1, .compute_units = 1, .buffer_alignment = ALIGNMENT, .copy_alignment = 1,
        .simulated = 1, .determinism = HENG_DETERMINISM_BATCH,
        .capabilities = HENG_CAN_RUN_HOST_FUNCTIONS | HENG_CAN_COUNT_MEMORY | HENG_CAN_LIMIT_MEMORY |
                        HENG_CAN_TIME_EVENTS,
    };
    return heng_support_write_struct(description, &full, sizeof full, __func__, error);
}

static int32_t context_create(heng_device *device, heng_context **context, heng_error **error) {
    REQUIRE(device && context);
    heng_context *made = calloc(1, sizeof *made);
    if (!made) return FAIL(OUT_OF_HOST_MEMORY, "The host has no memory left.");
    made->device = device;
    made->account.outer = &device->account;
    enter();
    device->contexts++;
    *context = made;
    return leave(HENG_OK);
}

static int32_t context_destroy(heng_context *context, heng_error **error) {
    REQUIRE(context);
    enter();
    int32_t status = heng_support_check_released(context->children, __func__, error);
    if (status != HENG_OK) return leave(status);
    context->device->contexts--;
    free(context);
    return leave(HENG_OK);
}

/* ---- 2. Memory ---- */

struct heng_buffer {
    heng_context *context;
    uint64_t size, held; /* what was asked for, and that rounded up */
    uint8_t *memory;     /* of the device: the host is not told where */
};

static int32_t buffer_allocate(
    heng_context *context, const heng_buffer_arguments *given, heng_buffer **buffer, heng_error **error) {
    heng_buffer_arguments arguments;
    REQUIRE(context && buffer);
    int32_t status = heng_support_read_buffer_arguments(&arguments, given, __func__, error);
    if (status != HENG_OK) return status;
    if (arguments.pages >= HENG_PAGES_HUGE_ONLY) /* that, or memory for peers */
        return FAIL(UNSUPPORTED, "The device has only small pages.");
    heng_buffer *made = make_child(context, sizeof *made, __func__, error);
    if (!made) return HENG_ERROR_OUT_OF_HOST_MEMORY;
    uint64_t held = heng_support_round_up(arguments.size, ALIGNMENT);
    *made = (heng_buffer){context, arguments.size, held, NULL};
    enter();
    uint64_t room = heng_support_room(&context->account);
    if (held <= room) made->memory = aligned_alloc(ALIGNMENT, held);
    if (made->memory) heng_support_take_memory(&context->account, held);
    leave(HENG_OK);
    if (!made->memory) {
        free_child(context, made);
        return heng_support_fail_memory(error, __func__, arguments.size, room);
    }
    *buffer = made;
    return HENG_OK;
}

static int32_t buffer_free(heng_buffer *buffer, heng_error **error) {
    REQUIRE(buffer);
    enter();
    heng_support_give_memory_back(&buffer->context->account, buffer->held);
    leave(HENG_OK);
    free(buffer->memory);
    free_child(buffer->context, buffer);
    return HENG_OK;
}

static int32_t context_memory_info(heng_context *context, heng_memory_info *info, heng_error **error) {
    REQUIRE(context);
    enter();
    return leave(heng_support_describe_memory(&context->account, info, __func__, error));
}

static int32_t context_limit_memory(heng_context *context, uint64_t limit, heng_error **error) {
    REQUIRE(context);
    enter();
    context->account.limit = limit;
    return leave(HENG_OK);
}

/* Where a range starts, once it is known to hold `bytes`; an operand lies in a buffer, of any context. */
static int32_t find_place(
    const heng_range *range, uint64_t bytes, bool is_operand, void **place, const char *operation,
    heng_error **error) {
    const heng_buffer *buffer = range ? range->buffer : NULL;
    uint64_t size = buffer ? buffer->size : 0;
    int32_t status = is_operand
        ? heng_support_check_operand(range, bytes, sizeof(float), size, operation, error)
        : heng_support_check_range(range, bytes, size, operation, error);
    if (status == HENG_OK && bytes > 0)
        *place = (buffer ? buffer->memory : (uint8_t *)range->host) + range->offset;
    return status;
}

/* ---- 3. Streams ---- */

struct heng_stream {
    heng_context *context;
    heng_queue queue;
};

static int32_t stream_create(
    heng_context *context, const heng_stream_arguments *given, heng_stream **stream, heng_error **error) {
    heng_stream_arguments arguments; /* the device offers nothing that they ask for */
    REQUIRE(context && stream);
    int32_t status = HENG_OK;
    if (given) status = heng_support_read_struct(&arguments, sizeof arguments, given, __func__, error);
    if (status != HENG_OK) return status;
    heng_stream *made = make_child(context, sizeof *made, __func__, error);
    if (!made) return HENG_ERROR_OUT_OF_HOST_MEMORY;
    made->context = context;
    status = heng_queue_start(&made->queue, &context->device->queues, __func__, error);
    if (status == HENG_OK) *stream = made;
    else free_child(context, made);
    return status;
}

static int32_t stream_destroy(heng_stream *stream, heng_error **error) {
    REQUIRE(stream);
    int32_t status = heng_queue_end(&stream->queue, __func__, error);
    if (status != HENG_ERROR_MISUSE) free_child(stream->context, stream);
    return status;
}

static int32_t stream_synchronize(heng_stream *stream, int32_t milliseconds, heng_error **error) {
    REQUIRE(stream);
    return heng_queue_wait(&stream->queue, milliseconds, __func__, error);
}

static int32_t device_synchronize(heng_device *device, heng_error **error) {
    REQUIRE(device);
    return heng_queue_group_wait(&device->queues, __func__, error);
}

/* What a copy, a fill or an operator needs when its turn comes, in the stream's thread. */
struct work {
    const heng_operator *plan;
    uint64_t bytes;
    uint8_t value;
    void *places[1 + MAXIMUM_INPUTS]; /* first what is written, then what is read */
};

static void run_copy(const void *arguments) {
    const struct work *work = arguments;
    if (work->bytes > 0) memmove(work->places[0], work->places[1], work->bytes);
}

static void run_fill(const void *arguments) {
    const struct work *work = arguments;
    if (work->bytes > 0) memset(work->places[0], work->value, work->bytes);
}

static int32_t submit(
    heng_stream *stream, heng_host_function run, const struct work *work, uint64_t correlation,
    const char *operation, heng_error **error) {
    return heng_queue_submit(&stream->queue, run, NULL, work, sizeof *work, correlation, operation, error);
}

static int32_t stream_copy(
    heng_stream *stream, const heng_range *destination, const heng_range *source, uint64_t bytes,
    uint64_t correlation, heng_error **error) {
    REQUIRE(stream);
    struct work work = {.bytes = bytes};
    int32_t status = find_place(destination, bytes, false, &work.places[0], __func__, error);
    if (status == HENG_OK) status = find_place(source, bytes, false, &work.places[1], __func__, error);
    return status == HENG_OK ? submit(stream, run_copy, &work, correlation, __func__, error) : status;
}

static int32_t stream_fill(
    heng_stream *stream, const heng_range *destination, uint8_t value, uint64_t bytes, uint64_t correlation,
    heng_error **error) {
    REQUIRE(stream);
    struct work work = {.bytes = bytes, .value = value};
    int32_t status = find_place(destination, bytes, false, &work.places[0], __func__, error);
    return status == HENG_OK ? submit(stream, run_fill, &work, correlation, __func__, error) : status;
}

static int32_t stream_launch(
    heng_stream *stream, heng_host_function function, const void *arguments, uint32_t size,
    uint64_t correlation, heng_error **error) {
    REQUIRE(stream && function);
    return heng_queue_submit(&stream->queue, function, NULL, arguments, size, correlation, __func__, error);
}

static int32_t stream_launch_fallible(
    heng_stream *stream, heng_fallible_host_function function, const void *arguments, uint32_t size,
    uint64_t correlation, heng_error **error) {
    REQUIRE(stream && function);
    return heng_queue_submit(&stream->queue, NULL, function, arguments, size, correlation, __func__, error);
}

/* ---- 4. Events ---- */

struct heng_event {
    heng_queue_event event; /* first: the last stream that names it frees all of it */
    heng_context *context;
};

static int32_t event_create(heng_context *context, heng_event **event, heng_error **error) {
    REQUIRE(context && event);
    heng_event *made = make_child(context, sizeof *made, __func__, error);
    if (!made) return HENG_ERROR_OUT_OF_HOST_MEMORY;
    made->context = context;
    heng_queue_event_start(&made->event, &context->device->queues);
    *event = made;
    return HENG_OK;
}

static int32_t event_destroy(heng_event *event, heng_error **error) {
    REQUIRE(event);
    count_child(event->context, -1);
    heng_queue_event_end(&event->event);
    return HENG_OK;
}

static int32_t event_record(
    heng_event *event, heng_stream *stream, uint64_t correlation, heng_error **error) {
    REQUIRE(event && stream);
    return heng_queue_submit_event(&stream->queue, &event->event, true, correlation, __func__, error);
}

static int32_t stream_wait_event(
    heng_stream *stream, heng_event *event, uint64_t correlation, heng_error **error) {
    REQUIRE(stream && event);
    return heng_queue_submit_event(&stream->queue, &event->event, false, correlation, __func__, error);
}

static int32_t event_query(heng_event *event, uint8_t *complete, heng_error **error) {
    REQUIRE(event && complete);
    return heng_queue_event_query(&event->event, complete, __func__, error);
}

static int32_t event_synchronize(heng_event *event, int32_t milliseconds, heng_error **error) {
    REQUIRE(event);
    return heng_queue_event_wait(&event->event, milliseconds, __func__, error);
}

static int32_t event_elapsed(heng_event *start, heng_event *end, double *milliseconds, heng_error **error) {
    REQUIRE(start && end && milliseconds);
    return heng_queue_event_elapsed(&start->event, &end->event, milliseconds, __func__, error);
}

/* ---- 5. Operators of ONNX, on float32: replace the loops by your kernels, one by one ---- */

/* One use of an operator, understood: this is what gets prepared. */
struct heng_operator {
    heng_context *context;
    int32_t code;
    uint32_t input_count;
    heng_support_operand inputs[MAXIMUM_INPUTS], output;
    int64_t axis;          /* of Softmax */
    bool turns_a, turns_b; /* of products */
    double alpha, beta;
};

enum { ADD, SUBTRACT, MULTIPLY, DIVIDE, RELU, GEMM, PRODUCT, SOFTMAX };

static void run_binary(const heng_operator *plan, float *output, const float *a, const float *b) {
    const heng_support_shape *shape = &plan->output.shape;
    for (uint64_t i = 0; i < plan->output.count; i++) {
        float one = a[heng_support_source_index(&plan->inputs[0].shape, shape, i)];
        float other = b[heng_support_source_index(&plan->inputs[1].shape, shape, i)];
        switch (plan->code) {
        case ADD: output[i] = one + other; break;
        case SUBTRACT: output[i] = one - other; break;
        case MULTIPLY: output[i] = one * other; break;
        default: output[i] = one / other; break;
        }
    }
}

static void run_relu(const heng_operator *plan, float *output, const float *input) {
    for (uint64_t i = 0; i < plan->output.count; i++) output[i] = input[i] < 0 ? 0 : input[i];
}

static bool infer_softmax(heng_support_use *use) {
    heng_operator *plan = use->plan;
    plan->axis = heng_support_int_attribute(use, "axis", -1);
    if (!heng_support_find_axis(&plan->axis, use->inputs[0].shape.rank))
        return heng_support_refuse(use, HENG_REFUSAL_ATTRIBUTE, -1, "There is no such axis.");
    return heng_support_infer_same(use);
}

static void run_softmax(const heng_operator *plan, float *output, const float *input) {
    const heng_support_shape *shape = &plan->output.shape;
    uint64_t length = (uint64_t)shape->dims[plan->axis], step = heng_support_axis_step(shape, plan->axis);
    for (uint64_t row = 0; plan->output.count > 0 && row < plan->output.count / length; row++) {
        uint64_t start = row / step * step * length + row % step, end = start + length * step;
        float most = input[start];
        double sum = 0;
        for (uint64_t i = start; i < end; i += step) most = input[i] > most ? input[i] : most;
        for (uint64_t i = start; i < end; i += step) sum += exp((double)input[i] - most);
        for (uint64_t i = start; i < end; i += step) output[i] = (float)(exp((double)input[i] - most) / sum);
    }
}

/* MatMul and Gemm: a product of matrices or of batches, with factors, and something added. */
static bool infer_product(heng_support_use *use) {
    heng_operator *plan = use->plan;
    plan->turns_a = heng_support_int_attribute(use, "transA", 0) != 0;
    plan->turns_b = heng_support_int_attribute(use, "transB", 0) != 0;
    plan->alpha = heng_support_float_attribute(use, "alpha", 1);
    plan->beta = heng_support_float_attribute(use, "beta", 1);
    if (!heng_support_infer_product(use, plan->turns_a, plan->turns_b)) return false;
    const heng_support_shape *shape = &use->outputs[0].shape;
    heng_support_shape sum = *shape;
    if (use->rule->code == GEMM && shape->rank > 2)
        return heng_support_refuse(use, HENG_REFUSAL_RANK, -1, "It takes no batches.");
    if (use->inputs[2].given && !heng_support_broadcast(&use->inputs[2].shape, shape, &sum))
        return heng_support_refuse(use, HENG_REFUSAL_SHAPE, 2, "The addend does not fit the product.");
    return heng_support_same_shape(&sum, shape) ||
           heng_support_refuse(use, HENG_REFUSAL_SHAPE, 2, "The addend is larger than the product.");
}

static void run_product(
    const heng_operator *plan, float *output, const float *a, const float *b, const float *addend) {
    const heng_support_shape *shape = &plan->output.shape, *a_shape = &plan->inputs[0].shape;
    heng_support_shape batch = heng_support_batch(shape), a_batch = heng_support_batch(a_shape);
    heng_support_shape b_batch = heng_support_batch(&plan->inputs[1].shape);
    uint64_t rows = (uint64_t)shape->dims[batch.rank], columns = (uint64_t)shape->dims[batch.rank + 1];
    uint64_t inner = (uint64_t)a_shape->dims[a_batch.rank + (plan->turns_a ? 0 : 1)];
    uint64_t a_row = plan->turns_a ? 1 : inner, a_step = plan->turns_a ? rows : 1;
    uint64_t b_column = plan->turns_b ? inner : 1, b_step = plan->turns_b ? 1 : columns;
    for (uint64_t at = 0; at < plan->output.count; at++) {
        uint64_t matrix = at / (rows * columns), row = at / columns % rows, column = at % columns;
        uint64_t left = heng_support_source_index(&a_batch, &batch, matrix) * rows * inner + row * a_row;
        uint64_t right = heng_support_source_index(&b_batch, &batch, matrix) * inner * columns;
        double sum = 0;
        for (uint64_t i = 0; i < inner; i++)
            sum += (double)a[left + i * a_step] * b[right + column * b_column + i * b_step];
        sum *= plan->alpha;
        if (addend) sum += plan->beta * addend[heng_support_source_index(&plan->inputs[2].shape, shape, at)];
        output[at] = (float)sum;
    }
}

static void run_operator(const void *arguments) {
    const struct work *work = arguments;
    const heng_operator *plan = work->plan;
    void *const *places = work->places;
    switch (plan->code) {
    case RELU: run_relu(plan, places[0], places[1]); break;
    case SOFTMAX: run_softmax(plan, places[0], places[1]); break;
    case GEMM:
    case PRODUCT: run_product(plan, places[0], places[1], places[2], places[3]); break;
    default: run_binary(plan, places[0], places[1], places[2]); break;
    }
}

/* What is offered: the first version of this meaning, the fewest and the most inputs, and what they give. */
#define RULE(called, first, least, most, what, number) \
    {.domain = "", .name = called, .since = first, .least_inputs = least, .most_inputs = most, .outputs = 1, \
     .types = 1ull << HENG_TYPE_FLOAT32, .determinism = HENG_DETERMINISM_BATCH, .code = number, .infer = what}
static const heng_support_rule rules[] = {
    RULE("Add", 7, 2, 2, heng_support_infer_broadcast, ADD),
    RULE("Div", 7, 2, 2, heng_support_infer_broadcast, DIVIDE),
    RULE("Gemm", 7, 2, 3, infer_product, GEMM),
    RULE("MatMul", 1, 2, 2, infer_product, PRODUCT),
    RULE("Mul", 7, 2, 2, heng_support_infer_broadcast, MULTIPLY),
    RULE("Relu", 6, 1, 1, heng_support_infer_same, RELU),
    RULE("Softmax", 13, 1, 1, infer_softmax, SOFTMAX),
    RULE("Sub", 7, 2, 2, heng_support_infer_broadcast, SUBTRACT),
};
enum { RULE_COUNT = sizeof rules / sizeof rules[0] };

static int32_t operator_list(
    heng_device *device, uint32_t index, heng_operator_listing *listing, heng_error **error) {
    REQUIRE(device);
    return heng_support_list_operator(rules, RULE_COUNT, index, listing, __func__, error);
}

static int32_t operator_supports(
    heng_device *device, const heng_operator_description *description, heng_refusal *refusal,
    heng_error **error) {
    heng_operator plan;
    REQUIRE(device);
    return heng_support_supports_operator(rules, RULE_COUNT, description, refusal, &plan, __func__, error);
}

static int32_t operator_infer(
    heng_device *device, const heng_operator_description *description, heng_inferred_tensor *const *outputs,
    uint32_t count, heng_error **error) {
    heng_operator plan;
    REQUIRE(device && outputs);
    return heng_support_infer_operator(
        rules, RULE_COUNT, description, outputs, count, &plan, __func__, error);
}

static int32_t operator_prepare(
    heng_context *context, const heng_operator_description *description, heng_operator **prepared,
    heng_operator_info *info, heng_error **error) {
    heng_support_use use;
    heng_operator plan = {.context = context};
    heng_operator_info full = {
        .algorithm = "plain loops", .determinism = HENG_DETERMINISM_BATCH, .in_place_input = -1};
    REQUIRE(context && prepared);
    int32_t status = heng_support_understand(
        &use, rules, RULE_COUNT, description, true, &plan, __func__, error);
    if (status == HENG_OK && info)
        status = heng_support_write_struct(info, &full, sizeof full, __func__, error);
    if (status != HENG_OK) return status;
    plan.code = use.rule->code;
    plan.input_count = use.call.input_count;
    plan.output = use.outputs[0];
    memcpy(plan.inputs, use.inputs, sizeof plan.inputs);
    heng_operator *made = make_child(context, sizeof *made, __func__, error);
    if (!made) return HENG_ERROR_OUT_OF_HOST_MEMORY;
    *made = plan;
    *prepared = made;
    return HENG_OK;
}

static int32_t operator_execute(
    heng_operator *prepared, heng_stream *stream, const heng_range *inputs, uint32_t input_count,
    const heng_range *outputs, uint32_t output_count, const heng_range *workspace, uint64_t correlation,
    heng_error **error) {
    (void)workspace;
    REQUIRE(prepared && stream && inputs && outputs);
    struct work work = {.plan = prepared};
    if (input_count != prepared->input_count || output_count != 1)
        return FAIL(INVALID_ARGUMENT, "The operator has another number of operands.");
    int32_t status = find_place(outputs, prepared->output.bytes, true, &work.places[0], __func__, error);
    for (uint32_t i = 0; i < input_count && status == HENG_OK; i++) {
        uint64_t bytes = prepared->inputs[i].bytes;
        status = find_place(&inputs[i], bytes, true, &work.places[1 + i], __func__, error);
    }
    return status == HENG_OK ? submit(stream, run_operator, &work, correlation, __func__, error) : status;
}

static int32_t operator_destroy(heng_operator *prepared, heng_error **error) {
    REQUIRE(prepared);
    free_child(prepared->context, prepared);
    return HENG_OK;
}

static const heng_operator_table operators = {
    .header = {sizeof(heng_operator_table), HENG_KIND_OPERATOR_TABLE, NULL},
    .operator_list = operator_list, .operator_supports = operator_supports, .operator_infer = operator_infer,
    .operator_prepare = operator_prepare, .operator_execute = operator_execute,
    .operator_destroy = operator_destroy,
};

/* ---- 6. The table ---- */

static int32_t group(uint32_t kind, const heng_header **found, heng_error **error) {
    REQUIRE(found);
    if (kind != HENG_KIND_OPERATOR_TABLE)
        return FAIL(UNSUPPORTED, "The device has no group of kind %u.", kind);
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
    .stream_create = stream_create, .stream_destroy = stream_destroy,
    .stream_synchronize = stream_synchronize, .stream_wait_event = stream_wait_event,
    .stream_copy = stream_copy, .stream_fill = stream_fill,
    .stream_launch = stream_launch, .stream_launch_fallible = stream_launch_fallible,
    .event_create = event_create, .event_destroy = event_destroy, .event_record = event_record,
    .event_query = event_query, .event_synchronize = event_synchronize, .event_elapsed = event_elapsed,
    .buffer_allocate = buffer_allocate, .buffer_free = buffer_free,
    .error_describe = heng_support_error_describe, .error_destroy = heng_support_error_destroy,
    .group = group,
};

/* The only symbol that leaves the library. */
const heng_accelerator_table *heng_accelerator_get(uint32_t abi_major) {
    return abi_major == HENG_ACCELERATOR_MAJOR ? &table : NULL;
}
