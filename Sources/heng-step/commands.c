/*
 * Commands of an agent: a letter and a number, little-endian.
 *
 *   T grace     ask all processes to end, and end by force those that are left after so many milliseconds
 *   F signal    T begins with this signal instead of SIGTERM
 *   S signal    send a signal to all processes and nothing more
 *   s signal    the same, to the user's first process alone
 *   Z 1 or 0    stop all processes in their tracks, or let them go on
 *   U           say what the living processes use
 *   M mebibytes the memory that the supervisor watches
 *   L seconds   the time limit, from the start; 0 is none
 *   A           the agent keeps the end that could not be written
 */
#define _GNU_SOURCE
#include "commands.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

/* A request that comes when the user's process has already ended by itself does not change how it ended. */
static void request_stop(struct step *step) {
    if (!step->main_ended) step->stop_requested = true;
}

static void terminate(struct step *step, uint32_t grace) {
    request_stop(step);
    if (grace == 0) {
        step_begin_kill(step);
    } else if (step->phase == TERMINATING) {
        /* A second, more urgent request shortens the first one's grace. */
        int64_t sooner = step_now() + (int64_t)grace * 1000000;
        if (sooner < step->deadline) step->deadline = sooner;
    } else {
        step_begin_terminate(step, grace, step->first_signal);
    }
}

static void tell_usage(void) {
    struct step_usage usage;
    step_read_usage(&usage);
    step_say("usage user=%" PRIu64 " system=%" PRIu64 " resident=%" PRIu64 " processes=%zu\n", usage.user,
             usage.system, usage.resident, usage.processes);
}

static bool is_signal(uint32_t number) { return number > 0 && number < NSIG; }

static void obey(struct step *step, char letter, uint32_t number) {
    if (step->last_line != NULL) {
        if (letter == 'A') step->end_taken = true;
        return;
    }
    switch (letter) {
    case 'T': terminate(step, number); break;
    case 'F': if (is_signal(number)) step->first_signal = (int)number; break;
    case 'S': if (is_signal(number)) step_signal_all(&step->configuration, (int)number, false); break;
    /* Only we reap it, so the number is still its own. */
    case 's': if (is_signal(number) && !step->main_ended) kill(step->launch.pid, (int)number); break;
    case 'Z': step_set_frozen(step, number != 0); break;
    case 'U': tell_usage(); break;
    case 'M':
        step->configuration.resident_limit = (uint64_t)number << 20;
        if (number != 0) step_limit_data_of_all((uint64_t)number << 20);
        break;
    case 'L': step->configuration.time_limit_milliseconds = (uint64_t)number * 1000; break;
    default: break; /* of a newer agent */
    }
}

/* Only the agent that an attached step belongs to can take it along. */
static void lose(struct step *step, struct step_connection *connection) {
    step_disconnect(connection);
    if (step->configuration.folder != NULL) {
        step_restore(&step->configuration);
        return;
    }
    step->agent_gone = true;
    if (step->last_line == NULL) step_begin_kill(step);
}

void step_hear(struct step *step, struct step_connection *connection) {
    ssize_t got = recv(connection->descriptor, connection->command + connection->have,
                       sizeof connection->command - connection->have, MSG_DONTWAIT);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (got <= 0) {
        lose(step, connection);
        return;
    }
    connection->have += (size_t)got;
    if (connection->have < sizeof connection->command) return;
    connection->have = 0;
    const unsigned char *command = connection->command;
    uint32_t number = command[1] | (uint32_t)command[2] << 8 | (uint32_t)command[3] << 16 | (uint32_t)command[4] << 24;
    obey(step, (char)command[0], number);
}

void step_accept(const struct step *step) {
    int descriptor = accept4(step_listener(), NULL, NULL, SOCK_CLOEXEC);
    if (descriptor < 0) return;
    struct step_connection guest = {.descriptor = descriptor};
    if (step->first_line != NULL) step_tell(&guest, step->first_line, strlen(step->first_line));
    if (step->freeze.means != NULL) step_tell(&guest, "frozen means=before stable=1\n", 29);
    if (step->last_line != NULL) step_tell(&guest, step->last_line, strlen(step->last_line));
    step_connect(descriptor);
}
