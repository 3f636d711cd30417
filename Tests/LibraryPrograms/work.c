/* Operators, models and graphs, and groups that the first device's maker does not have. */
#include <math.h>

#include "expect.h"

static heng_tensor_description tensor(int32_t type, uint32_t rank, const int64_t *dims, const char *name) {
    return (heng_tensor_description){
        .header = HEADER(heng_tensor_description, HENG_KIND_TENSOR_DESCRIPTION),
        .type = type, .rank = rank, .dims = dims, .name = name};
}

static heng_operator_description described(
    const char *name, const heng_tensor_description *const *inputs, uint32_t input_count) {
    return (heng_operator_description){
        .header = HEADER(heng_operator_description, HENG_KIND_OPERATOR_DESCRIPTION),
        .name = name, .inputs = inputs, .input_count = input_count};
}

static void test_execution(const heng_operator_table *operators, heng_context *context, heng_stream *stream) {
    /* Gemm with a constant weight and bias: more than one kind of operand. */
    const int64_t left[] = {2, 3}, right[] = {3, 2}, bias[] = {2}, result[] = {2, 2};
    const float weight[] = {1, 0, 0, 1, 1, 1}, offset[] = {10, 20};
    heng_tensor_description a = tensor(HENG_TYPE_FLOAT32, 2, left, "a"), b = tensor(HENG_TYPE_FLOAT32, 2, right, "b");
    heng_tensor_description c = tensor(HENG_TYPE_FLOAT32, 1, bias, "c"), y = tensor(HENG_TYPE_FLOAT32, 2, result, "y");
    b.constant = weight;
    b.constant_size = sizeof weight;
    c.constant = offset;
    c.constant_size = sizeof offset;
    const heng_tensor_description *inputs[] = {&a, &b, &c}, *outputs[] = {&y};
    heng_operator_description gemm = described("Gemm", inputs, 3);
    gemm.outputs = outputs;
    gemm.output_count = 1;
    heng_operator *prepared = NULL;
    heng_operator_info info = {.header = HEADER(heng_operator_info, HENG_KIND_OPERATOR_INFO)};
    EXPECT_OK(operators->operator_prepare(context, &gemm, &prepared, &info, &error));
    EXPECT(info.kept_inputs == 6 && info.algorithm && *info.algorithm);
    float numbers[] = {1, 2, 3, 4, 5, 6}, sums[4] = {0};
    const heng_range ins[] = {{.host = numbers, .size = sizeof numbers}, {0}, {0}};
    const heng_range out = {.host = sums, .size = sizeof sums};
    heng_buffer *scratch = info.workspace_bytes ? make_buffer(context, info.workspace_bytes) : NULL;
    const heng_range workspace = {.buffer = scratch, .size = info.workspace_bytes};
    EXPECT_OK(operators->operator_execute(prepared, stream, ins, 3, &out, 1, scratch ? &workspace : NULL, 0, &error));
    EXPECT_OK(heng->stream_synchronize(stream, -1, &error));
    EXPECT(sums[0] == 14 && sums[1] == 25 && sums[2] == 20 && sums[3] == 31);
    const heng_range small = {.host = sums, .size = 12};
    EXPECT_CODE(HENG_ERROR_OPERATOR_OUTPUT,
        operators->operator_execute(prepared, stream, ins, 3, &small, 1, scratch ? &workspace : NULL, 0, &error));
    const heng_range odd[] = {{.host = (char *)numbers + 1, .size = sizeof numbers}, {0}, {0}};
    EXPECT_CODE(HENG_ERROR_ALIGNMENT,
        operators->operator_execute(prepared, stream, odd, 3, &out, 1, scratch ? &workspace : NULL, 0, &error));
    EXPECT_CODE(HENG_ERROR_OPERATOR_INPUT,
        operators->operator_execute(prepared, stream, ins, 0, &out, 1, scratch ? &workspace : NULL, 0, &error));
    EXPECT_CODE(HENG_ERROR_NOT_RELEASED, heng->context_destroy(context, &error));
    EXPECT_OK(operators->operator_destroy(prepared, &error));
    EXPECT_CODE(HENG_ERROR_INVALID_HANDLE, operators->operator_destroy(prepared, &error));

    /* All in one call. */
    memset(sums, 0, sizeof sums);
    EXPECT_OK(operators->operator_run(stream, &gemm, ins, 3, &out, 1, 0, &error));
    EXPECT_OK(heng->stream_synchronize(stream, -1, &error));
    EXPECT(sums[3] == 31);
    if (scratch) EXPECT_OK(heng->buffer_free(scratch, &error));
}

