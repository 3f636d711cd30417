/* Callbacks on a thread of the caller's: a host function in the stream hands each to the thread's queue. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "forwarding.h"

/* One thread that serves callbacks; kept until the process ends, since streams may still name it. */
typedef struct server {
    pthread_mutex_t lock;
    pthread_cond_t arrived;
    struct entry *first, **end;
    uint32_t streams; /* how many it serves */
} server;

/* A thread's service of one stream. Ended ones stay with the stream until it is destroyed. */
struct subscription {
    server *server;
    bool has_ended;
    struct entry *entries; /* all that exist, by `sibling` */
    struct subscription *older;
};

/* One callback, from its launch until it has run or is dropped. */
typedef struct entry {
    struct subscription *subscription;
    heng_callback callback;
    void *user;
    bool is_blocking, is_over;
    pthread_cond_t over;
    struct entry *next, *sibling;
} entry;

static _Thread_local server *own_server;

static void clocked_condition(pthread_cond_t *condition) {
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
}

static server *server_of_this_thread(void) {
    if (own_server) return own_server;
    server *made = calloc(1, sizeof *made);
    if (!made) return NULL;
    pthread_mutex_init(&made->lock, NULL);
    clocked_condition(&made->arrived);
    made->end = &made->first;
    own_server = made;
    return made;
}

/* With the server's lock held: the entry leaves its subscription and its memory. */
static void free_entry(entry *ended) {
    entry **place = &ended->subscription->entries;
    while (*place != ended) place = &(*place)->sibling;
    *place = ended->sibling;
    pthread_cond_destroy(&ended->over);
    free(ended);
}

static int32_t callback_subscribe(heng_stream *stream, heng_error **error) {
    FIND(found, stream, HENG_OBJECT_STREAM, "callback_subscribe");
    NEED(found->maker, found->maker->table.stream_launch, "callback_subscribe");
    server *serving = server_of_this_thread();
    struct subscription *made = serving ? calloc(1, sizeof *made) : NULL;
    if (!made) return fail(error, HENG_ERROR_OUT_OF_HOST_MEMORY, "callback_subscribe", "There is no memory.");
    pthread_mutex_lock(&layer_lock);
    struct subscription *known = found->of.stream.subscription;
    const bool is_taken = known && !known->has_ended;
    if (!is_taken) {
        made->server = serving;
        made->older = known;
        found->of.stream.subscription = made;
        serving->streams++;
    }
    pthread_mutex_unlock(&layer_lock);
    if (!is_taken) return HENG_OK;
    free(made);
    return fail(error, HENG_ERROR_REPEATED_SUBSCRIPTION, "callback_subscribe",
        "A thread serves this stream's callbacks already.");
}

/* Drops what waits in the queue, and lets a stream that is held go on. */
static void end(struct subscription *ending) {
    server *serving = ending->server;
    pthread_mutex_lock(&serving->lock);
    ending->has_ended = true;
    serving->streams--;
    entry **place = &serving->first;
    while (*place) {
        entry *waiting = *place;
        if (waiting->subscription != ending) {
            place = &waiting->next;
            continue;
        }
        *place = waiting->next;
        if (waiting->is_blocking) {
            waiting->is_over = true;
            pthread_cond_signal(&waiting->over);
        } else {
            free_entry(waiting);
        }
    }
    serving->end = place;
    pthread_mutex_unlock(&serving->lock);
}

static int32_t callback_unsubscribe(heng_stream *stream, heng_error **error) {
    FIND(found, stream, HENG_OBJECT_STREAM, "callback_unsubscribe");
    struct subscription *known = found->of.stream.subscription;
    if (!known || known->has_ended) {
        return fail(error, HENG_ERROR_NOT_SUBSCRIBED, "callback_unsubscribe",
            "No thread serves this stream's callbacks.");
    }
    if (known->server != own_server) {
        return fail(error, HENG_ERROR_SUBSCRIPTION_THREAD, "callback_unsubscribe",
            "Another thread serves this stream's callbacks.");
    }
    end(known);
    return HENG_OK;
}

void end_subscription(object *stream) {
    struct subscription *known = stream->of.stream.subscription;
    if (known && !known->has_ended) end(known);
}

void free_subscriptions(struct subscription *known) {
    while (known) {
        struct subscription *older = known->older;
        pthread_mutex_lock(&known->server->lock);
        /* What never ran, because the stream had failed before. */
        while (known->entries) free_entry(known->entries);
        pthread_mutex_unlock(&known->server->lock);
        free(known);
        known = older;
    }
}

