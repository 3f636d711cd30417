#define _GNU_SOURCE
#include "shared_wait.h"

#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/*
 * About 40 us of pauses: what waking a sleeper on another core costs. A wait that succeeds while spinning doubles
 * the number for the next time, one that ends in sleep halves it, down to a number that costs nothing.
 */
enum { SPINS_MOST = 2048, SPINS_LEAST = 16 };

int64_t shared_now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void rest(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* The processors of the machine; asking costs a system call, and every process may ask once by itself. */
static bool can_spin(void) {
    static _Atomic int processors;
    int known = atomic_load_explicit(&processors, memory_order_relaxed);
    if (known == 0) {
        known = (int)sysconf(_SC_NPROCESSORS_ONLN);
        atomic_store_explicit(&processors, known, memory_order_relaxed);
    }
    return known > 1;
}

static bool has_changed(struct shared_signal *signal, uint32_t value) {
    return atomic_load_explicit(&signal->word, memory_order_acquire) != value;
}

static bool spin(struct shared_signal *signal, uint32_t value, uint32_t *spins) {
    if (*spins < SPINS_LEAST) *spins = SPINS_LEAST;
    for (uint32_t i = 0; i < *spins; i++) {
        if (has_changed(signal, value)) {
            if (*spins < SPINS_MOST) *spins *= 2;
            return true;
        }
        rest();
    }
    *spins /= 2;
    return false;
}

bool shared_signal_wait(struct shared_signal *signal, uint32_t value, int64_t deadline, uint32_t *spins) {
    if (has_changed(signal, value)) return true;
    if (can_spin() && spin(signal, value, spins)) return true;
    int64_t left = deadline - shared_now();
    if (left > SHARED_WAIT_SLICE) left = SHARED_WAIT_SLICE;
    if (left > 0) {
        struct timespec slice = {.tv_nsec = left};
        /* Counted before the kernel compares the word, so that whoever changes it sees the sleeper or is seen. */
        atomic_fetch_add(&signal->sleepers, 1);
        syscall(SYS_futex, &signal->word, FUTEX_WAIT, value, &slice, NULL, 0);
        atomic_fetch_sub(&signal->sleepers, 1);
    }
    return has_changed(signal, value);
}

static void wake(struct shared_signal *signal, int count) {
    if (atomic_load(&signal->sleepers) != 0) syscall(SYS_futex, &signal->word, FUTEX_WAKE, count, NULL, NULL, 0);
}

void shared_signal_raise(struct shared_signal *signal, int count) {
    atomic_fetch_add(&signal->word, 1);
    wake(signal, count);
}

void shared_signal_stir(struct shared_signal *signal) {
    wake(signal, INT_MAX);
}
