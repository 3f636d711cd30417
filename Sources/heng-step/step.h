/*
 * heng-step: the supervisor of one job step.
 *
 * It is the parent of the user's process. It binds and limits that process before the first instruction of it
 * runs, adopts everything the process leaves behind, ends all of it when it is told to, and reports how it went.
 *
 * Descriptor 3 is a socket to the agent that starts it. What kind of socket says which of three parts it plays:
 *
 *   attached   a stream, and the configuration names no folder. The step ends with the agent.
 *   detached   a stream, and the configuration names a folder. The step outlives the agent: any agent may connect to
 *              a Unix socket in the folder, and how the step ended is in a file there before anybody is told.
 *   factory    a socket of packets. Every descriptor that arrives is taken by a supervisor, forked beforehand, as
 *              its own descriptor 3. A fork of this small program costs a fifth of a start, and nobody waits for it.
 *
 *   agent -> step   "HGS1", a 32-bit little-endian length, and a block of that length: entries `key=value`, each
 *                   ended by a zero byte (configuration.c lists the keys). Afterwards commands of five bytes: a letter
 *                   and a number (little-endian). commands.c lists them.
 *   step -> agent   one line of text each, to every agent that is connected:
 *                     started pid=N affinity=LIST policy_errno=N
 *                     failed call=NAME errno=N affinity=LIST
 *                     frozen means=NAME stable=N | thawed
 *                     usage user=N system=N resident=N processes=N
 *                     ended code=N signal=N ...      (report.c lists the fields)
 *
 * In the folder of a detached step NAME, all by one rename each:
 *
 *   NAME.manifest   before the user's process is started: who supervises, and what to clear up should it be killed.
 *                   Whoever makes this file decides: the supervisor, that the step starts, or an agent that finds
 *                   none, that it never will.
 *   NAME.end        the line `ended ...` or `failed ...`; after it nothing of the step runs.
 *
 * So at any moment NAME.end exists, or the supervisor lives, or it was killed.
 *
 * The program is single-threaded, and uses no memory after start but the block and the list of processes.
 */
#ifndef HENG_STEP_H
#define HENG_STEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { STEP_SOCKET = 3, STEP_GROUP_LIMIT = 8, STEP_FILE_LIMIT = 8, STEP_PATH_LIMIT = 4096, STEP_LINE_LIMIT = 1 << 16 };

/* Room for 16384 processing units, more than the kernel can be built for. */
enum { STEP_MASK_BITS = 16384, STEP_WORD_BITS = 8 * sizeof(unsigned long) };
enum { STEP_MASK_WORDS = STEP_MASK_BITS / STEP_WORD_BITS };

struct step_mask {
    unsigned long words[STEP_MASK_WORDS];
    bool present;
};

