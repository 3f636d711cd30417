/*
 * The life of a step: start, wait, end. See step.h for the whole picture.
 */
#define _GNU_SOURCE
#include "commands.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Between two sweeps of SIGKILL; something may have forked while the first one walked the list. */
static const int64_t sweep_interval = 10 * 1000 * 1000;
/* A process that has not died this long after SIGKILL hangs in the kernel; waiting on would hang the agent. */
static const int64_t give_up_after = INT64_C(20) * 1000 * 1000 * 1000;

/* How often memory is looked at that no group limits. A look costs about 10 us for each process of the machine. */
static const int64_t look_interval = 200 * 1000 * 1000;

void step_begin_kill(struct step *step) {
    if (step->phase == KILLING) return;
    step->phase = KILLING;
    step->killing_since = step->deadline = step_now();
}

void step_begin_terminate(struct step *step, uint32_t grace_milliseconds, int signal_number) {
    if (step->phase != RUNNING) return;
    step->phase = TERMINATING;
    step->deadline = step_now() + (int64_t)grace_milliseconds * 1000000;
    size_t found = step_signal_all(&step->configuration, signal_number, true);
    if (step->main_ended) step->survivors = found;
    /* With the signal waiting for them, so that they do nothing else first. */
    step_set_frozen(step, false);
}

void step_set_frozen(struct step *step, bool frozen) {
    if (frozen == (step->freeze.means != NULL)) return;
    if (!frozen) {
        step_thaw(&step->configuration, &step->freeze);
        step->frozen_for += step_boot_now() - step->frozen_since;
        step_say("thawed\n");
    } else if (step->phase == RUNNING) {
        step_freeze(&step->configuration, &step->freeze);
        step->frozen_since = step_boot_now();
        step_say("frozen means=%s stable=%d\n", step->freeze.means, step->freeze.stable);
    }
}

/* Collects everything that has ended. The step is over when nothing is left to wait for. */
static void reap(struct step *step) {
    for (;;) {
        int status;
        pid_t pid = waitpid(-1, &status, WNOHANG);
        if (pid == 0) return;
        if (pid < 0 && errno == EINTR) continue;
        if (pid < 0) {
            step->empty = true;
            return;
        }
        if (pid != step->launch.pid) continue;
        step->main_ended = true;
        step->status = status;
        step->ended = step_now();
    }
}

static void on_signal(struct step *step, int descriptor) {
    struct signalfd_siginfo info;
    while (read(descriptor, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGCHLD) continue;
        if (!step->main_ended) step->stop_requested = true;
        step_begin_terminate(step, step->configuration.grace_milliseconds, SIGTERM);
    }
    reap(step);
    /* What the user's process left running does not belong to anyone any more. */
    if (step->main_ended && !step->empty)
        step_begin_terminate(step, step->configuration.grace_milliseconds, SIGTERM);
}

/* Stands in for a memory group: ends a step whose processes together hold more than they may. */
static void look_at_memory(struct step *step) {
    struct step_usage usage;
    step_read_usage(&usage);
    if (usage.resident > step->resident_peak) step->resident_peak = usage.resident;
    if (usage.resident > step->configuration.resident_limit) {
        step->over_limit = true;
        step_begin_kill(step);
    }
    step->next_look = step_now() + look_interval;
}

/* Does what the time limit asks for, and returns when to look again on the monotonic clock. */
static int64_t keep_time(struct step *step) {
    const struct step_configuration *configuration = &step->configuration;
    int64_t limit = (int64_t)configuration->time_limit_milliseconds * 1000000;
    if (limit == 0 || step->main_ended || step->freeze.means != NULL) return INT64_MAX;
    int64_t used = step_boot_now() - step->boot_started - step->frozen_for;
    int64_t next = limit;
    if (configuration->warning_signal != 0 && !step->warned) {
        int64_t warning = limit - (int64_t)configuration->warning_milliseconds * 1000000;
        if (used < warning) {
            next = warning;
        } else {
            step->warned = true;
            if (configuration->warning_to_first) kill(step->launch.pid, configuration->warning_signal);
            else step_signal_all(&step->configuration, configuration->warning_signal, false);
        }
    }
    if (used < limit) return step_now() + next - used;
    step->over_time = true;
    step_begin_terminate(step, configuration->grace_milliseconds, SIGTERM);
    return INT64_MAX;
}

