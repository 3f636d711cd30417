/*
 * What a step is doing, shared by its life (main.c) and by the commands that agents send (commands.c).
 */
#ifndef HENG_STEP_COMMANDS_H
#define HENG_STEP_COMMANDS_H

#include "step.h"

enum phase { RUNNING, TERMINATING, KILLING };

struct step {
    struct step_configuration configuration;
    struct step_launch launch;
    enum phase phase;
    int64_t started, ended;
    int64_t deadline;      /* when the phase's next action is due; meaningful after RUNNING */
    int64_t killing_since;
    int status;            /* of the user's process, as wait gives it */
    bool main_ended, empty, agent_gone, stop_requested;
    int first_signal;      /* with which the next request to end begins */
    int64_t next_look;
    uint64_t resident_peak; /* the most that a look has seen */
    bool over_limit;
    size_t survivors;      /* killed after the user's process had ended */
    /* Time since the start on the clock that goes on while the machine sleeps, less the time spent frozen. */
    int64_t boot_started, frozen_since, frozen_for;
    struct step_freeze freeze;
    bool over_time, warned;
    bool end_taken;        /* an agent keeps the end, so that it need not be in a file */
    const char *first_line; /* `started ...`, for agents that come later */
    const char *last_line; /* `ended ...`, once it is known */
};

/* Ends everything now; what hangs in the kernel is given up after a while. */
void step_begin_kill(struct step *step);

/* Asks everything to end, and ends by force what is left after the grace. */
void step_begin_terminate(struct step *step, uint32_t grace_milliseconds, int signal_number);

/* Stops all processes in their tracks, or lets them go on. */
void step_set_frozen(struct step *step, bool frozen);

/* Reads what an agent sends. */
void step_hear(struct step *step, struct step_connection *connection);

/* Lets in who waits at the door, and tells them how things stand. */
void step_accept(const struct step *step);

#endif
