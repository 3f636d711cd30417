/*
 * Sleeping until another thread changes a 32-bit word. `word` must be 4-byte aligned and is only read by the
 * kernel; all changes to it must be atomic. `shared` is for words in memory that several processes map, and
 * costs a little more; waiters and wakers of one word must agree on it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * Sleeps while *word is `expected`, at most `timeout` nanoseconds (negative: for ever). Returns 0 when woken
 * (look at the word again: wakes may be spurious), -EAGAIN when the word was already different, -ETIMEDOUT,
 * or -EINTR when a signal came.
 */
int clinux_futex_wait(const void *word, uint32_t expected, int64_t timeout, bool shared);

/* Wakes at most `count` sleepers on the word. Returns how many were woken, or a negative errno. */
int clinux_futex_wake(const void *word, int count, bool shared);
