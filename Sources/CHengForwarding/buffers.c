/* Buffers, and buffers that come and go in stream order. */
#include <stdlib.h>

#include "forwarding.h"

/* What work in a stream may still use although it is given up; the event tells when it does no more. */
struct late_buffer {
    heng_buffer *buffer;      /* the maker's; NULL: none */
    heng_operator *prepared;  /* ours; NULL: none */
    heng_event *event;
    struct late_buffer *next;
};

static heng_buffer *handle_for(object *context, heng_buffer *made, uint64_t size) {
    object *object = make_object(HENG_OBJECT_BUFFER, context->maker, made, context);
    if (!object) return NULL;
    object->of.buffer.size = size;
    void *address = NULL;
    if (context->maker->table.buffer_host_address
        && context->maker->table.buffer_host_address(made, &address, NULL) == HENG_OK) {
        object->of.buffer.host = address;
    }
    return (heng_buffer *)object;
}

static uint64_t size_of(const heng_buffer_arguments *arguments) {
    const bool is_there = arguments && arguments->header.struct_size >= offsetof(heng_buffer_arguments, numa_node);
    return is_there ? arguments->size : 0;
}

static int32_t buffer_allocate(
    heng_context *context, const heng_buffer_arguments *arguments, heng_buffer **buffer, heng_error **error) {
    FIND(found, context, HENG_OBJECT_CONTEXT, "buffer_allocate");
    NEED_PLACE(buffer, "buffer_allocate");
    NEED(found->maker, found->maker->table.buffer_allocate, "buffer_allocate");
    if (found->of.context.late) free_late_buffers(found, false);
    heng_buffer *made = NULL;
    CALL(found->maker, "buffer_allocate",
        found->maker->table.buffer_allocate(found->inner, arguments, &made, error ? &inner : NULL));
    heng_buffer *handle = handle_for(found, made, size_of(arguments));
    if (!handle) {
        found->maker->table.buffer_free(made, NULL);
        return fail(error, HENG_ERROR_OUT_OF_HOST_MEMORY, "buffer_allocate", "There is no memory for a handle.");
    }
    *buffer = handle;
    return HENG_OK;
}

static int32_t buffer_free(heng_buffer *buffer, heng_error **error) {
    FIND(found, buffer, HENG_OBJECT_BUFFER, "buffer_free");
    maker *of = found->maker;
    if (found->of.buffer.is_foreign) {
        void (*drop)(void *) = found->of.buffer.drop;
        void *user = found->of.buffer.user;
        end_object(found);
        if (drop) drop(user);
        return HENG_OK;
    }
    NEED(of, of->table.buffer_free, "buffer_free");
    CALL(of, "buffer_free", of->table.buffer_free(found->inner, error ? &inner : NULL));
    end_object(found);
    return HENG_OK;
}

static int32_t buffer_host_address(heng_buffer *buffer, void **address, heng_error **error) {
    FIND(found, buffer, HENG_OBJECT_BUFFER, "buffer_host_address");
    NEED_PLACE(address, "buffer_host_address");
    if (!found->of.buffer.host) {
        return fail(error, HENG_ERROR_UNSUPPORTED, "buffer_host_address",
            "The host does not reach this device's buffers.");
    }
    *address = found->of.buffer.host;
    return HENG_OK;
}

static int32_t stream_allocate(
    heng_stream *stream, const heng_buffer_arguments *arguments, heng_buffer **buffer, heng_error **error) {
    FIND(found, stream, HENG_OBJECT_STREAM, "stream_allocate");
    NEED_PLACE(buffer, "stream_allocate");
    maker *of = found->maker;
    /* A buffer that is there at once is there for the work behind this call too. */
    if (!of->table.stream_allocate) return buffer_allocate((heng_context *)found->owner, arguments, buffer, error);
    heng_buffer *made = NULL;
    CALL(of, "stream_allocate",
        of->table.stream_allocate(found->inner, arguments, &made, error ? &inner : NULL));
    heng_buffer *handle = handle_for(found->owner, made, size_of(arguments));
    if (!handle) {
        if (of->table.stream_free) of->table.stream_free(found->inner, made, NULL);
        return fail(error, HENG_ERROR_OUT_OF_HOST_MEMORY, "stream_allocate", "There is no memory for a handle.");
    }
    *buffer = handle;
    return HENG_OK;
}

