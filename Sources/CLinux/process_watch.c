#define _GNU_SOURCE
#include "process_watch.h"

#include <errno.h>
#include <sys/epoll.h>

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

int process_watch_wait(int watch, int *ready, int capacity) {
    struct epoll_event events[EVENT_LIMIT];
    int count = epoll_wait(watch, events, capacity < EVENT_LIMIT ? capacity : EVENT_LIMIT, -1);
    for (int i = 0; i < count; i++) ready[i] = events[i].data.fd;
    return count < 0 ? 0 : count;
}
