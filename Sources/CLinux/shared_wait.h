/*
 * Waiting for a word in shared memory to change: short spinning, then a futex. For the shared_ files only.
 */
#ifndef CLINUX_SHARED_WAIT_H
#define CLINUX_SHARED_WAIT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* How long a sleeper sleeps before it looks around for itself, in nanoseconds. */
enum { SHARED_WAIT_SLICE = 20 * 1000 * 1000 };

/* A word that threads of several processes wait on, and how many of them sleep. */
struct shared_signal {
    _Atomic uint32_t word;
    _Atomic uint32_t sleepers;
};

/* Nanoseconds of CLOCK_MONOTONIC. */
int64_t shared_now(void);

/*
 * Returns true when the word is not `value` any more, false after a slice or at `deadline`. Spins first, for as
 * long as spinning has paid lately, which `spins` keeps in between; there is no spinning on a single processor.
 */
bool shared_signal_wait(struct shared_signal *signal, uint32_t value, int64_t deadline, uint32_t *spins);

/* Changes the word by one and wakes up to `count` sleepers. */
void shared_signal_raise(struct shared_signal *signal, int count);

/* Wakes everyone without changing the word, so that they look around. */
void shared_signal_stir(struct shared_signal *signal);

#endif