int32_t give_up_later(object *stream, object *buffer, heng_operator *prepared, const char *operation,
    heng_error **error) {
    maker *of = stream->maker;
    object *context = buffer ? buffer->owner : stream->owner;
    struct late_buffer *late = calloc(1, sizeof *late);
    if (!late) return fail(error, HENG_ERROR_OUT_OF_HOST_MEMORY, operation, "There is no memory to note it.");
    heng_error *inner = NULL;
    int32_t status = of->table.event_create(context->inner, &late->event, error ? &inner : NULL);
    if (status == HENG_OK) {
        status = of->table.event_record(late->event, stream->inner, 0, error ? &inner : NULL);
        if (status != HENG_OK) of->table.event_destroy(late->event, NULL);
    }
    if (status != HENG_OK) {
        free(late);
        return hand_on(error, of, status, inner, operation);
    }
    late->prepared = prepared;
    if (buffer) {
        late->buffer = buffer->inner;
        end_object(buffer);
    }
    pthread_mutex_lock(&layer_lock);
    late->next = context->of.context.late;
    context->of.context.late = late;
    pthread_mutex_unlock(&layer_lock);
    free_late_buffers(context, false);
    return HENG_OK;
}

void free_late_buffers(object *context, bool wait) {
    maker *of = context->maker;
    pthread_mutex_lock(&layer_lock);
    struct late_buffer *late = context->of.context.late, *kept = NULL;
    context->of.context.late = NULL;
    pthread_mutex_unlock(&layer_lock);
    while (late) {
        struct late_buffer *next = late->next;
        uint8_t complete = 1;
        if (wait) of->table.event_synchronize(late->event, -1, NULL);
        else if (of->table.event_query(late->event, &complete, NULL) != HENG_OK) complete = 1;
        if (complete) {
            of->table.event_destroy(late->event, NULL);
            if (late->buffer) of->table.buffer_free(late->buffer, NULL);
            if (late->prepared) operator_group.operator_destroy(late->prepared, NULL);
            free(late);
        } else {
            late->next = kept;
            kept = late;
        }
        late = next;
    }
    pthread_mutex_lock(&layer_lock);
    while (kept) {
        struct late_buffer *next = kept->next;
        kept->next = context->of.context.late;
        context->of.context.late = kept;
        kept = next;
    }
    pthread_mutex_unlock(&layer_lock);
}

static int32_t stream_free(heng_stream *stream, heng_buffer *buffer, heng_error **error) {
    FIND(found, stream, HENG_OBJECT_STREAM, "stream_free");
    FIND(freed, buffer, HENG_OBJECT_BUFFER, "stream_free");
    maker *of = found->maker;
    const int32_t status = same_device(found, freed, "stream_free", error);
    if (status != HENG_OK) return status;
    if (freed->of.buffer.is_foreign) {
        return fail(error, HENG_ERROR_UNSUPPORTED, "stream_free",
            "The buffer lies over a tensor of another library; buffer_free gives that back.");
    }
    if (!of->table.stream_free) return give_up_later(found, freed, NULL, "stream_free", error);
    CALL(of, "stream_free", of->table.stream_free(found->inner, freed->inner, error ? &inner : NULL));
    end_object(freed);
    return HENG_OK;
}

void add_buffer_functions(heng_accelerator_table *table) {
    table->buffer_allocate = buffer_allocate;
    table->buffer_free = buffer_free;
    table->buffer_host_address = buffer_host_address;
    table->stream_allocate = stream_allocate;
    table->stream_free = stream_free;
}
