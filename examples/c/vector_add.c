/*
 * Adds two vectors with the operator Add of the first device, or of the device whose number is the first argument.
 *
 * What to see: an operator is prepared once, for types and shapes, and then runs in a stream; copies run in the same
 * stream, so nothing waits but the last call. The program is the same for every device.
 */
#include "check.h"

enum { COUNT = 1000 };

int main(int argc, char **argv) {
    start();
    heng_device *device = choose_device(argc > 1 ? argv[1] : NULL);
    const heng_operator_table *operators = NULL;
    CHECK(heng->group(HENG_KIND_OPERATOR_TABLE, (const heng_header **)&operators, &error));

    heng_context *context = NULL;
    heng_stream *stream = NULL;
    CHECK(heng->context_create(device, &context, &error));
    CHECK(heng->stream_create(context, NULL, &stream, &error));

    /* Both inputs and the output are float32 vectors; names and attributes of operators are those of ONNX. */
    const int64_t extents[] = {COUNT};
    const heng_tensor_description vector = {
        .header = HEADER(heng_tensor_description, HENG_KIND_TENSOR_DESCRIPTION),
        .type = HENG_TYPE_FLOAT32,
        .rank = 1,
        .dims = extents};
    const heng_tensor_description *inputs[] = {&vector, &vector}, *outputs[] = {&vector};
    const heng_operator_description add = {
        .header = HEADER(heng_operator_description, HENG_KIND_OPERATOR_DESCRIPTION),
        .name = "Add",
        .input_count = 2,
        .output_count = 1,
        .inputs = inputs,
        .outputs = outputs};
    heng_operator *prepared = NULL;
    heng_operator_info info = {.header = HEADER(heng_operator_info, HENG_KIND_OPERATOR_INFO)};
    CHECK(operators->operator_prepare(context, &add, &prepared, &info, &error));

    float a[COUNT], b[COUNT], sum[COUNT];
    for (int i = 0; i < COUNT; i++) {
        a[i] = (float)i;
        b[i] = (float)(2 * i);
    }
    const uint64_t size = heng_tensor_size(&vector);
    heng_buffer *left = allocate(context, size), *right = allocate(context, size), *result = allocate(context, size);
    heng_buffer *scratch = info.workspace_bytes ? allocate(context, info.workspace_bytes) : NULL;

    /* In, compute, out: submitted at once, run in this order. */
    const heng_range operands[] = {whole(left, size), whole(right, size)}, target = whole(result, size);
    const heng_range workspace = whole(scratch, info.workspace_bytes);
    const heng_range from_a = on_host(a, size), from_b = on_host(b, size), to_sum = on_host(sum, size);
    CHECK(heng->stream_copy(stream, &operands[0], &from_a, size, 0, &error));
    CHECK(heng->stream_copy(stream, &operands[1], &from_b, size, 0, &error));
    CHECK(operators->operator_execute(
        prepared, stream, operands, 2, &target, 1, scratch ? &workspace : NULL, 0, &error));
    CHECK(heng->stream_copy(stream, &to_sum, &target, size, 0, &error));
    CHECK(heng->stream_synchronize(stream, -1, &error));

    int wrong = 0;
    for (int i = 0; i < COUNT; i++) wrong += sum[i] != (float)(3 * i);
    printf("sum[10] = %g, sum[%d] = %g, wrong: %d of %d\n", sum[10], COUNT - 1, sum[COUNT - 1], wrong, COUNT);

    CHECK(operators->operator_destroy(prepared, &error));
    CHECK(heng->buffer_free(left, &error));
    CHECK(heng->buffer_free(right, &error));
    CHECK(heng->buffer_free(result, &error));
    if (scratch) CHECK(heng->buffer_free(scratch, &error));
    CHECK(heng->stream_destroy(stream, &error));
    CHECK(heng->context_destroy(context, &error));
    CHECK(heng->finalize(&error));
    return wrong != 0;
}
