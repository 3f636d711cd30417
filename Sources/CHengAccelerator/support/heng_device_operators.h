/*
 * Operators for a device that is written in C or C++: shapes as ONNX has them, and the descriptions of
 * operators that heng_accelerator.h passes. Optional, and no part of the contract; as heng_device_support.h
 * otherwise.
 *
 * A device lists what it offers as an array of rules. From it, heng_support_list_operator,
 * heng_support_supports_operator and heng_support_infer_operator are those functions of the operators' table,
 * and operator_prepare begins with heng_support_understand. What no rule names is refused with the reason.
 */
#ifndef HENG_DEVICE_OPERATORS_H
#define HENG_DEVICE_OPERATORS_H

#include "heng_device_support.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What may be raised before this file is included, in all files of a device alike. */
#ifndef HENG_SUPPORT_RANK_LIMIT
#define HENG_SUPPORT_RANK_LIMIT 8u
#endif
#ifndef HENG_SUPPORT_INPUT_LIMIT
#define HENG_SUPPORT_INPUT_LIMIT 16u
#endif
#ifndef HENG_SUPPORT_OUTPUT_LIMIT
#define HENG_SUPPORT_OUTPUT_LIMIT 4u
#endif

/* ---- Shapes ---- */

typedef struct heng_support_shape {
    uint32_t rank;
    int64_t dims[HENG_SUPPORT_RANK_LIMIT];
} heng_support_shape;

/* The elements of a shape, each extent of which is known. */
static inline uint64_t heng_support_count(const heng_support_shape *shape) {
    uint64_t count = 1;
    for (uint32_t axis = 0; axis < shape->rank; axis++) count *= (uint64_t)shape->dims[axis];
    return count;
}

/* Whether that many bytes are a number: shapes of the caller's are not trusted. */
static inline bool heng_support_count_bytes(
    const heng_support_shape *shape, uint64_t element, uint64_t *bytes) {
    uint64_t room = element > 0 ? (uint64_t)INT64_MAX / element : (uint64_t)INT64_MAX;
    for (uint32_t axis = 0; axis < shape->rank; axis++) {
        if (shape->dims[axis] < 0 || (uint64_t)shape->dims[axis] > room) return false;
        if (shape->dims[axis] > 0) room /= (uint64_t)shape->dims[axis];
    }
    *bytes = heng_support_count(shape) * element;
    return true;
}

static inline bool heng_support_same_shape(const heng_support_shape *a, const heng_support_shape *b) {
    return a->rank == b->rank && memcmp(a->dims, b->dims, a->rank * sizeof *a->dims) == 0;
}

/* Makes an axis count from the front; false where the rank has no such axis. */
static inline bool heng_support_find_axis(int64_t *axis, uint32_t rank) {
    if (*axis < -(int64_t)rank || *axis >= (int64_t)rank) return false;
    if (*axis < 0) *axis += rank;
    return true;
}

/* How many elements lie between neighbours along an axis of a dense tensor. */
static inline uint64_t heng_support_axis_step(const heng_support_shape *shape, int64_t axis) {
    uint64_t step = 1;
    for (int64_t inner = axis + 1; inner < (int64_t)shape->rank; inner++)
        step *= (uint64_t)shape->dims[inner];
    return step;
}

/* The leading axes of a batch of matrices, or of one; the rank is at least 2. */
static inline heng_support_shape heng_support_batch(const heng_support_shape *shape) {
    heng_support_shape batch = *shape;
    batch.rank -= 2;
    return batch;
}

/* The shape that two are broadcast to, as ONNX does it; false where they do not fit. */
static inline bool heng_support_broadcast(
    const heng_support_shape *a, const heng_support_shape *b, heng_support_shape *result) {
    heng_support_shape made;
    memset(&made, 0, sizeof made);
    made.rank = a->rank > b->rank ? a->rank : b->rank;
    for (uint32_t back = 1; back <= made.rank; back++) {
        int64_t one = back <= a->rank ? a->dims[a->rank - back] : 1;
        int64_t other = back <= b->rank ? b->dims[b->rank - back] : 1;
        if (one != other && one != 1 && other != 1) return false;
        made.dims[made.rank - back] = one == 1 ? other : one;
    }
    *result = made;
    return true;
}

/*
 * Where an element of the output comes from in an input that is broadcast to it; both are dense and
 * row-major.
 */
