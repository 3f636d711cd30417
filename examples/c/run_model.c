/*
 * Runs an ONNX model of one float32 input on numbers from the command line:
 *
 *     run_model MODEL.onnx ROWS NUMBER...
 *
 * What to see: the model's own extents may be open, so the program asks first, and loads the model for the shape that
 * the numbers have. Inputs and outputs lie in ordinary memory here; buffers of the device would do as well.
 */
#include "check.h"

static const heng_model_table *models;

/* Prints a tensor's name, type number and extents. */
static void print_tensor(const char *what, const heng_tensor_description *tensor) {
    printf("%s %s: type %d, [", what, heng_tensor_name(tensor), heng_tensor_type(tensor));
    for (uint32_t axis = 0; axis < heng_tensor_rank(tensor); axis++) {
        printf("%s%lld", axis ? " x " : "", (long long)heng_tensor_dim(tensor, axis));
    }
    printf("]\n");
}

/* Loads the model for an input of `rows` rows that have `columns` numbers each. */
static heng_model *load(heng_context *context, const char *path, int64_t rows, int64_t columns) {
    const int64_t extents[] = {rows, columns};
    const heng_tensor_description shape = {
        .header = HEADER(heng_tensor_description, HENG_KIND_TENSOR_DESCRIPTION),
        .type = HENG_TYPE_FLOAT32,
        .rank = 2,
        .dims = extents};
    const heng_tensor_description *shapes[] = {&shape};
    const heng_model_arguments arguments = {
        .header = HEADER(heng_model_arguments, HENG_KIND_MODEL_ARGUMENTS),
        .path = path,
        .inputs = shapes,
        .input_count = 1};
    heng_model *model = NULL;
    CHECK(models->model_load(context, &arguments, &model, &error));
    return model;
}

static void ask(heng_device *device, const char *path) {
    const heng_model_arguments arguments = {
        .header = HEADER(heng_model_arguments, HENG_KIND_MODEL_ARGUMENTS), .path = path};
    heng_model_info info = {.header = HEADER(heng_model_info, HENG_KIND_MODEL_INFO)};
    CHECK(models->model_query(device, &arguments, &info, &error));
    printf("model: %u nodes, %u inputs, %u outputs, extents %s\n", info.node_count, info.input_count,
        info.output_count, info.dynamic ? "open" : "known");
}

static void run(heng_model *model, float *numbers, uint64_t count) {
    const heng_tensor_description *input = NULL, *output = NULL;
    CHECK(models->model_input(model, 0, &input, &error));
    CHECK(models->model_output(model, 0, &output, &error));
    print_tensor("input", input);
    print_tensor("output", output);
    const uint64_t size = heng_tensor_size(output);
    float *results = malloc(size ? size : 1);
    if (!results) exit(1);
    const heng_range in = on_host(numbers, count * sizeof *numbers), out = on_host(results, size);
    CHECK(models->model_run(model, &in, 1, &out, 1, &error));
    const uint64_t width = heng_tensor_rank(output) > 1 ? (uint64_t)heng_tensor_dim(output, 1) : 1;
    for (uint64_t i = 0; i < heng_tensor_count(output); i++) {
        printf("%.4f%s", results[i], (i + 1) % width ? " " : "\n");
    }
    free(results);
}

int main(int argc, char **argv) {
    const long rows = argc > 3 ? strtol(argv[2], NULL, 10) : 0;
    const long count = argc - 3;
    if (rows < 1 || count % rows != 0) {
        fprintf(stderr, "usage: run_model MODEL.onnx ROWS NUMBER...\n");
        return 2;
    }
    start();
    heng_device *device = choose_device(NULL);
    CHECK(heng->group(HENG_KIND_MODEL_TABLE, (const heng_header **)&models, &error));
    ask(device, argv[1]);

    float *numbers = malloc((size_t)count * sizeof *numbers);
    if (!numbers) return 1;
    for (long i = 0; i < count; i++) numbers[i] = strtof(argv[3 + i], NULL);
    heng_context *context = NULL;
    CHECK(heng->context_create(device, &context, &error));
    heng_model *model = load(context, argv[1], rows, count / rows);
    run(model, numbers, (uint64_t)count);
    free(numbers);

    CHECK(models->model_unload(model, &error));
    CHECK(heng->context_destroy(context, &error));
    CHECK(heng->finalize(&error));
    return 0;
}
