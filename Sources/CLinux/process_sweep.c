#define _GNU_SOURCE
#include "process_sweep.h"

#include "clinux_affinity.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* The next number in a folder of /proc; 0 at its end. */
static pid_t next_number(DIR *directory) {
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        char *end = NULL;
        long number = strtol(entry->d_name, &end, 10);
        if (number > 0 && *end == 0) return (pid_t)number;
    }
    return 0;
}

/* The whole environment of a process, to be freed; null when it is gone or not ours to read. */
static char *read_environment(pid_t pid, size_t *length) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/environ", (int)pid);
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return NULL;
    char *text = NULL;
    size_t capacity = 0;
    *length = 0;
    for (;;) {
        if (*length + 1 >= capacity) {
            char *larger = realloc(text, capacity = capacity == 0 ? 8192 : 2 * capacity);
            if (larger == NULL) break;
            text = larger;
        }
        ssize_t count = read(descriptor, text + *length, capacity - *length - 1);
        if (count <= 0) break;
        *length += (size_t)count;
    }
    close(descriptor);
    if (text != NULL) text[*length] = 0;
    return text;
}

static bool has_marker(pid_t pid, const char *marker) {
    size_t length = 0;
    char *text = read_environment(pid, &length);
    bool found = false;
    for (char *at = text; text != NULL && at < text + length && !found; at += strlen(at) + 1)
        found = strcmp(at, marker) == 0;
    free(text);
    return found;
}

/* One round; -1 when there is no /proc. */
static int end_marked_once(const char *marker) {
    DIR *directory = opendir("/proc");
    if (directory == NULL) return -1;
    int found = 0;
    for (pid_t pid; (pid = next_number(directory)) != 0;)
        if (pid != getpid() && has_marker(pid, marker) && kill(pid, SIGKILL) == 0) found++;
    closedir(directory);
    return found;
}

int process_end_marked(const char *marker) {
    enum { ROUNDS_AT_MOST = 200 };
    const struct timespec pause = {.tv_nsec = 5 * 1000 * 1000};
    int total = 0;
    for (int round = 0; round < ROUNDS_AT_MOST; round++) {
        /* What has ended and waits to be reaped has no environment any more. */
        int found = end_marked_once(marker);
        if (found < 0) return -ENOENT;
        if (found == 0) return total;
        total += found;
        nanosleep(&pause, NULL);
    }
    return -EBUSY;
}

static pid_t parent_of(pid_t pid) {
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return 0;
    ssize_t count = read(descriptor, text, sizeof text - 1);
    close(descriptor);
    if (count <= 0) return 0;
    text[count] = 0;
    const char *after_name = strrchr(text, ')');
    int parent = 0;
    if (after_name == NULL || sscanf(after_name + 1, " %*c %d", &parent) != 1) return 0;
    return parent;
}

static bool is_below(pid_t pid, pid_t ancestor) {
    enum { DEPTH_AT_MOST = 4096 };
    for (int depth = 0; pid > 1 && depth < DEPTH_AT_MOST; depth++) {
        pid = parent_of(pid);
        if (pid == ancestor) return true;
    }
    return false;
}

static size_t bind_threads(pid_t pid, const int *cpus, size_t count) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *threads = opendir(path);
    if (threads == NULL) return 0;
    size_t failures = 0;
    for (pid_t thread; (thread = next_number(threads)) != 0;) {
        int failure = clinux_set_affinity(thread, cpus, count);
        failures += failure != 0 && failure != -ESRCH;
    }
    closedir(threads);
    return failures;
}

size_t process_bind_below(pid_t ancestor, const int *cpus, size_t count) {
    size_t failures = 0;
    /* Twice, because what forks in between may have been missed, and then has its parent's old units. */
    for (int round = 0; round < 2; round++) {
        DIR *directory = opendir("/proc");
        if (directory == NULL) return 1;
        failures = 0;
        for (pid_t pid; (pid = next_number(directory)) != 0;)
            if (is_below(pid, ancestor)) failures += bind_threads(pid, cpus, count);
        closedir(directory);
    }
    return failures;
}
