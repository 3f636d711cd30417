/*
 * The control groups that the agent made for the step: what they counted, and their removal.
 */
#define _GNU_SOURCE
#include "step.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

bool step_read_file(const char *folder, const char *name, char *text, size_t size) {
    char path[STEP_PATH_LIMIT];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return false;
    ssize_t count = read(descriptor, text, size - 1);
    close(descriptor);
    if (count < 0) return false;
    text[count] = 0;
    return true;
}

bool step_write_file(const char *folder, const char *name, const char *text) {
    char path[STEP_PATH_LIMIT];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int descriptor = open(path, O_WRONLY | O_CLOEXEC);
    if (descriptor < 0) return false;
    bool done = write(descriptor, text, strlen(text)) == (ssize_t)strlen(text);
    close(descriptor);
    return done;
}

/* The whole content as a number, or -1. */
static int64_t read_number(const struct step_group *group, const char *name) {
    char text[64];
    if (!step_read_file(group->path, name, text, sizeof text) || text[0] < '0' || text[0] > '9') return -1;
    return strtoll(text, NULL, 10);
}

/* The number in the line that begins with `field` and a space, or -1. */
static int64_t read_field(const struct step_group *group, const char *name, const char *field) {
    char text[4096];
    if (!step_read_file(group->path, name, text, sizeof text)) return -1;
    size_t length = strlen(field);
    for (char *line = text; line != NULL && *line != 0;) {
        if (strncmp(line, field, length) == 0 && line[length] == ' ') return strtoll(line + length, NULL, 10);
        line = strchr(line, '\n');
        if (line != NULL) line++;
    }
    return -1;
}

static void read_unified(const struct step_group *group, struct step_evidence *evidence) {
    evidence->memory_peak = read_number(group, "memory.peak");
    /* The local file leaves out what groups that the job itself made below have counted. */
    evidence->limit_hits = read_field(group, "memory.events.local", "oom");
    evidence->oom_kills = read_field(group, "memory.events", "oom_kill");
    evidence->throttled_periods = read_field(group, "cpu.stat", "nr_throttled");
    int64_t microseconds = read_field(group, "cpu.stat", "throttled_usec");
    evidence->throttled_nanoseconds = microseconds < 0 ? -1 : microseconds * 1000;
}

static void read_memory(const struct step_group *group, struct step_evidence *evidence) {
    evidence->memory_peak = read_number(group, "memory.max_usage_in_bytes");
    evidence->limit_hits = read_number(group, "memory.failcnt");
    evidence->oom_kills = read_field(group, "memory.oom_control", "oom_kill");
}

/* How often the group around the step had run into its limit; -1 where nobody counts that. */
static int64_t read_parent_hits(const struct step_configuration *configuration) {
    const struct step_group *parent = &configuration->parent;
    if (parent->path == NULL) return -1;
    if (strcmp(parent->controllers, "unified") == 0) return read_field(parent, "memory.events.local", "oom");
    return read_number(parent, "memory.failcnt");
}

static int64_t parent_hits_before = -1;
static off_t error_size_before;

void step_begin_evidence(const struct step_configuration *configuration) {
    parent_hits_before = read_parent_hits(configuration);
    struct stat file;
    const char *path = configuration->error; /* null: the agent's own */
    /* What an earlier attempt wrote there says nothing about this one. */
    if (path != NULL && configuration->appends && stat(path, &file) == 0) error_size_before = file.st_size;
}

/* Frameworks and drivers end with such a sentence, and with an exit code that says nothing. */
static bool names_device_memory(const char *text) {
    static const char *const sentences[] = {
        "CUDA out of memory", "CUDA_ERROR_OUT_OF_MEMORY", "hipErrorOutOfMemory", "HIP out of memory",
        "HENG: out of device memory",
    };
    for (size_t i = 0; i < sizeof sentences / sizeof sentences[0]; i++)
        if (strstr(text, sentences[i]) != NULL) return true;
    return false;
}

/* Looks at the last lines of the error output. */
static bool read_device_memory(const struct step_configuration *configuration) {
    enum { LOOK_AT = 8192 };
    static char text[LOOK_AT + 1];
    const char *path = configuration->error;
    if (path == NULL) return false;
    /* Without waiting, and only a file: it may have been replaced by anything. */
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (descriptor < 0) return false;
    struct stat file;
    ssize_t count = 0;
    if (fstat(descriptor, &file) == 0 && S_ISREG(file.st_mode)) {
        off_t from = file.st_size > LOOK_AT ? file.st_size - LOOK_AT : 0;
        count = pread(descriptor, text, LOOK_AT, from > error_size_before ? from : error_size_before);
    }
    close(descriptor);
    if (count <= 0) return false;
    for (ssize_t i = 0; i < count; i++) if (text[i] == 0) text[i] = ' ';
    text[count] = 0;
    return names_device_memory(text);
}

void step_read_evidence(const struct step_configuration *configuration, struct step_evidence *evidence) {
    *evidence = (struct step_evidence){-1, -1, -1, -1, -1, -1, read_device_memory(configuration)};
    int64_t parent_hits = read_parent_hits(configuration);
    if (parent_hits >= 0 && parent_hits_before >= 0) evidence->parent_hits = parent_hits - parent_hits_before;
    for (size_t i = 0; i < configuration->group_count; i++) {
        const struct step_group *group = &configuration->groups[i];
        if (strcmp(group->controllers, "unified") == 0) read_unified(group, evidence);
        else if (strcmp(group->controllers, "memory") == 0) read_memory(group, evidence);
        else if (strcmp(group->controllers, "cpu") == 0) {
            evidence->throttled_periods = read_field(group, "cpu.stat", "nr_throttled");
            evidence->throttled_nanoseconds = read_field(group, "cpu.stat", "throttled_time");
        }
    }
}

/* Removes the groups that a job has made below its own. Nobody is in them any more. */
static void remove_below(const char *path, int depth) {
    char below[STEP_PATH_LIMIT];
    DIR *folder = depth < 16 ? opendir(path) : NULL;
    if (folder == NULL) return;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (entry->d_type != DT_DIR || strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        if (snprintf(below, sizeof below, "%s/%s", path, entry->d_name) >= (int)sizeof below) continue;
        if (rmdir(below) == 0 || errno != EBUSY) continue;
        remove_below(below, depth + 1);
        rmdir(below);
    }
    closedir(folder);
}

/* A group stays busy for a moment after its last process was reaped; so look again, at growing intervals. */
static bool remove_group(const char *path) {
    struct timespec pause = {.tv_nsec = 50 * 1000};
    for (int64_t waited = 0; waited < 1000000000; waited += pause.tv_nsec) {
        if (rmdir(path) == 0 || errno == ENOENT) return true;
        if (errno != EBUSY) return false;
        remove_below(path, 0);
        nanosleep(&pause, NULL);
        if (pause.tv_nsec < 5000000) pause.tv_nsec *= 2;
    }
    return false;
}

size_t step_remove_groups(const struct step_configuration *configuration) {
    size_t left = 0;
    for (size_t i = 0; i < configuration->group_count; i++) left += !remove_group(configuration->groups[i].path);
    return left;
}
