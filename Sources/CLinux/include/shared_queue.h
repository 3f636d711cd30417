/*
 * A queue of requests and a queue of their completions in shared memory, for several processes at both ends.
 *
 * Producers push requests, replicas pop them, do the work and push completions, which collectors take. Every
 * record has a fixed size, and nothing is allocated. Locks are robust: a process that is killed inside the queue
 * leaves it as it was before or after its call, and what a replica had popped stays known, so that its collector
 * can tell which requests died with it.
 *
 * The memory is mapped by every process, at any address, and must be aligned to 64 bytes. One process lays it out
 * before the others come. Any thread may call any function; a replica is used by one thread at a time. Timeouts
 * are nanoseconds. Functions that can fail return 0 or a negative errno: -ETIMEDOUT, and -EPIPE when the queue is
 * closed (and, for those who take, empty).
 */
#ifndef CLINUX_SHARED_QUEUE_H
#define CLINUX_SHARED_QUEUE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { SHARED_SAMPLE_LIMIT = 64, SHARED_REPLICA_LIMIT = 256 };

struct shared_request {
    uint64_t id; /* the caller's, unique in this queue */
    int64_t created; /* CLOCK_MONOTONIC */
    uint32_t count; /* samples, up to SHARED_SAMPLE_LIMIT */
    uint32_t tag; /* the caller's, such as the model */
};

struct shared_completion {
    uint64_t id;
    int64_t started; /* CLOCK_MONOTONIC, when the replica took the request */
    int64_t ended;
    uint32_t replica;
    int32_t status; /* 0: done; otherwise the replica's own number for what went wrong */
    uint32_t count; /* results, one for each sample */
    uint32_t tag;
};

/* How a caller waits; see shared_group.h. Zeroed at first, one for each caller and direction. */
struct shared_queue_patience {
    uint32_t spins;
};

/* The bytes that a queue needs; capacity is the number of records in either direction, from 1. */
size_t shared_queue_size(uint32_t capacity, uint32_t replicas);

/* Lays a queue out in zeroed memory of that size. Returns 0, or a negative errno without robust locks. */
int shared_queue_lay_out(void *memory, uint32_t capacity, uint32_t replicas);

/* What the memory says about itself. -EBADMSG when it holds no queue, or not as large a one as it says. */
int shared_queue_inspect(const void *memory, size_t size, uint32_t *capacity, uint32_t *replicas);

/* Takes a replica for this process. -EEXIST when a living process has it. */
int shared_queue_attach(void *memory, uint32_t replica);

int shared_queue_push(void *memory, const struct shared_request *request, const uint32_t *samples, int64_t timeout,
                      struct shared_queue_patience *patience);

/* Writes up to SHARED_SAMPLE_LIMIT samples. The request is the replica's until it completes it. */
int shared_queue_pop(void *memory, uint32_t replica, struct shared_request *request, uint32_t *samples,
                     int64_t timeout, struct shared_queue_patience *patience);

/* Also works when the queue is closed. */
int shared_queue_complete(void *memory, const struct shared_completion *completion, const int32_t *results,
                          int64_t timeout, struct shared_queue_patience *patience);

/*
 * Writes up to SHARED_SAMPLE_LIMIT results. -EPIPE only when the queue is closed, nothing is left in either
 * direction, and no living replica holds a request.
 */
int shared_queue_take(void *memory, struct shared_completion *completion, int32_t *results, int64_t timeout,
                      struct shared_queue_patience *patience);

/* No more requests: who pops gets what is left and then -EPIPE. */
void shared_queue_close(void *memory);

/* Requests that are waiting, for watching only. */
uint64_t shared_queue_waiting(void *memory);

struct shared_replica {
    pid_t process; /* 0: has not attached */
    int is_alive;
    int holds_request;
    uint64_t request; /* meaningful when it holds one */
    uint64_t completed;
};

/*
 * What a replica is doing. A dead one that holds a request has lost it, or has completed it in its last moment:
 * take what is in the queue first.
 */
void shared_queue_look(void *memory, uint32_t replica, struct shared_replica *state);

#endif