/* In the stream: hands the callback over, and waits where it holds the stream. */
static void hand_over(const void *arguments) {
    entry *arriving = *(entry *const *)arguments;
    server *serving = arriving->subscription->server;
    pthread_mutex_lock(&serving->lock);
    if (arriving->subscription->has_ended) {
        free_entry(arriving);
    } else {
        arriving->next = NULL;
        *serving->end = arriving;
        serving->end = &arriving->next;
        const bool is_blocking = arriving->is_blocking;
        pthread_cond_broadcast(&serving->arrived);
        if (is_blocking) {
            while (!arriving->is_over) pthread_cond_wait(&arriving->over, &serving->lock);
            free_entry(arriving);
        }
    }
    pthread_mutex_unlock(&serving->lock);
}

static int32_t callback_launch(
    heng_stream *stream, heng_callback callback, void *user, uint8_t blocking, uint64_t correlation,
    heng_error **error) {
    FIND(found, stream, HENG_OBJECT_STREAM, "callback_launch");
    if (!callback) return fail(error, HENG_ERROR_INVALID_ARGUMENT, "callback_launch", "The callback is NULL.");
    struct subscription *known = found->of.stream.subscription;
    if (!known || known->has_ended) {
        return fail(error, HENG_ERROR_NOT_SUBSCRIBED, "callback_launch", "No thread serves this stream's callbacks.");
    }
    entry *made = calloc(1, sizeof *made);
    if (!made) return fail(error, HENG_ERROR_OUT_OF_HOST_MEMORY, "callback_launch", "There is no memory.");
    made->subscription = known;
    made->callback = callback;
    made->user = user;
    made->is_blocking = blocking != 0;
    pthread_cond_init(&made->over, NULL);
    pthread_mutex_lock(&known->server->lock);
    made->sibling = known->entries;
    known->entries = made;
    pthread_mutex_unlock(&known->server->lock);
    heng_error *inner = NULL;
    const int32_t status = found->maker->table.stream_launch(
        found->inner, hand_over, &made, sizeof made, correlation, error ? &inner : NULL);
    if (status == HENG_OK) return HENG_OK;
    pthread_mutex_lock(&known->server->lock);
    free_entry(made);
    pthread_mutex_unlock(&known->server->lock);
    return hand_on(error, found->maker, status, inner, "callback_launch");
}

/* With the lock held: false when the time is over and nothing has arrived. */
static bool wait_for_arrival(server *serving, int32_t milliseconds) {
    struct timespec limit;
    clock_gettime(CLOCK_MONOTONIC, &limit);
    limit.tv_sec += milliseconds / 1000;
    limit.tv_nsec += (long)(milliseconds % 1000) * 1000000;
    if (limit.tv_nsec >= 1000000000) {
        limit.tv_nsec -= 1000000000;
        limit.tv_sec++;
    }
    while (!serving->first) {
        if (milliseconds == 0) return false;
        const int outcome = milliseconds < 0
            ? pthread_cond_wait(&serving->arrived, &serving->lock)
            : pthread_cond_timedwait(&serving->arrived, &serving->lock, &limit);
        if (outcome == ETIMEDOUT) return serving->first != NULL;
    }
    return true;
}

static int32_t callback_process(int32_t milliseconds, heng_error **error) {
    if (!is_initialized()) return not_initialized(error, "callback_process");
    server *serving = own_server;
    if (!serving || serving->streams == 0) {
        return fail(error, HENG_ERROR_SUBSCRIPTION_THREAD, "callback_process",
            "This thread serves no stream's callbacks.");
    }
    pthread_mutex_lock(&serving->lock);
    if (!wait_for_arrival(serving, milliseconds)) {
        pthread_mutex_unlock(&serving->lock);
        return fail(error, HENG_ERROR_TIMEOUT, "callback_process", "No callback came in %d ms.", milliseconds);
    }
    entry *taken = serving->first;
    serving->first = taken->next;
    if (!serving->first) serving->end = &serving->first;
    pthread_mutex_unlock(&serving->lock);
    taken->callback(taken->user);
    pthread_mutex_lock(&serving->lock);
    if (taken->is_blocking) {
        taken->is_over = true;
        pthread_cond_signal(&taken->over);
    } else {
        free_entry(taken);
    }
    pthread_mutex_unlock(&serving->lock);
    return HENG_OK;
}

const heng_callback_table callback_group = {
    .header = HEADER(heng_callback_table, HENG_KIND_CALLBACK_TABLE),
    .callback_subscribe = callback_subscribe,
    .callback_unsubscribe = callback_unsubscribe,
    .callback_launch = callback_launch,
    .callback_process = callback_process,
};