/* Levels of determinism: met up to the one that the device claims, and above it refused for that reason. */
static void test_demands(
    const heng_operator_table *operators, heng_context *context, heng_operator_description description) {
    heng_device *device = first_device();
    heng_device_description facts = {.header = HEADER(heng_device_description, HENG_KIND_DEVICE_DESCRIPTION)};
    EXPECT_OK(heng->device_describe(device, &facts, &error));
    for (int32_t level = HENG_DETERMINISM_NONE; level <= HENG_DETERMINISM_DEVICES; level++) {
        heng_refusal refusal = {.header = HEADER(heng_refusal, HENG_KIND_REFUSAL)};
        heng_operator_info info = {.header = HEADER(heng_operator_info, HENG_KIND_OPERATOR_INFO)};
        heng_operator *prepared = NULL;
        description.determinism = level;
        if (level > (int32_t)facts.determinism) {
            EXPECT_CODE(
                HENG_ERROR_UNSUPPORTED, operators->operator_supports(device, &description, &refusal, &error));
            EXPECT(refusal.reason == HENG_REFUSAL_DETERMINISM && strlen(refusal.text) > 10);
            EXPECT_CODE(HENG_ERROR_UNSUPPORTED,
                operators->operator_prepare(context, &description, &prepared, NULL, &error));
            continue;
        }
        EXPECT_OK(operators->operator_supports(device, &description, &refusal, &error));
        EXPECT_OK(operators->operator_prepare(context, &description, &prepared, &info, &error));
        EXPECT(info.determinism >= level);
        EXPECT_OK(operators->operator_destroy(prepared, &error));
    }
}

void test_operators(void) {
    start();
    const heng_operator_table *operators = group(HENG_KIND_OPERATOR_TABLE);
    heng_context *context = make_context();
    heng_stream *stream = make_stream(context);
    heng_device *device = first_device();
    test_execution(operators, context, stream);

    const int64_t dims[] = {2, 3}, open[] = {-1, 3}, other[] = {5};
    const heng_tensor_description x = tensor(HENG_TYPE_FLOAT32, 2, dims, NULL);
    const heng_tensor_description unknown = tensor(HENG_TYPE_FLOAT32, 2, open, NULL);
    const heng_tensor_description wrong = tensor(HENG_TYPE_FLOAT32, 1, other, NULL);
    const heng_tensor_description *one[] = {&x}, *bad[] = {&x, &wrong}, *dynamic[] = {&unknown};
    int64_t room[8];
    heng_inferred_tensor inferred = {
        .header = HEADER(heng_inferred_tensor, HENG_KIND_INFERRED_TENSOR), .dims = room, .capacity = 8};
    heng_inferred_tensor *places[] = {&inferred};
    heng_operator_description description = described("Transpose", one, 1);
    EXPECT_OK(operators->operator_infer(device, &description, places, 1, &error));
    EXPECT(inferred.rank == 2 && room[0] == 3 && room[1] == 2 && inferred.type == HENG_TYPE_FLOAT32);
    EXPECT_OK(operators->operator_supports(device, &description, NULL, &error));

    heng_refusal refusal = {.header = HEADER(heng_refusal, HENG_KIND_REFUSAL)};
    description = described("Frobnicate", one, 1);
    EXPECT_CODE(HENG_ERROR_UNSUPPORTED, operators->operator_supports(device, &description, &refusal, &error));
    EXPECT(refusal.reason == HENG_REFUSAL_OPERATOR && strlen(refusal.text) > 10);
    EXPECT_CODE(HENG_ERROR_OPERATOR_NAME, operators->operator_infer(device, &description, places, 1, &error));
    description = described("Add", bad, 2);
    EXPECT_CODE(HENG_ERROR_OPERATOR_INPUT, operators->operator_infer(device, &description, places, 1, &error));
    description = described("Relu", dynamic, 1);
    heng_operator *prepared = NULL;
    EXPECT_CODE(HENG_ERROR_OPERATOR_STATIC_ONLY,
        operators->operator_prepare(context, &description, &prepared, NULL, &error));
    description = described("Relu", one, 1);
    description.outputs = one;
    description.output_count = 1;
    test_demands(operators, context, description);

    uint32_t count = 0;
    heng_operator_listing listing = {.header = HEADER(heng_operator_listing, HENG_KIND_OPERATOR_LISTING)};
    heng_error *end = NULL;
    while (operators->operator_list(device, count, &listing, &end) == HENG_OK) count++;
    heng->error_destroy(end);
    EXPECT(count > 200);
    EXPECT_OK(heng->stream_destroy(stream, &error));
    EXPECT_OK(heng->context_destroy(context, &error));
    EXPECT_OK(heng->finalize(&error));
}

