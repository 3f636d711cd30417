#include "shared_group.h"

#include "process_spawn.h"
#include "shared_wait.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

enum { LINE = 64, VERSION = 1 };
static const char mark[8] = "HENGGRP";

/* What one rank writes and the others only read; a line of its own, so that arrivals do not disturb each other. */
struct member {
    _Alignas(LINE) _Atomic uint64_t identity; /* of its process; 0 before it attaches */
    _Atomic uint32_t arrivals; /* barriers that the rank has come to */
};

struct group {
    char mark[8];
    uint32_t version;
    uint32_t ranks;
    uint64_t chunk;
    _Alignas(LINE) _Atomic uint32_t attached;
    _Atomic uint32_t given_up; /* the rank plus one that gave up first */
    _Alignas(LINE) _Atomic uint32_t arrived;
    _Alignas(LINE) struct shared_signal passed; /* the word counts the barriers that all have passed */
    struct member members[SHARED_RANK_LIMIT];
};

size_t shared_group_size(uint32_t ranks, size_t chunk) {
    return sizeof(struct group) + 2 * (size_t)ranks * chunk;
}

void shared_group_lay_out(void *memory, uint32_t ranks, size_t chunk) {
    struct group *group = memory;
    group->version = VERSION;
    group->ranks = ranks;
    group->chunk = chunk;
    memcpy(group->mark, mark, sizeof mark);
}

int shared_group_inspect(const void *memory, size_t size, uint32_t *ranks, size_t *chunk) {
    const struct group *group = memory;
    if (size < sizeof *group || memcmp(group->mark, mark, sizeof mark) != 0 || group->version != VERSION)
        return -EBADMSG;
    if (group->ranks == 0 || group->ranks > SHARED_RANK_LIMIT || group->chunk == 0 || group->chunk % LINE != 0
        || group->chunk > size || shared_group_size(group->ranks, group->chunk) > size)
        return -EBADMSG;
    *ranks = group->ranks;
    *chunk = group->chunk;
    return 0;
}

int shared_group_attach(void *memory, uint32_t rank) {
    struct group *group = memory;
    struct member *member = &group->members[rank];
    uint64_t nobody = 0;
    if (!atomic_compare_exchange_strong(&member->identity, &nobody, process_identity(getpid()))) return -EEXIST;
    return (int)atomic_fetch_add(&group->attached, 1) + 1;
}

/* Whether a rank has attached and its process is gone. */
static bool has_ended(const struct member *member) {
    uint64_t identity = atomic_load(&member->identity);
    return identity != 0 && !process_identity_lives(identity);
}

static bool someone_missing_has_ended(const struct group *group, uint32_t barrier) {
    for (uint32_t rank = 0; rank < group->ranks; rank++) {
        const struct member *member = &group->members[rank];
        /* Looked at in this order, because a rank may arrive, pass and end while we look. */
        bool ended = has_ended(member);
        if (ended && (int32_t)(atomic_load(&member->arrivals) - barrier) < 0) return true;
    }
    return false;
}

static int give_up(struct group *group, uint32_t rank, int code) {
    uint32_t nobody = 0;
    atomic_compare_exchange_strong(&group->given_up, &nobody, rank + 1);
    shared_signal_stir(&group->passed);
    return code;
}

int shared_group_barrier(void *memory, uint32_t rank, int64_t timeout, struct shared_patience *patience) {
    struct group *group = memory;
    if (atomic_load(&group->given_up) != 0) return -ECANCELED;
    uint32_t passed = atomic_load_explicit(&group->passed.word, memory_order_acquire);
    atomic_store_explicit(&group->members[rank].arrivals, passed + 1, memory_order_release);
    if (atomic_fetch_add_explicit(&group->arrived, 1, memory_order_acq_rel) + 1 == group->ranks) {
        atomic_store_explicit(&group->arrived, 0, memory_order_relaxed);
        shared_signal_raise(&group->passed, INT_MAX);
        return 0;
    }
    int64_t now = shared_now();
    int64_t deadline = timeout > INT64_MAX - now ? INT64_MAX : now + timeout;
    while (!shared_signal_wait(&group->passed, passed, deadline, &patience->spins)) {
        if (atomic_load(&group->given_up) != 0) return -ECANCELED;
        if (someone_missing_has_ended(group, passed + 1)) return give_up(group, rank, -ESRCH);
        if (shared_now() >= deadline) return give_up(group, rank, -ETIMEDOUT);
    }
    return 0;
}

int shared_group_is_missing(const void *memory, uint32_t waiting, uint32_t rank) {
    const struct group *group = memory;
    uint32_t barrier = atomic_load(&group->members[waiting].arrivals);
    return (int32_t)(atomic_load(&group->members[rank].arrivals) - barrier) < 0;
}

pid_t shared_group_process(const void *memory, uint32_t rank) {
    const struct group *group = memory;
    return process_of_identity(atomic_load(&group->members[rank].identity));
}

int shared_group_first_to_give_up(const void *memory) {
    const struct group *group = memory;
    return (int)atomic_load(&group->given_up) - 1;
}

void *shared_group_slot(void *memory, uint32_t rank, uint32_t which) {
    struct group *group = memory;
    return (char *)memory + sizeof *group + (2 * (size_t)rank + which) * group->chunk;
}

/*
 * Block by block through all ranks, with the running sum in the first-level cache: the inputs are read once, the
 * sum is written once, and it may lie over the caller's own values.
 */
#define DEFINE_SUM(name, type, block)                                                                         \
    void name(void *memory, uint32_t which, size_t start, size_t count, uint32_t own, const type *values,     \
              type *sum) {                                                                                    \
        uint32_t ranks = ((const struct group *)memory)->ranks;                                               \
        const type *inputs[SHARED_RANK_LIMIT];                                                                \
        type running[block];                                                                                  \
        for (uint32_t rank = 0; rank < ranks; rank++)                                                         \
            inputs[rank] = (const type *)shared_group_slot(memory, rank, which) + start;                      \
        if (values != NULL) inputs[own] = values;                                                             \
        for (size_t done = 0; done < count; done += block) {                                                  \
            size_t size = count - done < block ? count - done : block;                                        \
            memcpy(running, inputs[0] + done, size * sizeof(type));                                           \
            for (uint32_t rank = 1; rank < ranks; rank++) {                                                   \
                const type *input = inputs[rank] + done;                                                      \
                for (size_t i = 0; i < size; i++) running[i] += input[i];                                     \
            }                                                                                                 \
            memcpy(sum + done, running, size * sizeof(type));                                                 \
        }                                                                                                     \
    }

DEFINE_SUM(shared_group_sum_f32, float, 1024)
DEFINE_SUM(shared_group_sum_f64, double, 512)