struct step_group {
    const char *controllers; /* "cpu", "cpuset", "memory", "pids", "freezer", or "unified" for version 2 */
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
    bool appends;       /* to output and error, instead of emptying them */
    struct step_mask cpus;
    struct step_mask nodes;
    int memory_policy; /* an MPOL_ number; meaningful when `nodes` is present */
    uint64_t data_limit; /* RLIMIT_DATA in bytes; 0: none */
    uint64_t resident_limit; /* bytes that all processes together may hold, as far as we see it; 0: none */
    uint64_t process_limit; /* RLIMIT_NPROC; 0: none */
    struct step_group groups[STEP_GROUP_LIMIT];
    size_t group_count;
    struct step_group parent; /* the group around the step whose memory limit may be hit; null path: none */
    const char *freezer; /* where a version 1 group is made when the step is to be frozen; null: nowhere */
    uint32_t grace_milliseconds;
    uint64_t time_limit_milliseconds; /* 0: none */
    int warning_signal; /* 0: none */
    uint64_t warning_milliseconds; /* before the limit */
    bool warning_to_first;
    /* Files and empty folders, to be removed in order when the agent dies before it can do so itself. */
    const char *orphans[STEP_FILE_LIMIT];
    size_t orphan_count;
    /* Of a detached step; null in an attached one. */
    const char *folder, *name, *attempt, *boot;
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

/* What all living processes below this one use together. */
struct step_usage {
    uint64_t user, system; /* nanoseconds */
    uint64_t resident; /* bytes, without pages of files */
    size_t processes;
};

void step_read_usage(struct step_usage *usage);

/*
 * Sends a signal to every process below this one and in its groups, and returns how many there were. With `wakes`
 * a stopped process is continued, so that it sees the signal.
 */
size_t step_signal_all(const struct step_configuration *configuration, int signal_number, bool wakes);

/* Whether every process below this one has been stopped by a signal. */
bool step_all_stopped(void);

/* Moves every process below this one into a group. Returns whether in the end all of them were there. */
bool step_move_all(const char *group);

/* Sets the limit of RLIMIT_DATA of every process below this one, as far as that is allowed. */
void step_limit_data_of_all(uint64_t bytes);

/* When a process started, in clock ticks since boot; 0 when it is gone. */
unsigned long long step_start_time(pid_t pid);

/* What the groups counted. -1: not known. */
struct step_evidence {
    int64_t memory_peak;
    int64_t limit_hits;
    int64_t oom_kills;
    int64_t parent_hits; /* of the group around the step, while the step ran */
    int64_t throttled_periods;
    int64_t throttled_nanoseconds;
    bool device_memory; /* the error output ends with an accelerator's message of used up memory */
};

/* Notes what is counted across steps; call it before the start. */
void step_begin_evidence(const struct step_configuration *configuration);

/* Reads the counters; call it before the groups are removed. */
void step_read_evidence(const struct step_configuration *configuration, struct step_evidence *evidence);

/* Removes the groups, waiting up to a second for the kernel to let go. Returns how many are left. */
size_t step_remove_groups(const struct step_configuration *configuration);

/* Reads a small file into text, ended by a zero byte. Returns false when there is none. */
bool step_read_file(const char *folder, const char *name, char *text, size_t size);

/* Writes a text into a file of the kernel in one call. */
bool step_write_file(const char *folder, const char *name, const char *text);

/* How the processes of a step are stopped in their tracks. */
struct step_freeze {
    const char *means; /* null: they run */
    bool stable; /* nothing of the step ran any more when it was looked at */
};

/* Stops all processes without their knowledge, and lets them go on. */
void step_freeze(struct step_configuration *configuration, struct step_freeze *freeze);
void step_thaw(const struct step_configuration *configuration, struct step_freeze *freeze);

/* Nanoseconds of CLOCK_MONOTONIC, and of CLOCK_BOOTTIME, which goes on while the machine sleeps. */
int64_t step_now(void);
int64_t step_boot_now(void);

/* The agents that are connected; the first one by descriptor 3. */
enum { STEP_CONNECTION_LIMIT = 16 };

struct step_connection {
    int descriptor; /* -1: free */
    unsigned char command[5];
    size_t have;
};

/* Puts a new one into a free place, or closes it where there is none. */
void step_connect(int descriptor);
struct step_connection *step_connections(void);
void step_disconnect(struct step_connection *connection);

/* Writes a line to every agent. One that does not read is let go of; that it is gone the socket says by itself. */
__attribute__((format(printf, 1, 2))) void step_say(const char *format, ...);

/* Writes a whole line to one agent. */
void step_tell(struct step_connection *connection, const char *line, size_t length);

/* Opens the folder of a detached step, listens there, and leaves the manifest. Returns null, or the call that failed. */
const char *step_detach(const struct step_configuration *configuration);

/* Makes the folder, the socket and the manifest again if the job has removed them. */
void step_restore(const struct step_configuration *configuration);

/* What others connect to; -1 when the step is attached. */
int step_listener(void);

/* Writes the last line to the file that keeps it. Returns false when it cannot be written now. */
bool step_write_end(const struct step_configuration *configuration, const char *line);

/* Whether nobody could find the file any more, because what the folder lay in is gone too. */
bool step_is_unreachable(const struct step_configuration *configuration);

/* Serves as the factory: returns in each supervisor that it makes, with its descriptor 3 in place, else never. */
void step_serve_as_factory(void);

#endif
