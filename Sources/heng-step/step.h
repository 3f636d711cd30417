/*
 * heng-step: the supervisor of one job step.
 *
 * It is the parent of the user's process. It binds and limits that process before the first instruction of it
 * runs, adopts everything the process leaves behind, ends all of it when it is told to or when the agent that
 * started it is gone, and reports how it went.
 *
 * Descriptor 3 is a stream socket to the agent, and the only thing the two share:
 *
 *   agent -> step   "HGS1", a 32-bit little-endian length, and a block of that length: entries `key=value`, each
 *                   ended by a zero byte (configuration.c lists the keys). Afterwards commands of five bytes: the
 *                   letter T and a grace in milliseconds (little-endian). End of stream means the agent is gone.
 *   step -> agent   one line of text each:
 *                     started pid=N affinity=LIST policy_errno=N
 *                     failed call=NAME errno=N affinity=LIST
 *                     ended code=N signal=N ...      (report.c lists the fields)
 *
 * The program is single-threaded, holds no state on disk, and uses no memory after start but the block and the
 * list of processes.
 */
#ifndef HENG_STEP_H
#define HENG_STEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { STEP_SOCKET = 3, STEP_GROUP_LIMIT = 8, STEP_FILE_LIMIT = 8, STEP_PATH_LIMIT = 4096 };

/* Room for 16384 processing units, more than the kernel can be built for. */
enum { STEP_MASK_BITS = 16384, STEP_WORD_BITS = 8 * sizeof(unsigned long) };
enum { STEP_MASK_WORDS = STEP_MASK_BITS / STEP_WORD_BITS };

struct step_mask {
    unsigned long words[STEP_MASK_WORDS];
    bool present;
};

struct step_group {
    const char *controllers; /* "cpu", "cpuset", "memory", or "unified" for version 2 */
    const char *path;
};

/* What the agent asked for. Every text points into the block, which lives as long as the program. */
struct step_configuration {
    char **arguments;
    char **environment;
    const char *directory;
    const char *input;
    const char *output; /* null: inherited from the agent */
    const char *error;  /* null: inherited from the agent */
    struct step_mask cpus;
    struct step_mask nodes;
    int memory_policy; /* an MPOL_ number; meaningful when `nodes` is present */
    uint64_t data_limit; /* RLIMIT_DATA in bytes; 0: none */
    uint64_t resident_limit; /* bytes that all processes together may hold, as far as we see it; 0: none */
    struct step_group groups[STEP_GROUP_LIMIT];
    size_t group_count;
    uint32_t grace_milliseconds;
    /* Files and empty folders, to be removed in order when the agent dies before it can do so itself. */
    const char *orphans[STEP_FILE_LIMIT];
    size_t orphan_count;
};

/* Reads the block from the socket. Returns 0, or an errno value for a block that is cut short or malformed. */
int step_read_configuration(struct step_configuration *configuration);

/* Reads `0-3,8` into a mask. Returns false for anything malformed or out of range. */
bool step_parse_mask(const char *text, struct step_mask *mask);

/* Writes a mask as `0-3,8`, ended by a zero byte; cut at `size`. */
void step_format_mask(const struct step_mask *mask, char *text, size_t size);

/* What the child could say about itself before it became the user's program. */
struct step_launch {
    pid_t pid;                /* 0 when it failed */
    const char *failed_call;  /* null when it did not fail */
    int failed_errno;
    struct step_mask affinity; /* read back from the kernel */
    int policy_errno;         /* 0: the memory policy is set, or none was asked for */
};

/* Starts the user's program, bound and limited. Returns after it has been executed or has failed to. */
void step_launch(const struct step_configuration *configuration, struct step_launch *launch);

/* The memory that all processes below this one hold, in bytes, without pages of files. */
uint64_t step_resident_bytes(void);

/* Sends a signal to every process below this one and in its groups, and returns how many there were. */
size_t step_signal_all(const struct step_configuration *configuration, int signal_number);

/* What the groups counted. -1: not known. */
struct step_evidence {
    int64_t memory_peak;
    int64_t limit_hits;
    int64_t oom_kills;
    int64_t throttled_periods;
    int64_t throttled_nanoseconds;
};

/* Reads the counters; call it before the groups are removed. */
void step_read_evidence(const struct step_configuration *configuration, struct step_evidence *evidence);

/* Removes the groups, waiting up to a second for the kernel to let go. Returns how many are left. */
size_t step_remove_groups(const struct step_configuration *configuration);

/* Nanoseconds of CLOCK_MONOTONIC. */
int64_t step_now(void);

/* Writes a line to the agent. A failure is ignored: it means the agent is gone, and the socket says so itself. */
__attribute__((format(printf, 1, 2))) void step_say(const char *format, ...);

#endif
