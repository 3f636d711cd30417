/*
 * Lines to the agent.
 */
#include "step.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>

int64_t step_now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

void step_say(const char *format, ...) {
    /* The longest line is an affinity list with every second unit of a very large machine. */
    static char line[1 << 16];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (length < 0) return;
    size_t left = (size_t)length < sizeof line ? (size_t)length : sizeof line - 1;
    for (const char *next = line; left > 0;) {
        ssize_t sent = send(STEP_SOCKET, next, left, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0) return;
        next += sent;
        left -= (size_t)sent;
    }
}
