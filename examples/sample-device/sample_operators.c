/*
 * What the sample device computes: operators of ONNX on float32, by their names and attributes there.
 *
 * One table, `rules`, says what is offered; each rule brings two functions. `infer` reads the parameters and gives
 * the output's shape, or refuses with a reason; `run` computes, in the stream's thread. The loops are plain, and add
 * up in double precision: replace them by your kernels, one by one. In the order of this file: reading what the
 * caller describes, the arithmetic, the table of rules, and the functions of the group.
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sample_device.h"

enum { MAXIMUM_RANK = 6, MAXIMUM_ATTRIBUTES = 6 };

struct shape {
    uint32_t rank;
    int64_t dims[MAXIMUM_RANK];
};

/* One use of an operator, understood: this is what gets prepared. */
struct heng_operator {
    heng_context *context;
    const struct rule *rule;
    uint32_t count;           /* of inputs */
    uint32_t present, kept;   /* bit for each input: it is not left out; it was read while preparing */
    struct shape inputs[MAXIMUM_INPUTS], output;
    /* parameters, where the operator has them */
    double alpha, beta;
    int64_t transposed[2], group, strides[2], dilations[2], pads[4];
    uint32_t axes; /* bit for each */
};

typedef const heng_operator_description use_of; /* as the caller describes it */

/* What the device knows of an operator. */
struct rule {
    const char *name;
    int32_t since;        /* the first version of the operator set with this meaning */
    uint32_t least, most; /* inputs */
    bool (*infer)(use_of *use, heng_operator *plan, heng_refusal *refusal); /* parameters and the output's shape */
    computation run;
    float (*unary)(float);
    float (*binary)(float, float);
    struct { const char *name; int32_t kind; } attributes[MAXIMUM_ATTRIBUTES];
};

__attribute__((format(printf, 4, 5)))
static bool refuse(heng_refusal *refusal, int32_t reason, int32_t argument, const char *format, ...) {
    va_list values;
    va_start(values, format);
    vsnprintf(refusal->text, sizeof refusal->text, format, values);
    va_end(values);
    refusal->reason = reason;
    refusal->argument = argument;
    return false;
}

/* Attributes; their kinds were checked against the rule. */
static const heng_attribute *find_attribute(use_of *use, const char *name) {
    for (uint32_t i = 0; i < use->attribute_count; i++)
        if (strcmp(use->attributes[i]->name, name) == 0) return use->attributes[i];
    return NULL;
}

static int64_t integer(use_of *use, const char *name, int64_t otherwise) {
    const heng_attribute *attribute = find_attribute(use, name);
    return attribute ? *(const int64_t *)attribute->data : otherwise;
}

static double real(use_of *use, const char *name, double otherwise) {
    const heng_attribute *attribute = find_attribute(use, name);
    return attribute ? *(const double *)attribute->data : otherwise;
}

/* Exactly `count` integers; those in `values` stay where the attribute is missing or empty. */
static bool integers(use_of *use, const char *name, uint64_t count, int64_t *values, heng_refusal *refusal) {
    const heng_attribute *attribute = find_attribute(use, name);
    if (!attribute || attribute->count == 0) return true;
    if (attribute->count != count)
        return refuse(refusal, HENG_REFUSAL_ATTRIBUTE, -1, "%s needs %llu numbers.", name, (unsigned long long)count);
    memcpy(values, attribute->data, count * sizeof *values);
    return true;
}

