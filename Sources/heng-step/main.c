/*
 * The life of a step: start, wait, end. See step.h for the whole picture.
 */
#define _GNU_SOURCE
#include "step.h"

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

enum phase { RUNNING, TERMINATING, KILLING };

struct step {
    struct step_configuration configuration;
    struct step_launch launch;
    enum phase phase;
    int64_t started, ended;
    int64_t deadline;      /* when the phase's next action is due; meaningful after RUNNING */
    int64_t killing_since;
    int status;            /* of the user's process, as wait gives it */
    bool main_ended, empty, agent_gone, stop_requested;
    int64_t next_look;
    uint64_t resident_peak; /* the most that a look has seen */
    bool over_limit;
    size_t survivors;      /* killed after the user's process had ended */
};

static void begin_kill(struct step *step) {
    if (step->phase == KILLING) return;
    step->phase = KILLING;
    step->killing_since = step->deadline = step_now();
}

static void begin_terminate(struct step *step, uint32_t grace_milliseconds) {
    if (step->phase != RUNNING) return;
    step->phase = TERMINATING;
    step->deadline = step_now() + (int64_t)grace_milliseconds * 1000000;
    size_t found = step_signal_all(&step->configuration, SIGTERM);
    if (step->main_ended) step->survivors = found;
}

/* A request that comes when the user's process has already ended by itself does not change how it ended. */
static void request_stop(struct step *step) {
    if (!step->main_ended) step->stop_requested = true;
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
        request_stop(step);
        begin_terminate(step, step->configuration.grace_milliseconds);
    }
    reap(step);
    /* What the user's process left running does not belong to anyone any more. */
    if (step->main_ended && !step->empty) begin_terminate(step, step->configuration.grace_milliseconds);
}

static void on_agent(struct step *step) {
    static unsigned char command[5];
    static size_t have;
    ssize_t got = recv(STEP_SOCKET, command + have, sizeof command - have, MSG_DONTWAIT);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (got <= 0) {
        /* No orphan may outlive the agent, so there is no grace here. */
        step->agent_gone = true;
        begin_kill(step);
        return;
    }
    have += (size_t)got;
    if (have < sizeof command) return;
    have = 0;
    uint32_t grace = command[1] | (uint32_t)command[2] << 8 | (uint32_t)command[3] << 16
                   | (uint32_t)command[4] << 24;
    request_stop(step);
    if (grace == 0) {
        begin_kill(step);
    } else if (step->phase == TERMINATING) {
        /* A second, more urgent request shortens the first one's grace. */
        int64_t sooner = step_now() + (int64_t)grace * 1000000;
        if (sooner < step->deadline) step->deadline = sooner;
    } else {
        begin_terminate(step, grace);
    }
}

/* Stands in for a memory group: ends a step whose processes together hold more than they may. */
static void look_at_memory(struct step *step) {
    uint64_t bytes = step_resident_bytes();
    if (bytes > step->resident_peak) step->resident_peak = bytes;
    if (bytes > step->configuration.resident_limit) {
        step->over_limit = true;
        begin_kill(step);
    }
    step->next_look = step_now() + look_interval;
}

static int milliseconds_until(int64_t time) {
    int64_t left = (time - step_now() + 999999) / 1000000;
    return left < 0 ? 0 : left > 60000 ? 60000 : (int)left;
}

/* Does what is due, and returns how long to sleep in milliseconds, -1 for until something happens. */
static int act(struct step *step) {
    bool looks = step->configuration.resident_limit != 0 && step->phase != KILLING;
    if (looks && step_now() >= step->next_look) look_at_memory(step);
    if (step->phase == RUNNING) return looks ? milliseconds_until(step->next_look) : -1;
    int64_t now = step_now();
    if (step->phase == TERMINATING && now >= step->deadline) begin_kill(step);
    if (step->phase == KILLING && now >= step->deadline) {
        step_signal_all(&step->configuration, SIGKILL);
        step->deadline = step_now() + sweep_interval;
    }
    int64_t next = looks && step->next_look < step->deadline ? step->next_look : step->deadline;
    return milliseconds_until(next);
}

static bool given_up(const struct step *step) {
    return step->phase == KILLING && step_now() - step->killing_since > give_up_after;
}