static const heng_model_table *models;

static heng_model_arguments arguments_for(const char *path, const heng_tensor_description *const *shapes) {
    return (heng_model_arguments){
        .header = HEADER(heng_model_arguments, HENG_KIND_MODEL_ARGUMENTS), .path = path, .inputs = shapes,
        .input_count = shapes ? 1 : 0};
}

static void write_file(const char *path, const char *text, size_t size) {
    FILE *file = fopen(path, "wb");
    EXPECT(file && fwrite(text, 1, size, file) == size && fclose(file) == 0);
}

static void test_model_errors(heng_context *context, const char *folder, const char *good) {
    char path[4096];
    heng_model *model = NULL;
    heng_model_arguments arguments = arguments_for("/nonexistent/model.onnx", NULL);
    EXPECT_CODE(HENG_ERROR_FILE, models->model_load(context, &arguments, &model, &error));
    arguments = arguments_for("/tmp", NULL);
    EXPECT_CODE(HENG_ERROR_FILE_ATTRIBUTE, models->model_load(context, &arguments, &model, &error));
    arguments = arguments_for(NULL, NULL);
    EXPECT_CODE(HENG_ERROR_INVALID_ARGUMENT, models->model_load(context, &arguments, &model, &error));
    snprintf(path, sizeof path, "%s/damaged.onnx", folder);
    write_file(path, "", 0);
    arguments = arguments_for(path, NULL);
    EXPECT_CODE(HENG_ERROR_FILE_SIZE, models->model_load(context, &arguments, &model, &error));
    write_file(path, "this is no model at all", 23);
    EXPECT_CODE(HENG_ERROR_MODEL_DESERIALIZE, models->model_load(context, &arguments, &model, &error));
    arguments = arguments_for(good, NULL);
    EXPECT_CODE(HENG_ERROR_MODEL_DYNAMIC, models->model_load(context, &arguments, &model, &error));
    const int64_t dims[] = {2, 5};
    const heng_tensor_description wrong = tensor(HENG_TYPE_FLOAT32, 2, dims, NULL);
    const heng_tensor_description *shapes[] = {&wrong, &wrong};
    arguments = arguments_for(good, shapes);
    EXPECT_CODE(HENG_ERROR_MODEL_INPUT, models->model_load(context, &arguments, &model, &error));
    arguments.input_count = 2;
    EXPECT_CODE(HENG_ERROR_MODEL_ATTRIBUTE, models->model_load(context, &arguments, &model, &error));
}

