/* The thread's selected device, callbacks on a thread, and tensors of DLPack. */
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "expect.h"

void test_selection(void) {
    start();
    const heng_selection_table *selection = group(HENG_KIND_SELECTION_TABLE);
    uint32_t index = 9, count = 0;
    int32_t mode = 9;
    heng_context *current = NULL, *own = make_context();
    heng_stream *stream = NULL, *again = NULL;
    EXPECT_OK(heng->device_count(&count, &error));
    EXPECT_CODE(HENG_ERROR_INVALID_DEVICE, selection->device_selected(&index, &error));
    EXPECT_CODE(HENG_ERROR_CONTEXT, selection->context_get_current(&current, &error));
    EXPECT_CODE(HENG_ERROR_INVALID_DEVICE_INDEX, selection->device_select(count, &error));
    EXPECT_CODE(HENG_ERROR_INVALID_DEVICE, selection->device_deselect(0, &error));
    EXPECT_OK(selection->run_mode(&mode, &error));
    EXPECT(mode == HENG_RUN_MODE_HOST);
    EXPECT_OK(selection->device_select(0, &error));
    EXPECT_OK(selection->device_select(0, &error));
    EXPECT_OK(selection->device_selected(&index, &error));
    EXPECT(index == 0);
    EXPECT_OK(selection->context_get_current(&current, &error));
    EXPECT(current && current != own);
    EXPECT_OK(selection->stream_default(NULL, &stream, &error));
    EXPECT_OK(selection->stream_default(current, &again, &error));
    EXPECT(stream && stream == again);
    EXPECT_CODE(HENG_ERROR_MISUSE, heng->stream_destroy(stream, &error));
    EXPECT_CODE(HENG_ERROR_MISUSE, heng->context_destroy(current, &error));

    heng_buffer *buffer = make_buffer(current, 16);
    char text[16] = "fifteen letters", back[16] = "";
    const heng_range device = {.buffer = buffer, .size = 16}, in = {.host = text, .size = 16};
    const heng_range out = {.host = back, .size = 16};
    EXPECT_OK(selection->copy(&device, &in, 16, HENG_COPY_HOST_TO_DEVICE, &error));
    EXPECT_OK(selection->copy(&out, &device, 16, HENG_COPY_DEVICE_TO_HOST, &error));
    EXPECT(!strcmp(text, back));
    EXPECT_CODE(HENG_ERROR_MEMORY_TYPE, selection->copy(&device, &in, 16, HENG_COPY_DEVICE_TO_HOST, &error));
    EXPECT_CODE(HENG_ERROR_OUT_OF_RANGE, selection->copy(&device, &in, 17, HENG_COPY_HOST_TO_DEVICE, &error));
    EXPECT_CODE(HENG_ERROR_INVALID_ARGUMENT, selection->copy(&device, &in, 1, 7, &error));
    EXPECT_OK(selection->fill(&device, 'x', 3, &error));
    EXPECT_OK(selection->copy(&out, &device, 16, HENG_COPY_DEVICE_TO_HOST, &error));
    EXPECT(!strncmp(back, "xxxteen", 7));

    /* One call frees the default context and all under it. */
    EXPECT_CODE(HENG_ERROR_NOT_RELEASED, heng->finalize(&error));
    EXPECT_OK(selection->device_deselect(0, &error));
    EXPECT_CODE(HENG_ERROR_INVALID_DEVICE, selection->device_selected(&index, &error));
    EXPECT_CODE(HENG_ERROR_INVALID_HANDLE, heng->buffer_free(buffer, &error));
    EXPECT_OK(selection->context_set_current(own, &error));
    EXPECT_OK(selection->context_get_current(&current, &error));
    EXPECT(current == own);
    EXPECT_OK(heng->context_destroy(own, &error));
    EXPECT_OK(heng->finalize(&error));
}

static const heng_callback_table *callbacks;
static heng_stream *lane;
static atomic_int steps, serving, told;

static void called(void *user) {
    atomic_store((atomic_int *)user, atomic_fetch_add(&steps, 1) + 1);
}

static void behind(const void *arguments) {
    (void)arguments;
    atomic_fetch_add(&steps, 1);
}

