/*
 * Finding and signalling every process of the step.
 *
 * The supervisor is a subreaper: whatever loses its parent below it becomes its child. So the step's processes
 * are exactly those whose line of parents leads here, and one that left the process group, the session or the
 * control group is still found.
 */
#define _GNU_SOURCE
#include "step.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum place { UNKNOWN, BELOW, ELSEWHERE };

struct process {
    pid_t pid;
    pid_t parent;
    unsigned long long start; /* clock ticks since boot: with the pid, the identity of a process */
    unsigned long long user, system; /* clock ticks */
    bool ended; /* waits to be reaped */
    bool stopped;
    enum place place;
};

/* Reads what there is to know about a process. Returns false when it is gone. */
static bool read_process(pid_t pid, struct process *process) {
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return false;
    ssize_t count = read(descriptor, text, sizeof text - 1);
    close(descriptor);
    if (count <= 0) return false;
    text[count] = 0;
    /* The name in parentheses may hold anything, also a closing one. */
    char *after_name = strrchr(text, ')');
    char state = 0;
    int parent = 0;
    unsigned long long start = 0, user = 0, system = 0;
    if (after_name == NULL
        || sscanf(after_name + 1,
                  " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d %*d %*d %*d %llu", &state,
                  &parent, &user, &system, &start) != 5)
        return false;
    *process = (struct process){
        .pid = pid, .parent = parent, .start = start, .user = user, .system = system,
        .ended = state == 'Z' || state == 'X', .stopped = state == 'T' || state == 't'};
    return true;
}

unsigned long long step_start_time(pid_t pid) {
    struct process process;
    return read_process(pid, &process) ? process.start : 0;
}

static int by_number(const void *left, const void *right) {
    pid_t a = ((const struct process *)left)->pid, b = ((const struct process *)right)->pid;
    return a < b ? -1 : a > b;
}

static struct process *find(struct process *list, size_t count, pid_t pid) {
    struct process key = {.pid = pid};
    return count == 0 ? NULL : bsearch(&key, list, count, sizeof key, by_number);
}

/*
 * All processes of the machine by their numbers, those that wait to be reaped too, because a child may still name one
 * as parent; null with a count of 0 when there is no /proc or no memory.
 */
static struct process *read_all(size_t *count) {
    *count = 0;
    DIR *directory = opendir("/proc");
    if (directory == NULL) return NULL;
    struct process *all = NULL;
    size_t capacity = 0;
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        char *end = NULL;
        long pid = strtol(entry->d_name, &end, 10);
        if (pid <= 0 || *end != 0) continue;
        if (*count == capacity) {
            capacity = capacity == 0 ? 256 : 2 * capacity;
            struct process *larger = realloc(all, capacity * sizeof *all);
            if (larger == NULL) break;
            all = larger;
        }
        if (read_process((pid_t)pid, &all[*count])) ++*count;
    }
    closedir(directory);
    if (*count > 0) qsort(all, *count, sizeof *all, by_number);
    return all;
}

/* Follows the line of parents until somebody's place is known, and gives it to everyone on the way. */
static void mark(struct process *all, size_t count, struct process *process, pid_t self) {
    enum place place = UNKNOWN;
    size_t steps = 0;
    for (struct process *at = process; place == UNKNOWN; steps++) {
        struct process *parent = at->parent == self ? NULL : find(all, count, at->parent);
        if (at->place != UNKNOWN) place = at->place;
        else if (at->parent == self) place = BELOW;
        /* Read at different moments, the lines may even form a ring. */
        else if (parent == NULL || steps > count) place = ELSEWHERE;
        else at = parent;
    }
    for (struct process *at = process; at != NULL && at->place == UNKNOWN;) {
        at->place = place;
        at = at->parent == self ? NULL : find(all, count, at->parent);
    }
}

/* The processes below this one that have not ended, moved to the front of what was read. */
static struct process *read_below(size_t *count) {
    size_t all_count;
    struct process *all = read_all(&all_count);
    pid_t self = getpid();
    for (size_t i = 0; i < all_count; i++) mark(all, all_count, &all[i], self);
    *count = 0;
    for (size_t i = 0; i < all_count; i++)
        if (all[i].place == BELOW && !all[i].ended) all[(*count)++] = all[i];
    return all;
}

/* Signals one process, unless its number belongs to another one by now. */
static void signal_process(const struct process *process, int signal_number) {
    int descriptor = (int)syscall(SYS_pidfd_open, process->pid, 0);
    if (descriptor < 0 && errno == ESRCH) return;
    struct process now;
    bool same = read_process(process->pid, &now) && now.start == process->start && !now.ended;
    if (same && descriptor >= 0) syscall(SYS_pidfd_send_signal, descriptor, signal_number, NULL, 0);
    else if (same) kill(process->pid, signal_number); /* a kernel before 5.3 */
    if (descriptor >= 0) close(descriptor);
}