static void test_saving(heng_model *model, heng_context *context, const char *folder, const float *expected) {
    char path[4096];
    int32_t answer = -1;
    snprintf(path, sizeof path, "%s/saved.heng", folder);
    EXPECT_OK(models->model_save(model, path, &error));
    EXPECT_CODE(HENG_ERROR_FILE, models->model_save(model, "/nonexistent/folder/saved.heng", &error));
    const heng_model_arguments arguments = arguments_for(path, NULL);
    EXPECT_OK(models->model_compatibility(first_device(), &arguments, &answer, &error));
    EXPECT(answer == HENG_COMPATIBILITY_READY);
    heng_model *again = NULL;
    heng_model_arguments strict = arguments;
    strict.determinism = HENG_DETERMINISM_DEVICES;
    EXPECT_CODE(HENG_ERROR_UNSUPPORTED, models->model_load(context, &strict, &again, &error));
    strict.determinism = HENG_DETERMINISM_DEVICES + 1;
    EXPECT_CODE(HENG_ERROR_INVALID_ARGUMENT, models->model_load(context, &strict, &again, &error));
    strict.determinism = HENG_DETERMINISM_THREADS;
    strict.accumulation = HENG_ACCUMULATION_FLOAT32;
    EXPECT_OK(models->model_load(context, &strict, &again, &error));
    float x[8] = {5.1f, 3.5f, 1.4f, 0.2f, 6.3f, 3.3f, 6.0f, 2.5f}, y[6] = {0};
    const heng_range in = {.host = x, .size = sizeof x}, out = {.host = y, .size = sizeof y};
    EXPECT_OK(models->model_run(again, &in, 1, &out, 1, &error));
    EXPECT(memcmp(y, expected, sizeof y) == 0);
    EXPECT_OK(models->model_unload(again, &error));
    /* One damaged byte in the model is found by its sum. */
    FILE *file = fopen(path, "r+b");
    EXPECT(file && fseek(file, -20, SEEK_END) == 0 && fputc('!', file) == '!' && fclose(file) == 0);
    EXPECT_CODE(HENG_ERROR_MODEL_DESERIALIZE, models->model_load(context, &arguments, &again, &error));
}