static void *serve(void *unused) {
    (void)unused;
    EXPECT_CODE(HENG_ERROR_SUBSCRIPTION_THREAD, callbacks->callback_process(0, &error));
    EXPECT_OK(callbacks->callback_subscribe(lane, &error));
    EXPECT_CODE(HENG_ERROR_REPEATED_SUBSCRIPTION, callbacks->callback_subscribe(lane, &error));
    EXPECT_CODE(HENG_ERROR_TIMEOUT, callbacks->callback_process(0, &error));
    EXPECT_CODE(HENG_ERROR_TIMEOUT, callbacks->callback_process(5, &error));
    atomic_store(&serving, 1);
    EXPECT_OK(callbacks->callback_process(-1, &error));
    EXPECT_OK(callbacks->callback_process(20000, &error));
    while (!atomic_load(&told)) usleep(1000);
    EXPECT_OK(callbacks->callback_unsubscribe(lane, &error));
    return NULL;
}

void test_callbacks(void) {
    start();
    callbacks = group(HENG_KIND_CALLBACK_TABLE);
    heng_context *context = make_context();
    lane = make_stream(context);
    atomic_int first = 0, second = 0, dropped = 0;
    EXPECT_CODE(HENG_ERROR_NOT_SUBSCRIBED, callbacks->callback_launch(lane, called, &first, 0, 0, &error));
    EXPECT_CODE(HENG_ERROR_NOT_SUBSCRIBED, callbacks->callback_unsubscribe(lane, &error));
    pthread_t thread;
    EXPECT(pthread_create(&thread, NULL, serve, NULL) == 0);
    while (!atomic_load(&serving)) usleep(1000);
    EXPECT_CODE(HENG_ERROR_SUBSCRIPTION_THREAD, callbacks->callback_unsubscribe(lane, &error));
    /* Work behind a blocking callback waits for it. */
    EXPECT_OK(callbacks->callback_launch(lane, called, &first, 1, 0, &error));
    EXPECT_OK(heng->stream_launch(lane, behind, NULL, 0, 0, &error));
    EXPECT_OK(callbacks->callback_launch(lane, called, &second, 0, 0, &error));
    EXPECT_OK(heng->stream_synchronize(lane, -1, &error));
    while (!atomic_load(&second)) usleep(1000);
    EXPECT(atomic_load(&first) == 1 && atomic_load(&second) == 3);
    /* A blocking callback that nobody runs any more lets the stream go on. */
    EXPECT_OK(callbacks->callback_launch(lane, called, &dropped, 1, 0, &error));
    EXPECT_CODE(HENG_ERROR_TIMEOUT, heng->stream_synchronize(lane, 20, &error));
    atomic_store(&told, 1);
    EXPECT(pthread_join(thread, NULL) == 0);
    EXPECT_OK(heng->stream_synchronize(lane, -1, &error));
    EXPECT(atomic_load(&dropped) == 0);
    EXPECT_OK(heng->stream_destroy(lane, &error));
    EXPECT_OK(heng->context_destroy(context, &error));
    EXPECT_OK(heng->finalize(&error));
}

/* The public layout of DLPack 1, declared again here so that the library's own is checked against it. */
struct DLManagedTensorVersioned {
    uint32_t major, minor;
    void *manager_ctx;
    void (*deleter)(struct DLManagedTensorVersioned *);
    uint64_t flags;
    void *data;
    int32_t device_type, device_id, ndim;
    uint8_t code, bits;
    uint16_t lanes;
    int64_t *shape, *strides;
    uint64_t byte_offset;
};

static int deleted;

static void count_deletion(struct DLManagedTensorVersioned *tensor) {
    (void)tensor;
    deleted++;
}