static inline uint64_t heng_support_source_index(
    const heng_support_shape *input, const heng_support_shape *output, uint64_t position) {
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

/* ---- Descriptions of operators ---- */

/* An input or output, read. */
typedef struct heng_support_operand {
    bool given; /* false: the caller leaves it out */
    int32_t type;
    heng_support_shape shape;
    uint64_t count;         /* of elements */
    uint64_t bytes;         /* without gaps */
    bool has_gaps;          /* the elements do not lie row-major, one after the other */
    const int64_t *strides; /* the caller's, as is what follows; NULL: no gaps */
    const void *constant;   /* NULL: not known beforehand */
    uint64_t constant_size;
} heng_support_operand;

typedef struct heng_support_use heng_support_use;

/*
 * What a device offers of one operator; there may be several rules of one name, for different versions or
 * types.
 */
typedef struct heng_support_rule {
    const char *domain;
    const char *name;
    int32_t since; /* the versions of the operator set, both ends included; `until` 0: no end */
    int32_t until;
    uint32_t least_inputs;
    uint32_t most_inputs;
    uint32_t outputs;
    uint64_t types;       /* bit HENG_TYPE_...: of the first input */
    uint64_t other_types; /* of the other inputs; 0: the type of the first input */
    int32_t determinism;  /* the strictest HENG_DETERMINISM_... that it meets */
    bool takes_gaps;      /* inputs may have strides that leave gaps */
    int32_t code;         /* the device's own, to tell its kernels apart */
    /*
     * Reads the attributes, sets the outputs, and writes what the kernel needs to use->plan; or returns what
     * heng_support_refuse returns. The inputs are read, and their types fit.
     */
    bool (*infer)(heng_support_use *use);
} heng_support_rule;

/* One use of an operator while it is being understood; it borrows from the caller's description. */
struct heng_support_use {
    heng_operator_description call;
    const heng_support_rule *rule;
    heng_support_operand inputs[HENG_SUPPORT_INPUT_LIMIT];
    heng_support_operand outputs[HENG_SUPPORT_OUTPUT_LIMIT]; /* what `infer` says they will be */
    uint64_t read_attributes; /* a bit for each: one that nobody reads is refused */
    heng_refusal refusal;     /* why the use is not taken, once it is refused */
    void *plan;               /* the device's */
};

/*
 * Says why a use is not taken, about one input (-1: none), and returns false. The sentence follows the name.
 */
HENG_SUPPORT_FORMAT(4, 5)
static inline bool heng_support_refuse(
    heng_support_use *use, int32_t reason, int32_t argument, const char *format, ...) {
    char text[HENG_REFUSAL_TEXT];
    va_list values;
    va_start(values, format);
    heng_support_write_text_list(text, sizeof text, format, values);
    va_end(values);
    use->refusal.reason = reason;
    use->refusal.argument = argument;
    heng_support_write_text(
        use->refusal.text, sizeof use->refusal.text, "%s: %s", use->call.name ? use->call.name : "NULL",
        text);
    return false;
}

/*
 * Finds an attribute by name and kind, and copies its struct; false where it is not given, or has another
 * kind.
 */
static inline bool heng_support_find_attribute(
    heng_support_use *use, const char *name, int32_t kind, heng_attribute *found) {
    heng_attribute attribute;
    for (uint32_t i = 0; i < use->call.attribute_count; i++) {
        if (heng_support_read_struct(&attribute, sizeof attribute, use->call.attributes[i], "", NULL) !=
            HENG_OK)
            continue;
        if (!attribute.name || strcmp(attribute.name, name) != 0 || attribute.kind != kind) continue;
        if (!attribute.data && (attribute.count > 0 || kind <= HENG_ATTRIBUTE_FLOAT)) continue;
        use->read_attributes |= 1ull << i;
        *found = attribute;
        return true;
    }
    return false;
}

/* The value of an attribute, or the one that holds where it is not given. */
static inline int64_t heng_support_int_attribute(heng_support_use *use, const char *name, int64_t otherwise) {
    heng_attribute found;
    return heng_support_find_attribute(use, name, HENG_ATTRIBUTE_INT, &found) ? *(const int64_t *)found.data
                                                                              : otherwise;
}

static inline double heng_support_float_attribute(heng_support_use *use, const char *name, double otherwise) {
    heng_attribute found;
    return heng_support_find_attribute(use, name, HENG_ATTRIBUTE_FLOAT, &found) ? *(const double *)found.data
                                                                                : otherwise;
}

/* A list of integers, the caller's, and how many there are; NULL and 0 where it is not given. */
static inline const int64_t *heng_support_ints_attribute(
    heng_support_use *use, const char *name, uint64_t *count) {
    heng_attribute found;
    bool given = heng_support_find_attribute(use, name, HENG_ATTRIBUTE_INTS, &found);
    *count = given ? found.count : 0;
    return given ? (const int64_t *)found.data : NULL;
}

/* Says what an output will be; for `infer`. */
static inline bool heng_support_set_output(
    heng_support_use *use, uint32_t index, int32_t type, const heng_support_shape *shape) {
    heng_support_operand *output = &use->outputs[index];
    if (!heng_support_count_bytes(shape, heng_type_size(type), &output->bytes))
        return heng_support_refuse(use, HENG_REFUSAL_SIZE, -1, "The output would be too large.");
    output->given = true;
    output->type = type;
    output->shape = *shape;
    output->count = heng_support_count(shape);
    return true;
}

/* For `infer`: the output is as the first input. */
static inline bool heng_support_infer_same(heng_support_use *use) {
    return heng_support_set_output(use, 0, use->inputs[0].type, &use->inputs[0].shape);
}

/* For `infer`: two inputs are broadcast, and the output has the type of the first. */
static inline bool heng_support_infer_broadcast(heng_support_use *use) {
    heng_support_shape shape;
    if (!heng_support_broadcast(&use->inputs[0].shape, &use->inputs[1].shape, &shape))
        return heng_support_refuse(use, HENG_REFUSAL_SHAPE, 1, "The shapes do not broadcast.");
    return heng_support_set_output(use, 0, use->inputs[0].type, &shape);
}

/* For `infer`: the output is a product of matrices, or of batches that are broadcast, each turned or not. */
static inline bool heng_support_infer_product(heng_support_use *use, bool turns_a, bool turns_b) {
    const heng_support_shape *a = &use->inputs[0].shape, *b = &use->inputs[1].shape;
    heng_support_shape shape;
    if (a->rank < 2 || b->rank < 2)
        return heng_support_refuse(use, HENG_REFUSAL_RANK, -1, "It takes matrices, or batches of them.");
    if (a->dims[a->rank - (turns_a ? 2 : 1)] != b->dims[b->rank - (turns_b ? 1 : 2)])
        return heng_support_refuse(use, HENG_REFUSAL_SHAPE, 1, "The inner extents of the matrices differ.");
    heng_support_shape a_batch = heng_support_batch(a), b_batch = heng_support_batch(b);
    if (!heng_support_broadcast(&a_batch, &b_batch, &shape))
        return heng_support_refuse(use, HENG_REFUSAL_SHAPE, 1, "The batches do not broadcast.");
    shape.dims[shape.rank++] = a->dims[a->rank - (turns_a ? 1 : 2)];
    shape.dims[shape.rank++] = b->dims[b->rank - (turns_b ? 2 : 1)];
    return heng_support_set_output(use, 0, use->inputs[0].type, &shape);
}

/*
 * Reads the description of a tensor; false, and the reason, where it is not understood, or not known in full.
 */
static inline bool heng_support_read_tensor(
    const heng_tensor_description *given, heng_support_operand *operand, int32_t *reason) {
    heng_tensor_description tensor;
    memset(operand, 0, sizeof *operand);
    *reason = HENG_REFUSAL_OTHER;
    if (heng_support_read_struct(&tensor, sizeof tensor, given, "", NULL) != HENG_OK) return false;
    *reason = HENG_REFUSAL_RANK;
    if (tensor.rank > HENG_SUPPORT_RANK_LIMIT || (tensor.rank > 0 && !tensor.dims)) return false;
    operand->shape.rank = tensor.rank;
    if (tensor.rank > 0) memcpy(operand->shape.dims, tensor.dims, tensor.rank * sizeof *tensor.dims);
    *reason = HENG_REFUSAL_SIZE;
    if (!heng_support_count_bytes(&operand->shape, heng_type_size(tensor.type), &operand->bytes))
        return false;
    operand->given = true;
    operand->type = tensor.type;
    operand->count = heng_support_count(&operand->shape);
    operand->constant = tensor.constant;
    operand->constant_size = tensor.constant_size;
    operand->strides = tensor.strides;
    int64_t step = 1;
    for (uint32_t axis = tensor.rank; tensor.strides && operand->count > 0 && axis-- > 0;) {
        if (tensor.dims[axis] > 1 && tensor.strides[axis] != step) operand->has_gaps = true;
        step *= tensor.dims[axis];
    }
    return true;
}

/* The rule for the operator of a description, or the refusal. */
static inline bool heng_support_find_rule(
    heng_support_use *use, const heng_support_rule *rules, uint32_t count) {
    const heng_operator_description *call = &use->call;
    bool is_known = false;
    for (uint32_t i = 0; i < count && !use->rule; i++) {
        if (!call->name || strcmp(rules[i].name, call->name) != 0) continue;
        if (strcmp(rules[i].domain, call->domain ? call->domain : "") != 0) continue;
        is_known = true;
        bool is_old = call->version != 0 && call->version < rules[i].since;
        bool is_new = rules[i].until != 0 && (call->version == 0 || call->version > rules[i].until);
        if (!is_old && !is_new) use->rule = &rules[i];
    }
    if (use->rule) return true;
    return is_known ? heng_support_refuse(
                          use, HENG_REFUSAL_VERSION, -1, "Version %d is not offered.", (int)call->version)
                    : heng_support_refuse(use, HENG_REFUSAL_OPERATOR, -1, "This operator is not offered.");
}

static inline bool heng_support_read_inputs(heng_support_use *use) {
    const heng_support_rule *rule = use->rule;
    for (uint32_t i = 0; i < use->call.input_count; i++) {
        heng_support_operand *input = &use->inputs[i];
        int32_t reason, argument = (int32_t)i;
        if (!use->call.inputs[i] && i >= rule->least_inputs) continue;
        if (!heng_support_read_tensor(use->call.inputs[i], input, &reason))
            return heng_support_refuse(
                use, reason, argument,
                "This input is missing, not understood, not known in full, or too large.");
        if (input->has_gaps && !rule->takes_gaps)
            return heng_support_refuse(
                use, HENG_REFUSAL_LAYOUT, argument, "Its elements must lie without gaps.");
        uint64_t types = i == 0 ? rule->types : rule->other_types;
        bool fits = types != 0 ? input->type >= 0 && input->type < 64 && (types >> input->type & 1) != 0
                               : input->type == use->inputs[0].type;
        if (!fits) return heng_support_refuse(use, HENG_REFUSAL_TYPE, argument, "Its type is not taken.");
    }
    return true;
}

/* Whether the caller expects the outputs that there will be. */
static inline bool heng_support_check_outputs(heng_support_use *use) {
    for (uint32_t i = 0; i < use->call.output_count; i++) {
        heng_support_operand expected;
        int32_t reason;
        if (!use->call.outputs[i] && i > 0) continue; /* it is left out */
        bool fits = heng_support_read_tensor(use->call.outputs[i], &expected, &reason) &&
                    !expected.has_gaps && expected.type == use->outputs[i].type &&
                    heng_support_same_shape(&expected.shape, &use->outputs[i].shape);
        if (!fits)
            return heng_support_refuse(
                use, HENG_REFUSAL_SHAPE, -1, "Output %u will be another one.", (unsigned)i);
    }
    return use->call.output_count > 0 ||
           heng_support_refuse(use, HENG_REFUSAL_OTHER, -1, "It has no output.");
}

static inline bool heng_support_take(
    heng_support_use *use, const heng_support_rule *rules, uint32_t count, bool with_outputs) {
    const heng_operator_description *call = &use->call;
    if (!heng_support_find_rule(use, rules, count)) return false;
    if (call->determinism > use->rule->determinism)
        return heng_support_refuse(use, HENG_REFUSAL_DETERMINISM, -1, "Its results are not that repeatable.");
    bool is_odd = call->input_count < use->rule->least_inputs || call->input_count > use->rule->most_inputs ||
                  call->input_count > HENG_SUPPORT_INPUT_LIMIT || call->output_count > use->rule->outputs ||
                  (call->input_count > 0 && !call->inputs) || (call->output_count > 0 && !call->outputs);
    if (is_odd)
        return heng_support_refuse(
            use, HENG_REFUSAL_OTHER, -1, "It has another number of inputs or outputs.");
    if (call->attribute_count > 63 || (call->attribute_count > 0 && !call->attributes))
        return heng_support_refuse(
            use, HENG_REFUSAL_ATTRIBUTE, -1, "It has too many attributes, or none there.");
    if (!heng_support_read_inputs(use) || !use->rule->infer(use)) return false;
    if (use->read_attributes != (1ull << call->attribute_count) - 1)
        return heng_support_refuse(use, HENG_REFUSAL_ATTRIBUTE, -1, "An attribute is not taken.");
    return !with_outputs || heng_support_check_outputs(use);
}

/*
 * Understands one use of an operator: `use` then has the rule, the inputs and the outputs, and `plan`, which
 * is the device's and is passed on as it is, what the rule's `infer` wrote. HENG_ERROR_UNSUPPORTED comes with
 * use->refusal. The caller's own idea of the outputs is looked at only `with_outputs`.
 */
static inline int32_t heng_support_understand(
    heng_support_use *use, const heng_support_rule *rules, uint32_t count,
    const heng_operator_description *given, bool with_outputs, void *plan, const char *operation,
    heng_error **error) {
    memset(use, 0, sizeof *use);
    use->plan = plan;
    int32_t status = heng_support_read_struct(&use->call, sizeof use->call, given, operation, error);
    if (status != HENG_OK || heng_support_take(use, rules, count, with_outputs)) return status;
    heng_error made = heng_support_make_error(HENG_ERROR_UNSUPPORTED, operation, "%s", use->refusal.text);
    heng_support_write_text(made.node, sizeof made.node, "%s", use->call.node ? use->call.node : "");
    heng_support_write_text(
        made.operator_name, sizeof made.operator_name, "%s", use->call.name ? use->call.name : "");
    return heng_support_give_error(error, &made);
}

/* For operator_list. */
static inline int32_t heng_support_list_operator(
    const heng_support_rule *rules, uint32_t count, uint32_t index, heng_operator_listing *listing,
    const char *operation, heng_error **error) {
    heng_operator_listing full;
    if (index >= count)
        return heng_support_fail(
            error, HENG_ERROR_OUT_OF_RANGE, operation, "%u operators are offered.", (unsigned)count);
    memset(&full, 0, sizeof full);
    full.domain = rules[index].domain;
    full.name = rules[index].name;
    full.since = rules[index].since;
    full.until = rules[index].until;
    full.types = rules[index].types;
    return heng_support_write_struct(listing, &full, sizeof full, operation, error);
}

/* For operator_supports; `refusal` may be NULL, and `plan` is room for what `infer` writes. */
static inline int32_t heng_support_supports_operator(
    const heng_support_rule *rules, uint32_t count, const heng_operator_description *description,
    heng_refusal *refusal, void *plan, const char *operation, heng_error **error) {
    heng_support_use use;
    int32_t status = heng_support_understand(&use, rules, count, description, true, plan, operation, error);
    if (status == HENG_ERROR_UNSUPPORTED && refusal)
        heng_support_write_struct(refusal, &use.refusal, sizeof use.refusal, operation, NULL);
    return status;
}

/* For operator_infer. */
static inline int32_t heng_support_infer_operator(
    const heng_support_rule *rules, uint32_t count, const heng_operator_description *description,
    heng_inferred_tensor *const *outputs, uint32_t output_count, void *plan, const char *operation,
    heng_error **error) {
    heng_support_use use;
    heng_inferred_tensor full[HENG_SUPPORT_OUTPUT_LIMIT];
    int32_t status = heng_support_understand(&use, rules, count, description, false, plan, operation, error);
    if (status == HENG_OK && (!outputs || output_count == 0 || output_count > use.rule->outputs))
        return heng_support_fail(
            error, HENG_ERROR_INVALID_ARGUMENT, operation, "It has another number of outputs.");
    for (uint32_t i = 0; status == HENG_OK && i < output_count; i++) {
        status = heng_support_read_struct(&full[i], sizeof full[i], outputs[i], operation, error);
        if (status == HENG_OK && full[i].capacity > 0 && !full[i].dims)
            return heng_support_fail(
                error, HENG_ERROR_INVALID_ARGUMENT, operation, "There is no room for extents.");
    }
    for (uint32_t i = 0; status == HENG_OK && i < output_count;
         i++) { /* nothing is written before all is known */
        const heng_support_shape *shape = &use.outputs[i].shape;
        full[i].rank = shape->rank;
        full[i].type = use.outputs[i].type;
        for (uint32_t axis = 0; axis < shape->rank && axis < full[i].capacity; axis++)
            full[i].dims[axis] = shape->dims[axis];
        status = heng_support_write_struct(outputs[i], &full[i], sizeof full[i], operation, error);
    }
    return status;
}

#ifdef __cplusplus
}
#endif

#endif
