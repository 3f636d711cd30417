/* Small facts and courtesies of threads, and nameless files. */
#pragma once

#include <sys/types.h>

/* The kernel's number of the calling thread, as in /proc/self/task. */
pid_t clinux_thread_id(void);

/* The processing unit that runs the calling thread at this moment. */
int clinux_current_cpu(void);

/* Tells the core that this is a spinning wait, so that its other hardware thread gets the time. */
static inline void clinux_cpu_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
    __asm__ volatile("yield" ::: "memory");
#else
    __asm__ volatile("" ::: "memory");
#endif
}

enum {
    CLINUX_MEMORY_FILE_CLOSE_ON_EXEC = 1,
    CLINUX_MEMORY_FILE_SEALABLE = 2
};

/*
 * A file that lives in memory and has no path, size 0. The name is only for /proc/self/fd. Returns a file
 * descriptor that the caller closes, or a negative errno.
 */
int clinux_memory_file(const char *name, unsigned flags);