static void test_export(const heng_interchange_table *interchange, heng_context *context) {
    static const struct {
        int32_t type;
        uint8_t code, bits;
    } types[] = {{HENG_TYPE_FLOAT32, 2, 32}, {HENG_TYPE_BFLOAT16, 4, 16}, {HENG_TYPE_INT64, 0, 64},
        {HENG_TYPE_UINT8, 1, 8}, {HENG_TYPE_BOOL, 6, 8}, {HENG_TYPE_FLOAT8E4M3FN, 10, 8},
        {HENG_TYPE_FLOAT8E5M2, 12, 8}, {HENG_TYPE_COMPLEX64, 5, 64}, {HENG_TYPE_INT4, 0, 4}};
    heng_buffer *buffer = make_buffer(context, 256);
    const int64_t extents[] = {2, 3};
    const heng_range range = {.buffer = buffer, .offset = 64, .size = 192};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        const heng_tensor_description description = {
            .header = HEADER(heng_tensor_description, HENG_KIND_TENSOR_DESCRIPTION), .type = types[i].type,
            .rank = 2, .dims = extents};
        struct DLManagedTensorVersioned *tensor = NULL;
        EXPECT_OK(interchange->tensor_export(first_device(), &range, &description, &tensor, &error));
        if (!tensor) continue;
        EXPECT(tensor->major == 1 && tensor->device_type == 1 && tensor->ndim == 2 && tensor->lanes == 1);
        EXPECT(tensor->code == types[i].code && tensor->bits == types[i].bits);
        EXPECT(tensor->shape[1] == 3 && tensor->strides && tensor->strides[0] == 3 && tensor->strides[1] == 1);
        EXPECT((char *)tensor->data + tensor->byte_offset == (char *)address_of(buffer) + 64);
        tensor->deleter(tensor);
    }
    heng_tensor_description large = {
        .header = HEADER(heng_tensor_description, HENG_KIND_TENSOR_DESCRIPTION), .type = HENG_TYPE_COMPLEX128,
        .rank = 2, .dims = (const int64_t[]){4, 4}};
    struct DLManagedTensorVersioned *none = NULL;
    EXPECT_CODE(
        HENG_ERROR_OUT_OF_RANGE, interchange->tensor_export(first_device(), &range, &large, &none, &error));
    large.type = HENG_TYPE_STRING;
    EXPECT_CODE(
        HENG_ERROR_DATA_TYPE, interchange->tensor_export(first_device(), &range, &large, &none, &error));
    EXPECT_OK(heng->buffer_free(buffer, &error));
}

void test_interchange(void) {
    start();
    const heng_interchange_table *interchange = group(HENG_KIND_INTERCHANGE_TABLE);
    heng_context *context = make_context();
    test_export(interchange, context);

    float numbers[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    int64_t shape[] = {2, 2}, strides[] = {4, 1};
    struct DLManagedTensorVersioned tensor = {.major = 1, .deleter = count_deletion, .data = numbers,
        .device_type = 1, .ndim = 2, .code = 2, .bits = 32, .lanes = 1, .shape = shape, .strides = strides,
        .byte_offset = 4};
    heng_buffer *buffer = NULL;
    heng_tensor_description description = {
        .header = HEADER(heng_tensor_description, HENG_KIND_TENSOR_DESCRIPTION)};
    EXPECT_OK(interchange->tensor_import(context, &tensor, &buffer, &description, &error));
    EXPECT(address_of(buffer) == &numbers[1]);
    EXPECT(description.type == HENG_TYPE_FLOAT32 && description.rank == 2 && description.strides[0] == 4);
    heng_stream *stream = make_stream(context);
    const heng_range whole = {.buffer = buffer, .size = 24}, beyond = {.buffer = buffer, .size = 28};
    EXPECT_CODE(HENG_ERROR_OUT_OF_RANGE, heng->stream_fill(stream, &beyond, 0, 28, 0, &error));
    EXPECT_OK(heng->stream_fill(stream, &whole, 0, 4, 0, &error));
    EXPECT_OK(heng->stream_synchronize(stream, -1, &error));
    EXPECT(numbers[0] == 0 && numbers[1] == 0 && numbers[2] == 2);
    EXPECT(deleted == 0);
    EXPECT_OK(heng->buffer_free(buffer, &error));
    EXPECT(deleted == 1);

    tensor.flags = 1;
    EXPECT_OK(interchange->tensor_import(context, &tensor, &buffer, &description, &error));
    const heng_range read_only = {.buffer = buffer, .size = 24};
    EXPECT_CODE(HENG_ERROR_PERMISSION, heng->stream_fill(stream, &read_only, 0, 4, 0, &error));
    EXPECT_OK(heng->buffer_free(buffer, &error));
    strides[1] = -1;
    EXPECT_CODE(
        HENG_ERROR_FORMAT, interchange->tensor_import(context, &tensor, &buffer, &description, &error));
    strides[1] = 1;
    tensor.device_type = 2;
    EXPECT_CODE(
        HENG_ERROR_MEMORY_TYPE, interchange->tensor_import(context, &tensor, &buffer, &description, &error));
    tensor.device_type = 1;
    tensor.lanes = 4;
    EXPECT_CODE(
        HENG_ERROR_DATA_TYPE, interchange->tensor_import(context, &tensor, &buffer, &description, &error));
    tensor.lanes = 1;
    tensor.major = 2;
    EXPECT_CODE(
        HENG_ERROR_VERSION, interchange->tensor_import(context, &tensor, &buffer, &description, &error));
    EXPECT(deleted == 2);
    EXPECT_OK(heng->stream_destroy(stream, &error));
    EXPECT_OK(heng->context_destroy(context, &error));
    EXPECT_OK(heng->finalize(&error));
}