/* Lets the kernel kill a version 2 group in one go, so that nothing can fork its way out. */
static void kill_groups(const struct step_configuration *configuration) {
    for (size_t i = 0; i < configuration->group_count; i++)
        if (strcmp(configuration->groups[i].controllers, "unified") == 0)
            step_write_file(configuration->groups[i].path, "cgroup.kill", "1"); /* since 5.14; else the walk does it */
}

/*
 * Resident pages less those of files, so that a program or library that several processes share does not count;
 * memory that they share otherwise counts once for each, which errs on the side of the limit.
 */
static uint64_t resident_bytes(pid_t pid) {
    char folder[64], text[256];
    snprintf(folder, sizeof folder, "/proc/%d", (int)pid);
    if (!step_read_file(folder, "statm", text, sizeof text)) return 0;
    unsigned long long resident = 0, of_files = 0;
    if (sscanf(text, "%*u %llu %llu", &resident, &of_files) != 2 || resident < of_files) return 0;
    return (resident - of_files) * (uint64_t)sysconf(_SC_PAGESIZE);
}

void step_read_usage(struct step_usage *usage) {
    *usage = (struct step_usage){0, 0, 0, 0};
    uint64_t tick = UINT64_C(1000000000) / (uint64_t)sysconf(_SC_CLK_TCK);
    struct process *below = read_below(&usage->processes);
    for (size_t i = 0; i < usage->processes; i++) {
        usage->user += below[i].user * tick;
        usage->system += below[i].system * tick;
        usage->resident += resident_bytes(below[i].pid);
    }
    free(below);
}

/*
 * A walk through /proc takes time, and what forks or changes its parent meanwhile can be missed. So the walk is
 * repeated until it finds nobody new; `body` is called once for each process.
 */
static size_t for_all(void (*body)(const struct process *, const void *), const void *argument, bool *stable) {
    enum { WALKS_AT_MOST = 64 };
    struct process *known = NULL;
    size_t known_count = 0, found = 0;
    *stable = false;
    for (int walk = 0; walk < WALKS_AT_MOST && !*stable; walk++) {
        size_t count, fresh = 0;
        struct process *below = read_below(&count);
        for (size_t i = 0; i < count; i++) {
            const struct process *same = find(known, known_count, below[i].pid);
            if (same != NULL && same->start == below[i].start) continue;
            fresh++;
            body(&below[i], argument);
        }
        found += fresh;
        free(known);
        known = below;
        known_count = count;
        *stable = fresh == 0;
    }
    free(known);
    return found;
}

struct signal_request {
    int number;
    bool wakes;
};

static void send_request(const struct process *process, const void *argument) {
    const struct signal_request *request = argument;
    signal_process(process, request->number);
    /* A stopped process would not see the request before it is continued. */
    if (request->wakes) signal_process(process, SIGCONT);
}

size_t step_signal_all(const struct step_configuration *configuration, int signal_number, bool wakes) {
    struct signal_request request = {signal_number, wakes};
    bool stable;
    if (signal_number == SIGKILL) kill_groups(configuration);
    return for_all(send_request, &request, &stable);
}

bool step_all_stopped(void) {
    size_t count, stopped = 0;
    struct process *below = read_below(&count);
    for (size_t i = 0; i < count; i++) stopped += below[i].stopped;
    free(below);
    return stopped == count;
}

static void move_process(const struct process *process, const void *argument) {
    char number[32];
    snprintf(number, sizeof number, "%d", (int)process->pid);
    step_write_file(argument, "cgroup.procs", number);
}

bool step_move_all(const char *group) {
    bool stable;
    for_all(move_process, group, &stable);
    return stable;
}

static void limit_process(const struct process *process, const void *argument) {
    const uint64_t *bytes = argument;
    struct rlimit limit = {*bytes, *bytes};
    if (prlimit(process->pid, RLIMIT_DATA, &limit, NULL) == 0) return;
    /* Only a privileged supervisor may raise the hard limit. */
    if (prlimit(process->pid, RLIMIT_DATA, NULL, &limit) < 0) return;
    limit.rlim_cur = *bytes < limit.rlim_max ? *bytes : limit.rlim_max;
    prlimit(process->pid, RLIMIT_DATA, &limit, NULL);
}

void step_limit_data_of_all(uint64_t bytes) {
    bool stable;
    for_all(limit_process, &bytes, &stable);
}
