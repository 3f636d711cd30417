/*
 * The factory: one process that the agent starts ahead of need, and that forks a supervisor for each step.
 *
 * It forks them ahead of need too: a few wait on the agent's socket, and whichever takes a connection becomes the
 * supervisor of a step. It ends when the agent does, and so do those that wait. Its supervisors do not, and then belong
 * to the machine's first process.
 */
#define _GNU_SOURCE
#include "step.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* As many as are usually started at once; more are forked as fast as these are taken. */
enum { WAITING = 2 };

/* Waits for the next descriptor; -1 when the agent is gone, -2 for a packet without one. */
static int receive(void) {
    char byte;
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec part = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t count;
    do count = recvmsg(STEP_SOCKET, &message, MSG_CMSG_CLOEXEC);
    while (count < 0 && errno == EINTR);
    if (count <= 0) return -1;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header == NULL || header->cmsg_type != SCM_RIGHTS) return -2;
    int descriptor;
    memcpy(&descriptor, CMSG_DATA(header), sizeof descriptor);
    return descriptor;
}

static void let_go_of_files(void) {
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0) _exit(4);
    for (int descriptor = 0; descriptor < 3; descriptor++) dup2(null, descriptor);
    if (null > STEP_SOCKET) close(null);
}

/* In a forked process: waits until it has a step, and lets the factory know by closing `place`. */
static void wait_for_step(int place, pid_t factory) {
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigaction(SIGCHLD, &action, NULL);
    setsid();
    /* A factory that is killed takes those along that wait; the agent starts another, which has its own. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != factory) _exit(4);
    int descriptor;
    do descriptor = receive();
    while (descriptor == -2);
    if (descriptor == -1) _exit(0);
    prctl(PR_SET_PDEATHSIG, 0);
    dup2(descriptor, STEP_SOCKET);
    close(descriptor);
    close(place);
}

/* Fills a place, whose pipe ends when its process is taken or gone. Returns 0 in that process, which has a step then. */
static pid_t fill(struct pollfd *place, pid_t factory) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) return -1;
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        wait_for_step(ends[1], factory);
        return 0;
    }
    close(ends[1]);
    if (pid < 0) close(ends[0]);
    else place->fd = ends[0];
    return pid;
}

void step_serve_as_factory(void) {
    let_go_of_files();
    /* Nobody waits for the supervisors: how a step went is in its file. */
    struct sigaction action = {.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT};
    sigaction(SIGCHLD, &action, NULL);
    /* The places of those that wait, and the agent's end. */
    struct pollfd watched[WAITING + 1];
    for (int i = 0; i < WAITING; i++) watched[i] = (struct pollfd){.fd = -1};
    watched[WAITING] = (struct pollfd){.fd = STEP_SOCKET};
    pid_t factory = getpid();
    for (;;) {
        int waiting = 0;
        for (int i = 0; i < WAITING; i++) {
            if (watched[i].fd < 0 && fill(&watched[i], factory) == 0) return;
            waiting += watched[i].fd >= 0;
        }
        if (waiting == 0) {
            /* The machine lets nobody fork. That the agent's connection is closed says it. */
            int descriptor = receive();
            if (descriptor == -1) _exit(0);
            if (descriptor >= 0) close(descriptor);
            continue;
        }
        if (poll(watched, WAITING + 1, -1) < 0) continue;
        if (watched[WAITING].revents != 0) _exit(0);
        for (int i = 0; i < WAITING; i++) {
            if (watched[i].revents == 0) continue;
            close(watched[i].fd);
            watched[i].fd = -1;
        }
    }
}
