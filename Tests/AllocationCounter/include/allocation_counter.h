/*
 * Counts allocations of the whole process: C's, C++'s and Swift's, on all threads.
 *
 * Linked into the tests' program, this target's malloc and its relatives take the place of the C library's and
 * forward to them. Counting costs one load while it is off. Only for glibc; elsewhere nothing is counted and
 * ac_is_available says so.
 */
#ifndef ALLOCATION_COUNTER_H
#define ALLOCATION_COUNTER_H

#include <stddef.h>

/* Whether allocations are seen at all in this program. */
int ac_is_available(void);

/* Starts at zero. */
void ac_start(void);

/* Stops, and returns how many allocations there were since the start. */
size_t ac_stop(void);

#endif