static int milliseconds_until(int64_t time) {
    if (time == INT64_MAX) return -1;
    int64_t left = (time - step_now() + 999999) / 1000000;
    return left < 0 ? 0 : left > 60000 ? 60000 : (int)left;
}

/* Does what is due, and returns how long to sleep in milliseconds, -1 for until something happens. */
static int act(struct step *step) {
    int64_t next = INT64_MAX;
    if (step->configuration.resident_limit != 0 && step->phase != KILLING) {
        if (step_now() >= step->next_look) look_at_memory(step);
        next = step->next_look;
    }
    if (step->phase == RUNNING) {
        int64_t time = keep_time(step);
        if (time < next) next = time;
    }
    if (step->phase == RUNNING) return milliseconds_until(next);
    if (step->phase == TERMINATING && step_now() >= step->deadline) step_begin_kill(step);
    if (step->phase == KILLING && step_now() >= step->deadline) {
        step_signal_all(&step->configuration, SIGKILL, false);
        /* In a version 1 freezer group SIGKILL waits for the thaw. */
        step_set_frozen(step, false);
        step->deadline = step_now() + sweep_interval;
    }
    return milliseconds_until(next < step->deadline ? next : step->deadline);
}

static bool given_up(const struct step *step) {
    return step->phase == KILLING && step_now() - step->killing_since > give_up_after;
}

/* Waits for a signal, an agent or the time, and listens to the agents. Returns whether there was a signal. */
static bool wait_and_hear(struct step *step, int signals, int timeout) {
    struct pollfd watched[STEP_CONNECTION_LIMIT + 2];
    struct step_connection *connections = step_connections();
    watched[0] = (struct pollfd){.fd = signals, .events = POLLIN};
    watched[1] = (struct pollfd){.fd = step_listener(), .events = POLLIN};
    for (int i = 0; i < STEP_CONNECTION_LIMIT; i++)
        watched[i + 2] = (struct pollfd){.fd = connections[i].descriptor, .events = POLLIN};
    if (poll(watched, STEP_CONNECTION_LIMIT + 2, timeout) < 0) {
        if (errno != EINTR) step_begin_kill(step);
        return false;
    }
    for (int i = 0; i < STEP_CONNECTION_LIMIT; i++)
        if (connections[i].descriptor >= 0 && watched[i + 2].revents != 0) step_hear(step, &connections[i]);
    if (watched[1].fd >= 0 && watched[1].revents != 0) step_accept(step);
    return signals >= 0 && watched[0].revents != 0;
}

static void supervise(struct step *step, int signals) {
    while (!step->empty && !given_up(step)) {
        int timeout = act(step);
        if (wait_and_hear(step, signals, timeout)) on_signal(step, signals);
        else reap(step);
    }
}

static int64_t nanoseconds(struct timeval time) {
    return (int64_t)time.tv_sec * 1000000000 + (int64_t)time.tv_usec * 1000;
}

/* The last line about a step that ran. */
static const char *end_line(const struct step *step, size_t groups_left, const struct step_evidence *evidence) {
    static char line[2048];
    struct rusage usage;
    getrusage(RUSAGE_CHILDREN, &usage);
    bool signalled = step->main_ended && WIFSIGNALED(step->status);
    bool exited = step->main_ended && WIFEXITED(step->status);
    snprintf(
        line, sizeof line,
        "ended code=%d signal=%d stop_requested=%d over_time=%d hung=%d started=%" PRId64 " ended=%" PRId64
        " user=%" PRId64 " system=%" PRId64 " peak_rss=%" PRId64 " survivors=%zu groups_left=%zu memory_peak=%" PRId64
        " limit_hits=%" PRId64 " oom_kills=%" PRId64 " parent_hits=%" PRId64 " device_memory=%d throttled_periods=%" PRId64
        " throttled=%" PRId64 "\n",
        exited ? WEXITSTATUS(step->status) : -1, signalled ? WTERMSIG(step->status) : 0, step->stop_requested,
        step->over_time, !step->empty, step->started, step->main_ended ? step->ended : step_now(),
        nanoseconds(usage.ru_utime), nanoseconds(usage.ru_stime), (int64_t)usage.ru_maxrss * 1024, step->survivors,
        groups_left, evidence->memory_peak, evidence->limit_hits, evidence->oom_kills, evidence->parent_hits,
        evidence->device_memory, evidence->throttled_periods, evidence->throttled_nanoseconds);
    return line;
}

