#define _GNU_SOURCE
#include "clinux_futex.h"

#include <errno.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int operation(int base, bool shared)
{
    return shared ? base : base | FUTEX_PRIVATE_FLAG;
}

int clinux_futex_wait(const void *word, uint32_t expected, int64_t timeout, bool shared)
{
    struct timespec limit = {.tv_sec = timeout / 1000000000, .tv_nsec = timeout % 1000000000};
    long status = syscall(
        SYS_futex, word, operation(FUTEX_WAIT, shared), expected, timeout < 0 ? NULL : &limit, NULL, 0);
    return status < 0 ? -errno : 0;
}

int clinux_futex_wake(const void *word, int count, bool shared)
{
    long woken = syscall(SYS_futex, word, operation(FUTEX_WAKE, shared), count, NULL, NULL, 0);
    return woken < 0 ? -errno : (int)woken;
}
