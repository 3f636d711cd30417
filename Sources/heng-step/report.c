/*
 * The agents that are connected, and the lines to them.
 */
#define _GNU_SOURCE
#include "step.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static struct step_connection connections[STEP_CONNECTION_LIMIT];
static bool is_set_up;

static int64_t read_clock(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

int64_t step_now(void) { return read_clock(CLOCK_MONOTONIC); }
int64_t step_boot_now(void) { return read_clock(CLOCK_BOOTTIME); }

struct step_connection *step_connections(void) {
    for (int i = 0; !is_set_up && i < STEP_CONNECTION_LIMIT; i++) connections[i].descriptor = -1;
    is_set_up = true;
    return connections;
}

void step_connect(int descriptor) {
    struct step_connection *all = step_connections();
    for (int i = 0; i < STEP_CONNECTION_LIMIT; i++) {
        if (all[i].descriptor >= 0) continue;
        all[i] = (struct step_connection){.descriptor = descriptor};
        return;
    }
    close(descriptor);
}

void step_disconnect(struct step_connection *connection) {
    if (connection->descriptor >= 0) close(connection->descriptor);
    connection->descriptor = -1;
}

void step_tell(struct step_connection *connection, const char *line, size_t length) {
    /* An agent that does not read must not hold up the step; the buffer of a socket takes all that we ever say. */
    while (length > 0) {
        ssize_t sent = send(connection->descriptor, line, length, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EINTR) continue;
        /* Not closed here: the end of the stream is what the loop sees it by. */
        if (sent < 0) {
            shutdown(connection->descriptor, SHUT_RDWR);
            return;
        }
        line += sent;
        length -= (size_t)sent;
    }
}

void step_say(const char *format, ...) {
    /* The longest line is an affinity list with every second unit of a very large machine. */
    static char line[STEP_LINE_LIMIT];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (length < 0) return;
    size_t whole = (size_t)length < sizeof line ? (size_t)length : sizeof line - 1;
    struct step_connection *all = step_connections();
    for (int i = 0; i < STEP_CONNECTION_LIMIT; i++)
        if (all[i].descriptor >= 0) step_tell(&all[i], line, whole);
}
