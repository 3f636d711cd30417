/*
 * Streams and events for a device that is written in C or C++ and whose driver has none, or none that run
 * host functions: queues that run pieces of work in order, each in a thread of its own, and events between
 * them, with the waiting, timeouts and lasting failures that heng_accelerator.h asks for. Optional, and no
 * part of the contract.
 *
 * Everything is static inline, for C11 and C++17, and needs POSIX threads. Nothing has hidden state: a device
 * keeps one heng_queue_group, and a heng_queue in each stream and a heng_queue_event in each event. Every
 * function may be called from any thread, also at once on one object, but not with or after the one that ends
 * the object. None may be called with a lock held that a piece of work takes. Errors are as in
 * heng_device_support.h.
 */
#ifndef HENG_DEVICE_QUEUE_H
#define HENG_DEVICE_QUEUE_H

#include <pthread.h>
#include <stdalign.h>
#include <time.h>

#include "heng_device_support.h"

#ifndef CLOCK_MONOTONIC
#error "heng_device_queue.h needs POSIX: define _POSIX_C_SOURCE as 200809L, or compile as gnu11."
#endif

#ifdef __cplusplus
extern "C" {
#endif

/*
 * How many pieces of work a queue holds before submitting waits; a device may set it before this file is
 * included.
 */
#ifndef HENG_QUEUE_LENGTH
#define HENG_QUEUE_LENGTH 64u
#endif

typedef struct heng_queue heng_queue;
typedef struct heng_queue_event heng_queue_event;

/*
 * What the queues and events of a device share: one lock for all, and one condition that says that some
 * changed.
 */
typedef struct heng_queue_group {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    heng_queue *queues;   /* living ones */
    uint64_t submissions; /* ever, to all queues: each piece of work has its number */
} heng_queue_group;

/*
 * A piece of work: a function of the host's or the device's with its arguments, or something with an event.
 */
typedef struct heng_queue_work {
    heng_host_function plain; /* one of these two, or an event */
    heng_fallible_host_function fallible;
    heng_queue_event *event;
    bool is_record; /* of the event; else a wait for it */
    uint64_t record;
    uint64_t number; /* among all submissions */
    uint64_t correlation;
    const char *operation;
    alignas(16) unsigned char arguments[HENG_ARGUMENT_LIMIT];
} heng_queue_work;

struct heng_queue {
    heng_queue_group *group;
    heng_queue *next;
    pthread_t thread;
    bool is_ending; /* the thread ends when there is no more work */
    uint32_t head;  /* the oldest work, which may be running */
    uint32_t count;
    heng_error failure; /* why nothing runs any more; code 0: it works */
    heng_queue_work work[HENG_QUEUE_LENGTH];
};

struct heng_queue_event {
    heng_queue_group *group;
    uint32_t holders;   /* the caller, and work that names it */
    uint64_t submitted; /* records are counted from 1 */
    uint64_t happened;
    int64_t nanoseconds; /* when the latest happened */
    heng_error failure;  /* of the queue that recorded it; code 0: none */
};

/* ---- Waiting ---- */

static inline int64_t heng_queue_now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* When a wait of so many milliseconds is over; -1: never. */
static inline int64_t heng_queue_deadline(int32_t milliseconds) {
    return milliseconds < 0 ? -1 : heng_queue_now() + (int64_t)milliseconds * 1000000;
}

/* Waits until something changed; false when the time is over. With the lock held. */
static inline bool heng_queue_wait_change(heng_queue_group *group, int64_t deadline) {
    if (deadline < 0) return pthread_cond_wait(&group->changed, &group->lock) == 0;
    struct timespec until;
    until.tv_sec = (time_t)(deadline / 1000000000);
    until.tv_nsec = (long)(deadline % 1000000000);
    return heng_queue_now() < deadline && pthread_cond_timedwait(&group->changed, &group->lock, &until) == 0;
}

/* Gives the lock back and returns the status. */
static inline int32_t heng_queue_leave(heng_queue_group *group, int32_t status) {
    pthread_mutex_unlock(&group->lock);
    return status;
}

/* The end of waiting: it was too short, or what was waited for failed, or neither. */
static inline int32_t heng_queue_waited(
    bool is_done, const heng_error *failure, const char *operation, heng_error **error) {
    if (is_done) return heng_support_give_error(error, failure);
    return heng_support_fail(error, HENG_ERROR_TIMEOUT, operation, "Work is not done in the given time.");
}

/* Work of a queue cannot wait for that queue. With the lock held. */
static inline int32_t heng_queue_check_caller(
    const heng_queue *queue, const char *operation, heng_error **error) {
    if (!pthread_equal(queue->thread, pthread_self())) return HENG_OK;
    return heng_support_fail(
        error, HENG_ERROR_MISUSE, operation, "A host function cannot wait for its own stream.");
}

/* Whether work up to that number is in the queue. With the lock held. */
static inline bool heng_queue_is_behind(const heng_queue *queue, uint64_t number) {
    return queue->count > 0 && queue->work[queue->head].number <= number;
}

/* ---- The group ---- */

/* Begins a group without queues. */
static inline int32_t heng_queue_group_start(
    heng_queue_group *group, const char *operation, heng_error **error) {
    pthread_condattr_t attributes;
    memset(group, 0, sizeof *group);
    int native = pthread_condattr_init(&attributes);
    if (native == 0) {
        native = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        if (native == 0) native = pthread_cond_init(&group->changed, &attributes);
        pthread_condattr_destroy(&attributes);
    }
    if (native == 0) native = pthread_mutex_init(&group->lock, NULL);
    if (native == 0) return HENG_OK;
    return heng_support_fail(
        error, HENG_ERROR_OUT_OF_RESOURCES, operation, "There are no locks: %d.", native);
}

/* Ends a group whose queues and events have ended. */
static inline void heng_queue_group_end(heng_queue_group *group) {
    pthread_cond_destroy(&group->changed);
    pthread_mutex_destroy(&group->lock);
}

/*
 * For device_synchronize: waits for all work submitted before the call, and gives the first failed queue's
 * error.
 */
static inline int32_t heng_queue_group_wait(
    heng_queue_group *group, const char *operation, heng_error **error) {
    int32_t status = HENG_OK;
    pthread_mutex_lock(&group->lock);
    uint64_t last = group->submissions;
    for (heng_queue *queue = group->queues; queue && status == HENG_OK;) {
        bool waits = heng_queue_is_behind(queue, last);
        if (waits) status = heng_queue_check_caller(queue, operation, error);
        if (waits && status == HENG_OK) heng_queue_wait_change(group, -1);
        queue = waits ? group->queues : queue->next; /* the list may have changed meanwhile */
    }
    for (heng_queue *queue = group->queues; queue && status == HENG_OK; queue = queue->next)
        status = heng_support_give_error(error, &queue->failure);
    return heng_queue_leave(group, status);
}

/* ---- Queues ---- */

/* Lets go of an event: the last who holds it frees it. With the lock held. */
static inline void heng_queue_drop(heng_queue_event *event) {
    if (--event->holders == 0) free(event);
}

/* A record happens also after a failure, for those who wait; records of one event happen in order. */
static inline void heng_queue_meet_event(heng_queue *queue, const heng_queue_work *work) {
    heng_queue_event *event = work->event;
    uint64_t before = work->is_record ? work->record - 1 : work->record;
    bool takes_part = work->is_record || queue->failure.code == HENG_OK;
    while (takes_part && event->happened < before) heng_queue_wait_change(queue->group, -1);
    if (work->is_record) {
        event->nanoseconds = heng_queue_now();
        event->failure = queue->failure;
        event->happened = work->record;
    } else if (takes_part) {
        queue->failure = event->failure;
    }
    heng_queue_drop(event);
}

/* Calls a function, without the lock, unless the queue has failed. */
static inline void heng_queue_call(heng_queue *queue, const heng_queue_work *work) {
    if (queue->failure.code != HENG_OK) return;
    int32_t native = 0;
    pthread_mutex_unlock(&queue->group->lock);
    if (work->plain) work->plain(work->arguments);
    else native = work->fallible(work->arguments);
    pthread_mutex_lock(&queue->group->lock);
    if (native == 0) return;
    queue->failure = heng_support_make_error(
        HENG_ERROR_EXECUTION, work->operation, "The work failed with the number %d.", (int)native);
    queue->failure.scope = HENG_SCOPE_STREAM;
    queue->failure.native_code = native;
    queue->failure.correlation = work->correlation;
}

/* The thread of a queue. */
static inline void *heng_queue_serve(void *argument) {
    heng_queue *queue = (heng_queue *)argument;
    pthread_mutex_lock(&queue->group->lock);
    while (queue->count > 0 || !queue->is_ending) {
        const heng_queue_work *work = &queue->work[queue->head];
        if (queue->count == 0) {
            heng_queue_wait_change(queue->group, -1);
            continue;
        }
        if (work->event) heng_queue_meet_event(queue, work);
        else heng_queue_call(queue, work);
        queue->head = (queue->head + 1) % HENG_QUEUE_LENGTH;
        queue->count--;
        pthread_cond_broadcast(&queue->group->changed);
    }
    pthread_mutex_unlock(&queue->group->lock);
    return NULL;
}

/* Begins a queue of the group, and its thread. The memory is the caller's, until heng_queue_end. */
static inline int32_t heng_queue_start(
    heng_queue *queue, heng_queue_group *group, const char *operation, heng_error **error) {
    memset(queue, 0, sizeof *queue);
    queue->group = group;
    pthread_mutex_lock(&group->lock); /* the thread waits for it, so it sees a finished queue */
    int native = pthread_create(&queue->thread, NULL, heng_queue_serve, queue);
    if (native == 0) {
        queue->next = group->queues;
        group->queues = queue;
        return heng_queue_leave(group, HENG_OK);
    }
    return heng_queue_leave(
        group, heng_support_fail(
                   error, HENG_ERROR_OUT_OF_STREAMS, operation, "No thread can be started: %d.", native));
}

/*
 * For stream_destroy: waits for the work and ends the queue. Gives the queue's failure, if it failed; from
 * the queue's own work it is HENG_ERROR_MISUSE, and then the queue goes on.
 */
static inline int32_t heng_queue_end(heng_queue *queue, const char *operation, heng_error **error) {
    heng_queue_group *group = queue->group;
    pthread_mutex_lock(&group->lock);
    int32_t status = heng_queue_check_caller(queue, operation, error);
    if (status != HENG_OK) return heng_queue_leave(group, status);
    queue->is_ending = true;
    pthread_cond_broadcast(&group->changed);
    pthread_mutex_unlock(&group->lock);
    pthread_join(queue->thread, NULL);
    pthread_mutex_lock(&group->lock);
    heng_queue **link = &group->queues;
    while (*link != queue) link = &(*link)->next;
    *link = queue->next;
    return heng_queue_leave(group, heng_support_give_error(error, &queue->failure));
}

/* For stream_synchronize. */
static inline int32_t heng_queue_wait(
    heng_queue *queue, int32_t milliseconds, const char *operation, heng_error **error) {
    int64_t deadline = heng_queue_deadline(milliseconds);
    pthread_mutex_lock(&queue->group->lock);
    int32_t status = heng_queue_check_caller(queue, operation, error);
    uint64_t last = queue->group->submissions;
    while (status == HENG_OK && heng_queue_is_behind(queue, last) &&
           heng_queue_wait_change(queue->group, deadline))
        continue;
    if (status == HENG_OK)
        status = heng_queue_waited(!heng_queue_is_behind(queue, last), &queue->failure, operation, error);
    return heng_queue_leave(queue->group, status);
}

/* Waits for a place and puts work there, unless the queue has failed, or waits for what nobody records. */
static inline int32_t heng_queue_put(heng_queue *queue, const heng_queue_work *work, heng_error **error) {
    heng_queue_event *event = work->event;
    int32_t status = HENG_OK;
    pthread_mutex_lock(&queue->group->lock);
    if (queue->count == HENG_QUEUE_LENGTH) status = heng_queue_check_caller(queue, work->operation, error);
    while (status == HENG_OK && queue->count == HENG_QUEUE_LENGTH) heng_queue_wait_change(queue->group, -1);
    if (status == HENG_OK) status = heng_support_give_error(error, &queue->failure);
    if (status == HENG_OK && event && !work->is_record && event->submitted == 0)
        status = heng_support_fail(
            error, HENG_ERROR_EVENT_NOT_RECORDED, work->operation, "No stream records the event.");
    if (status != HENG_OK) return heng_queue_leave(queue->group, status);
    heng_queue_work *place = &queue->work[(queue->head + queue->count++) % HENG_QUEUE_LENGTH];
    *place = *work;
    place->number = ++queue->group->submissions;
    if (event) {
        event->holders++;
        if (work->is_record) event->submitted++;
        place->record = event->submitted;
    }
    pthread_cond_broadcast(&queue->group->changed);
    return heng_queue_leave(queue->group, HENG_OK);
}

/*
 * Lets the queue call a function: `plain`, or `fallible`, whose number other than 0 fails the queue. The
 * arguments are copied. For stream_launch and stream_launch_fallible, and for all work of the device's own.
 */
static inline int32_t heng_queue_submit(
    heng_queue *queue, heng_host_function plain, heng_fallible_host_function fallible, const void *arguments,
    uint32_t size, uint64_t correlation, const char *operation, heng_error **error) {
    heng_queue_work work;
    if ((plain == NULL) == (fallible == NULL) || (size > 0 && !arguments) || size > HENG_ARGUMENT_LIMIT)
        return heng_support_fail(
            error, HENG_ERROR_INVALID_ARGUMENT, operation,
            "There is no function, or its arguments are missing or more than %u bytes.", HENG_ARGUMENT_LIMIT);
    memset(&work, 0, sizeof work);
    work.plain = plain;
    work.fallible = fallible;
    work.correlation = correlation;
    work.operation = operation;
    if (size > 0) memcpy(work.arguments, arguments, size);
    return heng_queue_put(queue, &work, error);
}

/* ---- Events ---- */

/*
 * Begins an event. It must be the first field of a struct from malloc, which is freed after
 * heng_queue_event_end, when no queue needs it any more.
 */
static inline void heng_queue_event_start(heng_queue_event *event, heng_queue_group *group) {
    memset(event, 0, sizeof *event);
    event->group = group;
    event->holders = 1;
}

/* For event_destroy. */
static inline void heng_queue_event_end(heng_queue_event *event) {
    heng_queue_group *group = event->group;
    pthread_mutex_lock(&group->lock);
    heng_queue_drop(event);
    pthread_mutex_unlock(&group->lock);
}

/* For event_record, and with `is_record` false for stream_wait_event. */
static inline int32_t heng_queue_submit_event(
    heng_queue *queue, heng_queue_event *event, bool is_record, uint64_t correlation, const char *operation,
    heng_error **error) {
    heng_queue_work work;
    memset(&work, 0, sizeof work);
    work.event = event;
    work.is_record = is_record;
    work.correlation = correlation;
    work.operation = operation;
    return heng_queue_put(queue, &work, error);
}

/* With the lock held. */
static inline int32_t heng_queue_check_recorded(
    const heng_queue_event *event, const char *operation, heng_error **error) {
    if (event->submitted > 0) return HENG_OK;
    return heng_support_fail(error, HENG_ERROR_EVENT_NOT_RECORDED, operation, "No stream records the event.");
}

/* For event_query. */
static inline int32_t heng_queue_event_query(
    heng_queue_event *event, uint8_t *complete, const char *operation, heng_error **error) {
    pthread_mutex_lock(&event->group->lock);
    int32_t status = heng_queue_check_recorded(event, operation, error);
    if (status == HENG_OK) *complete = event->happened == event->submitted;
    return heng_queue_leave(event->group, status);
}

/* For event_synchronize. */
static inline int32_t heng_queue_event_wait(
    heng_queue_event *event, int32_t milliseconds, const char *operation, heng_error **error) {
    int64_t deadline = heng_queue_deadline(milliseconds);
    pthread_mutex_lock(&event->group->lock);
    uint64_t record = event->submitted;
    int32_t status = heng_queue_check_recorded(event, operation, error);
    while (status == HENG_OK && event->happened < record && heng_queue_wait_change(event->group, deadline))
        continue;
    if (status == HENG_OK)
        status = heng_queue_waited(event->happened >= record, &event->failure, operation, error);
    return heng_queue_leave(event->group, status);
}

/* For event_elapsed; both events are of one group. */
static inline int32_t heng_queue_event_elapsed(
    heng_queue_event *start, heng_queue_event *end, double *milliseconds, const char *operation,
    heng_error **error) {
    pthread_mutex_lock(&start->group->lock);
    int32_t status = heng_queue_check_recorded(start, operation, error);
    if (status == HENG_OK) status = heng_queue_check_recorded(end, operation, error);
    if (status == HENG_OK && (start->happened < start->submitted || end->happened < end->submitted))
        status = heng_support_fail(error, HENG_ERROR_EVENT_TIME, operation, "A record has not happened yet.");
    if (status == HENG_OK) *milliseconds = (double)(end->nanoseconds - start->nanoseconds) / 1e6;
    return heng_queue_leave(start->group, status);
}

#ifdef __cplusplus
}
#endif

#endif