static void supervise(struct step *step, int signals) {
    struct pollfd watched[2] = {
        {.fd = signals, .events = POLLIN},
        {.fd = STEP_SOCKET, .events = POLLIN},
    };
    while (!step->empty && !given_up(step)) {
        int timeout = act(step);
        if (step->agent_gone) watched[1].fd = -1;
        if (poll(watched, 2, timeout) < 0 && errno != EINTR) begin_kill(step);
        if (watched[0].revents != 0) on_signal(step, signals);
        else reap(step);
        if (watched[1].fd >= 0 && watched[1].revents != 0) on_agent(step);
    }
}

static int64_t nanoseconds(struct timeval time) {
    return (int64_t)time.tv_sec * 1000000000 + (int64_t)time.tv_usec * 1000;
}

static void report_end(const struct step *step, size_t groups_left, const struct step_evidence *evidence) {
    struct rusage usage;
    getrusage(RUSAGE_CHILDREN, &usage);
    bool signalled = step->main_ended && WIFSIGNALED(step->status);
    bool exited = step->main_ended && WIFEXITED(step->status);
    step_say(
        "ended code=%d signal=%d stop_requested=%d hung=%d started=%" PRId64 " ended=%" PRId64 " user=%" PRId64
        " system=%" PRId64 " peak_rss=%" PRId64 " survivors=%zu groups_left=%zu memory_peak=%" PRId64
        " limit_hits=%" PRId64 " oom_kills=%" PRId64 " throttled_periods=%" PRId64 " throttled=%" PRId64 "\n",
        exited ? WEXITSTATUS(step->status) : -1, signalled ? WTERMSIG(step->status) : 0, step->stop_requested,
        !step->empty, step->started, step->main_ended ? step->ended : step_now(), nanoseconds(usage.ru_utime),
        nanoseconds(usage.ru_stime), (int64_t)usage.ru_maxrss * 1024, step->survivors, groups_left,
        evidence->memory_peak, evidence->limit_hits, evidence->oom_kills, evidence->throttled_periods,
        evidence->throttled_nanoseconds);
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

static void clean_up(struct step *step) {
    struct step_evidence evidence;
    step_read_evidence(&step->configuration, &evidence);
    if (step->configuration.resident_limit != 0) {
        evidence.memory_peak = (int64_t)step->resident_peak;
        evidence.limit_hits = evidence.oom_kills = step->over_limit;
    }
    size_t groups_left = step_remove_groups(&step->configuration);
    for (size_t i = 0; step->agent_gone && i < step->configuration.orphan_count; i++)
        remove(step->configuration.orphans[i]);
    if (step->launch.pid != 0) report_end(step, groups_left, &evidence);
}

static bool start(struct step *step) {
    int failure = step_read_configuration(&step->configuration);
    if (failure != 0) {
        step_say("failed call=configuration errno=%d\n", failure);
        return false;
    }
    step->started = step_now();
    step_launch(&step->configuration, &step->launch);
    static char affinity[1 << 15];
    step_format_mask(&step->launch.affinity, affinity, sizeof affinity);
    if (step->launch.pid == 0) {
        clean_up(step);
        step_say("failed call=%s errno=%d affinity=%s\n", step->launch.failed_call, step->launch.failed_errno,
                 affinity);
        return false;
    }
    step_say("started pid=%d affinity=%s policy_errno=%d\n", (int)step->launch.pid, affinity,
             step->launch.policy_errno);
    return true;
}

int main(void) {
    static struct step step;
    int type;
    socklen_t size = sizeof type;
    if (getsockopt(STEP_SOCKET, SOL_SOCKET, SO_TYPE, &type, &size) < 0) {
        fputs("heng-step supervises one job step; heng starts it. Run `heng submit -- COMMAND` instead.\n", stderr);
        return 2;
    }
    fcntl(STEP_SOCKET, F_SETFD, FD_CLOEXEC);
    int signals = take_signals();
    if (signals < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) < 0) {
        step_say("failed call=supervisor errno=%d\n", errno);
        return 4;
    }
    if (!start(&step)) return 4;
    let_go_of_output();
    supervise(&step, signals);
    clean_up(&step);
    return 0;
}
