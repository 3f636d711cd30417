/*
 * Stopping a step in its tracks: by its version 2 group, by a version 1 freezer group that is made for it then, or by
 * SIGSTOP, which its processes can see and its parents are told.
 */
#include "step.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

static const struct step_group *find_group(const struct step_configuration *configuration, const char *controllers) {
    for (size_t i = 0; i < configuration->group_count; i++)
        if (strcmp(configuration->groups[i].controllers, controllers) == 0) return &configuration->groups[i];
    return NULL;
}

/* Waits up to half a second for a line in a file of a group. */
static bool wait_for(const char *group, const char *file, const char *line) {
    const struct timespec pause = {.tv_nsec = 1000 * 1000};
    char text[256];
    for (int look = 0; look < 500; look++) {
        if (step_read_file(group, file, text, sizeof text) && strstr(text, line) != NULL) return true;
        nanosleep(&pause, NULL);
    }
    return false;
}

/* A process stops when it next runs, which on a busy machine takes a moment. */
static bool wait_for_stops(void) {
    const struct timespec pause = {.tv_nsec = 1000 * 1000};
    for (int look = 0; look < 500; look++) {
        if (step_all_stopped()) return true;
        nanosleep(&pause, NULL);
    }
    return false;
}

/* Makes the freezer group at its first use, and moves everybody in. Null when that cannot be. */
static const char *freezer(struct step_configuration *configuration) {
    const char *path = configuration->freezer;
    if (path == NULL || (mkdir(path, 0755) < 0 && errno != EEXIST)) return NULL;
    if (find_group(configuration, "freezer") == NULL)
        configuration->groups[configuration->group_count++] = (struct step_group){"freezer", path};
    return step_move_all(path) ? path : NULL;
}

void step_freeze(struct step_configuration *configuration, struct step_freeze *freeze) {
    const struct step_group *unified = find_group(configuration, "unified");
    if (unified != NULL && step_write_file(unified->path, "cgroup.freeze", "1")) {
        *freeze = (struct step_freeze){"cgroup", wait_for(unified->path, "cgroup.events", "frozen 1")};
        return;
    }
    const char *group = freezer(configuration);
    if (group != NULL && step_write_file(group, "freezer.state", "FROZEN")) {
        *freeze = (struct step_freeze){"freezer", wait_for(group, "freezer.state", "FROZEN")};
        return;
    }
    step_signal_all(configuration, SIGSTOP, false);
    *freeze = (struct step_freeze){"signal", wait_for_stops()};
}

void step_thaw(const struct step_configuration *configuration, struct step_freeze *freeze) {
    if (freeze->means == NULL) return;
    const struct step_group *unified = find_group(configuration, "unified");
    const struct step_group *legacy = find_group(configuration, "freezer");
    if (strcmp(freeze->means, "cgroup") == 0 && unified != NULL)
        step_write_file(unified->path, "cgroup.freeze", "0");
    else if (strcmp(freeze->means, "freezer") == 0 && legacy != NULL)
        step_write_file(legacy->path, "freezer.state", "THAWED");
    else step_signal_all(configuration, SIGCONT, false);
    *freeze = (struct step_freeze){NULL, false};
}