void test_models(const char *folder) {
    start();
    models = group(HENG_KIND_MODEL_TABLE);
    heng_context *context = make_context();
    heng_stream *stream = make_stream(context);
    const char *path = getenv("TEST_MODEL");
    test_model_errors(context, folder, path);

    const int64_t dims[] = {2, 4};
    const heng_tensor_description shape = tensor(HENG_TYPE_FLOAT32, 2, dims, NULL);
    const heng_tensor_description *shapes[] = {&shape};
    heng_model_arguments arguments = arguments_for(path, NULL);
    heng_model_info info = {.header = HEADER(heng_model_info, HENG_KIND_MODEL_INFO)};
    EXPECT_OK(models->model_query(first_device(), &arguments, &info, &error));
    EXPECT(info.dynamic == 1 && info.input_count == 1 && info.output_count == 1);
    arguments = arguments_for(path, shapes);
    EXPECT_OK(models->model_query(first_device(), &arguments, &info, &error));
    EXPECT(info.dynamic == 0 && info.weight_bytes > 0 && info.node_count > 0);

    /* The caller's memory is used, or refused when it is too small. */
    heng_buffer *weights = make_buffer(context, info.weight_bytes);
    heng_buffer *working = make_buffer(context, info.working_bytes + 1);
    heng_model *model = NULL;
    arguments.weights = (heng_range){.buffer = weights, .size = info.weight_bytes - 1};
    EXPECT_CODE(HENG_ERROR_MODEL_SIZE, models->model_load(context, &arguments, &model, &error));
    arguments.weights.size = info.weight_bytes;
    if (info.working_bytes > 0) {
        arguments.working = (heng_range){.buffer = working, .size = info.working_bytes - 1};
        EXPECT_CODE(HENG_ERROR_MODEL_SIZE, models->model_load(context, &arguments, &model, &error));
        arguments.working.size = info.working_bytes;
    }
    char *bytes = calloc(1, info.weight_bytes);
    put(stream, weights, bytes, info.weight_bytes);
    EXPECT_OK(models->model_load(context, &arguments, &model, &error));
    int used = 0;
    get(stream, weights, bytes, info.weight_bytes);
    for (uint64_t i = 0; i < info.weight_bytes; i++) used += bytes[i] != 0;
    EXPECT(used > 0);
    free(bytes);

    const heng_tensor_description *output = NULL;
    EXPECT_OK(models->model_output(model, 0, &output, &error));
    EXPECT(output && !strcmp(output->name, "probabilities") && output->dims[0] == 2 && output->dims[1] == 3);
    EXPECT_CODE(HENG_ERROR_OUT_OF_RANGE, models->model_output(model, 1, &output, &error));
    heng_node_info node = {.header = HEADER(heng_node_info, HENG_KIND_NODE_INFO)};
    EXPECT_OK(models->model_node(model, 0, &node, &error));
    EXPECT(node.name && node.operator_name && node.algorithm && node.input_count > 0);
    EXPECT_CODE(HENG_ERROR_OUT_OF_RANGE, models->model_node(model, info.node_count, &node, &error));

    float x[8] = {5.1f, 3.5f, 1.4f, 0.2f, 6.3f, 3.3f, 6.0f, 2.5f}, y[6] = {0}, z[6] = {0};
    const heng_range in = {.host = x, .size = sizeof x}, out = {.host = y, .size = sizeof y};
    EXPECT_OK(models->model_run(model, &in, 1, &out, 1, &error));
    EXPECT(fabsf(y[0] + y[1] + y[2] - 1) < 1e-5f && fabsf(y[3] + y[4] + y[5] - 1) < 1e-5f);
    EXPECT_CODE(HENG_ERROR_MODEL_INPUT, models->model_run(model, &in, 2, &out, 1, &error));
    EXPECT_CODE(HENG_ERROR_MODEL_OUTPUT, models->model_run(model, &in, 1, &out, 0, &error));
    const heng_range small = {.host = y, .size = 4};
    EXPECT_CODE(HENG_ERROR_MODEL_OUTPUT, models->model_run(model, &in, 1, &small, 1, &error));

    /* In a stream, from and to buffers. */
    heng_buffer *given = make_buffer(context, sizeof x), *got = make_buffer(context, sizeof y);
    put(stream, given, x, sizeof x);
    const heng_range from = {.buffer = given, .size = sizeof x}, to = {.buffer = got, .size = sizeof y};
    const heng_range back = {.host = z, .size = sizeof z};
    EXPECT_OK(models->model_submit(model, stream, &from, 1, &to, 1, 7, &error));
    EXPECT_OK(heng->stream_copy(stream, &back, &to, sizeof z, 0, &error));
    EXPECT_OK(heng->stream_synchronize(stream, -1, &error));
    EXPECT(memcmp(y, z, sizeof y) == 0);
    test_saving(model, context, folder, y);

    EXPECT_CODE(HENG_ERROR_NOT_RELEASED, heng->context_destroy(context, &error));
    EXPECT_OK(models->model_unload(model, &error));
    EXPECT_CODE(HENG_ERROR_INVALID_HANDLE, models->model_unload(model, &error));
    EXPECT_OK(heng->buffer_free(given, &error));
    EXPECT_OK(heng->buffer_free(got, &error));
    EXPECT_OK(heng->buffer_free(weights, &error));
    EXPECT_OK(heng->buffer_free(working, &error));
    EXPECT_OK(heng->stream_destroy(stream, &error));
    EXPECT_OK(heng->context_destroy(context, &error));
    EXPECT_OK(heng->finalize(&error));
}

static uint32_t add(
    const heng_graph_table *graphs, heng_graph *graph, const char *name, const char *node, const uint32_t *inputs,
    uint32_t count) {
    heng_operator_description description = described(name, NULL, 0);
    description.node = node;
    uint32_t value = HENG_VALUE_NONE;
    EXPECT_OK(graphs->graph_add_node(graph, &description, inputs, count, &value, 1, NULL, &error));
    return value;
}

