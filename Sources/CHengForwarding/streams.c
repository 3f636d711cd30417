/* Streams: the hot functions check a tag, translate handles and call the maker. */
#include <stdlib.h>

#include "forwarding.h"

static int32_t stream_create(
    heng_context *context, const heng_stream_arguments *arguments, heng_stream **stream, heng_error **error) {
    FIND(found, context, HENG_OBJECT_CONTEXT, "stream_create");
    NEED_PLACE(stream, "stream_create");
    NEED(found->maker, found->maker->table.stream_create, "stream_create");
    heng_stream *made = NULL;
    CALL(found->maker, "stream_create",
        found->maker->table.stream_create(found->inner, arguments, &made, error ? &inner : NULL));
    object *object = make_object(HENG_OBJECT_STREAM, found->maker, made, found);
    if (!object) {
        found->maker->table.stream_destroy(made, NULL);
        return fail(error, HENG_ERROR_OUT_OF_HOST_MEMORY, "stream_create", "There is no memory for a handle.");
    }
    *stream = (heng_stream *)object;
    return HENG_OK;
}

static int32_t stream_destroy(heng_stream *stream, heng_error **error) {
    FIND(found, stream, HENG_OBJECT_STREAM, "stream_destroy");
    maker *of = found->maker;
    NEED(of, of->table.stream_destroy, "stream_destroy");
    if (found->owner->of.context.stream == found) {
        return fail(error, HENG_ERROR_MISUSE, "stream_destroy", "This is the context's default stream.");
    }
    if (found->of.stream.subscription) end_subscription(found);
    heng_error *inner = NULL;
    const int32_t status = of->table.stream_destroy(found->inner, error ? &inner : NULL);
    /* Only a call from the stream's own host function leaves it alive. */
    if (status != HENG_ERROR_MISUSE) {
        free_subscriptions(found->of.stream.subscription);
        end_object(found);
    }
    return status == HENG_OK ? HENG_OK : hand_on(error, of, status, inner, "stream_destroy");
}

static int32_t stream_synchronize(heng_stream *stream, int32_t milliseconds, heng_error **error) {
    FIND(found, stream, HENG_OBJECT_STREAM, "stream_synchronize");
    NEED(found->maker, found->maker->table.stream_synchronize, "stream_synchronize");
    CALL(found->maker, "stream_synchronize",
        found->maker->table.stream_synchronize(found->inner, milliseconds, error ? &inner : NULL));
    return HENG_OK;
}

static int32_t stream_launch(
    heng_stream *stream, heng_host_function function, const void *arguments, uint32_t size, uint64_t correlation,
    heng_error **error) {
    FIND(found, stream, HENG_OBJECT_STREAM, "stream_launch");
    NEED(found->maker, found->maker->table.stream_launch, "stream_launch");
    CALL(found->maker, "stream_launch",
        found->maker->table.stream_launch(
            found->inner, function, arguments, size, correlation, error ? &inner : NULL));
    return HENG_OK;
}

static int32_t stream_launch_fallible(
    heng_stream *stream, heng_fallible_host_function function, const void *arguments, uint32_t size,
    uint64_t correlation, heng_error **error) {
    FIND(found, stream, HENG_OBJECT_STREAM, "stream_launch_fallible");
    NEED(found->maker, found->maker->table.stream_launch_fallible, "stream_launch_fallible");
    CALL(found->maker, "stream_launch_fallible",
        found->maker->table.stream_launch_fallible(
            found->inner, function, arguments, size, correlation, error ? &inner : NULL));
    return HENG_OK;
}

static int32_t stream_copy(
    heng_stream *stream, const heng_range *destination, const heng_range *source, uint64_t bytes,
    uint64_t correlation, heng_error **error) {
    FIND(found, stream, HENG_OBJECT_STREAM, "stream_copy");
    NEED(found->maker, found->maker->table.stream_copy, "stream_copy");
    const object *device = found->owner->owner;
    heng_range to, from;
    int32_t status = translate_target(device, destination, &to, "stream_copy", error);
    if (status == HENG_OK) status = translate(device, source, &from, "stream_copy", error);
    if (status != HENG_OK) return status;
    CALL(found->maker, "stream_copy",
        found->maker->table.stream_copy(found->inner, &to, &from, bytes, correlation, error ? &inner : NULL));
    return HENG_OK;
}

static int32_t stream_fill(
    heng_stream *stream, const heng_range *destination, uint8_t value, uint64_t bytes, uint64_t correlation,
    heng_error **error) {
    FIND(found, stream, HENG_OBJECT_STREAM, "stream_fill");
    NEED(found->maker, found->maker->table.stream_fill, "stream_fill");
    heng_range to;
    const int32_t status = translate_target(found->owner->owner, destination, &to, "stream_fill", error);
    if (status != HENG_OK) return status;
    CALL(found->maker, "stream_fill",
        found->maker->table.stream_fill(found->inner, &to, value, bytes, correlation, error ? &inner : NULL));
    return HENG_OK;
}

