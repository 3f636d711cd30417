/* The operator group: the maker's where it has one, else the library's own over the device's kernels. */
#include <stdlib.h>

#include "forwarding.h"

static const heng_operator_table *table_for(const object *of) {
    return of->maker->operators ? of->maker->operators : services->operators;
}

/* Whether the library's own group serves the object: that one works on our handles. */
static bool is_ours(const object *of) { return !of->maker->operators; }

static int32_t operator_list(
    heng_device *device, uint32_t index, heng_operator_listing *listing, heng_error **error) {
    FIND(found, device, HENG_OBJECT_DEVICE, "operator_list");
    NEED_PLACE(listing, "operator_list");
    const heng_operator_table *table = table_for(found);
    NEED(found->maker, table && table->operator_list, "operator_list");
    if (is_ours(found)) return table->operator_list(device, index, listing, error);
    CALL(found->maker, "operator_list",
        table->operator_list(found->inner, index, listing, error ? &inner : NULL));
    return HENG_OK;
}

static int32_t operator_supports(
    heng_device *device, const heng_operator_description *description, heng_refusal *refusal, heng_error **error) {
    FIND(found, device, HENG_OBJECT_DEVICE, "operator_supports");
    const heng_operator_table *table = table_for(found);
    NEED(found->maker, table && table->operator_supports, "operator_supports");
    if (is_ours(found)) return table->operator_supports(device, description, refusal, error);
    CALL(found->maker, "operator_supports",
        table->operator_supports(found->inner, description, refusal, error ? &inner : NULL));
    return HENG_OK;
}

static int32_t operator_infer(
    heng_device *device, const heng_operator_description *description, heng_inferred_tensor *const *outputs,
    uint32_t count, heng_error **error) {
    FIND(found, device, HENG_OBJECT_DEVICE, "operator_infer");
    const heng_operator_table *table = table_for(found);
    /* Shape rules are the same on every device. */
    if (!is_ours(found) && !table->operator_infer) table = services->operators;
    NEED(found->maker, table && table->operator_infer, "operator_infer");
    if (table == services->operators) return table->operator_infer(device, description, outputs, count, error);
    CALL(found->maker, "operator_infer",
        table->operator_infer(found->inner, description, outputs, count, error ? &inner : NULL));
    return HENG_OK;
}

static int32_t operator_prepare(
    heng_context *context, const heng_operator_description *description, heng_operator **prepared,
    heng_operator_info *info, heng_error **error) {
    FIND(found, context, HENG_OBJECT_CONTEXT, "operator_prepare");
    NEED_PLACE(prepared, "operator_prepare");
    const heng_operator_table *table = table_for(found);
    NEED(found->maker, table && table->operator_prepare, "operator_prepare");
    if (is_ours(found)) return table->operator_prepare(context, description, prepared, info, error);
    heng_operator *made = NULL;
    CALL(found->maker, "operator_prepare",
        table->operator_prepare(found->inner, description, &made, info, error ? &inner : NULL));
    object *object = make_object(HENG_OBJECT_OPERATOR, found->maker, made, found);
    if (!object) {
        table->operator_destroy(made, NULL);
        return fail(error, HENG_ERROR_OUT_OF_HOST_MEMORY, "operator_prepare", "There is no memory for a handle.");
    }
    *prepared = (heng_operator *)object;
    return HENG_OK;
}

enum { ROOM = 16 };

static int32_t execute_makers(
    object *prepared, object *stream, const heng_range *inputs, uint32_t input_count, const heng_range *outputs,
    uint32_t output_count, const heng_range *workspace, uint64_t correlation, heng_error **error) {
    const object *device = device_of(prepared);
    heng_range rooms[2][ROOM], scratch, *ins, *outs = NULL;
    int32_t status =
        translate_all(device, inputs, input_count, rooms[0], ROOM, &ins, "operator_execute", error);
    if (status != HENG_OK) return status;
    status = translate_all(device, outputs, output_count, rooms[1], ROOM, &outs, "operator_execute", error);
    if (status == HENG_OK && workspace) {
        status = translate(device, workspace, &scratch, "operator_execute", error);
    }
    if (status == HENG_OK) {
        heng_error *inner = NULL;
        status = prepared->maker->operators->operator_execute(prepared->inner, stream->inner, ins, input_count,
            outs, output_count, workspace ? &scratch : NULL, correlation, error ? &inner : NULL);
        if (status != HENG_OK) hand_on(error, prepared->maker, status, inner, "operator_execute");
    }
    if (ins != rooms[0]) free(ins);
    if (outs != rooms[1]) free(outs);
    return status;
}

