/*
 * The control groups that the agent made for the step: what they counted, and their removal.
 */
#include "step.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Reads a small file of a group into text. Returns false when there is none. */
static bool read_file(const struct step_group *group, const char *name, char *text, size_t size) {
    char path[STEP_PATH_LIMIT];
    snprintf(path, sizeof path, "%s/%s", group->path, name);
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return false;
    ssize_t count = read(descriptor, text, size - 1);
    close(descriptor);
    if (count < 0) return false;
    text[count] = 0;
    return true;
}

/* The whole content as a number, or -1. */
static int64_t read_number(const struct step_group *group, const char *name) {
    char text[64];
    if (!read_file(group, name, text, sizeof text) || text[0] < '0' || text[0] > '9') return -1;
    return strtoll(text, NULL, 10);
}

/* The number in the line that begins with `field` and a space, or -1. */
static int64_t read_field(const struct step_group *group, const char *name, const char *field) {
    char text[4096];
    if (!read_file(group, name, text, sizeof text)) return -1;
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

void step_read_evidence(const struct step_configuration *configuration, struct step_evidence *evidence) {
    *evidence = (struct step_evidence){-1, -1, -1, -1, -1};
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

/* A group stays busy for a moment after its last process was reaped. */
static bool remove_group(const char *path) {
    const struct timespec pause = {.tv_nsec = 5 * 1000 * 1000};
    for (int attempt = 0; attempt < 200; attempt++) {
        if (rmdir(path) == 0 || errno == ENOENT) return true;
        if (errno != EBUSY) return false;
        nanosleep(&pause, NULL);
    }
    return false;
}

size_t step_remove_groups(const struct step_configuration *configuration) {
    size_t left = 0;
    for (size_t i = 0; i < configuration->group_count; i++) left += !remove_group(configuration->groups[i].path);
    return left;
}
