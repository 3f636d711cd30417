/* Contexts, and host memory that belongs to them. */
#include <stdlib.h>

#include "forwarding.h"

/* Memory that host_allocate gave: the maker's where it has some, else ordinary memory at page boundaries. */
struct host_block {
    void *address;
    bool is_makers;
    struct host_block *next;
};

static int32_t count_host_blocks(object *context) {
    int32_t count = 0;
    pthread_mutex_lock(&layer_lock);
    for (const struct host_block *block = context->of.context.blocks; block; block = block->next) count++;
    pthread_mutex_unlock(&layer_lock);
    return count;
}

static void drop_host_blocks(object *context) {
    struct host_block *block = context->of.context.blocks;
    context->of.context.blocks = NULL;
    while (block) {
        struct host_block *next = block->next;
        if (block->is_makers) context->maker->table.host_free(context->inner, block->address, NULL);
        else free(block->address);
        free(block);
        block = next;
    }
}

static int32_t context_create(heng_device *device, heng_context **context, heng_error **error) {
    FIND(found, device, HENG_OBJECT_DEVICE, "context_create");
    NEED_PLACE(context, "context_create");
    NEED(found->maker, found->maker->table.context_create, "context_create");
    heng_context *made = NULL;
    CALL(found->maker, "context_create",
        found->maker->table.context_create(found->inner, &made, error ? &inner : NULL));
    object *object = make_object(HENG_OBJECT_CONTEXT, found->maker, made, found);
    if (!object) {
        found->maker->table.context_destroy(made, NULL);
        return fail(error, HENG_ERROR_OUT_OF_HOST_MEMORY, "context_create", "There is no memory for a handle.");
    }
    *context = (heng_context *)object;
    return HENG_OK;
}

/* Everything under the context, in the order that makers ask for. */
static void end_children(object *context) {
    object *child;
    heng_accelerator_table calls = {0};
    add_event_functions(&calls);
    add_buffer_functions(&calls);
    add_stream_functions(&calls);
    while ((child = child_of_kind(context, HENG_OBJECT_MODEL)) != NULL
        && services->models->model_unload((heng_model *)child, NULL) == HENG_OK) {}
    while ((child = child_of_kind(context, HENG_OBJECT_OPERATOR)) != NULL
        && operator_group.operator_destroy((heng_operator *)child, NULL) == HENG_OK) {}
    while ((child = child_of_kind(context, HENG_OBJECT_RECORDING)) != NULL
        && recording_group.recording_destroy((heng_recording *)child, NULL) == HENG_OK) {}
    while ((child = child_of_kind(context, HENG_OBJECT_MODULE)) != NULL
        && kernel_group.module_unload((heng_module *)child, NULL) == HENG_OK) {}
    while ((child = child_of_kind(context, HENG_OBJECT_EVENT)) != NULL
        && calls.event_destroy((heng_event *)child, NULL) == HENG_OK) {}
    while ((child = child_of_kind(context, HENG_OBJECT_STREAM)) != NULL) {
        /* A failed stream is destroyed too, and says so. */
        calls.stream_destroy((heng_stream *)child, NULL);
        if (living(child, HENG_OBJECT_STREAM)) break;
    }
    while ((child = child_of_kind(context, HENG_OBJECT_BUFFER)) != NULL
        && calls.buffer_free((heng_buffer *)child, NULL) == HENG_OK) {}
}

int32_t context_end(object *context, bool with_children, const char *operation, heng_error **error) {
    maker *of = context->maker;
    object *kept = context->of.context.stream;
    if (context->of.context.late) free_late_buffers(context, true);
    const int32_t owned = count_children(context) - (kept ? 1 : 0) + count_host_blocks(context);
    if (!with_children && owned > 0) {
        return fail(error, HENG_ERROR_NOT_RELEASED, operation, "The context still owns %d objects.", owned);
    }
    NEED(of, of->table.context_destroy, operation);
    context->of.context.stream = NULL;
    if (with_children || kept) end_children(context);
    if (with_children) drop_host_blocks(context);
    CALL(of, operation, of->table.context_destroy(context->inner, error ? &inner : NULL));
    end_object(context);
    return HENG_OK;
}

static int32_t context_destroy(heng_context *context, heng_error **error) {
    FIND(found, context, HENG_OBJECT_CONTEXT, "context_destroy");
    if (found->owner->of.device.defaults == found) {
        return fail(error, HENG_ERROR_MISUSE, "context_destroy",
            "This is the device's default context; device_deselect ends it.");
    }
    return context_end(found, false, "context_destroy", error);
}

static int32_t context_memory_info(heng_context *context, heng_memory_info *info, heng_error **error) {
    FIND(found, context, HENG_OBJECT_CONTEXT, "context_memory_info");
    NEED_PLACE(info, "context_memory_info");
    NEED(found->maker, found->maker->table.context_memory_info, "context_memory_info");
    free_late_buffers(found, false);
    CALL(found->maker, "context_memory_info",
        found->maker->table.context_memory_info(found->inner, info, error ? &inner : NULL));
    return HENG_OK;
}

static int32_t context_limit_memory(heng_context *context, uint64_t limit, heng_error **error) {
    FIND(found, context, HENG_OBJECT_CONTEXT, "context_limit_memory");
    NEED(found->maker, found->maker->table.context_limit_memory, "context_limit_memory");
    CALL(found->maker, "context_limit_memory",
        found->maker->table.context_limit_memory(found->inner, limit, error ? &inner : NULL));
    return HENG_OK;
}

