/*
 * From configuration to running program.
 *
 * The child applies everything to itself between fork and exec and reports through a pipe that exec closes, so
 * that "command not found" is the errno of exec and not a guess from exit code 127.
 */
#define _GNU_SOURCE
#include "step.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* What can fail in the child. The names are the protocol's; the agent turns them into sentences. */
enum call {
    CALL_NONE, CALL_SESSION, CALL_GROUP, CALL_AFFINITY, CALL_POLICY, CALL_LIMIT,
    CALL_DIRECTORY, CALL_INPUT, CALL_OUTPUT, CALL_ERROR, CALL_EXECUTE, CALL_FORK, CALL_PIPE,
};

static const char *const call_names[] = {
    [CALL_NONE] = "none", [CALL_SESSION] = "session", [CALL_GROUP] = "group", [CALL_AFFINITY] = "affinity",
    [CALL_POLICY] = "policy", [CALL_LIMIT] = "limit", [CALL_DIRECTORY] = "directory", [CALL_INPUT] = "input",
    [CALL_OUTPUT] = "output", [CALL_ERROR] = "error", [CALL_EXECUTE] = "execute", [CALL_FORK] = "fork",
    [CALL_PIPE] = "pipe",
};

/* One write on the pipe, below PIPE_BUF, so it arrives whole. */
struct child_report {
    int call; /* CALL_NONE: ready to execute */
    int error;
    int policy_errno;
    struct step_mask affinity;
};

static _Noreturn void fail(int pipe, struct child_report *report, enum call call) {
    report->call = call;
    report->error = errno;
    ssize_t ignored = write(pipe, report, sizeof *report);
    (void)ignored; /* the parent sees an empty pipe and reports the exit instead */
    _exit(127);
}

/* Moves this process into a group. */
static bool join(const char *path) {
    char file[STEP_PATH_LIMIT];
    snprintf(file, sizeof file, "%s/cgroup.procs", path);
    int descriptor = open(file, O_WRONLY | O_CLOEXEC);
    if (descriptor < 0) return false;
    bool done = write(descriptor, "0", 1) == 1;
    int saved = errno;
    close(descriptor);
    errno = saved;
    return done;
}

/* Opens without waiting, so that a pipe that nobody reads is an error and not a step that never starts. */
static bool redirect(const char *path, int flags, int target) {
    int descriptor = open(path, flags | O_NOCTTY | O_NONBLOCK, 0644);
    if (descriptor < 0 || fcntl(descriptor, F_SETFL, flags & O_APPEND) < 0) return false;
    if (descriptor == target) return true;
    bool done = dup2(descriptor, target) >= 0;
    close(descriptor);
    return done;
}

static void redirect_all(const struct step_configuration *configuration, int pipe, struct child_report *report) {
    const int create = O_WRONLY | O_CREAT | O_APPEND | (configuration->appends ? 0 : O_TRUNC);
    const char *input = configuration->input != NULL ? configuration->input : "/dev/null";
    /* A detached supervisor reads from nothing already. */
    if ((configuration->input != NULL || configuration->folder == NULL) && !redirect(input, O_RDONLY, STDIN_FILENO))
        fail(pipe, report, CALL_INPUT);
    if (configuration->output != NULL && !redirect(configuration->output, create, STDOUT_FILENO))
        fail(pipe, report, CALL_OUTPUT);
    if (configuration->error == NULL) return;
    /* One file for both must be opened once, or the second opening would empty it. */
    bool same = configuration->output != NULL && strcmp(configuration->output, configuration->error) == 0;
    bool done = same ? dup2(STDOUT_FILENO, STDERR_FILENO) >= 0
                     : redirect(configuration->error, create, STDERR_FILENO);
    if (!done) fail(pipe, report, CALL_ERROR);
}

/* Binds to the processing units asked for and reads back what the kernel made of it. */
static bool bind_cpus(const struct step_configuration *configuration, struct step_mask *affinity) {
    int failure = 0;
    if (configuration->cpus.present
        && syscall(SYS_sched_setaffinity, 0, sizeof configuration->cpus.words, configuration->cpus.words) < 0)
        failure = errno;
    affinity->present = syscall(SYS_sched_getaffinity, 0, sizeof affinity->words, affinity->words) > 0;
    if (failure != 0) errno = failure;
    if (failure != 0 || !affinity->present) return false;
    /* The kernel narrows a set to what is allowed here without a word. */
    if (!configuration->cpus.present
        || memcmp(affinity->words, configuration->cpus.words, sizeof affinity->words) == 0)
        return true;
    errno = EINVAL;
    return false;
}

/* Lowers a limit to a value; 0 leaves it. */
static bool lower_limit(int resource, uint64_t value) {
    struct rlimit limit;
    if (value == 0) return true;
    if (getrlimit((__rlimit_resource_t)resource, &limit) < 0) return false;
    if (limit.rlim_max == RLIM_INFINITY || limit.rlim_max > value) limit.rlim_max = value;
    limit.rlim_cur = limit.rlim_max;
    return setrlimit((__rlimit_resource_t)resource, &limit) == 0;
}

/*
 * By the raw call, because the C library keeps two signals to itself, and leaves them ignored in what it spawns.
 * All zero is the default action in the kernel's structure, which is at most 32 bytes long.
 */