static int32_t stream_query(heng_stream *stream, uint8_t *idle, heng_error **error) {
    FIND(found, stream, HENG_OBJECT_STREAM, "stream_query");
    NEED_PLACE(idle, "stream_query");
    if (found->maker->table.stream_query) {
        CALL(found->maker, "stream_query",
            found->maker->table.stream_query(found->inner, idle, error ? &inner : NULL));
        return HENG_OK;
    }
    NEED(found->maker, found->maker->table.stream_synchronize, "stream_query");
    heng_error *inner = NULL;
    const int32_t status = found->maker->table.stream_synchronize(found->inner, 0, error ? &inner : NULL);
    if (status != HENG_OK && status != HENG_ERROR_TIMEOUT) {
        return hand_on(error, found->maker, status, inner, "stream_query");
    }
    drop_error(found->maker, inner);
    *idle = status == HENG_OK;
    return HENG_OK;
}

static int32_t stream_abort(heng_stream *stream, heng_error **error) {
    FIND(found, stream, HENG_OBJECT_STREAM, "stream_abort");
    NEED(found->maker, found->maker->table.stream_abort, "stream_abort");
    CALL(found->maker, "stream_abort", found->maker->table.stream_abort(found->inner, error ? &inner : NULL));
    return HENG_OK;
}

/* -- Blocks: the maker's, or row by row -- */

/* The bytes of a block from its first to behind its last; false where they are too many to count. */
static bool block_size(const heng_block *block, uint64_t width, uint64_t height, uint64_t depth, uint64_t *size) {
    uint64_t planes, rows, sum;
    if (__builtin_mul_overflow(block->plane_pitch, depth - 1, &planes)) return false;
    if (__builtin_mul_overflow(block->row_pitch, height - 1, &rows)) return false;
    return !__builtin_add_overflow(planes, rows, &sum) && !__builtin_add_overflow(sum, width, size);
}

static int32_t check_block(
    const object *device, const heng_block *block, uint64_t width, uint64_t height, uint64_t depth,
    heng_block *inner, heng_error **error) {
    uint64_t least_plane, size;
    *inner = *block;
    bool is_too_large = __builtin_mul_overflow(block->row_pitch, height, &least_plane);
    if ((height > 1 && block->row_pitch < width)
        || (depth > 1 && (is_too_large || block->plane_pitch < least_plane))) {
        return fail(error, HENG_ERROR_INVALID_ARGUMENT, "stream_copy_block",
            "The rows or planes of a block overlap: their distance is less than their size.");
    }
    if (!block_size(block, width, height, depth, &size) || size > block->range.size) {
        return fail(error, HENG_ERROR_OUT_OF_RANGE, "stream_copy_block", "A range does not hold its whole block.");
    }
    return translate(device, &block->range, &inner->range, "stream_copy_block", error);
}

static int32_t copy_rows(
    const object *stream, const heng_block *to, const heng_block *from, uint64_t width, uint64_t height,
    uint64_t depth, uint64_t correlation, heng_error **error) {
    /* Rows without gaps on both sides are one long row. */
    if (to->row_pitch == width && from->row_pitch == width) {
        width *= height;
        height = 1;
    }
    for (uint64_t plane = 0; plane < depth; plane++) {
        for (uint64_t row = 0; row < height; row++) {
            heng_range target = to->range, source = from->range;
            target.offset += plane * to->plane_pitch + row * to->row_pitch;
            source.offset += plane * from->plane_pitch + row * from->row_pitch;
            target.size = source.size = width;
            CALL(stream->maker, "stream_copy_block",
                stream->maker->table.stream_copy(
                    stream->inner, &target, &source, width, correlation, error ? &inner : NULL));
        }
    }
    return HENG_OK;
}

static int32_t stream_copy_block(
    heng_stream *stream, const heng_block *destination, const heng_block *source, uint64_t width, uint64_t height,
    uint64_t depth, uint64_t correlation, heng_error **error) {
    FIND(found, stream, HENG_OBJECT_STREAM, "stream_copy_block");
    if (!destination || !source) {
        return fail(error, HENG_ERROR_INVALID_ARGUMENT, "stream_copy_block", "A block is NULL.");
    }
    if (width == 0 || height == 0 || depth == 0) return HENG_OK;
    const object *device = found->owner->owner;
    heng_block to, from;
    int32_t status = check_block(device, destination, width, height, depth, &to, error);
    if (status == HENG_OK) status = check_block(device, source, width, height, depth, &from, error);
    if (status != HENG_OK) return status;
    if (!found->maker->table.stream_copy_block) {
        return copy_rows(found, &to, &from, width, height, depth, correlation, error);
    }
    CALL(found->maker, "stream_copy_block",
        found->maker->table.stream_copy_block(
            found->inner, &to, &from, width, height, depth, correlation, error ? &inner : NULL));
    return HENG_OK;
}

/* stream_wait_event lies with the events, stream_allocate and stream_free with the buffers. */
void add_stream_functions(heng_accelerator_table *table) {
    table->stream_create = stream_create;
    table->stream_destroy = stream_destroy;
    table->stream_synchronize = stream_synchronize;
    table->stream_launch = stream_launch;
    table->stream_launch_fallible = stream_launch_fallible;
    table->stream_copy = stream_copy;
    table->stream_fill = stream_fill;
    table->stream_query = stream_query;
    table->stream_abort = stream_abort;
    table->stream_copy_block = stream_copy_block;
}
