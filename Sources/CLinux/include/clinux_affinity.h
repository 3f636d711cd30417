/*
 * Which processing units a thread may run on. Units are the operating system's numbers, 0 to
 * CLINUX_CPU_LIMIT - 1; the masks the kernel wants are built inside, of whatever length this kernel uses.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

enum {
    /* As many units as a mask may name; more than any kernel is built for. */
    CLINUX_CPU_LIMIT = 1 << 20
};

/*
 * Confines the thread `thread` (0: the calling one) to the given units. For a whole process, call it for each
 * of its threads; children inherit. Returns 0, or -EINVAL when none of the units exists or one is out of
 * range, -ESRCH, -EPERM, -ENOMEM.
 */
int clinux_set_affinity(pid_t thread, const int *cpus, size_t count);

/*
 * The units the kernel lets the thread `thread` (0: the calling one) run on, rising. Returns how many there
 * are, or a negative errno. At most `capacity` of them are written to `cpus`; call with capacity 0 to count.
 */
int clinux_get_affinity(pid_t thread, int *cpus, size_t capacity);
