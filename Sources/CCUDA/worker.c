/* Host functions: a thread for those of the caller's, and copies and fills of our own. */
#include "heng_cuda.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct hcu_worker {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    void (*body)(void *);
    void *argument;
    int busy; /* 1 from the order to its end */
    int stops;
};

static void *work(void *user) {
    hcu_worker *worker = user;
    pthread_mutex_lock(&worker->lock);
    for (;;) {
        while (!worker->busy && !worker->stops) pthread_cond_wait(&worker->changed, &worker->lock);
        if (worker->stops) break;
        void (*body)(void *) = worker->body;
        void *argument = worker->argument;
        pthread_mutex_unlock(&worker->lock);
        body(argument);
        pthread_mutex_lock(&worker->lock);
        worker->busy = 0;
        pthread_cond_broadcast(&worker->changed);
    }
    pthread_mutex_unlock(&worker->lock);
    return NULL;
}

hcu_worker *hcu_worker_create(void) {
    hcu_worker *worker = calloc(1, sizeof *worker);
    if (!worker) return NULL;
    pthread_mutex_init(&worker->lock, NULL);
    pthread_cond_init(&worker->changed, NULL);
    if (pthread_create(&worker->thread, NULL, work, worker) == 0) return worker;
    pthread_cond_destroy(&worker->changed);
    pthread_mutex_destroy(&worker->lock);
    free(worker);
    return NULL;
}

void hcu_worker_run(hcu_worker *worker, void (*body)(void *), void *argument) {
    pthread_mutex_lock(&worker->lock);
    worker->body = body;
    worker->argument = argument;
    worker->busy = 1;
    pthread_cond_broadcast(&worker->changed);
    while (worker->busy) pthread_cond_wait(&worker->changed, &worker->lock);
    pthread_mutex_unlock(&worker->lock);
}

int hcu_worker_is_current(const hcu_worker *worker) { return pthread_equal(worker->thread, pthread_self()); }

void hcu_worker_destroy(hcu_worker *worker) {
    pthread_mutex_lock(&worker->lock);
    worker->stops = 1;
    pthread_cond_broadcast(&worker->changed);
    pthread_mutex_unlock(&worker->lock);
    pthread_join(worker->thread, NULL);
    pthread_cond_destroy(&worker->changed);
    pthread_mutex_destroy(&worker->lock);
    free(worker);
}

void hcu_host_run(void *user) {
    const hcu_host_work *work = user;
    for (uint64_t plane = 0; plane < work->depth; plane++)
        for (uint64_t row = 0; row < work->height; row++) {
            uint8_t *target = work->target + plane * work->target_plane + row * work->target_row;
            if (work->source)
                memmove(target, work->source + plane * work->source_plane + row * work->source_row, work->width);
            else
                memset(target, (int)work->value, work->width);
        }
    if (work->last && work->done) work->done(work->owner);
}
