/* Events, and what makers may leave out of them: resetting, and asking for waits. */
#include <stdlib.h>

#include "forwarding.h"

/* Recorded behind a wait in one stream, so that it tells when the wait is over. */
struct hidden_wait {
    const object *stream;
    heng_event *inner;
    struct hidden_wait *next;
};

static int32_t event_create(heng_context *context, heng_event **event, heng_error **error) {
    FIND(found, context, HENG_OBJECT_CONTEXT, "event_create");
    NEED_PLACE(event, "event_create");
    NEED(found->maker, found->maker->table.event_create, "event_create");
    heng_event *made = NULL;
    CALL(found->maker, "event_create",
        found->maker->table.event_create(found->inner, &made, error ? &inner : NULL));
    object *object = make_object(HENG_OBJECT_EVENT, found->maker, made, found);
    if (!object) {
        found->maker->table.event_destroy(made, NULL);
        return fail(error, HENG_ERROR_OUT_OF_HOST_MEMORY, "event_create", "There is no memory for a handle.");
    }
    *event = (heng_event *)object;
    return HENG_OK;
}

void forget_waits(object *event) {
    struct hidden_wait *wait = event->of.event.waits;
    event->of.event.waits = NULL;
    while (wait) {
        struct hidden_wait *next = wait->next;
        event->maker->table.event_destroy(wait->inner, NULL);
        free(wait);
        wait = next;
    }
}

static int32_t event_destroy(heng_event *event, heng_error **error) {
    FIND(found, event, HENG_OBJECT_EVENT, "event_destroy");
    maker *of = found->maker;
    NEED(of, of->table.event_destroy, "event_destroy");
    forget_waits(found);
    CALL(of, "event_destroy", of->table.event_destroy(found->inner, error ? &inner : NULL));
    end_object(found);
    return HENG_OK;
}

static int32_t event_record(heng_event *event, heng_stream *stream, uint64_t correlation, heng_error **error) {
    FIND(found, event, HENG_OBJECT_EVENT, "event_record");
    FIND(lane, stream, HENG_OBJECT_STREAM, "event_record");
    NEED(found->maker, found->maker->table.event_record, "event_record");
    if (found->owner->owner != lane->owner->owner) return same_device(found, lane, "event_record", error);
    CALL(found->maker, "event_record",
        found->maker->table.event_record(found->inner, lane->inner, correlation, error ? &inner : NULL));
    return HENG_OK;
}

/* The hidden event of this event's waits in the stream; NULL without memory. */
static struct hidden_wait *hidden_wait(object *event, const object *stream) {
    pthread_mutex_lock(&layer_lock);
    struct hidden_wait *wait = event->of.event.waits;
    while (wait && wait->stream != stream) wait = wait->next;
    pthread_mutex_unlock(&layer_lock);
    if (wait) return wait;
    wait = calloc(1, sizeof *wait);
    if (!wait || event->maker->table.event_create(stream->owner->inner, &wait->inner, NULL) != HENG_OK) {
        free(wait);
        return NULL;
    }
    wait->stream = stream;
    pthread_mutex_lock(&layer_lock);
    wait->next = event->of.event.waits;
    event->of.event.waits = wait;
    pthread_mutex_unlock(&layer_lock);
    return wait;
}

static int32_t stream_wait_event(
    heng_stream *stream, heng_event *event, uint64_t correlation, heng_error **error) {
    FIND(lane, stream, HENG_OBJECT_STREAM, "stream_wait_event");
    FIND(found, event, HENG_OBJECT_EVENT, "stream_wait_event");
    maker *of = lane->maker;
    NEED(of, of->table.stream_wait_event, "stream_wait_event");
    if (found->owner->owner != lane->owner->owner) return same_device(found, lane, "stream_wait_event", error);
    CALL(of, "stream_wait_event",
        of->table.stream_wait_event(lane->inner, found->inner, correlation, error ? &inner : NULL));
    if (!of->table.event_query_waits) {
        const struct hidden_wait *wait = hidden_wait(found, lane);
        /* Without it event_query_waits says too early that all are over, and nothing else is lost. */
        if (wait) of->table.event_record(wait->inner, lane->inner, 0, NULL);
    }
    return HENG_OK;
}

