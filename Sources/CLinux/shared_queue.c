/*
 * Two rings of records. `head` and `tail` count the records ever taken and put; a record is put by copying it in
 * and then raising `tail`, so that a death in between changes nothing. A request is first noted with the replica
 * and then leaves the ring; a death in between leaves it in both places, and the next owner of the lock clears
 * the note.
 */
#define _GNU_SOURCE
#include "shared_queue.h"

#include "process_spawn.h"
#include "shared_wait.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE = 64, VERSION = 1 };
static const char mark[8] = "HENGQUE";

struct ring {
    _Alignas(LINE) pthread_mutex_t lock;
    uint64_t head, tail;
    uint64_t records; /* offset from the ring's start */
    uint32_t capacity;
    _Alignas(LINE) struct shared_signal filled;
    _Alignas(LINE) struct shared_signal emptied;
};

struct request_record {
    struct shared_request head;
    uint32_t samples[SHARED_SAMPLE_LIMIT];
};

struct completion_record {
    struct shared_completion head;
    int32_t results[SHARED_SAMPLE_LIMIT];
};

struct replica {
    _Alignas(LINE) _Atomic uint64_t identity; /* of its process; 0 before it attaches */
    _Atomic uint32_t holds_request;
    _Atomic uint64_t request;
    _Atomic uint64_t completed;
};

struct queue {
    char mark[8];
    uint32_t version;
    uint32_t capacity;
    uint32_t replicas;
    _Atomic uint32_t closed;
    struct ring requests;
    struct ring completions;
    struct replica members[]; /* then the records of both rings */
};

static size_t records_start(uint32_t replicas) {
    return sizeof(struct queue) + replicas * sizeof(struct replica);
}

size_t shared_queue_size(uint32_t capacity, uint32_t replicas) {
    return records_start(replicas)
         + (size_t)capacity * (sizeof(struct request_record) + sizeof(struct completion_record));
}

static int lay_out_ring(struct ring *ring, uint32_t capacity, const void *records) {
    pthread_mutexattr_t attributes;
    int failure = pthread_mutexattr_init(&attributes);
    if (failure == 0) failure = pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    if (failure == 0) failure = pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    if (failure == 0) failure = pthread_mutex_init(&ring->lock, &attributes);
    if (failure == 0) pthread_mutexattr_destroy(&attributes);
    ring->capacity = capacity;
    ring->records = (uint64_t)((const char *)records - (const char *)ring);
    return -failure;
}

int shared_queue_lay_out(void *memory, uint32_t capacity, uint32_t replicas) {
    struct queue *queue = memory;
    char *records = (char *)memory + records_start(replicas);
    int failure = lay_out_ring(&queue->requests, capacity, records);
    if (failure == 0)
        failure = lay_out_ring(&queue->completions, capacity, records + capacity * sizeof(struct request_record));
    if (failure != 0) return failure;
    queue->version = VERSION;
    queue->capacity = capacity;
    queue->replicas = replicas;
    memcpy(queue->mark, mark, sizeof mark);
    return 0;
}

int shared_queue_inspect(const void *memory, size_t size, uint32_t *capacity, uint32_t *replicas) {
    const struct queue *queue = memory;
    if (size < sizeof *queue || memcmp(queue->mark, mark, sizeof mark) != 0 || queue->version != VERSION)
        return -EBADMSG;
    if (queue->capacity == 0 || queue->replicas == 0 || queue->replicas > SHARED_REPLICA_LIMIT
        || shared_queue_size(queue->capacity, queue->replicas) > size)
        return -EBADMSG;
    *capacity = queue->capacity;
    *replicas = queue->replicas;
    return 0;
}

int shared_queue_attach(void *memory, uint32_t replica) {
    struct queue *queue = memory;
    struct replica *member = &queue->members[replica];
    uint64_t before = atomic_load(&member->identity);
    if (process_identity_lives(before)) return -EEXIST;
    /* A dead replica's place may be taken over; its lost request must have been noticed by then. */
    if (!atomic_compare_exchange_strong(&member->identity, &before, process_identity(getpid()))) return -EEXIST;
    atomic_store(&member->holds_request, 0);
    return 0;
}

static void *record(struct ring *ring, uint64_t number, size_t size) {
    return (char *)ring + ring->records + number % ring->capacity * size;
}

/* Takes the lock. When its last owner died inside, the counters are whole, and only a note may be left over. */
static void acquire(struct queue *queue, struct ring *ring) {
    if (pthread_mutex_lock(&ring->lock) != EOWNERDEAD) return;
    if (ring == &queue->requests && ring->head != ring->tail) {
        const struct request_record *first = record(ring, ring->head, sizeof *first);
        for (uint32_t i = 0; i < queue->replicas; i++)
            if (atomic_load(&queue->members[i].holds_request)
                && atomic_load(&queue->members[i].request) == first->head.id)
                atomic_store(&queue->members[i].holds_request, 0);
    }
    pthread_mutex_consistent(&ring->lock);
}

static void release(struct ring *ring) {
    pthread_mutex_unlock(&ring->lock);
}

static int64_t deadline_after(int64_t timeout) {
    int64_t now = shared_now();
    return timeout > INT64_MAX - now ? INT64_MAX : now + timeout;
}

