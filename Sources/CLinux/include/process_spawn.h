/*
 * Starting supervisors and recognising processes. Any thread may call these.
 */
#ifndef CLINUX_PROCESS_SPAWN_H
#define CLINUX_PROCESS_SPAWN_H

#include <stdint.h>
#include <sys/types.h>

/*
 * Starts the program at `path`, without arguments, in a session of its own, with default signals and an empty
 * signal mask. It inherits the standard descriptors, and `socket` as descriptor 3; every other one is closed.
 * Returns 0 and the process in `pid`, which the caller must wait for, or an errno value.
 */
int process_spawn_supervisor(const char *path, int socket, pid_t *pid);

/*
 * From now on the kernel kills this process when the thread that started it ends. Returns 0, or an errno value:
 * ESRCH when the parent has ended already.
 */
int process_end_with_parent(void);

/*
 * When a process started, in clock ticks since boot; 0 when there is none, or when it has ended and only waits to
 * be reaped. A process number comes back after some time; number and start time together do not.
 */
uint64_t process_start_time(pid_t pid);

/*
 * Number and start time of a living process in one number that no other process has until the next boot, or 0.
 * The number of a process takes at most 22 bits.
 */
uint64_t process_identity(pid_t pid);

/* The process number in an identity, and whether that very process still lives. */
pid_t process_of_identity(uint64_t identity);
int process_identity_lives(uint64_t identity);

#endif
