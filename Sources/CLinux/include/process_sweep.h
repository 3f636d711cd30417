/*
 * Finding processes that are no children of ours. Any thread may call these; they read all of /proc, which takes
 * about 10 microseconds for each process of the machine.
 */
#ifndef CLINUX_PROCESS_SWEEP_H
#define CLINUX_PROCESS_SWEEP_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Sends SIGKILL to every process, except this one, in whose environment a variable `marker` (NAME=VALUE) stands, and
 * repeats that until none is left. Only processes whose environment we may read are seen. Returns how many were
 * found, or a negative errno: -EBUSY when some are still there after many rounds.
 */
int process_end_marked(const char *marker);

/*
 * Confines every thread of every process below `ancestor`, but not that one itself, to the given units. Returns how
 * many threads could not be.
 */
size_t process_bind_below(pid_t ancestor, const int *cpus, size_t count);

#endif
