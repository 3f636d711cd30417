/* What heng_device_operators.h promises. */
#include "check.h"
#include "heng_device_operators.h"

static heng_support_shape shape_of(uint32_t rank, int64_t first, int64_t second, int64_t third) {
    heng_support_shape shape;
    memset(&shape, 0, sizeof shape);
    shape.rank = rank;
    shape.dims[0] = first;
    shape.dims[1] = second;
    shape.dims[2] = third;
    return shape;
}

static void test_shapes(void) {
    heng_support_shape a = shape_of(2, 3, 1, 0), b = shape_of(3, 2, 1, 4), sum, three = shape_of(1, 3, 0, 0);
    CHECK(heng_support_broadcast(&a, &b, &sum));
    heng_support_shape expected = shape_of(3, 2, 3, 4);
    CHECK(heng_support_same_shape(&sum, &expected) && !heng_support_same_shape(&a, &b));
    CHECK(!heng_support_broadcast(&three, &b, &sum) && heng_support_same_shape(&sum, &expected));
    for (uint64_t i = 0; i < 24; i++) {
        CHECK(heng_support_source_index(&a, &sum, i) == i / 4 % 3);
        CHECK(heng_support_source_index(&b, &sum, i) == i / 12 * 4 + i % 4);
    }
    CHECK(heng_support_broadcast(&a, &a, &a) && a.rank == 2); /* the result may be one of the two */
    heng_support_shape scalar = shape_of(0, 0, 0, 0), empty = shape_of(2, 0, 5, 0);
    CHECK(heng_support_count(&scalar) == 1 && heng_support_count(&empty) == 0);
    CHECK(heng_support_axis_step(&expected, 0) == 12 && heng_support_axis_step(&expected, 2) == 1);

    int64_t axis = -3;
    CHECK(heng_support_find_axis(&axis, 3) && axis == 0);
    axis = -4;
    CHECK(!heng_support_find_axis(&axis, 3) && axis == -4);
    axis = 3;
    CHECK(!heng_support_find_axis(&axis, 3));

    uint64_t bytes = 0;
    heng_support_shape large = shape_of(3, INT64_MAX / 4, 2, 2),
                       unknown = shape_of(2, 3, HENG_DIM_UNKNOWN, 0);
    CHECK(!heng_support_count_bytes(&large, 2, &bytes) && !heng_support_count_bytes(&unknown, 4, &bytes));
    CHECK(heng_support_count_bytes(&expected, 4, &bytes) && bytes == 96);
    CHECK(heng_support_count_bytes(&empty, 4, &bytes) && bytes == 0);
}

/* What a rule leaves for its kernel. */
struct plan {
    int64_t axis;
    double alpha;
    uint64_t list_length;
};

static bool infer_scaled(heng_support_use *use) {
    struct plan *plan = (struct plan *)use->plan;
    plan->axis = heng_support_int_attribute(use, "axis", 7);
    plan->alpha = heng_support_float_attribute(use, "alpha", 0.5);
    heng_support_ints_attribute(use, "list", &plan->list_length);
    return heng_support_infer_same(use);
}

#define FLOATS (1ull << HENG_TYPE_FLOAT32)
static const heng_support_rule rules[] = {
    {"", "Add", 7, 13, 2, 2, 1, FLOATS, 0, HENG_DETERMINISM_RUN, false, 1, heng_support_infer_broadcast},
    {"", "Add", 14, 0, 2, 2, 1, FLOATS, 0, HENG_DETERMINISM_RUN, true, 2, heng_support_infer_broadcast},
    {"maker", "Scaled", 1, 0, 1, 2, 1, FLOATS, 1ull << HENG_TYPE_INT64, HENG_DETERMINISM_BATCH, false, 3,
     infer_scaled},
};

/* A use of an operator, and the descriptions that it points to. */
struct call {
    heng_operator_description description;
    heng_tensor_description tensors[3]; /* two inputs and an output */
    const heng_tensor_description *inputs[3], *outputs[2];
    heng_attribute attribute;
    const heng_attribute *attributes[1];
    int64_t dims[3][3];
};