void test_graphs(const char *folder) {
    start();
    const heng_graph_table *graphs = group(HENG_KIND_GRAPH_TABLE);
    models = group(HENG_KIND_MODEL_TABLE);
    heng_context *context = make_context();
    heng_graph *graph = NULL, *copy = NULL, *again = NULL;
    EXPECT_OK(graphs->graph_create(NULL, &graph, &error));
    const int64_t dims[] = {2, 2};
    const float ones[] = {1, 2, 3, 4};
    heng_tensor_description x = tensor(HENG_TYPE_FLOAT32, 2, dims, "x"), w = tensor(HENG_TYPE_FLOAT32, 2, dims, "w");
    w.constant = ones;
    w.constant_size = sizeof ones;
    uint32_t values[2], count = 0, node = 9;
    EXPECT_OK(graphs->graph_add_value(graph, &x, &values[0], &error));
    EXPECT_OK(graphs->graph_add_value(graph, &w, &values[1], &error));
    EXPECT_CODE(HENG_ERROR_GRAPH, graphs->graph_add_value(graph, &x, &count, &error));
    const uint32_t sum = add(graphs, graph, "Add", "sum", values, 2);
    const uint32_t positive = add(graphs, graph, "Relu", "positive", &sum, 1);
    const uint32_t unread = add(graphs, graph, "Neg", "unread", &sum, 1);
    (void)unread;
    heng_model *model = NULL;
    EXPECT_CODE(HENG_ERROR_GRAPH, graphs->graph_compile(graph, context, NULL, &model, &error));
    EXPECT_OK(graphs->graph_set_outputs(graph, &positive, 1, &error));

    heng_operator_description bad = described("Frobnicate", NULL, 0);
    uint32_t result = 0;
    EXPECT_CODE(HENG_ERROR_OPERATOR_NAME,
        graphs->graph_add_node(graph, &bad, values, 2, &result, 1, &node, &error));
    bad = described("Concat", NULL, 0);
    EXPECT_CODE(HENG_ERROR_OPERATOR_ATTRIBUTE,
        graphs->graph_add_node(graph, &bad, values, 2, &result, 1, &node, &error));
    const uint32_t nowhere = 99;
    bad = described("Relu", NULL, 0);
    EXPECT_CODE(HENG_ERROR_GRAPH, graphs->graph_add_node(graph, &bad, &nowhere, 1, &result, 1, &node, &error));
    EXPECT_OK(graphs->graph_count(graph, &count, &error));
    EXPECT(count == 3);

    EXPECT_OK(graphs->graph_find(graph, "sum", &node, &error));
    heng_node_info info = {.header = HEADER(heng_node_info, HENG_KIND_NODE_INFO)};
    EXPECT_OK(graphs->graph_node(graph, node, &info, &error));
    EXPECT(!strcmp(info.operator_name, "Add") && info.outputs[0]->rank == 2 && info.outputs[0]->dims[1] == 2);
    EXPECT_CODE(HENG_ERROR_GRAPH, graphs->graph_remove_node(graph, node, &error));
    EXPECT_OK(graphs->graph_create(graph, &copy, &error));
    EXPECT_OK(graphs->graph_compile(graph, context, NULL, &model, &error));
    float in[] = {-5, 1, 1, 1}, out[4];
    const heng_range from = {.host = in, .size = sizeof in}, to = {.host = out, .size = sizeof out};
    EXPECT_OK(models->model_run(model, &from, 1, &to, 1, &error));
    EXPECT(out[0] == 0 && out[1] == 3 && out[3] == 5);

    /* A changed node changes the graph, not the model, and not the copy. */
    uint8_t needed = 9;
    EXPECT_OK(graphs->graph_needs_compile(graph, model, &needed, &error));
    EXPECT(needed == 0);
    const heng_operator_description multiply = described("Mul", NULL, 0);
    EXPECT_OK(graphs->graph_change_node(graph, node, &multiply, &error));
    EXPECT_OK(graphs->graph_find(graph, "unread", &node, &error));
    EXPECT_OK(graphs->graph_remove_node(graph, node, &error));
    EXPECT_CODE(HENG_ERROR_OUT_OF_RANGE, graphs->graph_node(graph, node, &info, &error));
    EXPECT_OK(graphs->graph_needs_compile(graph, model, &needed, &error));
    EXPECT(needed == 1);
    EXPECT_OK(graphs->graph_count(copy, &count, &error));
    EXPECT(count == 3);
    EXPECT_OK(models->model_unload(model, &error));

    char path[4096];
    snprintf(path, sizeof path, "%s/graph.onnx", folder);
    EXPECT_OK(graphs->graph_write(graph, path, &error));
    const heng_model_arguments arguments = arguments_for(path, NULL);
    EXPECT_OK(graphs->graph_read(&arguments, &again, &error));
    EXPECT_OK(graphs->graph_count(again, &count, &error));
    EXPECT(count == 2);
    EXPECT_OK(graphs->graph_compile(again, context, NULL, &model, &error));
    EXPECT_OK(models->model_run(model, &from, 1, &to, 1, &error));
    EXPECT(out[0] == 0 && out[1] == 2 && out[3] == 4);
    EXPECT_OK(models->model_unload(model, &error));
    EXPECT_OK(graphs->graph_destroy(again, &error));
    EXPECT_OK(graphs->graph_destroy(copy, &error));
    EXPECT_OK(graphs->graph_destroy(graph, &error));
    EXPECT_CODE(HENG_ERROR_INVALID_HANDLE, graphs->graph_destroy(graph, &error));
    EXPECT_OK(heng->context_destroy(context, &error));
    EXPECT_OK(heng->finalize(&error));
}