static int32_t event_query(heng_event *event, uint8_t *complete, heng_error **error) {
    FIND(found, event, HENG_OBJECT_EVENT, "event_query");
    NEED_PLACE(complete, "event_query");
    NEED(found->maker, found->maker->table.event_query, "event_query");
    CALL(found->maker, "event_query",
        found->maker->table.event_query(found->inner, complete, error ? &inner : NULL));
    return HENG_OK;
}

static int32_t event_query_waits(heng_event *event, uint8_t *complete, heng_error **error) {
    FIND(found, event, HENG_OBJECT_EVENT, "event_query_waits");
    NEED_PLACE(complete, "event_query_waits");
    maker *of = found->maker;
    if (of->table.event_query_waits) {
        CALL(of, "event_query_waits",
            of->table.event_query_waits(found->inner, complete, error ? &inner : NULL));
        return HENG_OK;
    }
    uint8_t all = 1;
    pthread_mutex_lock(&layer_lock);
    for (const struct hidden_wait *wait = found->of.event.waits; wait && all; wait = wait->next) {
        uint8_t one = 1;
        /* A wait in a stream that has failed is over. */
        if (of->table.event_query(wait->inner, &one, NULL) == HENG_OK) all = one;
    }
    pthread_mutex_unlock(&layer_lock);
    *complete = all;
    return HENG_OK;
}

static int32_t event_synchronize(heng_event *event, int32_t milliseconds, heng_error **error) {
    FIND(found, event, HENG_OBJECT_EVENT, "event_synchronize");
    NEED(found->maker, found->maker->table.event_synchronize, "event_synchronize");
    CALL(found->maker, "event_synchronize",
        found->maker->table.event_synchronize(found->inner, milliseconds, error ? &inner : NULL));
    return HENG_OK;
}

static int32_t event_elapsed(heng_event *start, heng_event *end, double *milliseconds, heng_error **error) {
    FIND(first, start, HENG_OBJECT_EVENT, "event_elapsed");
    FIND(second, end, HENG_OBJECT_EVENT, "event_elapsed");
    NEED_PLACE(milliseconds, "event_elapsed");
    NEED(first->maker, first->maker->table.event_elapsed, "event_elapsed");
    const int32_t status = same_device(first, second, "event_elapsed", error);
    if (status != HENG_OK) return status;
    CALL(first->maker, "event_elapsed",
        first->maker->table.event_elapsed(first->inner, second->inner, milliseconds, error ? &inner : NULL));
    return HENG_OK;
}

static int32_t event_reset(heng_event *event, heng_error **error) {
    FIND(found, event, HENG_OBJECT_EVENT, "event_reset");
    maker *of = found->maker;
    if (of->table.event_reset) {
        CALL(of, "event_reset", of->table.event_reset(found->inner, error ? &inner : NULL));
        return HENG_OK;
    }
    /* A new event of the maker's takes the place of the old one, whose record must have happened. */
    uint8_t complete = 1;
    if (of->table.event_query(found->inner, &complete, NULL) == HENG_OK && !complete) {
        return fail(error, HENG_ERROR_MISUSE, "event_reset", "The event's latest record has not happened yet.");
    }
    heng_event *fresh = NULL;
    CALL(of, "event_reset", of->table.event_create(found->owner->inner, &fresh, error ? &inner : NULL));
    of->table.event_destroy(found->inner, NULL);
    found->inner = fresh;
    return HENG_OK;
}

void add_event_functions(heng_accelerator_table *table) {
    table->event_create = event_create;
    table->event_destroy = event_destroy;
    table->event_record = event_record;
    table->stream_wait_event = stream_wait_event;
    table->event_query = event_query;
    table->event_query_waits = event_query_waits;
    table->event_synchronize = event_synchronize;
    table->event_elapsed = event_elapsed;
    table->event_reset = event_reset;
}