static void set_call(struct call *call, const char *domain, const char *name) {
    memset(call, 0, sizeof *call);
    for (int i = 0; i < 3; i++) {
        set_header(&call->tensors[i].header, sizeof call->tensors[i], HENG_KIND_TENSOR_DESCRIPTION);
        call->tensors[i].type = HENG_TYPE_FLOAT32;
        call->tensors[i].rank = 2;
        call->tensors[i].dims = call->dims[i];
        call->dims[i][0] = 2;
        call->dims[i][1] = 3;
    }
    call->inputs[0] = &call->tensors[0];
    call->inputs[1] = &call->tensors[1];
    call->outputs[0] = &call->tensors[2];
    set_header(&call->attribute.header, sizeof call->attribute, HENG_KIND_ATTRIBUTE);
    call->attributes[0] = &call->attribute;
    set_header(&call->description.header, sizeof call->description, HENG_KIND_OPERATOR_DESCRIPTION);
    call->description.domain = domain;
    call->description.name = name;
    call->description.input_count = 2;
    call->description.output_count = 1;
    call->description.inputs = call->inputs;
    call->description.outputs = call->outputs;
    call->description.attributes = call->attributes;
}

/* Why a call is refused; -1: it is taken. */
static int32_t reason(const struct call *call) {
    struct plan plan;
    heng_refusal refusal;
    heng_error *error = NULL;
    memset(&refusal, 0, sizeof refusal);
    set_header(&refusal.header, sizeof refusal, HENG_KIND_REFUSAL);
    int32_t status =
        heng_support_supports_operator(rules, 3, &call->description, &refusal, &plan, "supports", &error);
    CHECK(code_of(&error) == status);
    if (status == HENG_OK) return -1;
    CHECK(status == HENG_ERROR_UNSUPPORTED && strlen(refusal.text) > 0);
    CHECK(!call->description.name || strstr(refusal.text, call->description.name) == refusal.text);
    return refusal.reason;
}

static void test_refusals(void) {
    struct call call;
    set_call(&call, "", "Add");
    CHECK(reason(&call) == -1);
    call.description.name = "Sub";
    CHECK(reason(&call) == HENG_REFUSAL_OPERATOR);
    call.description.name = NULL;
    CHECK(reason(&call) == HENG_REFUSAL_OPERATOR);
    set_call(&call, "maker", "Add");
    CHECK(reason(&call) == HENG_REFUSAL_OPERATOR);
    set_call(&call, NULL, "Add");
    CHECK(reason(&call) == -1);
    call.description.version = 6;
    CHECK(reason(&call) == HENG_REFUSAL_VERSION);
    call.description.version = 0;
    call.description.determinism = HENG_DETERMINISM_THREADS;
    CHECK(reason(&call) == HENG_REFUSAL_DETERMINISM);
    set_call(&call, "", "Add");
    call.description.input_count = 1;
    CHECK(reason(&call) == HENG_REFUSAL_OTHER);
    call.description.input_count = 2;
    call.inputs[1] = NULL;
    CHECK(reason(&call) == HENG_REFUSAL_OTHER);
    set_call(&call, "", "Add");
    call.description.inputs = NULL;
    CHECK(reason(&call) == HENG_REFUSAL_OTHER);
    set_call(&call, "", "Add");
    call.tensors[1].rank = HENG_RANK_UNKNOWN;
    CHECK(reason(&call) == HENG_REFUSAL_RANK);
    set_call(&call, "", "Add");
    call.dims[0][0] = HENG_DIM_UNKNOWN;
    CHECK(reason(&call) == HENG_REFUSAL_SIZE);
    set_call(&call, "", "Add");
    call.tensors[1].type = HENG_TYPE_INT32;
    CHECK(reason(&call) == HENG_REFUSAL_TYPE);
    call.tensors[0].type = HENG_TYPE_INT32;
    CHECK(reason(&call) == HENG_REFUSAL_TYPE);
    set_call(&call, "", "Add");
    call.dims[1][1] = 2;
    CHECK(reason(&call) == HENG_REFUSAL_SHAPE);
    set_call(&call, "", "Add");
    call.dims[2][1] = 4;
    CHECK(reason(&call) == HENG_REFUSAL_SHAPE);
    set_call(&call, "", "Add");
    call.description.output_count = 0;
    CHECK(reason(&call) == HENG_REFUSAL_OTHER);
}