/* The last line about a step that did not start. */
static const char *failure_line(const struct step *step, const char *call, int code) {
    static char line[STEP_LINE_LIMIT], affinity[1 << 15];
    step_format_mask(&step->launch.affinity, affinity, sizeof affinity);
    snprintf(line, sizeof line, "failed call=%s errno=%d affinity=%s\n", call, code, affinity);
    return line;
}

/* Takes the signals that matter as a descriptor, so that the loop sees them in order with everything else. */
static int take_signals(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Lets go of the agent's output, so that readers of it see its end when the user's process is done. */
static void let_go_of_output(void) {
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0) return;
    for (int descriptor = 0; descriptor < 3; descriptor++) dup2(null, descriptor);
    if (null > 2) close(null);
}

/* Reads what the groups counted, and leaves none behind. */
static size_t clean_up(struct step *step, struct step_evidence *evidence) {
    step_read_evidence(&step->configuration, evidence);
    if (step->configuration.resident_limit != 0) {
        evidence->memory_peak = (int64_t)step->resident_peak;
        evidence->limit_hits = evidence->oom_kills = step->over_limit;
    }
    size_t groups_left = step_remove_groups(&step->configuration);
    for (size_t i = 0; step->agent_gone && i < step->configuration.orphan_count; i++)
        remove(step->configuration.orphans[i]);
    return groups_left;
}

/*
 * Gives out the last line: into the file first, so that whoever is told finds it there. While there is no room for the
 * file, the supervisor keeps the line itself, until there is, or until an agent takes it.
 */
static void give_out(struct step *step, const char *line) {
    step->last_line = line;
    bool detached = step->configuration.folder != NULL;
    bool kept = !detached || step_write_end(&step->configuration, line);
    if (!kept) step_say("unwritten errno=%d\n", errno);
    step_say("%s", line);
    while (!kept && !step->end_taken && !step_is_unreachable(&step->configuration)) {
        wait_and_hear(step, -1, 1000);
        kept = step_write_end(&step->configuration, line);
    }
}

/* Returns false when nothing was started; the agent has been told then. */
static bool start(struct step *step) {
    static char line[STEP_LINE_LIMIT], affinity[1 << 15];
    int failure = step_read_configuration(&step->configuration);
    if (failure != 0) {
        step_say("failed call=configuration errno=%d\n", failure);
        return false;
    }
    if (step->configuration.folder != NULL) {
        const char *call = step_detach(&step->configuration);
        if (call != NULL) {
            step_say("%s", failure_line(step, call, errno));
            step_remove_groups(&step->configuration);
            return false;
        }
    }
    step_begin_evidence(&step->configuration);
    step->started = step_now();
    step->boot_started = step_boot_now();
    step_launch(&step->configuration, &step->launch);
    if (step->launch.pid == 0) {
        struct step_evidence evidence;
        clean_up(step, &evidence);
        give_out(step, failure_line(step, step->launch.failed_call, step->launch.failed_errno));
        return false;
    }
    step_format_mask(&step->launch.affinity, affinity, sizeof affinity);
    snprintf(line, sizeof line, "started pid=%d affinity=%s policy_errno=%d\n", (int)step->launch.pid, affinity,
             step->launch.policy_errno);
    step->first_line = line;
    step_say("%s", line);
    return true;
}

/* What kind of socket the agent gave us; 0 when there is none. */
static int socket_type(void) {
    int type;
    socklen_t size = sizeof type;
    return getsockopt(STEP_SOCKET, SOL_SOCKET, SO_TYPE, &type, &size) < 0 ? 0 : type;
}

int main(void) {
    static struct step step = {.first_signal = SIGTERM};
    int type = socket_type();
    if (type == 0) {
        fputs("heng-step supervises one job step; heng starts it. Run `heng submit -- COMMAND` instead.\n", stderr);
        return 2;
    }
    fcntl(STEP_SOCKET, F_SETFD, FD_CLOEXEC);
    if (type == SOCK_SEQPACKET) step_serve_as_factory();
    fcntl(STEP_SOCKET, F_SETFD, FD_CLOEXEC);
    step_connect(STEP_SOCKET);
    int signals = take_signals();
    if (signals < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) < 0) {
        step_say("failed call=supervisor errno=%d\n", errno);
        return 4;
    }
    if (!start(&step)) return 4;
    if (step.configuration.folder == NULL) let_go_of_output();
    supervise(&step, signals);
    struct step_evidence evidence;
    size_t groups_left = clean_up(&step, &evidence);
    give_out(&step, end_line(&step, groups_left, &evidence));
    return 0;
}