/* An input of int64 that must be known now; false where it is not. */
static bool known_input(use_of *use, uint32_t index, int64_t *values, uint32_t *count, heng_refusal *refusal) {
    const heng_tensor_description *tensor = use->inputs[index];
    if (tensor->type != HENG_TYPE_INT64 || tensor->rank != 1 || tensor->dims[0] > MAXIMUM_RANK)
        return refuse(refusal, HENG_REFUSAL_TYPE, (int32_t)index, "It needs up to %d of int64.", MAXIMUM_RANK);
    if (!tensor->constant || tensor->constant_size != (uint64_t)tensor->dims[0] * sizeof *values)
        return refuse(refusal, HENG_REFUSAL_CONSTANT, (int32_t)index, "The values of this input must be known.");
    *count = (uint32_t)tensor->dims[0];
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

/* Where the position-th combination of indices along some axes, bits in `axes`, lies; the other indices are 0. */
static uint64_t index_along(const struct shape *shape, uint32_t axes, uint64_t position) {
    uint64_t index = 0, step = 1;
    for (uint32_t axis = shape->rank; axis-- > 0; step *= (uint64_t)shape->dims[axis]) {
        if (!(axes >> axis & 1)) continue;
        index += position % (uint64_t)shape->dims[axis] * step;
        position /= (uint64_t)shape->dims[axis];
    }
    return index;
}

static uint64_t count_along(const struct shape *shape, uint32_t axes) {
    uint64_t count = 1;
    for (uint32_t axis = 0; axis < shape->rank; axis++) if (axes >> axis & 1) count *= (uint64_t)shape->dims[axis];
    return count;
}

static bool broadcast(const struct shape *a, const struct shape *b, struct shape *result, heng_refusal *refusal) {
    result->rank = a->rank > b->rank ? a->rank : b->rank;
    for (uint32_t back = 1; back <= result->rank; back++) {
        int64_t one = back <= a->rank ? a->dims[a->rank - back] : 1;
        int64_t other = back <= b->rank ? b->dims[b->rank - back] : 1;
        if (one != other && one != 1 && other != 1)
            return refuse(refusal, HENG_REFUSAL_SHAPE, 1, "%lld and %lld elements along an axis do not broadcast.",
                          (long long)one, (long long)other);
        result->dims[result->rank - back] = one == 1 ? other : one;
    }
    return true;
}

/* -- Element by element -- */

static float add(float a, float b) { return a + b; }
static float subtract(float a, float b) { return a - b; }
static float multiply(float a, float b) { return a * b; }
static float divide(float a, float b) { return a / b; }
static float relu(float x) { return x < 0 ? 0 : x; }
static float sigmoid(float x) { return (float)(1 / (1 + exp(-(double)x))); }

static bool infer_same(use_of *use, heng_operator *plan, heng_refusal *refusal) {
    (void)use, (void)refusal;
    plan->output = plan->inputs[0];
    return true;
}

static bool infer_binary(use_of *use, heng_operator *plan, heng_refusal *refusal) {
    (void)use;
    return broadcast(&plan->inputs[0], &plan->inputs[1], &plan->output, refusal);
}

static void run_unary(const heng_operator *plan, const float *const *inputs, float *output) {
    uint64_t count = count_elements(&plan->output);
    for (uint64_t i = 0; i < count; i++) output[i] = plan->rule->unary(inputs[0][i]);
}

static void run_binary(const heng_operator *plan, const float *const *inputs, float *output) {
    uint64_t count = count_elements(&plan->output);
    for (uint64_t i = 0; i < count; i++)
        output[i] = plan->rule->binary(inputs[0][source_index(&plan->inputs[0], &plan->output, i)],
                                       inputs[1][source_index(&plan->inputs[1], &plan->output, i)]);
}

static void run_identity(const heng_operator *plan, const float *const *inputs, float *output) {
    uint64_t count = count_elements(&plan->output);
    if (count > 0) memmove(output, inputs[0], count * sizeof *output);
}

static bool infer_reshape(use_of *use, heng_operator *plan, heng_refusal *refusal) {
    struct shape *output = &plan->output;
    const struct shape *input = &plan->inputs[0];
    if (!known_input(use, 1, output->dims, &output->rank, refusal)) return false;
    plan->kept = 1 << 1;
    bool keeps_zeros = integer(use, "allowzero", 0) != 0;
    int64_t *open = NULL;
    for (uint32_t axis = 0; axis < output->rank; axis++) {
        int64_t *extent = &output->dims[axis];
        if (*extent == 0 && !keeps_zeros && axis < input->rank) *extent = input->dims[axis];
        if (*extent < -1 || *extent > MEMORY_BYTES || (*extent == -1 && open))
            return refuse(refusal, HENG_REFUSAL_SHAPE, 1, "The shape has an extent that cannot be.");
        if (*extent == -1) open = extent, *open = 1;
    }
    uint64_t elements = count_elements(input), rest = count_elements(output);
    if (open && rest > 0) *open = (int64_t)(elements / rest);
    return count_elements(output) == elements || refuse(refusal, HENG_REFUSAL_SHAPE, 1, "The sizes differ.");
}

/* -- Along axes -- */

static bool set_axis(heng_operator *plan, int64_t axis, heng_refusal *refusal) {
    int64_t rank = plan->inputs[0].rank;
    if (axis < -rank || axis >= rank)
        return refuse(refusal, HENG_REFUSAL_ATTRIBUTE, -1, "There is no axis %lld.", (long long)axis);
    plan->axes |= 1u << (axis < 0 ? axis + rank : axis);
    return true;
}

static bool infer_softmax(use_of *use, heng_operator *plan, heng_refusal *refusal) {
    plan->output = plan->inputs[0];
    return set_axis(plan, integer(use, "axis", -1), refusal);
}

static void run_softmax(const heng_operator *plan, const float *const *inputs, float *output) {
    const struct shape *shape = &plan->output;
    if (count_elements(shape) == 0) return;
    uint64_t rows = count_along(shape, ~plan->axes), length = count_along(shape, plan->axes);
    uint64_t step = index_along(shape, plan->axes, 1 % length);
    for (uint64_t row = 0; row < rows; row++) {
        const float *from = inputs[0] + index_along(shape, ~plan->axes, row);
        float *to = output + (from - inputs[0]), most = from[0];
        double sum = 0;
        for (uint64_t i = 1; i < length; i++) if (from[i * step] > most) most = from[i * step];
        for (uint64_t i = 0; i < length; i++) sum += exp((double)from[i * step] - most);
        for (uint64_t i = 0; i < length; i++) to[i * step] = (float)(exp((double)from[i * step] - most) / sum);
    }
}

static bool infer_reduction(use_of *use, heng_operator *plan, heng_refusal *refusal) {
    const struct shape *input = &plan->inputs[0];
    const heng_attribute *attribute = find_attribute(use, "axes"); /* older versions have it instead of the input */
    int64_t axes[MAXIMUM_RANK];
    uint32_t count = attribute ? (uint32_t)attribute->count : 0;
    if (attribute && (count > input->rank || !integers(use, "axes", count, axes, refusal)))
        return refuse(refusal, HENG_REFUSAL_ATTRIBUTE, -1, "There are more axes than the input has.");
    if (plan->present & 2 && !known_input(use, 1, axes, &count, refusal)) return false;
    plan->kept = plan->present & 2;
    for (uint32_t i = 0; i < count; i++) if (!set_axis(plan, axes[i], refusal)) return false;
    if (count == 0 && integer(use, "noop_with_empty_axes", 0) == 0) plan->axes = (1u << input->rank) - 1;
    for (uint32_t axis = 0; axis < input->rank; axis++) {
        if (!(plan->axes >> axis & 1)) plan->output.dims[plan->output.rank++] = input->dims[axis];
        else if (integer(use, "keepdims", 1) != 0) plan->output.dims[plan->output.rank++] = 1;
    }
    return true;
}

static double sum_of(const heng_operator *plan, const float *input, uint64_t position) {
    const float *from = input + index_along(&plan->inputs[0], ~plan->axes, position);
    uint64_t length = count_along(&plan->inputs[0], plan->axes);
    double sum = 0;
    for (uint64_t i = 0; i < length; i++) sum += from[index_along(&plan->inputs[0], plan->axes, i)];
    return sum;
}

static void run_reduce_sum(const heng_operator *plan, const float *const *inputs, float *output) {
    uint64_t count = count_elements(&plan->output);
    for (uint64_t i = 0; i < count; i++) output[i] = (float)sum_of(plan, inputs[0], i);
}

static void run_reduce_mean(const heng_operator *plan, const float *const *inputs, float *output) {
    uint64_t count = count_elements(&plan->output);
    double length = (double)count_along(&plan->inputs[0], plan->axes);
    for (uint64_t i = 0; i < count; i++) output[i] = (float)(sum_of(plan, inputs[0], i) / length);
}

/* -- Products -- */

/* One element of a product of two matrices, given by their starts and the steps along their common axis. */
static double dot(const float *a, int64_t a_step, const float *b, int64_t b_step, int64_t length) {
    double sum = 0;
    for (int64_t i = 0; i < length; i++) sum += (double)a[i * a_step] * b[i * b_step];
    return sum;
}

static struct shape without_matrix(const struct shape *shape) {
    struct shape batch = *shape;
    batch.rank -= 2;
    return batch;
}

static bool infer_matmul(use_of *use, heng_operator *plan, heng_refusal *refusal) {
    const struct shape *a = &plan->inputs[0], *b = &plan->inputs[1];
    (void)use;
    if (a->rank < 2 || b->rank < 2)
        return refuse(refusal, HENG_REFUSAL_RANK, a->rank < 2 ? 0 : 1, "It takes matrices and batches of them.");
    if (a->dims[a->rank - 1] != b->dims[b->rank - 2])
        return refuse(refusal, HENG_REFUSAL_SHAPE, 1, "The inner extents of the matrices differ.");
    struct shape a_batch = without_matrix(a), b_batch = without_matrix(b);
    if (!broadcast(&a_batch, &b_batch, &plan->output, refusal)) return false;
    plan->output.dims[plan->output.rank++] = a->dims[a->rank - 2];
    plan->output.dims[plan->output.rank++] = b->dims[b->rank - 1];
    return true;
}

static void run_matmul(const heng_operator *plan, const float *const *inputs, float *output) {
    struct shape a_batch = without_matrix(&plan->inputs[0]), b_batch = without_matrix(&plan->inputs[1]);
    struct shape batch = without_matrix(&plan->output);
    int64_t rows = plan->output.dims[batch.rank], columns = plan->output.dims[batch.rank + 1];
    int64_t inner = plan->inputs[0].dims[plan->inputs[0].rank - 1];
    uint64_t batches = count_elements(&plan->output) > 0 ? count_elements(&batch) : 0;
    for (uint64_t at = 0; at < batches; at++) {
        const float *a = inputs[0] + source_index(&a_batch, &batch, at) * (uint64_t)(rows * inner);
        const float *b = inputs[1] + source_index(&b_batch, &batch, at) * (uint64_t)(inner * columns);
        for (int64_t row = 0; row < rows; row++)
            for (int64_t column = 0; column < columns; column++)
                *output++ = (float)dot(a + row * inner, 1, b + column, columns, inner);
    }
}

static bool infer_gemm(use_of *use, heng_operator *plan, heng_refusal *refusal) {
    const struct shape *a = &plan->inputs[0], *b = &plan->inputs[1];
    plan->alpha = real(use, "alpha", 1);
    plan->beta = real(use, "beta", 1);
    plan->transposed[0] = integer(use, "transA", 0) != 0;
    plan->transposed[1] = integer(use, "transB", 0) != 0;
    if (a->rank != 2 || b->rank != 2)
        return refuse(refusal, HENG_REFUSAL_RANK, a->rank != 2 ? 0 : 1, "It takes matrices.");
    if (a->dims[1 - plan->transposed[0]] != b->dims[plan->transposed[1]])
        return refuse(refusal, HENG_REFUSAL_SHAPE, 1, "The inner extents of the matrices differ.");
    plan->output = (struct shape){2, {a->dims[plan->transposed[0]], b->dims[1 - plan->transposed[1]]}};
    struct shape sum = plan->output;
    if (plan->present & 4 && !broadcast(&plan->inputs[2], &plan->output, &sum, refusal)) return false;
    if (memcmp(&sum, &plan->output, sizeof sum) != 0)
        return refuse(refusal, HENG_REFUSAL_SHAPE, 2, "The addend is larger than the product.");
    return true;
}

static void run_gemm(const heng_operator *plan, const float *const *inputs, float *output) {
    int64_t rows = plan->output.dims[0], columns = plan->output.dims[1];
    int64_t inner = plan->inputs[0].dims[1 - plan->transposed[0]];
    int64_t a_row = plan->transposed[0] ? 1 : inner, a_step = plan->transposed[0] ? rows : 1;
    int64_t b_column = plan->transposed[1] ? inner : 1, b_step = plan->transposed[1] ? 1 : columns;
    for (int64_t row = 0; row < rows; row++)
        for (int64_t column = 0; column < columns; column++) {
            uint64_t at = (uint64_t)(row * columns + column);
            const float *a = inputs[0] + row * a_row, *b = inputs[1] + column * b_column;
            double sum = plan->alpha * dot(a, a_step, b, b_step, inner);
            if (inputs[2]) sum += plan->beta * inputs[2][source_index(&plan->inputs[2], &plan->output, at)];
            output[at] = (float)sum;
        }
}

static bool infer_conv(use_of *use, heng_operator *plan, heng_refusal *refusal) {
    const struct shape *input = &plan->inputs[0], *weights = &plan->inputs[1], *bias = &plan->inputs[2];
    const heng_attribute *padding = find_attribute(use, "auto_pad");
    if (padding && (padding->count != 6 || memcmp(padding->data, "NOTSET", 6) != 0))
        return refuse(refusal, HENG_REFUSAL_ATTRIBUTE, -1, "Padding must be given in numbers.");
    if (input->rank != 4 || weights->rank != 4)
        return refuse(refusal, HENG_REFUSAL_RANK, input->rank != 4 ? 0 : 1, "Only images are taken: rank 4.");
    plan->group = integer(use, "group", 1);
    plan->strides[0] = plan->strides[1] = plan->dilations[0] = plan->dilations[1] = 1;
    if (!integers(use, "strides", 2, plan->strides, refusal) || !integers(use, "pads", 4, plan->pads, refusal) ||
        !integers(use, "dilations", 2, plan->dilations, refusal)) return false;
    if (plan->group < 1 || input->dims[1] != weights->dims[1] * plan->group || weights->dims[0] % plan->group != 0 ||
        (plan->present & 4 && (bias->rank != 1 || bias->dims[0] != weights->dims[0])))
        return refuse(refusal, HENG_REFUSAL_SHAPE, 1, "The channels of input, weights and bias do not fit.");
    plan->output = (struct shape){4, {input->dims[0], weights->dims[0]}};
    for (int axis = 0; axis < 2; axis++) {
        int64_t step = plan->strides[axis], spread = plan->dilations[axis], before = plan->pads[axis];
        int64_t after = plan->pads[axis + 2], limit = 1 << 20; /* far above any image, and no sum overflows */
        if (step < 1 || spread < 1 || before < 0 || after < 0 || step > limit || spread > limit || before > limit ||
            after > limit) return refuse(refusal, HENG_REFUSAL_ATTRIBUTE, -1, "A stride, dilation or pad cannot be.");
        int64_t room = input->dims[axis + 2] + before + after - (weights->dims[axis + 2] - 1) * spread - 1;
        if (room < 0 || weights->dims[axis + 2] < 1)
            return refuse(refusal, HENG_REFUSAL_SHAPE, 1, "The window is larger than the padded image.");
        plan->output.dims[axis + 2] = room / step + 1;
    }
    return true;
}

/* One element of the result; the window starts at `top` and `left`, which may lie in the padding. */
static double convolve(
    const heng_operator *plan, const float *image, const float *window, int64_t top, int64_t left) {
    const int64_t *size = &plan->inputs[0].dims[2], *kernel = &plan->inputs[1].dims[1];
    double sum = 0;
    for (int64_t channel = 0; channel < kernel[0]; channel++)
        for (int64_t row = 0; row < kernel[1]; row++)
            for (int64_t column = 0; column < kernel[2]; column++) {
                int64_t y = top + row * plan->dilations[0], x = left + column * plan->dilations[1];
                if (y < 0 || y >= size[0] || x < 0 || x >= size[1]) continue;
                sum += (double)image[(channel * size[0] + y) * size[1] + x] *
                       window[(channel * kernel[1] + row) * kernel[2] + column];
            }
    return sum;
}

static void run_conv(const heng_operator *plan, const float *const *inputs, float *output) {
    const int64_t *out = plan->output.dims, *in = plan->inputs[0].dims, *kernel = plan->inputs[1].dims;
    for (int64_t batch = 0; batch < out[0]; batch++)
        for (int64_t channel = 0; channel < out[1]; channel++) {
            int64_t first = channel / (out[1] / plan->group) * kernel[1]; /* the first input channel of the group */
            const float *image = inputs[0] + (batch * in[1] + first) * in[2] * in[3];
            const float *window = inputs[1] + channel * kernel[1] * kernel[2] * kernel[3];
            for (int64_t row = 0; row < out[2]; row++)
                for (int64_t column = 0; column < out[3]; column++)
                    *output++ = (float)(convolve(plan, image, window, row * plan->strides[0] - plan->pads[0],
                                                 column * plan->strides[1] - plan->pads[1]) +
                                        (inputs[2] ? inputs[2][channel] : 0));
        }
}

/* -- What is offered -- */

static const struct rule rules[] = {
    {"Add", 7, 2, 2, infer_binary, run_binary, .binary = add},
    {"Conv", 1, 2, 3, infer_conv, run_conv, .attributes = {
        {"auto_pad", HENG_ATTRIBUTE_STRING}, {"dilations", HENG_ATTRIBUTE_INTS}, {"group", HENG_ATTRIBUTE_INT},
        {"kernel_shape", HENG_ATTRIBUTE_INTS}, {"pads", HENG_ATTRIBUTE_INTS}, {"strides", HENG_ATTRIBUTE_INTS}}},
    {"Div", 7, 2, 2, infer_binary, run_binary, .binary = divide},
    {"Exp", 6, 1, 1, infer_same, run_unary, .unary = expf},
    {"Gemm", 7, 2, 3, infer_gemm, run_gemm, .attributes = {
        {"alpha", HENG_ATTRIBUTE_FLOAT}, {"beta", HENG_ATTRIBUTE_FLOAT}, {"transA", HENG_ATTRIBUTE_INT},
        {"transB", HENG_ATTRIBUTE_INT}}},
    {"Identity", 1, 1, 1, infer_same, run_identity, .unary = NULL},
    {"MatMul", 1, 2, 2, infer_matmul, run_matmul, .unary = NULL},
    {"Mul", 7, 2, 2, infer_binary, run_binary, .binary = multiply},
    {"ReduceMean", 1, 1, 2, infer_reduction, run_reduce_mean, .attributes = {
        {"axes", HENG_ATTRIBUTE_INTS}, {"keepdims", HENG_ATTRIBUTE_INT},
        {"noop_with_empty_axes", HENG_ATTRIBUTE_INT}}},
    {"ReduceSum", 1, 1, 2, infer_reduction, run_reduce_sum, .attributes = {
        {"axes", HENG_ATTRIBUTE_INTS}, {"keepdims", HENG_ATTRIBUTE_INT},
        {"noop_with_empty_axes", HENG_ATTRIBUTE_INT}}},
    {"Relu", 6, 1, 1, infer_same, run_unary, .unary = relu},
    {"Reshape", 5, 2, 2, infer_reshape, run_identity, .attributes = {{"allowzero", HENG_ATTRIBUTE_INT}}},
    {"Sigmoid", 6, 1, 1, infer_same, run_unary, .unary = sigmoid},
    {"Softmax", 13, 1, 1, infer_softmax, run_softmax, .attributes = {{"axis", HENG_ATTRIBUTE_INT}}},
    {"Sub", 7, 2, 2, infer_binary, run_binary, .binary = subtract},
    {"Tanh", 6, 1, 1, infer_same, run_unary, .unary = tanhf},
};
enum { RULE_COUNT = sizeof rules / sizeof rules[0] };

/* A shape that the device can hold, in float32. */
static bool check_size(const struct shape *shape, int32_t argument, heng_refusal *refusal) {
    uint64_t room = MEMORY_BYTES / sizeof(float);
    for (uint32_t axis = 0; axis < shape->rank; axis++) {
        if (shape->dims[axis] < 0 || (uint64_t)shape->dims[axis] > room)
            return refuse(refusal, HENG_REFUSAL_SIZE, argument, "It is unknown, or larger than the device's memory.");
        if (shape->dims[axis] > 0) room /= (uint64_t)shape->dims[axis];
    }
    return true;
}

static bool read_tensor(
    const heng_tensor_description *tensor, uint32_t index, heng_operator *plan, heng_refusal *refusal) {
    struct shape *shape = &plan->inputs[index];
    if (tensor->rank > MAXIMUM_RANK || (tensor->rank > 0 && !tensor->dims))
        return refuse(refusal, HENG_REFUSAL_RANK, (int32_t)index, "Its rank is unknown or above %d.", MAXIMUM_RANK);
    shape->rank = tensor->rank;
    int64_t step = 1;
    for (uint32_t axis = tensor->rank; axis-- > 0; step *= shape->dims[axis]) {
        shape->dims[axis] = tensor->dims[axis];
        if (tensor->strides && shape->dims[axis] > 1 && tensor->strides[axis] != step)
            return refuse(refusal, HENG_REFUSAL_LAYOUT, (int32_t)index, "Its elements must lie without gaps.");
    }
    return true;
}

static bool check_attributes(use_of *use, const struct rule *rule, heng_refusal *refusal) {
    for (uint32_t i = 0; i < use->attribute_count; i++) {
        bool is_known = false;
        for (uint32_t j = 0; j < MAXIMUM_ATTRIBUTES && rule->attributes[j].name; j++)
            is_known |= strcmp(rule->attributes[j].name, use->attributes[i]->name) == 0 &&
                        rule->attributes[j].kind == use->attributes[i]->kind;
        if (!is_known || (!use->attributes[i]->data && use->attributes[i]->count > 0))
            return refuse(refusal, HENG_REFUSAL_ATTRIBUTE, -1, "%s is not taken.", use->attributes[i]->name);
    }
    return true;
}

/* Checks one use of an operator, and makes the plan for it; or says why not. */
static bool understand(use_of *use, heng_operator *plan, heng_refusal *refusal) {
    memset(plan, 0, sizeof *plan);
    for (uint32_t i = 0; i < RULE_COUNT; i++)
        if (use->name && (!use->domain || use->domain[0] == 0) && strcmp(rules[i].name, use->name) == 0)
            plan->rule = &rules[i];
    if (!plan->rule)
        return refuse(refusal, HENG_REFUSAL_OPERATOR, -1, "%s is not offered.", use->name ? use->name : "NULL");
    if (use->version != 0 && use->version < plan->rule->since)
        return refuse(refusal, HENG_REFUSAL_VERSION, -1, "%s is taken from version %d on.", use->name, plan->rule->since);
    if (use->determinism > HENG_DETERMINISM_BATCH)
        return refuse(refusal, HENG_REFUSAL_DETERMINISM, -1, "Other devices may give other bits.");
    if (use->input_count < plan->rule->least || use->input_count > plan->rule->most || use->output_count > 1)
        return refuse(refusal, HENG_REFUSAL_OTHER, -1, "%s has another number of inputs or outputs.", use->name);
    if (!check_attributes(use, plan->rule, refusal)) return false;

    plan->count = use->input_count;
    for (uint32_t i = 0; i < plan->count; i++) {
        if (use->inputs[i]) plan->present |= 1u << i;
        else if (i < plan->rule->least)
            return refuse(refusal, HENG_REFUSAL_OTHER, (int32_t)i, "It may not be left out.");
        else continue;
        if (!read_tensor(use->inputs[i], i, plan, refusal) || !check_size(&plan->inputs[i], (int32_t)i, refusal))
            return false;
    }
    if (!plan->rule->infer(use, plan, refusal) || !check_size(&plan->output, -1, refusal)) return false;
    for (uint32_t i = 0; i < plan->count; i++)
        if ((plan->present & ~plan->kept) >> i & 1 && use->inputs[i]->type != HENG_TYPE_FLOAT32)
            return refuse(refusal, HENG_REFUSAL_TYPE, (int32_t)i, "Only float32 is computed.");
    return true;
}

/* The same, and that the caller expects the output that there will be. */
static bool understand_whole(use_of *use, heng_operator *plan, heng_refusal *refusal) {
    if (!understand(use, plan, refusal)) return false;
    const heng_tensor_description *output = use->output_count == 1 && use->outputs ? use->outputs[0] : NULL;
    bool fits = output && output->type == HENG_TYPE_FLOAT32 && output->rank == plan->output.rank;
    for (uint32_t axis = 0; fits && axis < output->rank; axis++) fits = output->dims[axis] == plan->output.dims[axis];
    return fits || refuse(refusal, HENG_REFUSAL_SHAPE, -1, "%s gives another output.", use->name);
}

static int32_t operator_list(
    heng_device *device, uint32_t index, heng_operator_listing *listing, heng_error **error) {
    REQUIRE(device, "operator_list");
    if (index >= RULE_COUNT)
        return fail(error, HENG_ERROR_OUT_OF_RANGE, "operator_list", "%d operators are offered.", (int)RULE_COUNT);
    heng_operator_listing full = {
        .domain = "", .name = rules[index].name, .since = rules[index].since, .types = 1ull << HENG_TYPE_FLOAT32};
    return write_result(listing, &full, sizeof full, "operator_list", error);
}

static int32_t operator_supports(
    heng_device *device, const heng_operator_description *description, heng_refusal *refusal, heng_error **error) {
    heng_operator_description use;
    heng_operator plan;
    heng_refusal reason = {.argument = -1};
    REQUIRE(device, "operator_supports");
    int32_t status = read_arguments(&use, sizeof use, description, "operator_supports", error);
    if (status != HENG_OK || understand_whole(&use, &plan, &reason)) return status;
    if (refusal) status = write_result(refusal, &reason, sizeof reason, "operator_supports", error);
    if (status != HENG_OK) return status;
    return fail(error, HENG_ERROR_UNSUPPORTED, "operator_supports", "%s", reason.text);
}

/* The class of error of a use whose outputs cannot be told. */
static int32_t class_of(const heng_refusal *refusal) {
    switch (refusal->reason) {
        case HENG_REFUSAL_OPERATOR: case HENG_REFUSAL_VERSION: return HENG_ERROR_OPERATOR_NAME;
        case HENG_REFUSAL_TYPE: return HENG_ERROR_DATA_TYPE;
        case HENG_REFUSAL_RANK: case HENG_REFUSAL_SHAPE: return HENG_ERROR_OPERATOR_INPUT;
        case HENG_REFUSAL_ATTRIBUTE: return HENG_ERROR_OPERATOR_ATTRIBUTE;
        case HENG_REFUSAL_CONSTANT: return HENG_ERROR_OPERATOR_STATIC_ONLY;
        default: return HENG_ERROR_UNSUPPORTED;
    }
}

static int32_t operator_infer(
    heng_device *device, const heng_operator_description *description, heng_inferred_tensor *const *outputs,
    uint32_t count, heng_error **error) {
    heng_operator_description use;
    heng_operator plan;
    heng_refusal reason = {.argument = -1};
    REQUIRE(device && outputs && count == 1 && outputs[0], "operator_infer");
    REQUIRE(outputs[0]->dims || outputs[0]->capacity == 0, "operator_infer");
    int32_t status = read_arguments(&use, sizeof use, description, "operator_infer", error);
    if (status != HENG_OK) return status;
    if (!understand(&use, &plan, &reason)) return fail(error, class_of(&reason), "operator_infer", "%s", reason.text);
    heng_inferred_tensor full = *outputs[0];
    full.rank = plan.output.rank;
    full.type = HENG_TYPE_FLOAT32;
    for (uint32_t axis = 0; axis < full.rank && axis < full.capacity; axis++) full.dims[axis] = plan.output.dims[axis];
    return write_result(outputs[0], &full, sizeof full, "operator_infer", error);
}

static int32_t operator_prepare(
    heng_context *context, const heng_operator_description *description, heng_operator **prepared,
    heng_operator_info *info, heng_error **error) {
    heng_operator_description use;
    heng_operator plan;
    heng_refusal reason = {.argument = -1};
    REQUIRE(context && prepared, "operator_prepare");
    int32_t status = read_arguments(&use, sizeof use, description, "operator_prepare", error);
    if (status != HENG_OK) return status;
    if (!understand_whole(&use, &plan, &reason))
        return fail(error, HENG_ERROR_UNSUPPORTED, "operator_prepare", "%s", reason.text);
    bool is_in_place = plan.rule->unary || plan.rule->run == run_identity;
    heng_operator_info full = {
        .kept_inputs = plan.kept, .algorithm = "plain loops", .determinism = HENG_DETERMINISM_BATCH,
        .in_place_input = is_in_place ? 0 : -1,
    };
    if (info) status = write_result(info, &full, sizeof full, "operator_prepare", error);
    if (status != HENG_OK) return status;
    heng_operator *made = make_object(sizeof *made, "operator_prepare", error);
    if (!made) return HENG_ERROR_OUT_OF_HOST_MEMORY;
    *made = plan;
    made->context = context;
    count_child(context, 1);
    *prepared = made;
    return HENG_OK;
}

/* Where an operand lies: in a buffer of the stream's context, with room for its shape. */
static int32_t find_operand(
    const heng_range *range, const struct shape *shape, const heng_stream *stream, float **address,
    heng_error **error) {
    uint8_t *start = NULL;
    if (range->offset % sizeof(float) != 0)
        return fail(error, HENG_ERROR_ALIGNMENT, "operator_execute", "An operand does not start at a multiple of 4.");
    int32_t status = find_address(
        range, count_elements(shape) * sizeof(float), context_of(stream), &start, "operator_execute", error);
    *address = (float *)(void *)start;
    return status;
}

static int32_t operator_execute(
    heng_operator *prepared, heng_stream *stream, const heng_range *inputs, uint32_t input_count,
    const heng_range *outputs, uint32_t output_count, const heng_range *workspace, uint64_t correlation,
    heng_error **error) {
    (void)workspace;
    REQUIRE(prepared && stream && inputs && outputs, "operator_execute");
    if (input_count != prepared->count || output_count != 1)
        return fail(error, HENG_ERROR_INVALID_ARGUMENT, "operator_execute", "The operator has other operands.");
    float *output = NULL, *found = NULL;
    const float *addresses[MAXIMUM_INPUTS] = {NULL};
    int32_t status = find_operand(&outputs[0], &prepared->output, stream, &output, error);
    for (uint32_t i = 0; i < input_count && status == HENG_OK; i++) {
        if (!((prepared->present & ~prepared->kept) >> i & 1)) continue;
        status = find_operand(&inputs[i], &prepared->inputs[i], stream, &found, error);
        addresses[i] = found;
    }
    if (status != HENG_OK) return status;
    return submit_computation(stream, prepared->rule->run, prepared, addresses, output, correlation, error);
}

static int32_t operator_destroy(heng_operator *prepared, heng_error **error) {
    REQUIRE(prepared, "operator_destroy");
    count_child(prepared->context, -1);
    free(prepared);
    return HENG_OK;
}

const heng_operator_table sample_operators = {
    .header = {sizeof(heng_operator_table), HENG_KIND_OPERATOR_TABLE, NULL},
    .operator_list = operator_list, .operator_supports = operator_supports, .operator_infer = operator_infer,
    .operator_prepare = operator_prepare, .operator_execute = operator_execute, .operator_destroy = operator_destroy,
};