static int32_t operator_execute(
    heng_operator *prepared, heng_stream *stream, const heng_range *inputs, uint32_t input_count,
    const heng_range *outputs, uint32_t output_count, const heng_range *workspace, uint64_t correlation,
    heng_error **error) {
    FIND(found, prepared, HENG_OBJECT_OPERATOR, "operator_execute");
    FIND(lane, stream, HENG_OBJECT_STREAM, "operator_execute");
    const int32_t status = same_device(found, lane, "operator_execute", error);
    if (status != HENG_OK) return status;
    const heng_operator_table *table = table_for(found);
    NEED(found->maker, table && table->operator_execute, "operator_execute");
    if (is_ours(found)) {
        return table->operator_execute(prepared, stream, inputs, input_count, outputs, output_count, workspace,
            correlation, error);
    }
    return execute_makers(found, lane, inputs, input_count, outputs, output_count, workspace, correlation, error);
}

static int32_t operator_destroy(heng_operator *prepared, heng_error **error) {
    FIND(found, prepared, HENG_OBJECT_OPERATOR, "operator_destroy");
    const heng_operator_table *table = table_for(found);
    NEED(found->maker, table && table->operator_destroy, "operator_destroy");
    if (is_ours(found)) return table->operator_destroy(prepared, error);
    CALL(found->maker, "operator_destroy", table->operator_destroy(found->inner, error ? &inner : NULL));
    end_object(found);
    return HENG_OK;
}

/* The maker's way with everything in one call; false where it has none. */
static bool can_run(const object *stream) { return stream->maker->operators && stream->maker->operators->operator_run; }

static int32_t run_makers(
    object *stream, const heng_operator_description *description, const heng_range *inputs, uint32_t input_count,
    const heng_range *outputs, uint32_t output_count, uint64_t correlation, heng_error **error) {
    const object *device = device_of(stream);
    heng_range rooms[2][ROOM], *ins, *outs = NULL;
    int32_t status = translate_all(device, inputs, input_count, rooms[0], ROOM, &ins, "operator_run", error);
    if (status != HENG_OK) return status;
    status = translate_all(device, outputs, output_count, rooms[1], ROOM, &outs, "operator_run", error);
    if (status == HENG_OK) {
        heng_error *inner = NULL;
        status = stream->maker->operators->operator_run(stream->inner, description, ins, input_count, outs,
            output_count, correlation, error ? &inner : NULL);
        if (status != HENG_OK) hand_on(error, stream->maker, status, inner, "operator_run");
    }
    if (ins != rooms[0]) free(ins);
    if (outs != rooms[1]) free(outs);
    return status;
}

/* The workspace that a prepared operator needs; NULL for none. */
static int32_t make_workspace(object *stream, uint64_t bytes, heng_buffer **buffer, heng_error **error) {
    *buffer = NULL;
    if (bytes == 0) return HENG_OK;
    heng_accelerator_table calls = {0};
    add_buffer_functions(&calls);
    const heng_buffer_arguments arguments = {
        .header = HEADER(heng_buffer_arguments, HENG_KIND_BUFFER_ARGUMENTS), .size = bytes, .numa_node = -1};
    return calls.buffer_allocate((heng_context *)stream->owner, &arguments, buffer, error);
}

static int32_t operator_run(
    heng_stream *stream, const heng_operator_description *description, const heng_range *inputs,
    uint32_t input_count, const heng_range *outputs, uint32_t output_count, uint64_t correlation,
    heng_error **error) {
    FIND(lane, stream, HENG_OBJECT_STREAM, "operator_run");
    if (can_run(lane)) {
        return run_makers(lane, description, inputs, input_count, outputs, output_count, correlation, error);
    }
    heng_operator *prepared = NULL;
    heng_buffer *scratch = NULL;
    heng_operator_info info = {.header = HEADER(heng_operator_info, HENG_KIND_OPERATOR_INFO)};
    int32_t status = operator_prepare((heng_context *)lane->owner, description, &prepared, &info, error);
    if (status != HENG_OK) return status;
    status = make_workspace(lane, info.workspace_bytes, &scratch, error);
    if (status == HENG_OK) {
        const heng_range workspace = {.buffer = scratch, .size = info.workspace_bytes};
        status = operator_execute(prepared, stream, inputs, input_count, outputs, output_count,
            scratch ? &workspace : NULL, correlation, error);
    }
    if (status == HENG_OK) return give_up_later(lane, (object *)scratch, prepared, "operator_run", error);
    if (scratch) give_up_later(lane, (object *)scratch, NULL, "operator_run", NULL);
    operator_destroy(prepared, NULL);
    return status;
}

const heng_operator_table operator_group = {
    .header = HEADER(heng_operator_table, HENG_KIND_OPERATOR_TABLE),
    .operator_list = operator_list,
    .operator_supports = operator_supports,
    .operator_infer = operator_infer,
    .operator_prepare = operator_prepare,
    .operator_execute = operator_execute,
    .operator_destroy = operator_destroy,
    .operator_run = operator_run,
};
