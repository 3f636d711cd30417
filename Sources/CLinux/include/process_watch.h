/*
 * Waiting for many descriptors at once (epoll). Adding and removing may happen on any thread while one waits.
 */
#ifndef CLINUX_PROCESS_WATCH_H
#define CLINUX_PROCESS_WATCH_H

/* Returns a new set, to be closed by the caller, or -1 with errno. */
int process_watch_make(void);

/* Puts a descriptor in or takes it out. Returns 0 or an errno value. */
int process_watch_add(int watch, int descriptor);
int process_watch_remove(int watch, int descriptor);

/*
 * Waits until a descriptor of the set can be read or has reached its end, and writes up to `capacity` of them
 * (at most 64) into `ready`. Returns how many; 0 when a signal came in between.
 */
int process_watch_wait(int watch, int *ready, int capacity);

/* The same, but at most so many milliseconds; -1 is without end. */
int process_watch_wait_for(int watch, int *ready, int capacity, int milliseconds);

/* A descriptor that can be read after it was rung, until it is quieted; -1 with errno when there is none. */
int process_bell_make(void);
void process_bell_ring(int bell);
void process_bell_quiet(int bell);

#endif