/* Groups that only some makers have are there, and say of each device whether it has them. */
void test_missing(void) {
    start();
    heng_context *context = make_context();
    heng_stream *stream = make_stream(context);
    const heng_kernel_table *kernels = group(HENG_KIND_KERNEL_TABLE);
    const heng_collective_table *collectives = group(HENG_KIND_COLLECTIVE_TABLE);
    const heng_media_table *media = group(HENG_KIND_MEDIA_TABLE);
    const heng_recording_table *recordings = group(HENG_KIND_RECORDING_TABLE);
    const heng_profile_table *profiles = group(HENG_KIND_PROFILE_TABLE);
    uint64_t size = 0;
    uint8_t supported = 9;
    heng_image_description image = {.header = HEADER(heng_image_description, HENG_KIND_IMAGE_DESCRIPTION)};
    EXPECT_OK(kernels->code_supported(first_device(), HENG_CODE_PTX, &supported, &error));
    EXPECT(supported == 0);
    EXPECT_CODE(HENG_ERROR_UNSUPPORTED,
        collectives->communicator_identity(first_device(), NULL, &size, &error));
    EXPECT_CODE(HENG_ERROR_UNSUPPORTED, media->image_describe(first_device(), "x", 1, &image, &error));
    EXPECT_CODE(HENG_ERROR_INVALID_ARGUMENT, recordings->recording_begin(NULL, &error));
    EXPECT_CODE(HENG_ERROR_INVALID_ARGUMENT, profiles->mark(NULL, "x", 0, &error));
    const heng_header *none = NULL;
    EXPECT_CODE(HENG_ERROR_UNSUPPORTED, heng->group(4711, &none, &error));
    void (*function)(void) = NULL;
    EXPECT_CODE(HENG_ERROR_UNSUPPORTED, heng->procedure("heng_nothing_1", &function, &error));
    EXPECT_OK(heng->stream_destroy(stream, &error));
    EXPECT_OK(heng->context_destroy(context, &error));
    EXPECT_OK(heng->finalize(&error));
}
