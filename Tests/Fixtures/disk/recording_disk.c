/*
 * Loaded before the C library (LD_PRELOAD) into a program whose files are to be tested.
 *
 * HENG_DISK_FOLDER: the folder whose files are watched; other files are left alone.
 * HENG_DISK_RECORD: every write, sync, truncation, creation and removal there is appended to this file, with the bytes.
 *                   A test then makes the folder as it would be after a power cut at any moment.
 * HENG_DISK_FULL:   while a file of this name exists, writes that need more room fail with ENOSPC.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { OP_CREATE = 1, OP_WRITE, OP_SYNC, OP_TRUNCATE, OP_UNLINK, OP_RENAME, OP_SYNC_FOLDER };
enum { MOST_FILES = 65536 };

struct record {
    uint32_t op;
    uint32_t path_length;
    uint64_t offset;
    uint64_t length;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char *watched[MOST_FILES];
static int record_file = -1;
static char folder[PATH_MAX];
static size_t folder_length;
static const char *full_marker;

__attribute__((constructor)) static void begin(void)
{
    const char *name = getenv("HENG_DISK_FOLDER");
    const char *record = getenv("HENG_DISK_RECORD");
    full_marker = getenv("HENG_DISK_FULL");
    if (name == NULL) return;
    snprintf(folder, sizeof folder, "%s", name);
    folder_length = strlen(folder);
    if (record != NULL)
        record_file = (int)syscall(SYS_openat, AT_FDCWD, record, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static int is_watched(const char *path)
{
    return folder_length > 0 && strncmp(path, folder, folder_length) == 0
        && (path[folder_length] == '/' || path[folder_length] == 0)
        && strstr(path, "-shm") == NULL;
}

static int is_full(void)
{
    return full_marker != NULL && syscall(SYS_faccessat, AT_FDCWD, full_marker, F_OK) == 0;
}

/* One append, so that a reader of the file's size sees whole records. The lock keeps records in the order of what they tell. */
static void note(uint32_t op, const char *path, uint64_t offset, const void *data, uint64_t length)
{
    struct record head = { op, (uint32_t)strlen(path), offset, length };
    struct iovec parts[3] = {
        { &head, sizeof head }, { (void *)path, head.path_length }, { (void *)data, data == NULL ? 0 : length } };
    if (record_file >= 0) (void)syscall(SYS_writev, record_file, parts, 3);
}

static const char *name_of(int file)
{
    return file >= 0 && file < MOST_FILES ? watched[file] : NULL;
}

static int opened(int file, const char *path, int flags, int existed)
{
    if (file < 0 || file >= MOST_FILES || !is_watched(path)) return file;
    pthread_mutex_lock(&lock);
    free(watched[file]);
    watched[file] = strdup(path);
    if ((flags & O_CREAT) && !existed) note(OP_CREATE, path, 0, NULL, 0);
    if ((flags & O_TRUNC) && existed) note(OP_TRUNCATE, path, 0, NULL, 0);
    pthread_mutex_unlock(&lock);
    return file;
}

static int open_at(int at, const char *path, int flags, mode_t mode)
{
    int existed = syscall(SYS_faccessat, at, path, F_OK) == 0;
    int file = (int)syscall(SYS_openat, at, path, flags, mode);
    return opened(file, path, flags, existed);
}

#define MODE_OF(flags, mode)                                                                                          \
    mode_t mode = 0;                                                                                                  \
    if ((flags) & (O_CREAT | __O_TMPFILE)) {                                                                          \
        va_list rest;                                                                                                 \
        va_start(rest, flags);                                                                                        \
        mode = va_arg(rest, mode_t);                                                                                  \
        va_end(rest);                                                                                                 \
    }

int open(const char *path, int flags, ...)
{
    MODE_OF(flags, mode)
    return open_at(AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    MODE_OF(flags, mode)
    return open_at(AT_FDCWD, path, flags, mode);
}

int close(int file)
{
    if (name_of(file) != NULL) {
        pthread_mutex_lock(&lock);
        free(watched[file]);
        watched[file] = NULL;
        pthread_mutex_unlock(&lock);
    }
    return (int)syscall(SYS_close, file);
}

static ssize_t write_at(int file, const void *data, size_t length, off_t offset)
{
    if (name_of(file) == NULL) return syscall(SYS_pwrite64, file, data, length, offset);
    if (is_full()) {
        errno = ENOSPC;
        return -1;
    }
    pthread_mutex_lock(&lock);
    ssize_t count = syscall(SYS_pwrite64, file, data, length, offset);
    if (count > 0) note(OP_WRITE, name_of(file), (uint64_t)offset, data, (uint64_t)count);
    pthread_mutex_unlock(&lock);
    return count;
}

ssize_t pwrite(int file, const void *data, size_t length, off_t offset)
{
    return write_at(file, data, length, offset);
}

ssize_t pwrite64(int file, const void *data, size_t length, off64_t offset)
{
    return write_at(file, data, length, offset);
}

ssize_t write(int file, const void *data, size_t length)
{
    if (name_of(file) == NULL) return syscall(SYS_write, file, data, length);
    if (is_full()) {
        errno = ENOSPC;
        return -1;
    }
    pthread_mutex_lock(&lock);
    off_t offset = syscall(SYS_lseek, file, 0, SEEK_CUR);
    ssize_t count = syscall(SYS_write, file, data, length);
    if (count > 0) note(OP_WRITE, name_of(file), (uint64_t)offset, data, (uint64_t)count);
    pthread_mutex_unlock(&lock);
    return count;
}

static int truncated(int file, off_t size)
{
    pthread_mutex_lock(&lock);
    int status = (int)syscall(SYS_ftruncate, file, size);
    if (status == 0 && name_of(file) != NULL) note(OP_TRUNCATE, name_of(file), (uint64_t)size, NULL, 0);
    pthread_mutex_unlock(&lock);
    return status;
}

int ftruncate(int file, off_t size) { return truncated(file, size); }
int ftruncate64(int file, off64_t size) { return truncated(file, size); }

static int synced(int file, long number)
{
    int status = (int)syscall(number, file);
    const char *name = name_of(file);
    if (status != 0 || name == NULL) return status;
    pthread_mutex_lock(&lock);
    note(strcmp(name, folder) == 0 ? OP_SYNC_FOLDER : OP_SYNC, name, 0, NULL, 0);
    pthread_mutex_unlock(&lock);
    return status;
}

int fsync(int file) { return synced(file, SYS_fsync); }
int fdatasync(int file) { return synced(file, SYS_fdatasync); }

int unlink(const char *path)
{
    int status = (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    if (status == 0 && is_watched(path)) {
        pthread_mutex_lock(&lock);
        note(OP_UNLINK, path, 0, NULL, 0);
        pthread_mutex_unlock(&lock);
    }
    return status;
}

int rename(const char *from, const char *to)
{
    int status = (int)syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to);
    if (status == 0 && is_watched(to)) {
        pthread_mutex_lock(&lock);
        note(OP_RENAME, from, 0, to, strlen(to));
        pthread_mutex_unlock(&lock);
    }
    return status;
}