static int32_t context_trim_memory(heng_context *context, uint64_t *released, heng_error **error) {
    FIND(found, context, HENG_OBJECT_CONTEXT, "context_trim_memory");
    NEED(found->maker, found->maker->table.context_trim_memory, "context_trim_memory");
    free_late_buffers(found, false);
    CALL(found->maker, "context_trim_memory",
        found->maker->table.context_trim_memory(found->inner, released, error ? &inner : NULL));
    return HENG_OK;
}

static int32_t context_keep_memory(heng_context *context, uint64_t bytes, heng_error **error) {
    FIND(found, context, HENG_OBJECT_CONTEXT, "context_keep_memory");
    NEED(found->maker, found->maker->table.context_keep_memory, "context_keep_memory");
    CALL(found->maker, "context_keep_memory",
        found->maker->table.context_keep_memory(found->inner, bytes, error ? &inner : NULL));
    return HENG_OK;
}

static int32_t context_state(heng_context *context, uint64_t *epoch, heng_error **cause, heng_error **error) {
    FIND(found, context, HENG_OBJECT_CONTEXT, "context_state");
    if (!found->maker->table.context_state) {
        /* A maker that cannot rebuild has no other epoch, and knows no broken contexts. */
        if (epoch) *epoch = 0;
        if (cause) *cause = NULL;
        return HENG_OK;
    }
    heng_error *broken = NULL;
    CALL(found->maker, "context_state",
        found->maker->table.context_state(found->inner, epoch, cause ? &broken : NULL, error ? &inner : NULL));
    if (cause) {
        *cause = NULL;
        if (broken) {
            heng_error_description facts = {.header = HEADER(heng_error_description, HENG_KIND_ERROR_DESCRIPTION)};
            found->maker->table.error_describe(broken, &facts);
            heng_forwarding_fail(cause, &facts);
            drop_error(found->maker, broken);
        }
    }
    return HENG_OK;
}

static int32_t context_rebuild(heng_context *context, heng_error **error) {
    FIND(found, context, HENG_OBJECT_CONTEXT, "context_rebuild");
    NEED(found->maker, found->maker->table.context_rebuild, "context_rebuild");
    CALL(found->maker, "context_rebuild",
        found->maker->table.context_rebuild(found->inner, error ? &inner : NULL));
    return HENG_OK;
}

static int32_t host_allocate(
    heng_context *context, const heng_buffer_arguments *arguments, void **address, heng_error **error) {
    FIND(found, context, HENG_OBJECT_CONTEXT, "host_allocate");
    NEED_PLACE(address, "host_allocate");
    if (!arguments || arguments->header.struct_size < offsetof(heng_buffer_arguments, numa_node)
        || arguments->size == 0) {
        return fail(error, HENG_ERROR_INVALID_ARGUMENT, "host_allocate",
            "host_allocate needs arguments with struct_size set and at least one byte.");
    }
    struct host_block *block = calloc(1, sizeof *block);
    if (!block) return fail(error, HENG_ERROR_OUT_OF_HOST_MEMORY, "host_allocate", "There is no memory for a block.");
    if (found->maker->table.host_allocate && found->maker->table.host_free) {
        heng_error *inner = NULL;
        const int32_t status =
            found->maker->table.host_allocate(found->inner, arguments, &block->address, error ? &inner : NULL);
        if (status != HENG_OK) {
            free(block);
            return hand_on(error, found->maker, status, inner, "host_allocate");
        }
        block->is_makers = true;
    } else if (arguments->size > (uint64_t)1 << 46
        || posix_memalign(&block->address, 4096, (size_t)arguments->size) != 0) {
        free(block);
        return fail(error, HENG_ERROR_OUT_OF_HOST_MEMORY, "host_allocate",
            "The host has no %llu bytes.", (unsigned long long)arguments->size);
    }
    pthread_mutex_lock(&layer_lock);
    block->next = found->of.context.blocks;
    found->of.context.blocks = block;
    pthread_mutex_unlock(&layer_lock);
    *address = block->address;
    return HENG_OK;
}

static int32_t host_free(heng_context *context, void *address, heng_error **error) {
    FIND(found, context, HENG_OBJECT_CONTEXT, "host_free");
    pthread_mutex_lock(&layer_lock);
    struct host_block **place = &found->of.context.blocks;
    while (*place && (*place)->address != address) place = &(*place)->next;
    struct host_block *block = *place;
    if (block) *place = block->next;
    pthread_mutex_unlock(&layer_lock);
    if (!block) {
        return fail(error, HENG_ERROR_FREE, "host_free", "host_allocate of this context gave no such address.");
    }
    const bool is_makers = block->is_makers;
    free(block);
    if (!is_makers) {
        free(address);
        return HENG_OK;
    }
    CALL(found->maker, "host_free", found->maker->table.host_free(found->inner, address, error ? &inner : NULL));
    return HENG_OK;
}

void add_context_functions(heng_accelerator_table *table) {
    table->context_create = context_create;
    table->context_destroy = context_destroy;
    table->context_memory_info = context_memory_info;
    table->context_limit_memory = context_limit_memory;
    table->context_trim_memory = context_trim_memory;
    table->context_keep_memory = context_keep_memory;
    table->context_state = context_state;
    table->context_rebuild = context_rebuild;
    table->host_allocate = host_allocate;
    table->host_free = host_free;
}