int shared_queue_push(void *memory, const struct shared_request *request, const uint32_t *samples, int64_t timeout,
                      struct shared_queue_patience *patience) {
    struct queue *queue = memory;
    struct ring *ring = &queue->requests;
    if (request->count > SHARED_SAMPLE_LIMIT) return -EINVAL;
    for (int64_t deadline = deadline_after(timeout);;) {
        uint32_t seen = atomic_load(&ring->emptied.word);
        acquire(queue, ring);
        if (atomic_load(&queue->closed)) {
            release(ring);
            return -EPIPE;
        }
        if (ring->tail - ring->head < ring->capacity) {
            struct request_record *target = record(ring, ring->tail, sizeof *target);
            target->head = *request;
            memcpy(target->samples, samples, request->count * sizeof *samples);
            ring->tail++;
            release(ring);
            shared_signal_raise(&ring->filled, 1);
            return 0;
        }
        release(ring);
        if (shared_now() >= deadline) return -ETIMEDOUT;
        shared_signal_wait(&ring->emptied, seen, deadline, &patience->spins);
    }
}

/* Copies the first request out and notes who has it. */
static void hand_over(struct ring *ring, struct replica *member, struct shared_request *request, uint32_t *samples) {
    const struct request_record *first = record(ring, ring->head, sizeof *first);
    *request = first->head;
    memcpy(samples, first->samples, first->head.count * sizeof *samples);
    atomic_store(&member->request, first->head.id);
    atomic_store(&member->holds_request, 1);
    ring->head++;
}

int shared_queue_pop(void *memory, uint32_t replica, struct shared_request *request, uint32_t *samples,
                     int64_t timeout, struct shared_queue_patience *patience) {
    struct queue *queue = memory;
    struct ring *ring = &queue->requests;
    for (int64_t deadline = deadline_after(timeout);;) {
        uint32_t seen = atomic_load(&ring->filled.word);
        acquire(queue, ring);
        if (ring->head != ring->tail) {
            hand_over(ring, &queue->members[replica], request, samples);
            release(ring);
            shared_signal_raise(&ring->emptied, 1);
            return 0;
        }
        bool closed = atomic_load(&queue->closed) != 0;
        release(ring);
        if (closed) return -EPIPE;
        if (shared_now() >= deadline) return -ETIMEDOUT;
        shared_signal_wait(&ring->filled, seen, deadline, &patience->spins);
    }
}

int shared_queue_complete(void *memory, const struct shared_completion *completion, const int32_t *results,
                          int64_t timeout, struct shared_queue_patience *patience) {
    struct queue *queue = memory;
    struct ring *ring = &queue->completions;
    struct replica *member = &queue->members[completion->replica];
    if (completion->count > SHARED_SAMPLE_LIMIT) return -EINVAL;
    for (int64_t deadline = deadline_after(timeout);;) {
        uint32_t seen = atomic_load(&ring->emptied.word);
        acquire(queue, ring);
        if (ring->tail - ring->head < ring->capacity) {
            struct completion_record *target = record(ring, ring->tail, sizeof *target);
            target->head = *completion;
            memcpy(target->results, results, completion->count * sizeof *results);
            ring->tail++;
            atomic_store(&member->holds_request, 0);
            atomic_fetch_add(&member->completed, 1);
            release(ring);
            shared_signal_raise(&ring->filled, 1);
            return 0;
        }
        release(ring);
        if (shared_now() >= deadline) return -ETIMEDOUT;
        shared_signal_wait(&ring->emptied, seen, deadline, &patience->spins);
    }
}

static bool is_alive(const struct replica *member) {
    return process_identity_lives(atomic_load(&member->identity)) != 0;
}

/* Whether no completion can come any more. Asked with the completions locked and none in the ring. */
static bool is_drained(struct queue *queue) {
    if (!atomic_load(&queue->closed) || shared_queue_waiting(queue) != 0) return false;
    for (uint32_t i = 0; i < queue->replicas; i++)
        if (atomic_load(&queue->members[i].holds_request) && is_alive(&queue->members[i])) return false;
    return true;
}

int shared_queue_take(void *memory, struct shared_completion *completion, int32_t *results, int64_t timeout,
                      struct shared_queue_patience *patience) {
    struct queue *queue = memory;
    struct ring *ring = &queue->completions;
    for (int64_t deadline = deadline_after(timeout);;) {
        uint32_t seen = atomic_load(&ring->filled.word);
        acquire(queue, ring);
        if (ring->head != ring->tail) {
            const struct completion_record *first = record(ring, ring->head, sizeof *first);
            *completion = first->head;
            memcpy(results, first->results, first->head.count * sizeof *results);
            ring->head++;
            release(ring);
            shared_signal_raise(&ring->emptied, 1);
            return 0;
        }
        bool drained = is_drained(queue);
        release(ring);
        if (drained) return -EPIPE;
        if (shared_now() >= deadline) return -ETIMEDOUT;
        shared_signal_wait(&ring->filled, seen, deadline, &patience->spins);
    }
}

void shared_queue_close(void *memory) {
    struct queue *queue = memory;
    acquire(queue, &queue->requests);
    atomic_store(&queue->closed, 1);
    release(&queue->requests);
    shared_signal_stir(&queue->requests.filled);
    shared_signal_stir(&queue->requests.emptied);
    shared_signal_stir(&queue->completions.filled);
}

uint64_t shared_queue_waiting(void *memory) {
    struct queue *queue = memory;
    acquire(queue, &queue->requests);
    uint64_t count = queue->requests.tail - queue->requests.head;
    release(&queue->requests);
    return count;
}

void shared_queue_look(void *memory, uint32_t replica, struct shared_replica *state) {
    struct queue *queue = memory;
    const struct replica *member = &queue->members[replica];
    state->process = process_of_identity(atomic_load(&member->identity));
    state->is_alive = is_alive(member);
    state->holds_request = (int)atomic_load(&member->holds_request);
    state->request = atomic_load(&member->request);
    state->completed = atomic_load(&member->completed);
}
