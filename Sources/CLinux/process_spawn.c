#define _GNU_SOURCE
#include "process_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

extern char **environ;

enum { SUPERVISOR_SOCKET = 3 };

static int set_up(posix_spawnattr_t *attributes, posix_spawn_file_actions_t *actions, int socket) {
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    int failure = posix_spawnattr_setsigmask(attributes, &none);
    if (failure == 0) failure = posix_spawnattr_setsigdefault(attributes, &all);
    if (failure == 0)
        failure = posix_spawnattr_setflags(
            attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
    if (failure == 0) failure = posix_spawn_file_actions_adddup2(actions, socket, SUPERVISOR_SOCKET);
    if (failure == 0) failure = posix_spawn_file_actions_addclosefrom_np(actions, SUPERVISOR_SOCKET + 1);
    return failure;
}

int process_spawn_supervisor(const char *path, int socket, pid_t *pid) {
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t actions;
    int failure = posix_spawnattr_init(&attributes);
    if (failure != 0) return failure;
    failure = posix_spawn_file_actions_init(&actions);
    if (failure == 0) {
        char *arguments[] = {(char *)path, NULL};
        failure = set_up(&attributes, &actions, socket);
        if (failure == 0) failure = posix_spawn(pid, path, &actions, &attributes, arguments, environ);
        posix_spawn_file_actions_destroy(&actions);
    }
    posix_spawnattr_destroy(&attributes);
    return failure;
}

int process_end_with_parent(void) {
    pid_t parent = getppid();
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return errno;
    /* It may have ended before the kernel knew. */
    return getppid() == parent ? 0 : ESRCH;
}

uint64_t process_start_time(pid_t pid) {
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return 0;
    ssize_t count = read(descriptor, text, sizeof text - 1);
    close(descriptor);
    if (count <= 0) return 0;
    text[count] = 0;
    /* The name in parentheses may hold anything, also a closing one. */
    const char *after_name = strrchr(text, ')');
    char state = 0;
    unsigned long long start = 0;
    if (after_name == NULL
        || sscanf(after_name + 1,
                  " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu", &state,
                  &start) != 2)
        return 0;
    return state == 'Z' || state == 'X' ? 0 : start;
}

enum { NUMBER_BITS = 22 };

uint64_t process_identity(pid_t pid) {
    uint64_t start = process_start_time(pid);
    return start == 0 ? 0 : start << NUMBER_BITS | (uint64_t)pid;
}

pid_t process_of_identity(uint64_t identity) {
    return (pid_t)(identity & ((1u << NUMBER_BITS) - 1));
}

int process_identity_lives(uint64_t identity) {
    return identity != 0 && process_identity(process_of_identity(identity)) == identity;
}
