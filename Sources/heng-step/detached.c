/*
 * What makes a step outlive its agent: a socket that any agent finds, a manifest, and a file for the end.
 */
#define _GNU_SOURCE
#include "step.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static int folder = -1, listener = -1;

int step_listener(void) { return listener; }

/* The name of a socket is short, the path of a folder may be long; so it is named by the open folder. */
static bool listen_in_folder(const char *name) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s.socket", folder, name);
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener < 0) return false;
    mode_t mask = umask(0177);
    bool done = bind(listener, (struct sockaddr *)&address, sizeof address) == 0 && listen(listener, 8) == 0;
    umask(mask);
    return done;
}

static bool write_all(int descriptor, const char *text, size_t length) {
    while (length > 0) {
        ssize_t count = write(descriptor, text, length);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return false;
        text += count;
        length -= (size_t)count;
    }
    return true;
}

/* A file system that cannot rename without replacing can still link. */
static bool rename_new(const char *from, const char *to) {
    if (syscall(SYS_renameat2, folder, from, folder, to, RENAME_NOREPLACE) == 0) return true;
    if (errno != EINVAL && errno != ENOSYS) return false;
    if (linkat(folder, from, folder, to, 0) < 0) return false;
    unlinkat(folder, from, 0);
    return true;
}

/* Makes NAME.KIND with a text, at once or not at all; with `only_new` it must not be there yet. */
static bool write_file(const char *name, const char *kind, const char *text, bool only_new) {
    char hidden[128], final[128];
    snprintf(hidden, sizeof hidden, ".%s.%s", name, kind);
    snprintf(final, sizeof final, "%s.%s", name, kind);
    int descriptor = openat(folder, hidden, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (descriptor < 0) return false;
    bool done = write_all(descriptor, text, strlen(text));
    int code = errno;
    /* A file system across a network may refuse only now. */
    if (close(descriptor) < 0 && done) return false;
    errno = code;
    if (done) done = only_new ? rename_new(hidden, final) : renameat(folder, hidden, folder, final) == 0;
    code = errno;
    if (!done) unlinkat(folder, hidden, 0);
    errno = code;
    return done;
}

/* Adds to a text, which is cut at `size`. */
__attribute__((format(printf, 4, 5))) static void add(char *text, size_t *length, size_t size, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int count = vsnprintf(text + *length, size - *length, format, arguments);
    va_end(arguments);
    if (count > 0) *length += (size_t)count < size - *length ? (size_t)count : size - *length - 1;
}

static bool write_manifest(const struct step_configuration *configuration, bool only_new) {
    static char text[STEP_GROUP_LIMIT * STEP_PATH_LIMIT + 8192];
    size_t length = 0;
    add(text, &length, sizeof text, "attempt=%s\nboot=%s\npid=%d\nstart=%llu\n", configuration->attempt,
        configuration->boot, (int)getpid(), step_start_time(getpid()));
    for (size_t i = 0; i < configuration->group_count; i++)
        add(text, &length, sizeof text, "group=%s:%s\n", configuration->groups[i].controllers,
            configuration->groups[i].path);
    if (configuration->freezer != NULL)
        add(text, &length, sizeof text, "group=freezer:%s\n", configuration->freezer);
    return write_file(configuration->name, "manifest", text, only_new);
}

const char *step_detach(const struct step_configuration *configuration) {
    /* Keeps no folder of anybody's busy. */
    if (chdir("/") < 0) return "folder";
    folder = open(configuration->folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) return "folder";
    if (!listen_in_folder(configuration->name)) return "socket";
    if (write_manifest(configuration, true)) return NULL;
    return errno == EEXIST ? "claimed" : "manifest";
}

/* Opens the folder by its path again, and makes it where it is gone. */
static bool reopen_folder(const struct step_configuration *configuration) {
    if (mkdir(configuration->folder, 0700) < 0 && errno != EEXIST) return false;
    int again = open(configuration->folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (again < 0) return false;
    close(folder);
    folder = again;
    return true;
}

void step_restore(const struct step_configuration *configuration) {
    char name[128];
    snprintf(name, sizeof name, "%s.socket", configuration->name);
    if (faccessat(folder, name, F_OK, 0) == 0 || !reopen_folder(configuration)) return;
    if (faccessat(folder, name, F_OK, 0) == 0) return;
    close(listener);
    if (listen_in_folder(configuration->name)) write_manifest(configuration, false);
}

bool step_write_end(const struct step_configuration *configuration, const char *line) {
    if (folder < 0) return false;
    if (write_file(configuration->name, "end", line, false)) return true;
    /* The job may have removed the folder; how it ended is kept all the same. */
    return errno == ENOENT && reopen_folder(configuration) && write_file(configuration->name, "end", line, false);
}

bool step_is_unreachable(const struct step_configuration *configuration) {
    return faccessat(AT_FDCWD, configuration->folder, F_OK, 0) < 0 && mkdir(configuration->folder, 0700) < 0
        && errno == ENOENT;
}
