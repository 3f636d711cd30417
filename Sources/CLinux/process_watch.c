#define _GNU_SOURCE
#include "process_watch.h"

#include <errno.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { EVENT_LIMIT = 64 };

int process_watch_make(void) {
    return epoll_create1(EPOLL_CLOEXEC);
}

int process_watch_add(int watch, int descriptor) {
    struct epoll_event event = {.events = EPOLLIN, .data = {.fd = descriptor}};
    return epoll_ctl(watch, EPOLL_CTL_ADD, descriptor, &event) == 0 ? 0 : errno;
}

int process_watch_remove(int watch, int descriptor) {
    return epoll_ctl(watch, EPOLL_CTL_DEL, descriptor, 0) == 0 ? 0 : errno;
}

int process_watch_wait_for(int watch, int *ready, int capacity, int milliseconds) {
    struct epoll_event events[EVENT_LIMIT];
    int count = epoll_wait(watch, events, capacity < EVENT_LIMIT ? capacity : EVENT_LIMIT, milliseconds);
    for (int i = 0; i < count; i++) ready[i] = events[i].data.fd;
    return count < 0 ? 0 : count;
}

int process_watch_wait(int watch, int *ready, int capacity) {
    return process_watch_wait_for(watch, ready, capacity, -1);
}

int process_bell_make(void) {
    return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

void process_bell_ring(int bell) {
    uint64_t one = 1;
    ssize_t ignored = write(bell, &one, sizeof one);
    (void)ignored; /* it is rung already */
}

void process_bell_quiet(int bell) {
    uint64_t rings;
    ssize_t ignored = read(bell, &rings, sizeof rings);
    (void)ignored;
}
