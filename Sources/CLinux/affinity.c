#define _GNU_SOURCE
#include "clinux_affinity.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { BITS = 8 * sizeof(unsigned long) };

int clinux_set_affinity(pid_t thread, const int *cpus, size_t count)
{
    int highest = 0;
    for (size_t i = 0; i < count; i++) {
        if (cpus[i] < 0 || cpus[i] >= CLINUX_CPU_LIMIT) return -EINVAL;
        if (cpus[i] > highest) highest = cpus[i];
    }
    size_t words = (size_t)highest / BITS + 1;
    /* Enough for most machines, so that threads which move on a hot path allocate nothing. */
    unsigned long small[1024 / BITS] = {0};
    unsigned long *mask = words <= sizeof small / sizeof *small ? small : calloc(words, sizeof *mask);
    if (!mask) return -ENOMEM;
    for (size_t i = 0; i < count; i++) mask[cpus[i] / BITS] |= 1UL << (cpus[i] % BITS);
    long status = syscall(SYS_sched_setaffinity, thread, words * sizeof *mask, mask);
    int result = status < 0 ? -errno : 0;
    if (mask != small) free(mask);
    return result;
}

/* Writes the numbers of the set bits, and returns how many there are. */
static int list_bits(const unsigned long *mask, size_t words, int *list, size_t capacity)
{
    size_t found = 0;
    for (size_t word = 0; word < words; word++) {
        for (unsigned long rest = mask[word]; rest; rest &= rest - 1) {
            if (found < capacity) list[found] = (int)(word * BITS) + __builtin_ctzl(rest);
            found++;
        }
    }
    return (int)found;
}

int clinux_get_affinity(pid_t thread, int *cpus, size_t capacity)
{
    /* The kernel answers EINVAL to a mask shorter than its own, whose length it does not tell. */
    for (size_t units = 1024; units <= CLINUX_CPU_LIMIT; units *= 4) {
        unsigned long *mask = calloc(units / BITS, sizeof *mask);
        if (!mask) return -ENOMEM;
        long bytes = syscall(SYS_sched_getaffinity, thread, units / 8, mask);
        int result = bytes < 0 ? -errno : list_bits(mask, (size_t)bytes / sizeof *mask, cpus, capacity);
        free(mask);
        if (result != -EINVAL) return result;
    }
    return -EINVAL;
}
