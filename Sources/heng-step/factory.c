/*
 * The factory: one process that the agent starts ahead of need, and that forks a supervisor for each step.
 *
 * It ends when the agent does. Its supervisors do not, and then belong to the machine's first process.
 */
#define _GNU_SOURCE
#include "step.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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

void step_serve_as_factory(void) {
    let_go_of_files();
    /* Nobody waits for the supervisors: how a step went is in its file. */
    struct sigaction action = {.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT};
    sigaction(SIGCHLD, &action, NULL);
    for (;;) {
        int descriptor = receive();
        if (descriptor == -1) _exit(0);
        if (descriptor < 0) continue;
        if (fork() == 0) {
            action.sa_flags = 0;
            sigaction(SIGCHLD, &action, NULL);
            setsid();
            dup2(descriptor, STEP_SOCKET);
            close(descriptor);
            return;
        }
        /* A fork that failed closes the agent's connection, and that says it. */
        close(descriptor);
    }
}