static void restore_signals(void) {
    const uint64_t default_action[4] = {0};
    sigset_t none;
    for (int number = 1; number < NSIG; number++) syscall(SYS_rt_sigaction, number, default_action, NULL, NSIG / 8);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void become(
    const struct step_configuration *configuration, pid_t parent, int pipe, bool inside_group
) {
    struct child_report report = {.call = CALL_NONE};
    /* The supervisor has one thread, so its death, and nothing else, ends the program. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || setsid() < 0) fail(pipe, &report, CALL_SESSION);
    if (getppid() != parent) _exit(127);
    for (size_t i = 0; i < configuration->group_count; i++)
        if (!(inside_group && strcmp(configuration->groups[i].controllers, "unified") == 0)
            && !join(configuration->groups[i].path))
            fail(pipe, &report, CALL_GROUP);
    if (!bind_cpus(configuration, &report.affinity)) fail(pipe, &report, CALL_AFFINITY);
    if (configuration->nodes.present
        && syscall(SYS_set_mempolicy, configuration->memory_policy, configuration->nodes.words,
                   (unsigned long)STEP_MASK_BITS) < 0)
        report.policy_errno = errno;
    errno = report.policy_errno;
    if (errno != 0 && configuration->memory_policy == MPOL_BIND) fail(pipe, &report, CALL_POLICY);
    if (configuration->directory != NULL && chdir(configuration->directory) < 0)
        fail(pipe, &report, CALL_DIRECTORY);
    redirect_all(configuration, pipe, &report);
    if (!lower_limit(RLIMIT_DATA, configuration->data_limit)
        || !lower_limit(RLIMIT_NPROC, configuration->process_limit))
        fail(pipe, &report, CALL_LIMIT);
    restore_signals();
    if (write(pipe, &report, sizeof report) != sizeof report) _exit(127);
    environ = configuration->environment;
    execvp(configuration->arguments[0], configuration->arguments);
    fail(pipe, &report, CALL_EXECUTE);
}

/* What the child is to do, for its start in the supervisor's memory. */
struct child_order {
    const struct step_configuration *configuration;
    pid_t parent;
    int pipe;
};

static int become_in_shared_memory(void *argument) {
    const struct child_order *order = argument;
    become(order->configuration, order->parent, order->pipe, false);
}

static bool has_group(const struct step_configuration *configuration, const char *controller) {
    for (size_t i = 0; i < configuration->group_count; i++)
        if (strcmp(configuration->groups[i].controllers, controller) == 0) return true;
    return false;
}

/*
 * The child runs in the supervisor's memory, on a stack of its own, until it executes the program; the supervisor stands
 * still meanwhile. Nothing is copied that exec would throw away.
 */
static pid_t start_in_shared_memory(const struct child_order *order) {
    static char stack[128 * 1024] __attribute__((aligned(64)));
    return clone(become_in_shared_memory, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, (void *)order);
}

/* Forks straight into the version 2 group where there is one and the kernel can. */
static pid_t fork_into_group(const struct step_configuration *configuration, bool *inside_group) {
    *inside_group = false;
    for (size_t i = 0; i < configuration->group_count; i++) {
        if (strcmp(configuration->groups[i].controllers, "unified") != 0) continue;
        int directory = open(configuration->groups[i].path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (directory < 0) break;
        struct clone_args arguments = {
            .flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = (uint64_t)directory};
        long pid = syscall(SYS_clone3, &arguments, sizeof arguments);
        *inside_group = pid >= 0;
        if (pid != 0) close(directory);
        if (pid >= 0) return (pid_t)pid;
    }
    return fork();
}

static bool read_report(int pipe, struct child_report *report) {
    ssize_t got;
    do got = read(pipe, report, sizeof *report);
    while (got < 0 && errno == EINTR);
    return got == sizeof *report;
}

void step_launch(const struct step_configuration *configuration, struct step_launch *launch) {
    memset(launch, 0, sizeof *launch);
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) {
        launch->failed_call = call_names[CALL_PIPE];
        launch->failed_errno = errno;
        return;
    }
    struct child_order order = {configuration, getpid(), ends[1]};
    bool inside_group = false;
    /* Not into a memory group: should the program not fit even before it runs, all that share its memory are killed. */
    bool copies = has_group(configuration, "unified") || has_group(configuration, "memory");
    pid_t pid = copies ? fork_into_group(configuration, &inside_group) : start_in_shared_memory(&order);
    if (pid == 0) become(configuration, order.parent, ends[1], inside_group);
    int fork_errno = errno;
    close(ends[1]);
    struct child_report ready = {.call = CALL_FORK, .error = fork_errno}, late = {.call = CALL_NONE};
    if (pid > 0 && !read_report(ends[0], &ready)) ready = (struct child_report){CALL_EXECUTE, ECHILD, 0, {{0}, false}};
    /* A second report comes only when exec failed; the end of the pipe means it did not. */
    if (pid > 0 && ready.call == CALL_NONE && read_report(ends[0], &late)) ready = late;
    close(ends[0]);
    launch->affinity = ready.affinity;
    launch->policy_errno = ready.policy_errno;
    if (ready.call == CALL_NONE) {
        launch->pid = pid;
        return;
    }
    if (pid > 0) waitpid(pid, NULL, 0);
    launch->failed_call = call_names[ready.call];
    launch->failed_errno = ready.error;
}
