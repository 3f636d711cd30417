/*
 * A group of ranks that work together in one piece of shared memory: a barrier, and per rank two slots of `chunk`
 * bytes through which data is exchanged.
 *
 * The memory is mapped by every rank, at any address, and must be aligned to 64 bytes. One process lays it out
 * before anyone attaches. Each rank is used by one thread at a time. A rank that dies does not block the others
 * for ever: a wait looks every 20 ms whether those it waits for still live.
 *
 * Functions that can fail return a negative errno.
 */
#ifndef CLINUX_SHARED_GROUP_H
#define CLINUX_SHARED_GROUP_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { SHARED_RANK_LIMIT = 256 };

/* The bytes that a group needs; chunk must be a positive multiple of 64, ranks 1 to SHARED_RANK_LIMIT. */
size_t shared_group_size(uint32_t ranks, size_t chunk);

/* Lays a group out in zeroed memory of that size. */
void shared_group_lay_out(void *memory, uint32_t ranks, size_t chunk);

/* What the memory says about itself. -EBADMSG when it holds no group, or not as large a one as it says. */
int shared_group_inspect(const void *memory, size_t size, uint32_t *ranks, size_t *chunk);

/*
 * Takes a rank for this process. Returns how many ranks are attached now, so that exactly one caller sees the full
 * number; -EEXIST when the rank is taken already.
 */
int shared_group_attach(void *memory, uint32_t rank);

/* How a caller waits: it spins as long as spinning has paid lately. Zeroed at first, one for each caller. */
struct shared_patience {
    uint32_t spins;
};

/*
 * Waits until every rank is here. 0; -ETIMEDOUT after `timeout` nanoseconds; -ESRCH when a rank that is missing
 * has ended; -ECANCELED when another rank has given up. After a failure the group is of no more use, and every
 * other rank's next wait is cancelled.
 */
int shared_group_barrier(void *memory, uint32_t rank, int64_t timeout, struct shared_patience *patience);

/* Whether a rank is missing at the barrier that the given rank waits or waited for in vain. */
int shared_group_is_missing(const void *memory, uint32_t waiting, uint32_t rank);

/* The process of a rank, or 0 when it has not attached. */
pid_t shared_group_process(const void *memory, uint32_t rank);

/* The rank that gave up first, or -1. */
int shared_group_first_to_give_up(const void *memory);

/* One of a rank's two slots (0 or 1), 64-byte aligned, `chunk` bytes long. */
void *shared_group_slot(void *memory, uint32_t rank, uint32_t which);

/*
 * sum[i] = the ranks' elements number start + i in their slots, added in the order of the ranks. The elements of
 * rank `own` come from `values` instead of its slot (values[i]), unless values is null. sum may be values, but must
 * not overlap it otherwise, nor any slot. A NaN anywhere is a NaN in the sum.
 */
void shared_group_sum_f32(void *memory, uint32_t which, size_t start, size_t count, uint32_t own,
                          const float *values, float *sum);
void shared_group_sum_f64(void *memory, uint32_t which, size_t start, size_t count, uint32_t own,
                          const double *values, double *sum);

#endif
