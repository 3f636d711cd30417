/* Handles: objects whose memory is never given back, so that the tag of a destroyed one can still be read. */
#include <stdlib.h>

#include "forwarding.h"

pthread_mutex_t layer_lock = PTHREAD_MUTEX_INITIALIZER;

/* Ended objects, oldest first: a stale handle is known as one until many others have been ended. */
static pthread_mutex_t pool_lock = PTHREAD_MUTEX_INITIALIZER;
static object *oldest, *newest;
static uint64_t resting;

/* So many ended objects rest before the oldest is used again. */
enum { LEAST_REST = 4096, PER_CHUNK = 64 };

static object *take(void) {
    pthread_mutex_lock(&pool_lock);
    if (resting <= LEAST_REST) {
        /* The memory of handles is kept until the process ends. */
        object *chunk = aligned_alloc(64, (sizeof(object) * PER_CHUNK + 63) / 64 * 64);
        if (chunk) {
            memset(chunk, 0, sizeof(object) * PER_CHUNK);
            /* To the front: fresh memory is used before what rests. */
            for (int i = 0; i < PER_CHUNK; i++) {
                chunk[i].next = oldest;
                oldest = &chunk[i];
                if (!newest) newest = &chunk[i];
            }
            resting += PER_CHUNK;
        }
    }
    object *taken = oldest;
    if (taken) {
        oldest = taken->next;
        if (!oldest) newest = NULL;
        resting--;
    }
    pthread_mutex_unlock(&pool_lock);
    return taken;
}

object *make_object(int32_t kind, maker *maker, void *inner, object *owner) {
    object *made = take();
    if (!made) return NULL;
    memset((char *)made + offsetof(object, index), 0, sizeof *made - offsetof(object, index));
    made->maker = maker;
    made->inner = inner;
    made->owner = owner;
    if (owner) {
        pthread_mutex_lock(&layer_lock);
        made->next = owner->first_child;
        if (made->next) made->next->previous = made;
        owner->first_child = made;
        pthread_mutex_unlock(&layer_lock);
    }
    atomic_store_explicit(&made->tag, TAG(kind), memory_order_release);
    return made;
}

void end_object(object *ended) {
    atomic_store_explicit(&ended->tag, DEAD_TAG, memory_order_relaxed);
    if (ended->owner) {
        pthread_mutex_lock(&layer_lock);
        if (ended->previous) ended->previous->next = ended->next;
        else ended->owner->first_child = ended->next;
        if (ended->next) ended->next->previous = ended->previous;
        pthread_mutex_unlock(&layer_lock);
    }
    ended->next = NULL;
    pthread_mutex_lock(&pool_lock);
    if (newest) newest->next = ended;
    else oldest = ended;
    newest = ended;
    resting++;
    pthread_mutex_unlock(&pool_lock);
}

const char *kind_name(int32_t kind) {
    static const char *const names[] = {"thing", "device", "context", "stream", "event", "buffer", "operator",
        "module", "kernel", "model", "graph", "recording", "communicator"};
    return names[kind >= 1 && kind <= HENG_OBJECT_COMMUNICATOR ? kind : 0];
}

object *device_of(const object *any) {
    const object *at = any;
    while (at->owner) at = at->owner;
    return (object *)at;
}

int32_t count_children(object *owner) {
    int32_t count = 0;
    pthread_mutex_lock(&layer_lock);
    for (const object *child = owner->first_child; child; child = child->next) count++;
    pthread_mutex_unlock(&layer_lock);
    return count;
}

object *child_of_kind(object *owner, int32_t kind) {
    pthread_mutex_lock(&layer_lock);
    object *child = owner->first_child;
    while (child && atomic_load_explicit(&child->tag, memory_order_relaxed) != TAG(kind)) child = child->next;
    pthread_mutex_unlock(&layer_lock);
    return child;
}

int32_t heng_forwarding_find(
    const void *handle, int32_t kind, heng_forwarded *found, const char *operation, heng_error **error) {
    FIND(object, handle, kind, operation);
    memset(found, 0, sizeof *found);
    found->inner = object->inner;
    found->owner = object->owner;
    if (!object->maker) return HENG_OK;
    const struct object *device = device_of(object);
    found->table = &object->maker->table;
    found->device = (void *)device;
    found->maker_device = device->inner;
    if (kind == HENG_OBJECT_CONTEXT) found->maker_context = object->inner;
    if (kind != HENG_OBJECT_CONTEXT && object->owner) found->maker_context = object->owner->inner;
    if (kind == HENG_OBJECT_BUFFER) {
        found->size = object->of.buffer.size;
        found->host = object->of.buffer.host;
        found->is_foreign = object->of.buffer.is_foreign;
    }
    return HENG_OK;
}

void *heng_forwarding_make(int32_t kind, void *context, void *inner) {
    object *owner = context;
    return make_object(kind, owner ? owner->maker : NULL, inner, owner);
}

void heng_forwarding_unmake(void *handle) { end_object(handle); }