/* Products: which extents must agree, and what comes out, for each way of turning the matrices. */
static void test_products(void) {
    for (int turns = 0; turns < 4; turns++) {
        heng_support_use use;
        memset(&use, 0, sizeof use);
        const bool a = (turns & 1) != 0, b = (turns & 2) != 0;
        use.inputs[0].type = HENG_TYPE_FLOAT32;
        use.inputs[0].shape = a ? shape_of(3, 5, 4, 2) : shape_of(3, 5, 2, 4);
        use.inputs[1].shape = b ? shape_of(2, 3, 4, 0) : shape_of(2, 4, 3, 0);
        heng_support_shape expected = shape_of(3, 5, 2, 3);
        CHECK(heng_support_infer_product(&use, a, b));
        CHECK(heng_support_same_shape(&use.outputs[0].shape, &expected) && use.outputs[0].bytes == 120);
        CHECK(!heng_support_infer_product(&use, !a, b) && use.refusal.reason == HENG_REFUSAL_SHAPE);
        use.inputs[1].shape.rank = 1;
        CHECK(!heng_support_infer_product(&use, a, b) && use.refusal.reason == HENG_REFUSAL_RANK);
        use.inputs[1].shape = b ? shape_of(3, 2, 3, 4) : shape_of(3, 2, 4, 3);
        CHECK(!heng_support_infer_product(&use, a, b) && use.refusal.reason == HENG_REFUSAL_SHAPE);
    }
}

static void test_layouts(void) {
    struct call call;
    const int64_t dense[] = {3, 1}, turned[] = {1, 2};
    set_call(&call, "", "Add");
    call.tensors[0].strides = dense;
    call.description.version = 13;
    CHECK(reason(&call) == -1);
    call.tensors[0].strides = turned;
    CHECK(reason(&call) == HENG_REFUSAL_LAYOUT);
    call.description.version = 14; /* another rule, which takes them */
    CHECK(reason(&call) == -1);
    call.tensors[0].strides = NULL;
    call.tensors[2].strides = turned; /* an output is never written so */
    CHECK(reason(&call) == HENG_REFUSAL_SHAPE);
}

