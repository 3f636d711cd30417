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
#include <sys/syscall.h>
#include <unistd.h>

struct process {
    pid_t pid;
    pid_t parent;
    unsigned long long start; /* clock ticks since boot: with the pid, the identity of a process */
    bool ended; /* waits to be reaped */
    bool below;
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
    unsigned long long start = 0;
    if (after_name == NULL
        || sscanf(after_name + 1,
                  " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu", &state,
                  &parent, &start) != 3)
        return false;
    *process = (struct process){
        .pid = pid, .parent = parent, .start = start, .ended = state == 'Z' || state == 'X'};
    return true;
}

/* All processes of the machine, those that wait to be reaped too, because a child may still name one as parent; null with a count of 0 when there is no /proc or no memory. */
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
    return all;
}

/* Marks everything whose line of parents leads to this process. */
static void mark_below(struct process *all, size_t count) {
    pid_t self = getpid();
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t i = 0; i < count; i++) {
            if (all[i].below) continue;
            bool below = all[i].parent == self;
            for (size_t j = 0; j < count && !below; j++) below = all[j].below && all[j].pid == all[i].parent;
            all[i].below = below;
            changed |= below;
        }
    }
}

/* The processes below this one that have not ended, moved to the front of what was read. */
static struct process *read_below(size_t *count) {
    size_t all_count;
    struct process *all = read_all(&all_count);
    mark_below(all, all_count);
    *count = 0;
    for (size_t i = 0; i < all_count; i++)
        if (all[i].below && !all[i].ended) all[(*count)++] = all[i];
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
    for (size_t i = 0; i < configuration->group_count; i++) {
        if (strcmp(configuration->groups[i].controllers, "unified") != 0) continue;
        char path[STEP_PATH_LIMIT];
        snprintf(path, sizeof path, "%s/cgroup.kill", configuration->groups[i].path);
        int descriptor = open(path, O_WRONLY | O_CLOEXEC);
        if (descriptor < 0) continue; /* before 5.14; the walk below does it */
        ssize_t ignored = write(descriptor, "1", 1);
        (void)ignored;
        close(descriptor);
    }
}

/*
 * Resident pages less those of files, so that a program or library that several processes share does not count;
 * memory that they share otherwise counts once for each, which errs on the side of the limit.
 */
static uint64_t resident_bytes(pid_t pid) {
    char path[64], text[256];
    snprintf(path, sizeof path, "/proc/%d/statm", (int)pid);
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return 0;
    ssize_t count = read(descriptor, text, sizeof text - 1);
    close(descriptor);
    if (count <= 0) return 0;
    text[count] = 0;
    unsigned long long resident = 0, of_files = 0;
    if (sscanf(text, "%*u %llu %llu", &resident, &of_files) != 2 || resident < of_files) return 0;
    return (resident - of_files) * (uint64_t)sysconf(_SC_PAGESIZE);
}

uint64_t step_resident_bytes(void) {
    size_t count;
    struct process *below = read_below(&count);
    uint64_t bytes = 0;
    for (size_t i = 0; i < count; i++) bytes += resident_bytes(below[i].pid);
    free(below);
    return bytes;
}

static bool contains(const struct process *list, size_t count, const struct process *process) {
    for (size_t i = 0; i < count; i++)
        if (list[i].pid == process->pid && list[i].start == process->start) return true;
    return false;
}

/*
 * A walk through /proc takes time, and what forks or changes its parent meanwhile can be missed. So the walk is
 * repeated until it finds nobody new; each process gets the signal once.
 */
size_t step_signal_all(const struct step_configuration *configuration, int signal_number) {
    enum { WALKS_AT_MOST = 8 };
    if (signal_number == SIGKILL) kill_groups(configuration);
    struct process *known = NULL;
    size_t known_count = 0, found = 0;
    for (int walk = 0; walk < WALKS_AT_MOST; walk++) {
        size_t count, fresh = 0;
        struct process *below = read_below(&count);
        for (size_t i = 0; i < count; i++) {
            if (contains(known, known_count, &below[i])) continue;
            fresh++;
            signal_process(&below[i], signal_number);
            /* A stopped process would not see the request before it is continued. */
            if (signal_number == SIGTERM) signal_process(&below[i], SIGCONT);
        }
        found += fresh;
        free(known);
        known = below;
        known_count = count;
        if (fresh == 0) break;
    }
    free(known);
    return found;
}