static void test_attributes(void) {
    struct call call;
    struct plan plan;
    heng_support_use use;
    const int64_t axis = 2, list[] = {4, 5, 6};
    set_call(&call, "maker", "Scaled");
    call.description.input_count = 1;
    const heng_operator_description *given = &call.description;
    CHECK(heng_support_understand(&use, rules, 3, given, true, &plan, "", NULL) == HENG_OK);
    CHECK(plan.axis == 7 && plan.alpha == 0.5 && plan.list_length == 0 && use.rule->code == 3);

    call.description.attribute_count = 1;
    call.attribute.name = "axis";
    call.attribute.kind = HENG_ATTRIBUTE_INT;
    call.attribute.data = &axis;
    call.attribute.count = 1;
    CHECK(heng_support_understand(&use, rules, 3, given, true, &plan, "", NULL) == HENG_OK && plan.axis == 2);
    call.attribute.name = "list";
    CHECK(reason(&call) == HENG_REFUSAL_ATTRIBUTE); /* of another kind */
    call.attribute.kind = HENG_ATTRIBUTE_INTS;
    call.attribute.data = list;
    call.attribute.count = 3;
    CHECK(
        heng_support_understand(&use, rules, 3, given, true, &plan, "", NULL) == HENG_OK &&
        plan.list_length == 3);
    call.attribute.name = "unheard";
    CHECK(reason(&call) == HENG_REFUSAL_ATTRIBUTE);
    call.attribute.name = NULL;
    CHECK(reason(&call) == HENG_REFUSAL_ATTRIBUTE);
    call.attribute.name = "axis";
    call.attribute.kind = HENG_ATTRIBUTE_INT;
    call.attribute.data = NULL;
    CHECK(reason(&call) == HENG_REFUSAL_ATTRIBUTE);
    call.description.attributes = NULL;
    CHECK(reason(&call) == HENG_REFUSAL_ATTRIBUTE);

    /* The second input is optional, and has a type of its own. */
    set_call(&call, "maker", "Scaled");
    CHECK(reason(&call) == HENG_REFUSAL_TYPE);
    call.tensors[1].type = HENG_TYPE_INT64;
    CHECK(heng_support_understand(&use, rules, 3, given, true, &plan, "", NULL) == HENG_OK);
    CHECK(use.inputs[1].given && use.inputs[1].bytes == 48 && use.outputs[0].count == 6);
    call.inputs[1] = NULL;
    CHECK(heng_support_understand(&use, rules, 3, given, true, &plan, "", NULL) == HENG_OK);
    CHECK(!use.inputs[1].given);

    /* Errors of operators name the node. */
    heng_error *error = NULL;
    call.description.version = -1;
    call.description.node = "layer 3";
    CHECK(heng_support_understand(&use, rules, 3, given, true, &plan, "", &error) == HENG_ERROR_UNSUPPORTED);
    CHECK(strcmp(error->node, "layer 3") == 0 && strcmp(error->operator_name, "Scaled") == 0);
    heng_support_error_destroy(error);
}

static void test_inference(void) {
    struct call call;
    struct plan plan;
    int64_t dims[2] = {-5, -5};
    heng_inferred_tensor tensor;
    heng_inferred_tensor *tensors[2] = {&tensor, NULL};
    memset(&tensor, 0, sizeof tensor);
    set_header(&tensor.header, sizeof tensor, HENG_KIND_INFERRED_TENSOR);
    set_call(&call, "", "Add");
    call.description.output_count = 0;
    tensor.dims = dims;
    tensor.capacity = 1;
    const heng_operator_description *given = &call.description;
    CHECK(heng_support_infer_operator(rules, 3, given, tensors, 1, &plan, "", NULL) == HENG_OK);
    CHECK(tensor.rank == 2 && tensor.type == HENG_TYPE_FLOAT32 && dims[0] == 2 && dims[1] == -5);
    CHECK(
        heng_support_infer_operator(rules, 3, given, tensors, 2, &plan, "", NULL) ==
        HENG_ERROR_INVALID_ARGUMENT);
    CHECK(
        heng_support_infer_operator(rules, 3, given, NULL, 1, &plan, "", NULL) ==
        HENG_ERROR_INVALID_ARGUMENT);
    tensor.dims = NULL;
    CHECK(
        heng_support_infer_operator(rules, 3, given, tensors, 1, &plan, "", NULL) ==
        HENG_ERROR_INVALID_ARGUMENT);

    heng_operator_listing listing;
    heng_error *error = NULL;
    memset(&listing, 0, sizeof listing);
    set_header(&listing.header, sizeof listing, HENG_KIND_OPERATOR_LISTING);
    CHECK(heng_support_list_operator(rules, 3, 0, &listing, "", NULL) == HENG_OK);
    CHECK(
        listing.since == 7 && listing.until == 13 && strcmp(listing.name, "Add") == 0 &&
        listing.types == FLOATS);
    CHECK(heng_support_list_operator(rules, 3, 3, &listing, "", &error) == HENG_ERROR_OUT_OF_RANGE);
    CHECK(code_of(&error) == HENG_ERROR_OUT_OF_RANGE);
}

void test_operators(void) {
    test_shapes();
    test_refusals();
    test_products();
    test_layouts();
    test_attributes();
    test_inference();
}
